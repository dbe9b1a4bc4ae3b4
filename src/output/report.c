/* What a report asks of problem and residual. */
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
  PetscCall(PetscFree2(terms, fields));
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
