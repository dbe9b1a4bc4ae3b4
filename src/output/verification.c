/* Final errors against a known truth, residuals at points never trained on, and warnings in words: a small loss is not
   a small error, and this is where the program says so. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "baselines.h"
#include "output_impl.h"

#define TRUTH_POINTS  20000   /* where the domain has too many dimensions for a grid */
#define TRUTH_FEWEST  100     /* in very many dimensions */
#define TRUTH_NUMBERS 4000000 /* coordinates of them all, above the fewest */
#define OVERFIT       10.0    /* held-out over training residual that earns a warning */
#define NO_BETTER     0.9     /* of the best constant's error */

struct Verifier_s {
  MPI_Comm comm;
  Problem problem;
  Network network;
  Residual residual;
  int n_field;
  char truth[256];
  PointSet points;
  double **truths;       /* [n_field][points.n]; NULL where a field has no truth */
  bool **outside;        /* [n_field][points.n] of its region; NULL = nowhere */
  Probe probe;           /* the fields */
  bool single;           /* points that the case names: too few to fit baselines to */
  bool baselines;        /* affine ones, too */
  double *center, *size; /* [dim] of the domain's box */
  double *values;
};

/* Keeps the points that the slab owns, with their truths. */
static void drop_others(Domain slab, PointSet *points, int n_field, double *const truths[])
{
  const size_t dim = (size_t)points->dim;
  int kept = 0;
  for (int i = 0; i < points->n; i++) {
    const double *x = points->x + (size_t)i * dim;
    if (!DomainOwns(slab, x)) continue;
    memmove(points->x + (size_t)kept * dim, x, dim * sizeof(double));
    for (int f = 0; f < n_field; f++)
      if (truths[f]) truths[f][kept] = truths[f][i];
    kept++;
  }
  points->n = kept;
}

/* Shares the points and their values among the ranks. */
static PetscErrorCode take_reference(Verifier v, const Reference *reference, Domain slab)
{
  PetscFunctionBegin;
  PetscCall(PointSetGiven(v->comm, reference->n, reference->dim, reference->points, &v->points));
  for (int f = 0; f < v->n_field; f++) {
    if (!reference->fields[f]) continue;
    PetscCall(PetscMalloc1(v->points.n + 1, &v->truths[f])); /* never NULL: that says there is no truth */
    PetscCall(PetscArraycpy(v->truths[f], reference->fields[f] + v->points.first, v->points.n));
  }
  drop_others(slab, &v->points, v->n_field, v->truths);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode use_reference(Verifier v, Config config, Domain domain, Domain slab)
{
  Reference reference;
  PetscFunctionBegin;
  PetscCall(TruthRead(v->comm, config, v->problem, domain, &reference, v->truth, sizeof(v->truth)));
  PetscCall(take_reference(v, &reference, slab));
  PetscCall(ReferenceDestroy(&reference, v->n_field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keeps the points of a grid that lie in the domain. */
static void drop_outside(Domain domain, PointSet *points)
{
  const size_t dim = (size_t)points->dim;
  int kept = 0;
  for (int i = 0; i < points->n; i++) {
    const double *x = points->x + (size_t)i * dim;
    if (DomainContains(domain, x)) memmove(points->x + (size_t)kept++ * dim, x, dim * sizeof(double));
  }
  points->n = kept;
}

static PetscErrorCode place_points(Verifier v, Config config, Domain domain)
{
  const int dim = DomainDimension(domain);
  PetscInt grid[3], count = PetscMax(TRUTH_FEWEST, PetscMin(TRUTH_POINTS, TRUTH_NUMBERS / dim));
  bool has_grid;
  PetscFunctionBegin;
  PetscCall(OutputGrid(v->comm, config, "verify.grid", dim, 8.0 * (dim + 2 * v->n_field), grid, &has_grid));
  if (has_grid) {
    PetscCall(PointSetGrid(v->comm, domain, grid, &v->points));
    drop_outside(domain, &v->points);
    snprintf(v->truth, sizeof(v->truth), "exact solution on a grid of %d", (int)grid[0]);
    for (int i = 1; i < dim; i++) {
      const size_t used = strlen(v->truth);
      snprintf(v->truth + used, sizeof(v->truth) - used, " x %d", (int)grid[i]);
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Region interior;
  Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, {0, RANDOM_HELDOUT, 0xffff, 0}};
  PetscCall(RegionCreate(domain, "verification", "interior", &interior));
  PetscCall(PointSetSample(v->comm, interior, &sampling, &v->points));
  PetscCall(RegionDestroy(&interior));
  snprintf(v->truth, sizeof(v->truth), "exact solution at %d random points", (int)count);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode prepare_baselines(Verifier v, Config config, Domain domain)
{
  const int dim = DomainDimension(domain);
  const double *lower, *upper;
  PetscFunctionBegin;
  v->baselines = dim > 3 && !v->single;
  if (ConfigHas(config, "verify.baselines")) PetscCall(ConfigGetBool(config, "verify.baselines", &v->baselines));
  PinnUserCheck(!v->baselines || !v->single, "%s: there are no baselines at single points: verify.points",
                ConfigWhere(config, "verify.baselines"));
  DomainBounds(domain, &lower, &upper);
  PetscCall(PetscMalloc2(dim, &v->center, dim, &v->size));
  for (int i = 0; i < dim; i++) {
    v->center[i] = 0.5 * (lower[i] + upper[i]);
    v->size[i] = 0.5 * (upper[i] - lower[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode evaluate_exact(Verifier v, Config config, Domain domain, Domain slab)
{
  PetscFunctionBegin;
  PetscCall(place_points(v, config, domain));
  drop_others(slab, &v->points, 0, NULL);
  for (int f = 0; f < v->n_field; f++) {
    const FormulaNode exact = ProblemExact(v->problem, f);
    Probe probe;
    if (exact < 0) continue;
    PetscCall(PetscMalloc1(v->points.n + 1, &v->truths[f])); /* never NULL: that says there is no truth */
    PetscCall(ProbeCreate(v->problem, v->network, 1, &exact, NULL, &probe));
    PetscCall(ProbeEvaluate(probe, NULL, v->points.n, v->points.x, NULL, v->truths[f]));
    PetscCall(ProbeDestroy(&probe));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points outside of a field's region count for nothing. */
static PetscErrorCode find_outside(Verifier v, Config config, Domain domain)
{
  PetscFunctionBegin;
  for (int f = 0; f < v->n_field; f++) {
    const char *name = ProblemFieldRegion(v->problem, f);
    int region;
    if (!name) continue;
    PetscCall(DomainFindRegion(
        domain, ConfigWhere(config, ConfigPath("problem.regions.%s", ProblemFieldName(v->problem, f))), name, &region));
    PetscCall(PetscMalloc1(v->points.n + 1, &v->outside[f]));
    for (int i = 0; i < v->points.n; i++)
      v->outside[f][i] = !DomainRegionContains(domain, region, v->points.x + (size_t)i * (size_t)v->points.dim);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VerifierCreate(MPI_Comm comm, Config config, Problem problem, Domain domain, Domain slab,
                              Network network, Residual residual, Verifier *verifier)
{
  bool exact = false;
  const char *reference;
  Verifier v;
  PetscFunctionBegin;
  PetscCall(PetscNew(&v));
  *verifier = v;
  v->comm = comm;
  v->problem = problem;
  v->network = network;
  v->residual = residual;
  v->n_field = ProblemFields(problem);
  PetscCall(PetscCalloc1(v->n_field, &v->truths));
  for (int f = 0; f < v->n_field; f++) exact |= ProblemExact(problem, f) >= 0;
  PetscCall(ConfigGetString(config, "verify.reference", &reference));
  v->single = ConfigCount(config, "verify.points") > 0;
  if ((reference && reference[0]) || v->single)
    PetscCall(use_reference(v, config, domain, slab));
  else if (exact)
    PetscCall(evaluate_exact(v, config, domain, slab));
  else
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(v->n_field, &v->outside));
  PetscCall(find_outside(v, config, domain));
  PetscCall(prepare_baselines(v, config, domain));
  FormulaNode *fields;
  PetscCall(PetscMalloc1(v->n_field, &fields));
  for (int f = 0; f < v->n_field; f++) fields[f] = ProblemField(problem, f);
  PetscCall(ProbeCreate(problem, network, v->n_field, fields, NULL, &v->probe));
  PetscCall(PetscFree(fields));
  PetscCall(PetscMalloc1((size_t)v->n_field * (size_t)v->points.n, &v->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VerifierDestroy(Verifier *verifier)
{
  Verifier v = *verifier;
  PetscFunctionBegin;
  if (!v) PetscFunctionReturn(PETSC_SUCCESS);
  for (int f = 0; f < v->n_field && v->truths; f++) PetscCall(PetscFree(v->truths[f]));
  for (int f = 0; f < v->n_field && v->outside; f++) PetscCall(PetscFree(v->outside[f]));
  PetscCall(PetscFree(v->truths));
  PetscCall(PetscFree(v->outside));
  PetscCall(PetscFree(v->values));
  PetscCall(PetscFree2(v->center, v->size));
  PetscCall(ProbeDestroy(&v->probe));
  PetscCall(PointSetDestroy(&v->points));
  PetscCall(PetscFree(*verifier));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool VerifierHasTruth(Verifier verifier)
{
  return verifier->probe != NULL;
}

double VerifierMemoryMB(Verifier v)
{
  const double doubles = (double)v->points.n * (v->points.dim + 2.0 * v->n_field);
  return v->probe ? (doubles + ProbeDoubles(v->probe, v->network)) * sizeof(double) / 1048576.0 : 0.0;
}

static PetscErrorCode sum_field(Verifier v, int f, FieldSums *sums)
{
  const double *u = v->values + (size_t)f * (size_t)v->points.n, *truth = v->truths[f];
  PetscFunctionBegin;
  *sums = (FieldSums){.constant2 = NAN, .affine2 = NAN};
  for (int i = 0; i < v->points.n; i++) {
    if (v->outside[f] && v->outside[f][i]) continue;
    sums->count += 1.0;
    const double error = fabs(u[i] - truth[i]);
    sums->error2 += error * error;
    sums->truth2 += truth[i] * truth[i];
    if (!(error <= sums->error_max)) sums->error_max = error;
    sums->truth_max = fmax(sums->truth_max, fabs(truth[i]));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, v->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sums->error_max, 2, MPI_DOUBLE, MPI_MAX, v->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the truth is zero everywhere, errors are absolute; without points there are none. */
static double relative(const FieldSums *sums, double error, double scale)
{
  return sums->count > 0.0 ? error / (scale > 0.0 ? scale : 1.0) : NAN;
}

void VerificationErrors(Verification *v, int f)
{
  const FieldSums *s = &v->sums[f];
  v->l2_error[f] = relative(s, sqrt(s->error2), sqrt(s->truth2));
  v->max_error[f] = relative(s, s->error_max, s->truth_max);
  v->constant_error[f] = relative(s, sqrt(s->constant2), sqrt(s->truth2));
  v->affine_error[f] = relative(s, sqrt(s->affine2), sqrt(s->truth2));
  v->nonaffine_error[f] = v->l2_error[f] / v->affine_error[f];
  v->has_baselines |= !isnan(v->affine_error[f]);
}

static PetscErrorCode evaluate_fields(Verifier v, Vec theta)
{
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualBorrowTheta(v->residual, theta, &values));
  PetscCall(ProbeEvaluate(v->probe, values, v->points.n, v->points.x, NULL, v->values));
  PetscCall(ResidualReturnTheta(v->residual, theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VerifierErrors(Verifier v, Vec theta, double l2[])
{
  PetscFunctionBegin;
  for (int f = 0; f < v->n_field; f++) l2[f] = NAN;
  if (!v->probe) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(evaluate_fields(v, theta));
  for (int f = 0; f < v->n_field; f++) {
    FieldSums sums;
    if (!v->truths[f]) continue;
    PetscCall(sum_field(v, f, &sums));
    l2[f] = relative(&sums, sqrt(sums.error2), sqrt(sums.truth2));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of field f, with g and g + w, its values for networks that are 0 and 1 everywhere. */
static PetscErrorCode field_baselines(Verifier v, int f, const double g[], const double g_w[], Verification *out)
{
  const int n = v->points.n;
  const FormulaNode exact = ProblemExact(v->problem, f);
  double *w, *y, *along, left;
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &w, n, &y, n, &along));
  const Fit fit = {v->comm, &v->points, w, y, v->center, v->size};
  for (int i = 0; i < n; i++) {
    const bool counts = !v->outside[f] || !v->outside[f][i];
    w[i] = counts ? g_w[i] - g[i] : 0.0;
    y[i] = counts ? v->truths[f][i] - g[i] : 0.0;
  }
  PetscCall(FitConstant(&fit, &left));
  out->sums[f].constant2 = left * left;
  if (v->baselines) {
    PetscCall(FitAffine(&fit, &left));
    out->affine = "by least squares at these points";
    if (isnan(left) && exact >= 0) {
      Probe probe;
      PetscCall(ProbeCreate(v->problem, v->network, 1, &exact, NULL, &probe));
      PetscCall(BaselineAlong(probe, v->center, &v->points, along));
      PetscCall(ProbeDestroy(&probe));
      PetscCall(FitAlong(&fit, along, &left));
      out->affine = "along the exact gradient at the center";
    }
    out->sums[f].affine2 = left * left;
  }
  PetscCall(PetscFree3(w, y, along));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a field is no affine function of the network's outputs, the best constant field stands for the constant. */
static PetscErrorCode find_baselines(Verifier v, Verification *out)
{
  const size_t n = (size_t)v->points.n;
  const bool affine = ProbeIsAffine(v->probe);
  double *outputs, *values[2];
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(v->n_field, &outputs, (size_t)v->n_field * n, &values[0], (size_t)v->n_field * n, &values[1]));
  for (int k = 0; k < 2; k++) {
    for (int f = 0; f < v->n_field; f++) outputs[f] = k;
    if (affine) PetscCall(ProbeEvaluateConstant(v->probe, outputs, v->points.n, v->points.x, values[k]));
    for (size_t i = 0; i < (size_t)v->n_field * n && !affine; i++) values[k][i] = k;
  }
  for (int f = 0; f < v->n_field; f++)
    if (v->truths[f] && out->sums[f].count > 0.0)
      PetscCall(field_baselines(v, f, values[0] + (size_t)f * n, values[1] + (size_t)f * n, out));
  PetscCall(PetscFree3(outputs, values[0], values[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode field_errors(Verifier v, Vec theta, Verification *out)
{
  PetscFunctionBegin;
  if (v->probe) PetscCall(evaluate_fields(v, theta));
  for (int f = 0; f < v->n_field; f++)
    if (v->probe && v->truths[f]) PetscCall(sum_field(v, f, &out->sums[f]));
  if (v->probe && !v->single) PetscCall(find_baselines(v, out));
  for (int f = 0; f < v->n_field; f++) VerificationErrors(out, f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void warn(Verification *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(Verification *out, const char *format, ...)
{
  va_list arguments;
  if (out->n_warning == VERIFICATION_WARNINGS) return;
  va_start(arguments, format);
  vsnprintf(out->warning[out->n_warning++], sizeof(out->warning[0]), format, arguments);
  va_end(arguments);
}

double VerificationInterior(int n_equation, const double rms[])
{
  double sum = 0.0;
  for (int e = 0; e < n_equation; e++) sum += rms[e] * rms[e];
  return sqrt(sum / n_equation);
}

static void find_warnings(Verifier v, Verification *out)
{
  double worst = 0.0;
  int where = -1;
  for (int e = 0; e < out->n_term; e++) {
    const double ratio = out->heldout_term_rms[e] / out->term_rms[e];
    if (ratio > worst) worst = ratio, where = e;
  }
  for (int e = 0; e < out->n_term; e++)
    if (!isfinite(out->heldout_term_rms[e]) && !VerificationLacks(out, e))
      warn(out, "the residual of '%s' is NaN or Inf at some of the fresh points", ResidualTermName(v->residual, e));
  for (int e = 0; e < out->n_term; e++)
    if (ResidualTermEstimated(v->residual, e))
      warn(out, "the residual of '%s' is estimated here, too: exact derivatives would need too much memory",
           ResidualTermName(v->residual, e));
  if (worst > OVERFIT)
    warn(out,
         "the residual of '%s' is %.0f times larger at fresh points than at the training points: it is overfitted; "
         "take more points, or let them follow the residual (points.interior.adapt)",
         ResidualTermName(v->residual, where), worst);
  for (int f = 0; f < out->n_field; f++) {
    const char *name = ProblemFieldName(v->problem, f);
    if (isnan(out->l2_error[f])) continue;
    if (out->l2_error[f] > NO_BETTER * out->constant_error[f])
      warn(out, "a constant would have scored as well: the error of %s is %.1e, that of the best constant %.1e", name,
           out->l2_error[f], out->constant_error[f]);
    else if (out->l2_error[f] > NO_BETTER * out->affine_error[f])
      warn(out,
           "the network is no better than an affine function in its place: the error of %s is %.1e, that of the best "
           "affine one %.1e",
           name, out->l2_error[f], out->affine_error[f]);
    else if (out->l2_error[f] > 0.01 && out->l2_error[f] > 20.0 * out->heldout_rms)
      warn(out, "a small residual (%.1e at fresh points) hides a large error: %s is off by %.1e", out->heldout_rms,
           name, out->l2_error[f]);
  }
}

PetscErrorCode VerifierRun(Verifier v, Vec theta, Verification *out)
{
  const int n_equation = ProblemInteriorTerms(v->problem);
  PetscFunctionBegin;
  *out = (Verification){.n_field = v->n_field,
                        .n_equation = n_equation,
                        .has_truth = VerifierHasTruth(v),
                        .truth = v->truth,
                        .n_term = ResidualTerms(v->residual)};
  PetscCall(VerificationAllocate(out));
  PetscCall(ResidualStatistics(v->residual, theta, false, out->term_rms, out->term_max));
  PetscCall(ResidualStatistics(v->residual, theta, true, out->heldout_term_rms, out->heldout_term_max));
  out->residual_rms = VerificationInterior(n_equation, out->term_rms);
  out->heldout_rms = VerificationInterior(n_equation, out->heldout_term_rms);
  PetscCall(field_errors(v, theta, out));
  find_warnings(v, out);
  PetscFunctionReturn(PETSC_SUCCESS);
}
