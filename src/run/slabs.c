/* The interval of time as slabs, one after the other: what belongs to the one at work, and what is kept of those that
   are done. A case without slabs is one of them. */
#include <math.h>
#include <string.h>
#include "run_impl.h"

static PetscErrorCode read_ends(RunParts *p, int t)
{
  const double *lower, *upper;
  const PetscReal *ends;
  Config config = p->config;
  const char *where = ConfigWhere(config, "time.ends");
  int n;
  PetscFunctionBegin;
  DomainBounds(p->whole, &lower, &upper);
  PetscCall(ConfigGetReals(config, "time.ends", &n, &ends));
  const double first = lower[t], last = upper[t];
  for (int k = 0; k < n; k++) {
    PinnUserCheck(ends[k] > (k ? ends[k - 1] : first), "%s: the ends must rise from the first time, %lg: not %lg",
                  where, first, ends[k]);
    p->slabs.slab[k].end = ends[k];
  }
  PinnUserCheck(!n || fabs(ends[n - 1] - last) <= 1e-12 * fmax(fabs(first), fabs(last)),
                "%s: the last end must be the last time, %lg, not %lg", where, last, ends[n - 1]);
  for (int k = 0; k < p->slabs.n - 1 && !n; k++) p->slabs.slab[k].end = first + (last - first) * (k + 1) / p->slabs.n;
  p->slabs.slab[p->slabs.n - 1].end = last;
  p->first = first;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunCreateSlabs(RunParts *p)
{
  const int t = FormulaFindCoordinate(ProblemFormula(p->problem), "t");
  const PetscReal *ends;
  PetscInt count;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(p->config, "time.slabs", &count));
  PetscCall(ConfigGetReals(p->config, "time.ends", &n, &ends));
  PinnUserCheck(!n || count == 1, "%s: either the number of slabs or their ends", ConfigWhere(p->config, "time.ends"));
  p->slabs = (Slabs){.n = n ? n : (int)count, .t = t};
  PinnUserCheck(p->slabs.n == 1 || t >= 0, "%s: the coordinates have no t that slabs could cut",
                ConfigWhere(p->config, n ? "time.ends" : "time.slabs"));
  PetscCall(PetscCalloc1(p->slabs.n, &p->slabs.slab));
  PetscCall(PetscCalloc2(p->slabs.n, &p->points, p->slabs.n, &p->n_points));
  if (t < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(read_ends(p, t));
  if (p->slabs.n > 1) PetscCall(SlabsAddJumps(p->config, p->problem, p->whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void slab_times(const RunParts *p, int k, double times[2])
{
  times[0] = k ? p->slabs.slab[k - 1].end : p->first;
  times[1] = p->slabs.slab[k].end;
}

PetscErrorCode RunSlabNetwork(RunParts *p, int k, Network *network)
{
  const Formula formula = ProblemFormula(p->problem);
  const int dim = FormulaCoordinates(formula), t = p->slabs.t;
  const double *whole_lower, *whole_upper;
  double *lower, *upper, times[2];
  PetscFunctionBegin;
  if (!p->slabs.slab[k].network) {
    DomainBounds(p->whole, &whole_lower, &whole_upper);
    PetscCall(PetscMalloc2(dim, &lower, dim, &upper));
    PetscCall(PetscArraycpy(lower, whole_lower, dim));
    PetscCall(PetscArraycpy(upper, whole_upper, dim));
    slab_times(p, k, times);
    if (t >= 0) lower[t] = times[0], upper[t] = times[1];
    const PetscErrorCode code = NetworkCreate(p->config, dim, FormulaCoordinateNames(formula),
                                              ProblemFields(p->problem), lower, upper, &p->slabs.slab[k].network);
    PetscCall(PetscFree2(lower, upper));
    PetscCall(code);
  }
  *network = p->slabs.slab[k].network;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode leave_slab(RunParts *p)
{
  PetscFunctionBegin;
  PetscCall(VerifierDestroy(&p->verifier));
  PetscCall(ResidualDestroy(&p->residual));
  if (p->domain != p->whole) PetscCall(DomainDestroy(&p->domain));
  p->domain = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunBuildSlab(RunParts *p, int k)
{
  double times[2];
  PetscFunctionBegin;
  PetscCall(leave_slab(p));
  p->slab = k;
  slab_times(p, k, times);
  if (p->slabs.n > 1)
    PetscCall(DomainCreateSlab(p->config, ProblemFormula(p->problem), times, &p->domain));
  else
    p->domain = p->whole;
  PetscCall(RunSlabNetwork(p, k, &p->network));
  PetscCall(ResidualCreate(p->comm, p->config, p->problem, p->domain, p->network, &p->residual));
  if (k && p->slabs.slab[k - 1].theta)
    PetscCall(ResidualSetPast(p->residual, p->slabs.slab[k - 1].network, p->slabs.slab[k - 1].theta));
  if (p->device) PetscCall(ResidualSetDevice(p->residual, p->device));
  PetscCall(VerifierCreate(p->comm, p->config, p->problem, p->whole, p->domain, p->network, p->residual, &p->verifier));
  if (p->report) ReportSetResidual(p->report, p->residual);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunKeepSlab(RunParts *p, Vec theta)
{
  Slab *slab = &p->slabs.slab[p->slab];
  PetscFunctionBegin;
  if (!slab->theta) PetscCall(PetscMalloc1(NetworkParameters(p->network), &slab->theta));
  PetscCall(ResidualGatherTheta(p->residual, theta, slab->theta));
  PetscCall(PetscFree(p->points[p->slab]));
  PetscCall(ResidualGetPoints(p->residual, &p->n_points[p->slab], &p->points[p->slab]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunReturnToSlab(RunParts *p, int k, Vec theta)
{
  PetscFunctionBegin;
  if (k != p->slab) {
    PetscCall(RunBuildSlab(p, k));
    PetscCall(ResidualSetPoints(p->residual, p->n_points[k], p->points[k]));
  }
  PetscCall(ResidualScatterTheta(p->residual, p->slabs.slab[k].theta, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunDescribeSlabs(const RunParts *p, char *text, size_t size)
{
  size_t used = (size_t)snprintf(text, size, "%d slabs, to t = ", p->slabs.n);
  PetscFunctionBegin;
  for (int k = 0; k < p->slabs.n && used < size; k++)
    used += (size_t)snprintf(text + used, size - used, "%s%lg", k ? ", " : "", p->slabs.slab[k].end);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunDestroySlabs(RunParts *p)
{
  PetscFunctionBegin;
  PetscCall(leave_slab(p));
  for (int k = 0; k < p->slabs.n && p->slabs.slab; k++) {
    PetscCall(NetworkDestroy(&p->slabs.slab[k].network));
    PetscCall(PetscFree(p->slabs.slab[k].theta));
    PetscCall(PetscFree(p->points[k]));
  }
  PetscCall(PetscFree(p->slabs.slab));
  PetscCall(PetscFree2(p->points, p->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}
