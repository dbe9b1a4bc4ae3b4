/* Domains: the table of shapes and what they have in common. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "product.h"
#include "shape.h"

extern const DomainOps DomainOps_Box;
extern const ShapeOps ShapeOps_Box, ShapeOps_Ellipse, ShapeOps_Ellipsoid, ShapeOps_Shell, ShapeOps_Cylinder,
    ShapeOps_Torus, ShapeOps_Triangle, ShapeOps_Polygon, ShapeOps_STL;

#define SOLID(shape)                                                                                                   \
  &(const DomainType)                                                                                                  \
  {                                                                                                                    \
    &DomainOps_Solid, shape, COMBINE_NONE                                                                              \
  }
#define COMBINED(how)                                                                                                  \
  &(const DomainType)                                                                                                  \
  {                                                                                                                    \
    &DomainOps_Solid, NULL, how                                                                                        \
  }

static const Choice rows[] = {
    {"box", "product of intervals, from lower to upper",
     &(const DomainType){&DomainOps_Box, &ShapeOps_Box, COMBINE_NONE}},
    {"ball", "ball of any dimension, by center and radius", SOLID(&ShapeOps_Ball)},
    {"balls", "union of balls of one radius, by centers",
     &(const DomainType){&DomainOps_Solid, &ShapeOps_Ball, COMBINE_UNION}},
    {"ellipse", "ellipse in the plane, by center and radii", SOLID(&ShapeOps_Ellipse)},
    {"ellipsoid", "ellipsoid in space, by center and radii", SOLID(&ShapeOps_Ellipsoid)},
    {"shell", "spherical shell or ring, by center, inner and radius", SOLID(&ShapeOps_Shell)},
    {"cylinder", "circular cylinder, from one end to the other, by radius", SOLID(&ShapeOps_Cylinder)},
    {"torus", "torus, by center, axis, radius and tube", SOLID(&ShapeOps_Torus)},
    {"triangle", "triangle in the plane, by vertices", SOLID(&ShapeOps_Triangle)},
    {"polygon", "polygon in the plane that does not cut itself, by vertices", SOLID(&ShapeOps_Polygon)},
    {"stl", "what a closed surface of triangles holds, from an STL file", SOLID(&ShapeOps_STL)},
    {"union", "what lies in any of the shapes", COMBINED(COMBINE_UNION)},
    {"intersection", "what lies in all of the shapes", COMBINED(COMBINE_INTERSECTION)},
    {"difference", "the first shape without the others", COMBINED(COMBINE_DIFFERENCE)},
    {"mesh", "mesh from a file that PETSc's DMPlex reads, such as Gmsh's",
     &(const DomainType){&DomainOps_Mesh, NULL, COMBINE_NONE}},
    {NULL, NULL, NULL},
};
const ChoiceTable DomainTable = {"domain", "shape on which the equations hold", rows};

static PetscErrorCode create_domain(Config config, Formula formula, const double slab[2], Domain *domain)
{
  const char *type;
  Domain d;

  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "domain.type", &type));
  const Choice *row = ChoiceFind(&DomainTable, type);
  PetscCheck(row, PETSC_COMM_SELF, PETSC_ERR_PLIB, "domain type '%s' passed the reader", type);
  PetscCall(PetscNew(&d));
  *domain = d;
  d->ops = ((const DomainType *)row->data)->domain;
  if (ConfigCount(config, "domain.regions") && d->ops == &DomainOps_Box) d->ops = &DomainOps_Solid;
  d->formula = formula;
  d->dim = FormulaCoordinates(formula);
  d->t = FormulaFindCoordinate(formula, "t");
  PetscCall(PetscMalloc2(d->dim, &d->lower, d->dim, &d->upper));
  if (slab) {
    d->slab = true;
    PetscCall(PetscArraycpy(d->whole, slab, 2)); /* until DomainCutTime */
  }
  PetscCall(d->ops->create(d, config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainCreate(Config config, Formula formula, Domain *domain)
{
  PetscFunctionBegin;
  PetscCall(create_domain(config, formula, NULL, domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainCreateSlab(Config config, Formula formula, const double times[2], Domain *domain)
{
  PetscFunctionBegin;
  PetscCall(create_domain(config, formula, times, domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void DomainCutTime(Domain domain)
{
  if (!domain->slab) return;
  const double first = domain->lower[domain->t], last = domain->upper[domain->t];
  domain->lower[domain->t] = domain->whole[0];
  domain->upper[domain->t] = domain->whole[1];
  domain->whole[0] = first;
  domain->whole[1] = last;
}

bool DomainLeavesPlane(Domain domain, const Selector *plane)
{
  if (!domain->slab || plane->coord != domain->t || plane->cut) return false;
  const double slack = ROUNDING * fmax(fabs(domain->whole[0]), fabs(domain->whole[1])), t = plane->value;
  const double lower = domain->lower[domain->t], upper = domain->upper[domain->t];
  const bool first = lower == domain->whole[0];
  return t > upper + slack || t < lower - slack || (!first && t <= lower + slack);
}

bool DomainOwns(Domain domain, const double x[])
{
  if (!domain->slab) return true;
  const double t = x[domain->t], lower = domain->lower[domain->t], upper = domain->upper[domain->t];
  return (t > lower || lower == domain->whole[0]) && (t <= upper || upper == domain->whole[1]);
}

PetscErrorCode DomainDestroy(Domain *domain)
{
  PetscFunctionBegin;
  if (!*domain) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*domain)->ops->destroy) PetscCall((*domain)->ops->destroy(*domain));
  PetscCall(PetscFree2((*domain)->lower, (*domain)->upper));
  for (int w = 0; w < (*domain)->n_word; w++) PetscCall(PetscFree((*domain)->word[w]));
  PetscCall(PetscFree((*domain)->word));
  PetscCall(PetscFree((*domain)->text));
  PetscCall(PetscFree(*domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainAddWord(Domain domain, const char *format, ...)
{
  char text[256];
  va_list arguments;

  PetscFunctionBegin;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (domain->n_word == domain->word_capacity) {
    domain->word_capacity = 2 * domain->word_capacity + 4;
    PetscCall(PetscRealloc((size_t)domain->word_capacity * sizeof(char *), &domain->word));
  }
  PetscCall(PetscStrallocpy(text, &domain->word[domain->n_word++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainReadTime(Domain domain, Config config)
{
  const PetscReal *time;
  int n;

  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, "domain.time", &n, &time));
  PinnUserCheck(n == 0 || domain->t >= 0, "%s: the coordinates have no t", ConfigWhere(config, "domain.time"));
  if (domain->t < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck(n, "%s: the interval of t is missing: time = [ FIRST, LAST ]", ConfigWhere(config, "domain"));
  PinnUserCheck(n == 2 && time[0] < time[1], "%s: two rising numbers are wanted, the first and the last time",
                ConfigWhere(config, "domain.time"));
  domain->lower[domain->t] = time[0];
  domain->upper[domain->t] = time[1];
  DomainCutTime(domain);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int DomainDimension(Domain domain)
{
  return domain->dim;
}

void DomainBounds(Domain domain, const double **lower, const double **upper)
{
  *lower = domain->lower;
  *upper = domain->upper;
}

bool DomainContains(Domain domain, const double x[])
{
  return domain->ops->contains(domain, x);
}

PetscErrorCode DomainFindRegion(Domain domain, const char *where, const char *name, int *region)
{
  Region r;

  PetscFunctionBegin;
  PetscCall(RegionCreate(domain, where, name, &r));
  const int dim = RegionFreeDimensions(r);
  PetscCall(RegionDestroy(&r));
  *region = -1;
  for (int w = 0; w < domain->n_word; w++)
    if (!strcmp(domain->word[w], name)) *region = w;
  PinnUserCheck(*region >= 0 && dim == domain->dim && domain->ops->within, "%s: '%s' is no region of the domain", where,
                name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool DomainRegionContains(Domain domain, int region, const double x[])
{
  return domain->ops->within(domain, region, x);
}

double DomainDistance(Domain domain, const double x[])
{
  return domain->ops->distance(domain, x);
}

void DomainMeasure(Domain domain, double *measure, double *error)
{
  *measure = exp(domain->log_measure);
  *error = *measure * domain->error;
}

const char *DomainDescribe(Domain domain)
{
  return domain->text;
}

/* The faces of space and the first time, one by one. */
static PetscErrorCode list_faces(Domain domain, PieceList *faces)
{
  Selector selector = {.where = "", .word = -1, .coord = domain->t};
  PieceList start = {0};

  PetscFunctionBegin;
  for (int w = 0; w < domain->n_word && selector.word < 0; w++)
    if (!strcmp(domain->word[w], "walls")) selector.word = w;
  PetscCall(domain->ops->select(domain, &selector, faces));
  if (domain->t >= 0) {
    selector.word = -1;
    selector.value = domain->lower[domain->t];
    PetscCall(domain->ops->select(domain, &selector, &start));
    for (int p = 0; p < start.n; p++) PetscCall(PieceListAdd(faces, &start.piece[p]));
    PetscCall(PieceListDestroy(&start));
  }
  if (domain->ops->finish) PetscCall(domain->ops->finish(domain, faces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainUncovered(Domain domain, int n, const Region regions[], char *text, size_t size)
{
  PieceList faces = {0};
  size_t used = 0;

  PetscFunctionBegin;
  text[0] = 0;
  if (domain->t == 0 && domain->dim == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(list_faces(domain, &faces));
  for (int p = 0; p < faces.n && used < size; p++) {
    char name[256];
    bool covered = false;
    for (int r = 0; r < n && !covered; r++)
      for (int q = 0; q < regions[r]->pieces.n && !covered; q++)
        covered = PieceContains(&regions[r]->pieces.piece[q], &faces.piece[p]);
    if (covered) continue;
    domain->ops->name(domain, &faces.piece[p], name, sizeof(name));
    used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
  }
  PetscCall(PieceListDestroy(&faces));
  PetscFunctionReturn(PETSC_SUCCESS);
}
