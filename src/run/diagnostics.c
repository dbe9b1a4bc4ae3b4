/* What a case asks to know of its optimization problem while a stage runs: the singular values of J as it is and with
   its columns scaled to length one, what a preconditioner makes of them, and how far the terms pull the same way. A
   look leaves no trace in the run: what rows keep for products at this theta is dropped again where it was not there
   before. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "pinn/precond.h"
#include "run_impl.h"

#define DAMPING    1e-8 /* of what is preconditioned, unless the case gives another */
#define RANK_LIMIT 1e-5 /* a singular value counts above this part of the largest */

struct Diagnostics_s {
  PetscInt every, steps, seed;
  const char *precond; /* NULL: its spectrum is not asked for */
  double damping;
  int n_term, n_pair, n_eigen; /* n_eigen: 0 or steps + 1 */
  double *values;              /* [2 steps + 4 + n_pair + n_eigen] of the last look */
  PetscInt iteration;
  bool any;
  Vec *gradients; /* [n_term] */
};

/* Names the columns, in the order of d->values. */
static PetscErrorCode add_columns(const RunParts *parts, Diagnostics d)
{
  static const char *const summary[] = {"rank", "condition", "scaled_rank", "scaled_condition"};
  const int steps = (int)d->steps, n = 2 * steps + 4 + d->n_pair + d->n_eigen;
  char(*names)[256];
  const char **pointers;
  int at = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &d->values));
  PetscCall(PetscMalloc2(n, &names, n, &pointers));
  for (int k = 0; k < 2 * steps; k++)
    snprintf(names[at++], sizeof(names[0]), "%s_%d", k < steps ? "singular" : "scaled", k % steps + 1);
  for (int k = 0; k < 4; k++) snprintf(names[at++], sizeof(names[0]), "%s", summary[k]);
  for (int i = 0; i < d->n_term; i++)
    for (int j = i + 1; j < d->n_term; j++)
      snprintf(names[at++], sizeof(names[0]), "cosine_%.100s_%.100s", ResidualTermName(parts->residual, i),
               ResidualTermName(parts->residual, j));
  for (int k = 0; k < d->n_eigen; k++)
    if (k < steps)
      snprintf(names[at++], sizeof(names[0]), "preconditioned_%d", k + 1);
    else
      snprintf(names[at++], sizeof(names[0]), "preconditioned_condition");
  for (int k = 0; k < n; k++) pointers[k] = names[k];
  PetscCall(ReportAddDiagnostics(parts->report, n, pointers));
  PetscCall(PetscFree2(names, pointers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The preconditioner whose effect the case asks for. */
static PetscErrorCode read_precond(const RunParts *parts, Diagnostics d)
{
  const char *word, *key = "diagnostics.precond";
  PetscFunctionBegin;
  PetscCall(ConfigGetString(parts->config, key, &word));
  d->damping = DAMPING;
  if (ConfigHas(parts->config, "diagnostics.damping"))
    PetscCall(ConfigGetReal(parts->config, "diagnostics.damping", &d->damping));
  PinnUserCheck(strcmp(word, "none") || !ConfigHas(parts->config, "diagnostics.damping"),
                "%s: is that of diagnostics.precond, which is none", ConfigWhere(parts->config, "diagnostics.damping"));
  if (!strcmp(word, "none")) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck(strcmp(word, "auto"), "%s: auto takes whichever is fastest at the time: name one",
                ConfigWhere(parts->config, key));
  PinnUserCheck(
      isfinite(PrecondBytes(ResidualRows(parts->residual), word, 0)),
      "%s: precond = \"%s\" needs square matrices of each layer's inputs and outputs, and a layer is too wide",
      ConfigWhere(parts->config, key), word);
  d->precond = word;
  d->n_eigen = (int)d->steps + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiagnosticsCreate(const RunParts *parts, Diagnostics *diagnostics)
{
  Diagnostics d;
  bool alignment;
  PetscFunctionBegin;
  *diagnostics = NULL;
  PetscCall(PetscNew(&d));
  PetscCall(ConfigGetInt(parts->config, "diagnostics.every", &d->every));
  PetscCall(ConfigGetInt(parts->config, "diagnostics.spectrum", &d->steps));
  PetscCall(ConfigGetBool(parts->config, "diagnostics.alignment", &alignment));
  PetscCall(ConfigGetInt(parts->config, "seed", &d->seed));
  if (!d->every) {
    PetscCall(PetscFree(d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const char *only = ResidualRows(parts->residual)->gradient_only;
  PinnUserCheck(!only, "%s: looks at rows r with the loss 1/2 |r|^2, which %s does not give",
                ConfigWhere(parts->config, "diagnostics.every"), only);
  PetscCall(read_precond(parts, d));
  d->n_term = alignment ? ResidualTerms(parts->residual) : 0;
  d->n_pair = d->n_term * (d->n_term - 1) / 2;
  PetscCall(add_columns(parts, d));
  if (d->n_term) {
    Vec theta;
    PetscCall(ResidualCreateTheta(parts->residual, &theta));
    PetscCall(VecDuplicateVecs(theta, d->n_term, &d->gradients));
    PetscCall(VecDestroy(&theta));
  }
  *diagnostics = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiagnosticsDestroy(Diagnostics *diagnostics)
{
  Diagnostics d = *diagnostics;
  PetscFunctionBegin;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->gradients) PetscCall(VecDestroyVecs(d->n_term, &d->gradients));
  PetscCall(PetscFree(d->values));
  PetscCall(PetscFree(*diagnostics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values [steps], then rank and condition behind all of them */
static PetscErrorCode look_at_spectrum(const RunParts *parts, Diagnostics d, bool scaled, Vec theta)
{
  double *values = d->values + (scaled ? d->steps : 0), *summary = d->values + 2 * d->steps + (scaled ? 2 : 0);
  PetscInt n = 0;
  PetscFunctionBegin;
  PetscCall(
      OptimizerSingularValues(ResidualRows(parts->residual), theta, scaled, d->steps, (uint32_t)d->seed, values, &n));
  summary[0] = 0.0;
  summary[1] = n ? values[0] / values[n - 1] : NAN;
  for (PetscInt k = 0; k < n; k++) summary[0] += values[k] > RANK_LIMIT * values[0];
  for (PetscInt k = n; k < d->steps; k++) values[k] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* eigenvalues [steps], then their condition, at the end of all */
static PetscErrorCode look_at_precond(const RunParts *parts, Diagnostics d, Vec theta)
{
  double *values = d->values + 2 * d->steps + 4 + d->n_pair;
  PetscInt n = 0;
  PetscFunctionBegin;
  if (!d->n_eigen) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OptimizerPreconditionedValues(ResidualRows(parts->residual), theta, d->precond, d->damping, d->steps,
                                          (uint32_t)d->seed, values, &n));
  values[d->steps] = n ? values[0] / values[n - 1] : NAN;
  for (PetscInt k = n; k < d->steps; k++) values[k] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode look_at_terms(const RunParts *parts, Diagnostics d, Vec theta)
{
  double *cosine = d->values + 2 * d->steps + 4;
  PetscFunctionBegin;
  if (!d->n_term) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ResidualTermGradients(parts->residual, theta, d->gradients));
  for (int i = 0; i < d->n_term; i++) {
    double norm;
    PetscCall(VecNorm(d->gradients[i], NORM_2, &norm));
    if (norm > 0.0) PetscCall(VecScale(d->gradients[i], 1.0 / norm));
  }
  for (int i = 0; i < d->n_term; i++)
    for (int j = i + 1; j < d->n_term; j++) PetscCall(VecDot(d->gradients[i], d->gradients[j], cosine++));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiagnosticsLook(const RunParts *parts, Diagnostics d, const Progress *progress, Vec theta)
{
  bool linearized;
  double loss;
  PetscFunctionBegin;
  if (!d || progress->iteration % d->every || !isfinite(progress->loss)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ResidualLinearized(parts->residual, theta, &linearized));
  PetscCall(RowsLinearize(ResidualRows(parts->residual), theta, NULL, &loss));
  PetscCall(look_at_spectrum(parts, d, false, theta));
  PetscCall(look_at_spectrum(parts, d, true, theta));
  PetscCall(look_at_precond(parts, d, theta));
  PetscCall(look_at_terms(parts, d, theta));
  if (!linearized) ResidualForgetLinearization(parts->residual);
  PetscCall(ReportDiagnostics(parts->report, progress, d->values));
  d->any = true;
  d->iteration = progress->iteration;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "poisson and walls pull most apart: cosine -0.93" */
static void describe_terms(const RunParts *parts, Diagnostics d, char *text, size_t size)
{
  const double *cosine = d->values + 2 * d->steps + 4;
  double least = INFINITY;
  int first = 0, second = 0;
  text[0] = 0;
  for (int i = 0; i < d->n_term; i++)
    for (int j = i + 1; j < d->n_term; j++, cosine++)
      if (*cosine < least) least = *cosine, first = i, second = j;
  if (isfinite(least))
    snprintf(text, size, "; the gradients of '%s' and '%s' %s: cosine %.2f", ResidualTermName(parts->residual, first),
             ResidualTermName(parts->residual, second), least < 0.0 ? "pull apart most" : "agree least", least);
}

/* "; that of J^T J + 1e-08 is at least 1.2e+03 with kfac" */
static void describe_precond(Diagnostics d, char *text, size_t size)
{
  text[0] = 0;
  if (d->n_eigen)
    snprintf(text, size, "; that of J^T J + %g is at least %.1e with %s", d->damping,
             d->values[2 * d->steps + 4 + d->n_pair + d->steps], d->precond);
}

PetscErrorCode DiagnosticsTell(const RunParts *parts, Diagnostics d, const char *stage)
{
  char terms[512], precond[128];
  PetscFunctionBegin;
  if (!d || !d->any) PetscFunctionReturn(PETSC_SUCCESS);
  const double *summary = d->values + 2 * d->steps;
  const char *const more = isnan(d->values[d->steps - 1]) ? "" : "at least ";
  describe_terms(parts, d, terms, sizeof(terms));
  describe_precond(d, precond, sizeof(precond));
  PetscCall(
      ReportMessage(parts->report,
                    "diagnostics of %s at iteration %d: the largest singular value of J is %.2e, %s%d are above "
                    "%g of it, the condition number is at least %.1e; with columns of length one %s%d and %.1e%s%s",
                    stage, (int)d->iteration, d->values[0], more, (int)summary[0], RANK_LIMIT, summary[1], more,
                    (int)summary[2], summary[3], precond, terms));
  d->any = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}
