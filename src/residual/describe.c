/* What a person is told about the rows: sizes beforehand, and where NaN or Inf came from. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "residual_impl.h"

#define DESCRIPTION   8192
#define SHARE_TO_KEEP 0.5 /* of the machine's memory: what may be filled by what could be swept again */

static void describe_block(const RowBlock *block, char *text, size_t size)
{
  int n_equation = 0;
  char columns[512];
  for (int e = 0; e < block->block->n_term; e++) n_equation += !block->block->terms[e].gradient;
  ProgramDescribe(block->probe->program, columns, sizeof(columns));
  if (block->block->interior)
    snprintf(text, size, "%s: %d points, %d equation%s; jets %s", block->block->on, (int)block->train.count, n_equation,
             n_equation > 1 ? "s" : "", columns);
  else if (block->block->slope)
    snprintf(text, size, "%s: %d random directions at as many points, new ones each step; jets %s",
             block->block->terms[0].name, (int)block->train.count, columns);
  else
    snprintf(text, size, "%s: %d points on %s; jets %s", block->block->terms[0].name, (int)block->train.count,
             block->block->on, columns);
}

const char *ResidualDescribe(Residual residual)
{
  size_t used = 0;
  if (!residual->description && PetscCalloc1(DESCRIPTION, &residual->description)) return "";
  for (int b = 0; b < residual->n_block && used + 1 < DESCRIPTION; b++) {
    if (b) residual->description[used++] = '\n';
    describe_block(&residual->blocks[b], residual->description + used, DESCRIPTION - used);
    used += strlen(residual->description + used);
  }
  return residual->description;
}

double ProbeDoubles(Probe probe, Network network)
{
  const double statics = (double)probe->tile * ProgramStatics(probe->program);
  const double sweep = probe->threads[0].sweep ? NetworkSweepDoubles(network, ProbePlan(probe), probe->tile) : 0.0;
  return (probe->compression ? NetworkCompressionDoubles(probe->compression) : 0.0) +
         probe->n_thread * (sweep + statics);
}

/* Sweeps of all threads, points with their statics, rows, theta and the threads' shares of gradients. */
double ResidualMemoryMB(Residual residual)
{
  PetscMPIInt n_rank = 1;
  (void)MPI_Comm_size(residual->rows.comm, &n_rank);
  const bool alone = n_rank == 1; /* theta in full is the vector itself, and so is the gradient of one thread */
  const double shares = alone && residual->n_thread == 1 ? 0.0 : residual->n_thread;
  double doubles = (double)residual->rows.n_param * ((alone ? 1.0 : 1.0 + 1.0 / n_rank) + shares);
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const bool normals = block->region && RegionHasNormals(block->region);
    double count = block->data ? (double)MeasuredPoints(block->data) : 1.0;
    for (int i = 0; i < block->sampling.n_count; i++) count *= (double)block->sampling.count[i];
    doubles += ProbeDoubles(block->probe, residual->network);
    if (block->truth != block->probe) doubles += ProbeDoubles(block->truth, residual->network);
    if (block->block->slope) count *= 2.0;
    const double statics = RowBlockKeepsStatics(residual, block, count) ? ProgramStatics(block->probe->program) : 0.0;
    doubles += count * ((normals ? 2.0 : 1.0) * block->probe->dim + statics + 2.0 * block->block->n_term);
  }
  return doubles * sizeof(double) / 1048576.0;
}

double ResidualProcessMB(Residual residual)
{
  return residual->process_mb;
}

/* Fresh points of the equations with what draws them, one block after the other; those of conditions are few. */
double ResidualHeldoutMB(Residual residual)
{
  double most = 0.0;
  for (int b = 0; b < residual->n_interior; b++) {
    const RowBlock *block = &residual->blocks[b];
    const double n = (double)residual->n_heldout, dim = block->probe->dim;
    most = PetscMax(most, n * (dim + block->block->n_term) + PetscMin(n * dim, PetscMax(POINTS_DRAWN, dim)));
  }
  return most * sizeof(double) / 1048576.0;
}

double ResidualSweepFlops(Residual residual)
{
  const double first = NetworkInputWeights(residual->network);
  double flops = 0.0; /* the first layer multiplies in column 0 alone: the others are constant there */
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    flops += 2.0 * (double)block->train.points.count *
             (first + JetPlanColumns(ProbePlan(block->probe)) * (NetworkWeightCount(residual->network) - first));
  }
  return flops;
}

PetscErrorCode ResidualCheckMemory(Residual residual, Config config)
{
  const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
  const double needed = ResidualMemoryMB(residual);
  PetscReal limit = machine;
  MPI_Comm node;
  PetscMPIInt n_rank;
  PetscLogDouble process;
  PetscFunctionBegin;
  PetscCall(PetscMemoryGetCurrentUsage(&process));
  residual->process_mb = process / 1048576.0;
  PetscCallMPI(MPI_Comm_split_type(residual->rows.comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &n_rank));
  PetscCallMPI(MPI_Comm_free(&node));
  residual->memory_limit = SHARE_TO_KEEP * machine / n_rank;
  if (ConfigHas(config, "limits.memory")) {
    PetscCall(ConfigGetReal(config, "limits.memory", &limit));
    residual->memory_limit = limit;
  }
  PinnUserCheck(needed <= limit,
                "%s: the points and sweeps need about %.0f MB a rank, but there are %.0f MB (limits.memory)",
                ConfigWhere(config, "points.interior.count"), needed, limit);
  PinnUserCheck(needed + ResidualHeldoutMB(residual) <= limit,
                "%s: the held-out points need about %.0f MB a rank beside %.0f MB of other things, but there are "
                "%.0f MB (limits.memory)",
                ConfigWhere(config, "points.heldout"), ResidualHeldoutMB(residual), needed, limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void explain_point(const Residual residual, const RowBlock *block, int e, int i, char *text, size_t size)
{
  Formula formula = ProblemFormula(residual->problem);
  const int dim = block->train.points.dim;
  const double *x = block->train.points.x + (size_t)i * (size_t)dim;
  size_t used = (size_t)snprintf(text, size, "%s '%s' at ", block->block->interior ? "equation" : "condition",
                                 block->block->terms[e].name);
  for (int k = 0; k < dim && k < 8 && used < size; k++)
    used +=
        (size_t)snprintf(text + used, size - used, "%s%s = %g", k ? ", " : "", FormulaCoordinateName(formula, k), x[k]);
  if (used < size) snprintf(text + used, size - used, ": ");
}

/* The first row of this rank that is not finite. */
static bool explain_rank(const Residual residual, const double theta[], char *text, size_t size)
{
  for (int k = 0; k < residual->n_tile; k++) {
    const TileRange *range = &residual->tiles[k];
    const RowBlock *block = &residual->blocks[range->block];
    const Tile tile = RowSetTile(&block->train, block->train.points.dim, range->begin, range->n);
    ProbeThread *thread = &block->probe->threads[0];
    ProbeForward(block->probe, 0, theta, &tile, thread->roots);
    for (int j = 0; j < block->block->n_term * range->n; j++) {
      if (isfinite(thread->roots[j])) continue;
      const int e = j / range->n, i = j % range->n;
      explain_point(residual, block, e, range->begin + i, text, size);
      const size_t used = strlen(text);
      if (!ProgramExplain(block->probe->program, thread->work, e, i, text + used, size - used))
        snprintf(text + used, size - used, "%s", block->block->terms[e].text);
      return true;
    }
  }
  return false;
}

PetscErrorCode ResidualExplain(Residual residual, Vec theta, char *text, size_t size)
{
  const double *values;
  PetscMPIInt rank, n_rank, first;
  PetscFunctionBegin;
  text[0] = 0;
  PetscCallMPI(MPI_Comm_rank(residual->rows.comm, &rank));
  PetscCallMPI(MPI_Comm_size(residual->rows.comm, &n_rank));
  PetscCall(ResidualThetaGet(residual, theta, &values));
  first = explain_rank(residual, values, text, size) ? rank : n_rank;
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, residual->rows.comm));
  if (first < n_rank) PetscCallMPI(MPI_Bcast(text, (PetscMPIInt)size, MPI_CHAR, first, residual->rows.comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
