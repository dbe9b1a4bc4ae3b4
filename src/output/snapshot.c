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

static const PetscInt default_times = 41; /* on a mesh, where the case names none */

/* Bytes a node: what SnapshotWrite holds, the cells, and the file, which one rank builds in memory and copies. */
static double node_bytes(Problem problem, int dim)
{
  const double held = 8.0 * (dim + most_arrays(problem)) + 1.0, cell = 8.0 * (1 << PetscMin(dim, 3));
  return held + cell + 2.0 * (held + cell + 24.0 + 8.0);
}

enum { ON_AUTO, ON_MESH, ON_GRID };

static const Choice on_rows[] = {
    {"auto", "on the mesh of a domain that has one, else on a grid", NULL},
    {"mesh", "at the vertices of the domain's mesh", NULL},
    {"grid", "at the nodes of a regular grid, whose cells are cut along the boundary of the domain", NULL},
    {NULL, NULL, NULL},
};
const ChoiceTable OutputOnTable = {"output.on", "where fields.vtkhdf has the fields", on_rows};

typedef struct {
  bool own; /* the domain's mesh, of whose nodes only those of time count */
  PetscInt n[3];
} Nodes;

/* Of its own mesh: nodes of t. */
static PetscErrorCode read_times(MPI_Comm comm, Config config, Problem problem, Domain domain, Nodes *nodes)
{
  const int dim = DomainDimension(domain), t = FormulaFindCoordinate(ProblemFormula(problem), "t");
  const char *path = "output.grid", *where = ConfigWhere(config, path);
  const PetscInt *read;
  PetscMPIInt n_rank;
  int n;
  bool has_grid;
  PetscFunctionBegin;
  PetscCall(ConfigGetInts(config, path, &n, &read));
  PinnUserCheck(!n || t >= 0, "%s: the fields are written on the domain's mesh: output.on = \"grid\" takes a grid",
                where);
  PinnUserCheck(n <= 1, "%s: %d numbers, but the fields are written on the domain's mesh: one, for the times", where,
                n);
  if (t < 0) PetscFunctionReturn(PETSC_SUCCESS);
  nodes->n[t] = default_times;
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  const double bytes = node_bytes(problem, dim) * (double)DomainMeshVertices(domain) * n_rank;
  if (n) PetscCall(OutputGrid(comm, config, path, 1, bytes, &nodes->n[t], &has_grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_nodes(MPI_Comm comm, Config config, Problem problem, Domain domain, Nodes *nodes, bool *some)
{
  const int dim = DomainDimension(domain);
  const bool shape = DomainHasShape(domain);
  const char *word;
  PetscMPIInt n_rank;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "output.on", &word));
  const Choice *on = ChoiceFind(&OutputOnTable, word);
  PinnUserCheck(on != &on_rows[ON_MESH] || DomainMeshVertices(domain),
                "%s: the domain has no mesh: \"grid\" makes one that ends at its boundary",
                ConfigWhere(config, "output.on"));
  nodes->own = on != &on_rows[ON_GRID] && DomainMeshVertices(domain);
  *some = dim <= 3;
  if (nodes->own && *some) {
    PetscCall(read_times(comm, config, problem, domain, nodes));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  const double bytes = node_bytes(problem, dim) * (shape ? n_rank : 1); /* every rank holds a tiling */
  PetscCall(OutputGrid(comm, config, "output.grid", dim, bytes, nodes->n, some));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SnapshotCheck(MPI_Comm comm, Config config, Problem problem, Domain domain)
{
  Nodes nodes;
  bool some;
  PetscFunctionBegin;
  PetscCall(read_nodes(comm, config, problem, domain, &nodes, &some));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SnapshotWrite(MPI_Comm comm, Config config, Problem problem, Domain domain, const Slabs *slabs,
                             const char *path, bool *written)
{
  const int dim = DomainDimension(domain);
  const bool shape = DomainHasShape(domain);
  OutputArrays arrays;
  PointSet points;
  Tiling tiling = {0};
  Nodes nodes;
  PetscFunctionBegin;
  PetscCall(read_nodes(comm, config, problem, domain, &nodes, written));
  if (!*written) PetscFunctionReturn(PETSC_SUCCESS);
  if (shape) {
    PetscCall(TilingCreate(domain, nodes.own, nodes.n, &tiling));
    PetscCall(PointSetGiven(comm, tiling.n_node, dim, tiling.x, &points));
  } else {
    PetscCall(PointSetGrid(comm, domain, nodes.n, &points));
  }
  const FieldsMesh mesh = {dim, nodes.n, NULL, shape ? &tiling : NULL};
  PetscCall(OutputArraysCreate(problem, domain, points.n, &arrays));
  PetscCall(OutputArraysEvaluate(problem, domain, slabs, &arrays, &points, arrays.values));
  PetscCall(FieldsWrite(comm, path, &mesh, &points, arrays.n, arrays.titles, (const double *const *)arrays.values,
                        ConfigText(config)));
  PetscCall(OutputArraysDestroy(&arrays));
  PetscCall(PointSetDestroy(&points));
  PetscCall(TilingDestroy(&tiling));
  PetscFunctionReturn(PETSC_SUCCESS);
}
