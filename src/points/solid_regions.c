/* Shapes that cut a solid in regions. A point belongs to the first shape that holds it, else to the rest; a region ends
   where its shape does within the solid and outside of the regions before it. */
#include <stdio.h>
#include <string.h>
#include "solid.h"

PetscErrorCode SolidDestroyRegions(Solid *solid)
{
  PetscFunctionBegin;
  for (int r = 0; r < solid->n_region; r++) {
    PetscCall(ShapeDestroy(&solid->region[r].root));
    PetscCall(PetscFree(solid->region[r].leaf));
  }
  PetscCall(PetscFree(solid->region));
  PetscCall(PetscFree(solid->of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

Shape SolidBox(const Solid *solid, int part)
{
  const int r = SolidRegionOf(solid, part);
  return r < solid->n_region ? solid->region[r].root : solid->root;
}

static int region_at(const Solid *solid, const double x[])
{
  int r = 0;
  while (r < solid->n_region && ShapeDistance(solid->region[r].root, x) > 0) r++;
  return r;
}

bool SolidWithin(void *body, int part, const double x[])
{
  const Solid *solid = body;
  return part < solid->n_own || region_at(solid, x) == SolidRegionOf(solid, part);
}

bool SolidRegionAccepts(const Solid *solid, int part, const double x[])
{
  const int r = SolidRegionOf(solid, part), dim = solid->root->dim;
  const Shape owner = solid->owner[part];
  double normal[MAX_TREE_DIM], below[MAX_TREE_DIM], above[MAX_TREE_DIM];
  if (!owner) return ShapeDistance(solid->root, x) < 0 && region_at(solid, x) == r;
  ShapeNormal(owner, SolidOwnFace(solid, part), x, normal);
  for (int c = 0; c < dim; c++) {
    const double aside = owner->sign * ASIDE * solid->size * normal[c];
    below[c] = x[c] - aside, above[c] = x[c] + aside;
  }
  return SolidIsBoundary(&solid->region[r], owner, below, above) && region_at(solid, below) == r &&
         region_at(solid, above) != r && ShapeDistance(solid->root, below) < 0 && ShapeDistance(solid->root, above) < 0;
}

static PetscErrorCode read_region(Domain domain, Config config, int r, Solid *solid)
{
  const Product product = domain->data;
  Solid *region = &solid->region[r];
  char path[64];
  PetscFunctionBegin;
  snprintf(path, sizeof(path), "domain.regions[%d]", r);
  PetscCall(ShapeCreate(config, path, domain->formula, product->first, product->n_space, &region->root));
  const char *where = region->root->where, *name = region->root->name;
  PinnUserCheck(name && *name, "%s: a region needs a name", where);
  PinnUserCheck(!strpbrk(name, "|&= \t.") && FormulaFindCoordinate(domain->formula, name) < 0,
                "%s: '%s' is no name for a region: it must not be a coordinate or have spaces, dots, |, & or =", where,
                name);
  region->size = solid->size;
  SolidCollectLeaves(region->root, region);
  PetscCall(PetscMalloc1(region->n_leaf, &region->leaf));
  region->n_leaf = 0;
  SolidCollectLeaves(region->root, region);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for n more parts. */
static PetscErrorCode add_parts(Solid *solid, Product product, int n)
{
  const int n_part = product->n_part + n;
  PetscFunctionBegin;
  PetscCall(PetscRealloc((size_t)n_part * sizeof(Part), &product->part));
  PetscCall(PetscRealloc((size_t)n_part * sizeof(Shape), &solid->owner));
  PetscCall(PetscRealloc((size_t)(n_part - solid->n_own) * sizeof(int), &solid->of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_part(Solid *solid, Product product, int r, Shape owner, Part part, const char *name)
{
  const int k = product->n_part;
  PetscFunctionBegin;
  product->part[k] = part;
  solid->owner[k] = owner;
  solid->of[k - solid->n_own] = r;
  PetscCall(PetscStrallocpy(name, &product->part[k].name));
  product->n_part++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_volume(Solid *solid, Product product, int r, const char *name)
{
  const Shape box = r < solid->n_region ? solid->region[r].root : solid->root;
  Part part = {.dim = box->dim, .n_cube = box->dim, .rejects = true, .log_measure = NAN, .plane = -1};
  PetscFunctionBegin;
  for (int c = 0; c < box->dim; c++) part.log_proposal += log(box->upper[c] - box->lower[c]);
  PetscCall(add_part(solid, product, r, NULL, part, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_surface(Solid *solid, Product product, int r, const char *name)
{
  const Solid *region = &solid->region[r];
  PetscFunctionBegin;
  for (int l = 0; l < region->n_leaf; l++) {
    const Shape leaf = region->leaf[l];
    leaf->first_face = product->n_part - 1;
    for (int f = 0; f < leaf->n_face; f++) {
      const ShapeFace *face = &leaf->face[f];
      const Part part = {.dim = leaf->dim - 1,
                         .cut = true,
                         .n_cube = face->n_cube + face->thinned,
                         .grid = face->grid,
                         .rejects = true,
                         .thinned = face->thinned || face->chosen,
                         .log_proposal = face->log_proposal,
                         .log_measure = NAN,
                         .plane = -1};
      PetscCall(add_part(solid, product, r, leaf, part, name));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A word for the parts from `first` on. */
static PetscErrorCode add_word(Domain domain, const char *where, const char *word, int first)
{
  const Product product = domain->data;
  const int n = product->n_part - first;
  int *parts;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &parts));
  for (int k = 0; k < n; k++) parts[k] = first + k;
  PetscCall(ProductAddWord(domain, where, word, n, parts));
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SolidAddRegions(Domain domain, Solid *solid, Config config)
{
  const Product product = domain->data;
  const int n = ConfigCount(config, "domain.regions");
  int n_face = 0;
  char word[256];
  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(n, &solid->region));
  for (int r = 0; r < n; r++) {
    solid->n_region++;
    PetscCall(read_region(domain, config, r, solid));
    for (int l = 0; l < solid->region[r].n_leaf; l++) n_face += solid->region[r].leaf[l]->n_face;
  }
  PetscCall(add_parts(solid, product, n_face + n + 1));
  for (int r = 0; r < n; r++) {
    const Shape root = solid->region[r].root;
    snprintf(word, sizeof(word), "%.200s.surface", root->name);
    int first = product->n_part;
    PetscCall(add_surface(solid, product, r, word));
    PetscCall(add_word(domain, root->where, word, first));
    first = product->n_part;
    PetscCall(add_volume(solid, product, r, root->name));
    PetscCall(add_word(domain, root->where, root->name, first));
  }
  const int first = product->n_part;
  PetscCall(add_volume(solid, product, n, "rest"));
  PetscCall(add_word(domain, ConfigWhere(config, "domain.regions"), "rest", first));
  PetscFunctionReturn(PETSC_SUCCESS);
}
