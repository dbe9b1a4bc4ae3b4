/* Lines and planes through a domain of any dimension, each in a file like that of the fields: what a grid of the whole
   cannot show. */
#include <stdio.h>
#include <string.h>
#include "output_impl.h"

#define NUMBERS          32000000 /* of coordinates of points that are evaluated at once */
#define MOST_SLICE_NODES 16000000

typedef struct {
  const char *name;
  int n_vary, vary[2];
  PetscInt count[2];
  double lower[2], upper[2];
  double *base; /* [dim] where the others are */
} Slice;

static PetscErrorCode find_coordinate(Config config, const char *path, Formula formula, const char *name, int *coord)
{
  PetscFunctionBegin;
  *coord = FormulaFindCoordinate(formula, name);
  PinnUserCheck(*coord >= 0, "%s: '%s' is not a coordinate", ConfigWhere(config, path), name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One number for each coordinate that varies, or one for all; fallback where the key is absent. */
static PetscErrorCode read_bound(Config config, const char *path, const Slice *slice, const double fallback[],
                                 double bound[])
{
  const PetscReal *values;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, path, &n, &values));
  PinnUserCheck(n <= 1 || n == slice->n_vary, "%s: %d numbers for %d coordinates", ConfigWhere(config, path), n,
                slice->n_vary);
  for (int i = 0; i < slice->n_vary; i++) bound[i] = n ? values[n == 1 ? 0 : i] : fallback[slice->vary[i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_fixed(Config config, int k, Formula formula, Slice *slice)
{
  const char *path = ConfigPath("output.slices[%d].fixed", k), *const * names;
  const PetscReal *at;
  int n, n_at;
  PetscFunctionBegin;
  PetscCall(ConfigGetStrings(config, path, &n, &names));
  PetscCall(ConfigGetReals(config, ConfigPath("output.slices[%d].at", k), &n_at, &at));
  PinnUserCheck(n == n_at, "%s: %d coordinates are fixed at %d values", ConfigWhere(config, path), n, n_at);
  for (int i = 0; i < n; i++) {
    int coord;
    PetscCall(find_coordinate(config, path, formula, names[i], &coord));
    for (int j = 0; j < slice->n_vary; j++)
      PinnUserCheck(coord != slice->vary[j], "%s: '%s' varies", ConfigWhere(config, path), names[i]);
    slice->base[coord] = at[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_vary(Config config, int k, Formula formula, Slice *slice)
{
  const char *path = ConfigPath("output.slices[%d].vary", k), *const * names;
  PetscFunctionBegin;
  PetscCall(ConfigGetStrings(config, path, &slice->n_vary, &names));
  PinnUserCheck(slice->n_vary >= 1 && slice->n_vary <= 2, "%s: a slice varies one coordinate or two, not %d",
                ConfigWhere(config, path), slice->n_vary);
  for (int i = 0; i < slice->n_vary; i++) PetscCall(find_coordinate(config, path, formula, names[i], &slice->vary[i]));
  PinnUserCheck(slice->n_vary < 2 || slice->vary[0] != slice->vary[1], "%s: '%s' is named twice",
                ConfigWhere(config, path), names[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_name(Config config, int k, Slice *slice)
{
  const char *path = ConfigPath("output.slices[%d].name", k), *other;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, path, &slice->name));
  PinnUserCheck(slice->name[0] && strlen(slice->name) < 64 && !strchr(slice->name, '/'),
                "%s: '%s' cannot be a part of a file's name", ConfigWhere(config, path), slice->name);
  for (int i = 0; i < k; i++) {
    PetscCall(ConfigGetString(config, ConfigPath("output.slices[%d].name", i), &other));
    PinnUserCheck(strcmp(other, slice->name), "%s: two slices are called '%s'", ConfigWhere(config, path), other);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* base is the caller's, [dim]. */
static PetscErrorCode read_slice(Config config, int k, Formula formula, Domain domain, Slice *slice)
{
  const char *path = ConfigPath("output.slices[%d].count", k);
  const double *lower, *upper;
  const PetscInt *counts;
  int n;
  PetscFunctionBegin;
  PetscCall(read_name(config, k, slice));
  PetscCall(read_vary(config, k, formula, slice));
  PetscCall(ConfigGetInts(config, path, &n, &counts));
  PinnUserCheck(n == 1 || n == slice->n_vary, "%s: %d numbers for %d coordinates", ConfigWhere(config, path), n,
                slice->n_vary);
  DomainBounds(domain, &lower, &upper);
  for (int i = 0; i < DomainDimension(domain); i++) slice->base[i] = 0.5 * (lower[i] + upper[i]);
  PetscCall(read_fixed(config, k, formula, slice));
  PetscCall(read_bound(config, ConfigPath("output.slices[%d].lower", k), slice, lower, slice->lower));
  PetscCall(read_bound(config, ConfigPath("output.slices[%d].upper", k), slice, upper, slice->upper));
  for (int i = 0; i < slice->n_vary; i++) {
    slice->count[i] = counts[n == 1 ? 0 : i];
    PinnUserCheck(slice->lower[i] < slice->upper[i], "%s: from %g to %g is no range", ConfigWhere(config, path),
                  slice->lower[i], slice->upper[i]);
  }
  const double nodes = (double)slice->count[0] * (slice->n_vary > 1 ? (double)slice->count[1] : 1.0);
  PinnUserCheck(nodes <= MOST_SLICE_NODES, "%s: %.0f nodes are more than the %d of a slice", ConfigWhere(config, path),
                nodes, MOST_SLICE_NODES);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's share of the slice's nodes, in the coordinates that vary. */
static PetscErrorCode place_nodes(MPI_Comm comm, const Slice *slice, PointSet *points)
{
  const PetscInt count = slice->count[0] * (slice->n_vary > 1 ? slice->count[1] : 1);
  double *x;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)count * (size_t)slice->n_vary, &x));
  for (PetscInt node = 0; node < count; node++) {
    PetscInt index = node;
    for (int i = 0; i < slice->n_vary; index /= slice->count[i++]) {
      const double t = (double)(index % slice->count[i]) / (double)(slice->count[i] - 1);
      x[node * slice->n_vary + i] = slice->lower[i] + t * (slice->upper[i] - slice->lower[i]);
    }
  }
  PetscCall(PointSetGiven(comm, count, slice->n_vary, x, points));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values at the slice's points, some of them at a time with all their coordinates; inside [points->n]. */
static PetscErrorCode evaluate(Problem problem, Domain domain, const Slabs *slabs, const Slice *slice,
                               const PointSet *points, const OutputArrays *arrays, bool inside[])
{
  const size_t dim = (size_t)DomainDimension(domain);
  const int most = PetscMax(1, PetscMin(points->n, NUMBERS / (int)dim));
  double *x, **values;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)most * dim, &x, arrays->n, &values));
  for (int begin = 0; begin < points->n; begin += most) {
    const PointSet part = {.count = most, .n = PetscMin(most, points->n - begin), .dim = (int)dim, .x = x};
    for (int p = 0; p < part.n; p++) {
      memcpy(x + (size_t)p * dim, slice->base, dim * sizeof(double));
      for (int i = 0; i < slice->n_vary; i++)
        x[(size_t)p * dim + (size_t)slice->vary[i]] = points->x[(begin + p) * slice->n_vary + i];
      inside[begin + p] = DomainContains(domain, x + (size_t)p * dim);
    }
    for (int a = 0; a < arrays->n; a++) values[a] = arrays->values[a] + begin;
    PetscCall(OutputArraysEvaluate(problem, domain, slabs, arrays, &part, values));
  }
  PetscCall(PetscFree2(x, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_slice(MPI_Comm comm, Config config, Problem problem, Domain domain, const Slabs *slabs,
                                  const Slice *slice, const char *path)
{
  OutputArrays arrays;
  PointSet points;
  bool *inside;
  PetscFunctionBegin;
  PetscCall(place_nodes(comm, slice, &points));
  PetscCall(OutputArraysCreate(problem, domain, points.n, &arrays));
  PetscCall(PetscMalloc1(points.n, &inside));
  PetscCall(evaluate(problem, domain, slabs, slice, &points, &arrays, inside));
  const FieldsMesh mesh = {slice->n_vary, slice->count, inside, NULL};
  PetscCall(FieldsWrite(comm, path, &mesh, &points, arrays.n, arrays.titles, (const double *const *)arrays.values,
                        ConfigText(config)));
  PetscCall(PetscFree(inside));
  PetscCall(OutputArraysDestroy(&arrays));
  PetscCall(PointSetDestroy(&points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SlicesCheck(Config config, Problem problem, Domain domain)
{
  Slice slice;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(DomainDimension(domain), &slice.base));
  for (int k = 0; k < ConfigCount(config, "output.slices"); k++)
    PetscCall(read_slice(config, k, ProblemFormula(problem), domain, &slice));
  PetscCall(PetscFree(slice.base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SlicesWrite(MPI_Comm comm, Config config, Problem problem, Domain domain, const Slabs *slabs,
                           Folder folder)
{
  Slice slice;
  char file[96];
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(DomainDimension(domain), &slice.base));
  for (int k = 0; k < ConfigCount(config, "output.slices"); k++) {
    PetscCall(read_slice(config, k, ProblemFormula(problem), domain, &slice));
    snprintf(file, sizeof(file), "slice-%s.vtkhdf", slice.name);
    PetscCall(write_slice(comm, config, problem, domain, slabs, &slice, FolderPath(folder, file)));
  }
  PetscCall(PetscFree(slice.base));
  PetscFunctionReturn(PETSC_SUCCESS);
}
