/* Primitives and constructive combinations as domains. The boundary is the part of the primitives' faces with the solid
   on one side only. A point where faces of two primitives cross is in none of them or in the face that was drawn; where
   two faces lie on each other, the point belongs to the primitive that comes first. */
#include <stdio.h>
#include <string.h>
#include "solid.h"

void SolidCollectLeaves(Shape shape, Solid *solid)
{
  if (shape->ops) {
    if (solid->leaf) solid->leaf[solid->n_leaf] = shape;
    solid->n_leaf++;
  }
  for (int k = 0; k < shape->n_child; k++) SolidCollectLeaves(shape->child[k], solid);
}

static PetscErrorCode solid_destroy(void *body)
{
  Solid *solid = body;

  PetscFunctionBegin;
  PetscCall(SolidDestroyRegions(solid));
  PetscCall(ShapeDestroy(&solid->root));
  PetscCall(PetscFree(solid->leaf));
  PetscCall(PetscFree(solid->owner));
  PetscCall(PetscFree(solid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool solid_contains(void *body, const double x[])
{
  const Solid *solid = body;
  return ShapeDistance(solid->root, x) <= ROUNDING * solid->size;
}

static double solid_distance(void *body, const double x[])
{
  const Solid *solid = body;
  return ShapeDistance(solid->root, x);
}

static void solid_map(void *body, int part, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Solid *solid = body;
  const Shape root = SolidRegionOf(solid, part) < 0 ? solid->root : SolidBox(solid, part), owner = solid->owner[part];
  if (part > 0 && owner) {
    ShapeMapFace(owner, SolidOwnFace(solid, part), n, unit, ld_unit, x, ld);
  } else if (owner) {
    ShapeMap(owner, n, unit, ld_unit, x, ld);
  } else {
    for (int p = 0; p < n; p++)
      for (int c = 0; c < root->dim; c++) {
        const double u = unit[(size_t)p * ld_unit + (size_t)c];
        x[(size_t)p * ld + (size_t)c] = root->lower[c] * (1 - u) + root->upper[c] * u;
      }
  }
}

static void solid_normal(void *body, int part, const double x[], double normal[])
{
  const Solid *solid = body;
  const Shape owner = solid->owner[part];
  ShapeNormal(owner, SolidOwnFace(solid, part), x, normal);
  for (int c = 0; c < owner->dim && owner->sign < 0; c++) normal[c] = -normal[c];
}

/* Has the solid inside below and outside above this point of a face, and is no primitive before the owner seen there
   with the same orientation? */
bool SolidIsBoundary(const Solid *solid, Shape owner, const double below[], const double above[])
{
  const double half = 0.5 * ASIDE * solid->size;
  if (ShapeDistance(solid->root, below) >= 0 || ShapeDistance(solid->root, above) <= 0) return false;
  for (int l = 0; l < solid->n_leaf && solid->leaf[l] != owner; l++) {
    const double under = solid->leaf[l]->sign * ShapeDistance(solid->leaf[l], below);
    if (!(under < -half && under > -3 * half)) continue;
    const double over = solid->leaf[l]->sign * ShapeDistance(solid->leaf[l], above);
    if (over > half && over < 3 * half) return false;
  }
  return true;
}

static bool accept_face(const Solid *solid, int part, const double x[])
{
  double normal[MAX_TREE_DIM], below[MAX_TREE_DIM], above[MAX_TREE_DIM];
  solid_normal((void *)solid, part, x, normal);
  for (int c = 0; c < solid->root->dim; c++) {
    below[c] = x[c] - ASIDE * solid->size * normal[c];
    above[c] = x[c] + ASIDE * solid->size * normal[c];
  }
  return SolidIsBoundary(solid, solid->owner[part], below, above);
}

static void solid_accept(void *body, int part, int n, const double unit[], size_t ld_unit, const double x[], size_t ld,
                         bool keep[])
{
  const Solid *solid = body;
  const Shape owner = solid->owner[part];
  const bool region = SolidRegionOf(solid, part) >= 0;
  const int face = part > 0 && owner ? SolidOwnFace(solid, part) : -1;
  const bool thinned = face >= 0 && owner->face[face].thinned, tree = solid->n_leaf > 1;

#pragma omp parallel for schedule(static) if (n > 1024)
  for (int p = 0; p < n; p++) {
    const double *xp = x + (size_t)p * ld;
    keep[p] = !thinned || unit[(size_t)p * ld_unit + (size_t)owner->face[face].n_cube] < ShapeDensity(owner, face, xp);
    if (region)
      keep[p] = keep[p] && SolidRegionAccepts(solid, part, xp);
    else if (part == 0)
      keep[p] = ShapeDistance(solid->root, xp) < 0;
    else if (keep[p] && tree)
      keep[p] = accept_face(solid, part, xp);
  }
}

static const BodyOps SolidOps = {
    .destroy = solid_destroy,
    .contains = solid_contains,
    .distance = solid_distance,
    .map = solid_map,
    .accept = solid_accept,
    .normal = solid_normal,
    .within = SolidWithin,
};

/* The plane coordinate = value of space in which a flat face lies. */
static void find_plane(const Solid *solid, int k, Part *part)
{
  const Shape leaf = solid->owner[k];
  const int face = SolidOwnFace(solid, k);
  double unit[MAX_TREE_DIM], x[MAX_TREE_DIM], normal[MAX_TREE_DIM];
  part->plane = -1;
  if (!leaf->ops->flat || !leaf->ops->flat(leaf, face)) return;
  for (int c = 0; c < MAX_TREE_DIM; c++) unit[c] = 0.5;
  ShapeMapFace(leaf, face, 1, unit, MAX_TREE_DIM, x, MAX_TREE_DIM);
  ShapeNormal(leaf, face, x, normal);
  for (int c = 0; c < leaf->dim; c++) {
    if (fabs(normal[c]) < 1 - ROUNDING) continue;
    part->plane = c;
    part->value = x[c];
  }
}

/* A face whose surroundings are clear of every other primitive is boundary as a whole or not at all. */
static bool is_clear(const Solid *solid, Shape leaf)
{
  for (int l = 0; l < solid->n_leaf; l++)
    if (solid->leaf[l] != leaf && !ShapeClearsBall(solid->leaf[l], leaf->center, leaf->radius * (1 + 4 * ASIDE)))
      return false;
  return true;
}

static PetscErrorCode set_name(Shape leaf, const char *face, char **name)
{
  const char *path = strrchr(leaf->where, ' ');
  const char *base = leaf->name ? leaf->name : path ? path + 1 : leaf->where;
  const size_t size = strlen(base) + strlen(face) + 2;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(size, name));
  snprintf(*name, size, "%s%s%s", base, leaf->n_face > 1 ? "." : "", leaf->n_face > 1 ? face : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_faces(const Solid *solid, Product product)
{
  PetscFunctionBegin;
  for (int k = 1; k < solid->n_own; k++) {
    const Shape leaf = solid->owner[k];
    const ShapeFace *face = &leaf->face[SolidOwnFace(solid, k)];
    const bool clear = is_clear(solid, leaf);
    Part *part = &product->part[k];
    *part = (Part){.dim = leaf->dim - 1,
                   .face = true,
                   .n_cube = face->n_cube + face->thinned,
                   .grid = face->grid,
                   .rejects = solid->n_leaf > 1 || face->thinned,
                   .thinned = face->thinned || face->chosen,
                   .log_proposal = face->log_proposal,
                   .log_measure = clear ? face->log_measure : NAN};
    PetscCall(set_name(leaf, face->name, &part->name));
    find_plane(solid, k, part);
    if (!clear || face->thinned) continue;
    double unit[MAX_TREE_DIM], x[MAX_TREE_DIM];
    for (int c = 0; c < MAX_TREE_DIM; c++) unit[c] = 0.3;
    if (solid->n_leaf == 1) continue;
    ShapeMapFace(leaf, SolidOwnFace(solid, k), 1, unit, MAX_TREE_DIM, x, MAX_TREE_DIM);
    part->rejects = !accept_face(solid, k, x); /* of all its points or none */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A primitive that contains the solid, where the bounding box would be too empty. */
static Shape container(Shape shape)
{
  while (!shape->ops && shape->combination != COMBINE_UNION) shape = shape->child[0];
  return shape->ops && shape->fill_cube ? shape : NULL;
}

static PetscErrorCode set_interior(Solid *solid, Product product)
{
  const Shape root = solid->root, fill = container(root);
  Part *part = &product->part[0];

  PetscFunctionBegin;
  solid->owner[0] = root->ops || root->dim > 3 ? fill : NULL;
  *part = (Part){.dim = root->dim,
                 .n_cube = solid->owner[0] ? fill->fill_cube : root->dim,
                 .grid = solid->owner[0] ? fill->fill_grid : GRID_OPEN,
                 .rejects = solid->owner[0] != root,
                 .log_measure = NAN,
                 .plane = -1};
  PetscCall(PetscStrallocpy("interior", &part->name));
  if (solid->owner[0])
    part->log_proposal = fill->log_measure;
  else
    for (int c = 0; c < root->dim; c++) part->log_proposal += log(root->upper[c] - root->lower[c]);
  double closed;
  if (ShapeLogMeasure(root, &closed)) part->log_measure = closed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Words for a shape's name, its faces and those of all its parts; of the root also without a name. */
static PetscErrorCode add_words(Domain domain, const Solid *solid, Shape shape, int first_part, int *next_part)
{
  const char *name = shape->name ? shape->name : "", *dot = shape->name ? "." : "";
  char word[256];
  int *parts, n;

  PetscFunctionBegin;
  if (shape->ops) *next_part = first_part + shape->n_face;
  for (int k = 0, first = first_part; k < shape->n_child; k++, first = *next_part)
    PetscCall(add_words(domain, solid, shape->child[k], first, next_part));
  n = *next_part - first_part;
  PetscCall(PetscMalloc1(n, &parts));
  for (int k = 0; k < n; k++) parts[k] = first_part + k;
  if (shape->name) {
    PinnUserCheck(
        !strpbrk(name, "|&= \t") && *name && FormulaFindCoordinate(domain->formula, name) < 0,
        "%s: '%s' is no name for a shape: it must not be a coordinate or have spaces, |, & or =", shape->where, name);
    PetscCall(ProductAddWord(domain, shape->where, name, n, parts));
    snprintf(word, sizeof(word), "%.200s.walls", name);
    PetscCall(ProductAddWord(domain, shape->where, word, n, parts));
  }
  for (int f = 0; f < shape->n_face && (shape->name || shape == solid->root); f++) {
    if (!shape->name && strchr(shape->face[f].name, '.')) continue; /* x.lower is read as a plane */
    snprintf(word, sizeof(word), "%.180s%s%s", name, dot, shape->face[f].name);
    PetscCall(ProductAddWord(domain, shape->where, word, 1, &parts[f]));
    if (!shape->name || shape != solid->root || strchr(shape->face[f].name, '.')) continue;
    PetscCall(ProductAddWord(domain, shape->where, shape->face[f].name, 1, &parts[f]));
  }
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode describe(Domain domain, const Solid *solid, const char *type)
{
  static const char *const what[] = {"length", "area", "volume"};
  const Part *interior = &((Product)domain->data)->part[0];
  const int dim = solid->root->dim;
  char text[256];
  size_t used = (size_t)snprintf(text, sizeof(text), "%s", type);

  PetscFunctionBegin;
  if (solid->n_leaf > 1) used += (size_t)snprintf(text + used, sizeof(text) - used, " of %d primitives", solid->n_leaf);
  used += (size_t)snprintf(text + used, sizeof(text) - used, " in %d dimension%s", dim, dim > 1 ? "s" : "");
  if (dim <= 3)
    used += (size_t)snprintf(text + used, sizeof(text) - used, ", %s %.6lg", what[dim - 1], exp(interior->log_measure));
  if (domain->error > 0) used += (size_t)snprintf(text + used, sizeof(text) - used, " (to %.0e)", domain->error);
  if (domain->t >= 0)
    snprintf(text + used, sizeof(text) - used, ", t in [%lg, %lg]", domain->lower[domain->t], domain->upper[domain->t]);
  PetscCall(PetscStrallocpy(text, &domain->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode solid_create(Domain domain, Config config)
{
  Product product;
  Solid *solid;
  const char *type;
  int n_part = 1, next;

  PetscFunctionBegin;
  PetscCall(ProductCreate(domain, config, &product));
  PetscCall(PetscNew(&solid));
  product->ops = &SolidOps;
  product->body = solid;
  PetscCall(ShapeCreate(config, "domain", domain->formula, product->first, product->n_space, &solid->root));
  SolidCollectLeaves(solid->root, solid);
  const int n_leaf = solid->n_leaf;
  PetscCall(PetscMalloc1(n_leaf, &solid->leaf));
  solid->n_leaf = 0;
  SolidCollectLeaves(solid->root, solid);
  for (int l = 0; l < n_leaf; n_part += solid->leaf[l++]->n_face) solid->leaf[l]->first_face = n_part - 1;
  PetscCall(PetscMalloc1(n_part, &solid->owner));
  for (int l = 0; l < n_leaf; l++)
    for (int f = 0; f < solid->leaf[l]->n_face; f++) solid->owner[1 + solid->leaf[l]->first_face + f] = solid->leaf[l];
  solid->n_own = product->n_part = n_part;
  PetscCall(PetscCalloc1(n_part, &product->part));
  for (int c = 0; c < product->n_space; c++) {
    domain->lower[product->first + c] = solid->root->lower[c];
    domain->upper[product->first + c] = solid->root->upper[c];
    solid->size = fmax(solid->size, fmax(fabs(solid->root->lower[c]), fabs(solid->root->upper[c])));
  }
  PetscCall(set_interior(solid, product));
  PetscCall(set_faces(solid, product));
  PetscCall(ProductAddBasicWords(domain));
  PetscCall(add_words(domain, solid, solid->root, 1, &next));
  PetscCall(SolidAddRegions(domain, solid, config));
  PetscCall(ProductFinish(domain, solid->root->where));
  PetscCall(ConfigGetString(config, "domain.type", &type));
  PetscCall(describe(domain, solid, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DomainOps DomainOps_Solid = PRODUCT_OPS(solid_create);
