/* The fields of a run on the output grid, with exact solutions, errors and residuals where they are known. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "output_impl.h"

PetscErrorCode OutputFindRegion(Domain domain, const char *name, int *region)
{
  PetscFunctionBegin;
  *region = -1;
  if (name) PetscCall(DomainFindRegion(domain, "output", name, region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void OutputLeaveRegion(Domain domain, int region, int n, const double x[], double values[])
{
  const size_t dim = (size_t)DomainDimension(domain);
  for (int i = 0; i < n && region >= 0; i++)
    if (!DomainRegionContains(domain, region, x + (size_t)i * dim)) values[i] = NAN;
}

static void add_array(OutputArrays *arrays, FormulaNode node, int error_of, const char *prefix, const char *name,
                      int region)
{
  arrays->region[arrays->n] = region;
  snprintf(arrays->names[arrays->n], sizeof(arrays->names[0]), "%s%s", prefix, name);
  arrays->nodes[arrays->n] = node;
  arrays->error_of[arrays->n++] = error_of;
}

/* u, exact_u and error_u by field, then residual_NAME by equation. The error is |u - exact|. */
static PetscErrorCode list_arrays(Problem problem, Domain domain, OutputArrays *arrays)
{
  int region;
  PetscFunctionBegin;
  for (int f = 0; f < ProblemFields(problem); f++) {
    const char *name = ProblemFieldName(problem, f);
    const int field = arrays->n;
    PetscCall(OutputFindRegion(domain, ProblemFieldRegion(problem, f), &region));
    add_array(arrays, ProblemField(problem, f), -1, "", name, region);
    if (ProblemExact(problem, f) < 0) continue;
    add_array(arrays, ProblemExact(problem, f), -1, "exact_", name, region);
    add_array(arrays, -1, field, "error_", name, region);
  }
  for (int b = 0; b < ProblemInteriorBlocks(problem); b++) {
    const Block *interior = ProblemBlock(problem, b);
    PetscCall(OutputFindRegion(domain, strcmp(interior->on, "interior") ? interior->on : NULL, &region));
    for (int e = 0; e < interior->n_term; e++)
      add_array(arrays, interior->terms[e].node, -1, "residual_", interior->terms[e].name, region);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutputArraysEvaluate(Problem problem, Domain domain, const Slabs *slabs, const OutputArrays *arrays,
                                    const PointSet *points, double *const values[])
{
  PetscFunctionBegin;
  for (int a = 0; a < arrays->n; a++) {
    const FormulaNode node = arrays->nodes[a];
    if (node < 0) continue;
    if (FormulaUsesNormal(ProblemFormula(problem), node)) {
      for (int i = 0; i < points->n; i++) values[a][i] = NAN;
      continue;
    }
    PetscCall(SlabsEvaluate(problem, slabs, 1, &node, points->n, points->x, values[a]));
  }
  for (int a = 0; a < arrays->n; a++) {
    const int field = arrays->error_of[a];
    if (field < 0) continue;
    for (int i = 0; i < points->n; i++) values[a][i] = fabs(values[field][i] - values[field + 1][i]);
  }
  for (int a = 0; a < arrays->n; a++) OutputLeaveRegion(domain, arrays->region[a], points->n, points->x, values[a]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int most_arrays(Problem problem)
{
  return 3 * ProblemFields(problem) + ProblemInteriorTerms(problem);
}

PetscErrorCode OutputArraysCreate(Problem problem, Domain domain, int n_point, OutputArrays *arrays)
{
  const int most = most_arrays(problem);
  PetscFunctionBegin;
  *arrays = (OutputArrays){0};
  PetscCall(PetscMalloc6(most, &arrays->names, most, &arrays->nodes, most, &arrays->error_of, most, &arrays->region,
                         most, &arrays->titles, most, &arrays->values));
  PetscCall(list_arrays(problem, domain, arrays));
  PetscCall(PetscMalloc1((size_t)arrays->n * (size_t)n_point, &arrays->storage));
  for (int a = 0; a < arrays->n; a++) {
    arrays->titles[a] = arrays->names[a];
    arrays->values[a] = arrays->storage + (size_t)a * (size_t)n_point;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutputArraysDestroy(OutputArrays *arrays)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(arrays->storage));
  PetscCall(PetscFree6(arrays->names, arrays->nodes, arrays->error_of, arrays->region, arrays->titles, arrays->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bytes a node: what SnapshotWrite holds, the cells, and the file, which one rank builds in memory and copies. */
static double node_bytes(Problem problem, int dim)
{
  const double held = 8.0 * (dim + most_arrays(problem)) + 1.0, cell = 8.0 * (1 << PetscMin(dim, 3));
  return held + cell + 2.0 * (held + cell + 24.0 + 8.0);
}

PetscErrorCode SnapshotCheck(MPI_Comm comm, Config config, Problem problem, Domain domain)
{
  const int dim = DomainDimension(domain);
  PetscInt grid[3];
  bool has_grid;
  PetscFunctionBegin;
  PetscCall(OutputGrid(comm, config, "output.grid", dim, node_bytes(problem, dim), grid, &has_grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SnapshotWrite(MPI_Comm comm, Config config, Problem problem, Domain domain, const Slabs *slabs,
                             const char *path, bool *written)
{
  const int dim = DomainDimension(domain);
  OutputArrays arrays;
  bool *inside;
  PetscInt grid[3];
  PointSet points;
  PetscFunctionBegin;
  PetscCall(OutputGrid(comm, config, "output.grid", dim, node_bytes(problem, dim), grid, written));
  if (!*written) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PointSetGrid(comm, domain, grid, &points));
  PetscCall(OutputArraysCreate(problem, domain, points.n, &arrays));
  PetscCall(PetscMalloc1(points.n, &inside));
  for (int i = 0; i < points.n; i++) inside[i] = DomainContains(domain, points.x + (size_t)i * (size_t)dim);
  PetscCall(OutputArraysEvaluate(problem, domain, slabs, &arrays, &points, arrays.values));
  PetscCall(FieldsWrite(comm, path, dim, grid, &points, arrays.n, arrays.titles, (const double *const *)arrays.values,
                        inside, ConfigText(config)));
  PetscCall(PetscFree(inside));
  PetscCall(OutputArraysDestroy(&arrays));
  PetscCall(PointSetDestroy(&points));
  PetscFunctionReturn(PETSC_SUCCESS);
}
