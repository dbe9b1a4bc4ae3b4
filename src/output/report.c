/* What a report asks of problem and residual. */
#include <stdlib.h>
#include "report_impl.h"

PetscErrorCode ReportCreate(MPI_Comm comm, const ReportOptions *options, Folder folder, Problem problem,
                            Residual residual, Report *report)
{
  const int n_term = ResidualTerms(residual), n_field = ProblemFields(problem);
  const char **terms, **fields;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n_term, &terms, n_field, &fields));
  for (int t = 0; t < n_term; t++) terms[t] = ResidualTermName(residual, t);
  for (int f = 0; f < n_field; f++) fields[f] = ProblemFieldName(problem, f);
  PetscCall(ReportCreate_Names(comm, options, folder, n_term, terms, n_field, fields, report));
  (*report)->residual = residual;
  if (ResidualWeights(residual)) PetscCall(ReportAddWeights(*report));
  PetscCall(PetscFree2(terms, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ReportSetResidual(Report report, Residual residual)
{
  report->residual = residual;
}

PetscErrorCode ReportSlab(Report report, int k, const Slabs *slabs, double first)
{
  const double begin = k ? slabs->slab[k - 1].end : first, end = slabs->slab[k].end;
  Json json;
  char *text;

  PetscFunctionBegin;
  if (slabs->n == 1 || report->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (report->options.json) {
    PetscCall(JsonBegin(&json));
    JsonInteger(&json, "slab", k + 1);
    JsonInteger(&json, "slabs", slabs->n);
    JsonNumber(&json, "begin", begin);
    JsonNumber(&json, "end", end);
    PetscCall(JsonEnd(&json, &text));
    ReportPutEvent(report, "slab", text);
    free(text);
  } else if (!report->options.quiet) {
    TableCloseLine(report);
    fprintf(report->out, "\nslab %d of %d: t from %lg to %lg\n", k + 1, slabs->n, begin, end);
    fflush(report->out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportProgress(Report report, const Progress *progress, const double rms[], const double error[],
                              bool print)
{
  const double mine = ResidualRowsEvaluated(report->residual);
  double rows = mine;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Reduce(&mine, &rows, 1, MPI_DOUBLE, MPI_SUM, 0, report->comm));
  PetscCall(ReportProgress_Rows(report, progress, rms, error, rows, print));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportStageEnd(Report report, const Progress *progress, OptimizerReason reason)
{
  PetscFunctionBegin;
  PetscCall(ReportStageEnd_Text(report, progress, OptimizerReasonText(reason)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
