/* A report at the end of a run: verification, closing line, summary.json; and its messages and history files. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "report_impl.h"

PetscErrorCode ReportMessage(Report report, const char *format, ...)
{
  char *message, *text;
  va_list arguments;
  Json json;

  PetscFunctionBegin;
  if (report->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  va_start(arguments, format);
  const int n = vasprintf(&message, format, arguments);
  va_end(arguments);
  PetscCheck(n >= 0, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a message");
  if (report->options.json) {
    PetscCall(JsonBegin(&json));
    JsonText(&json, "text", message);
    PetscCall(JsonEnd(&json, &text));
    ReportPutEvent(report, "message", text);
    free(text);
  } else {
    TableCloseLine(report);
    fflush(report->out);
    fprintf(report->err, "pinn-solve: %s\n", message);
    fflush(report->err);
  }
  free(message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void put_field_errors(Json *json, const char *key, const struct Report_s *report, const double values[])
{
  JsonOpen(json, key, '{');
  for (int f = 0; f < report->n_field; f++) JsonNumber(json, report->fields[f], values ? values[f] : NAN);
  JsonClose(json, '}');
}

static void put_terms(Json *json, const struct Report_s *report, const Verification *v)
{
  JsonOpen(json, "terms", '{');
  for (int t = 0; t < report->n_term && t < v->n_term; t++) {
    JsonOpen(json, report->terms[t], '{');
    JsonNumber(json, "rms", v->term_rms[t]);
    JsonNumber(json, "max", v->term_max[t]);
    JsonNumber(json, "heldout_rms", v->heldout_term_rms[t]);
    JsonNumber(json, "heldout_max", v->heldout_term_max[t]);
    JsonClose(json, '}');
  }
  JsonClose(json, '}');
}

static void put_slabs(Json *json, const struct Report_s *report, const Verification *v)
{
  if (!v->n_slab) return;
  JsonOpen(json, "slabs", '[');
  for (int k = 0; k < v->n_slab; k++) {
    JsonOpen(json, NULL, '{');
    JsonNumber(json, "end", v->slab_end[k]);
    put_field_errors(json, "l2_error", report, v->slab_error + (size_t)k * (size_t)v->n_field);
    JsonClose(json, '}');
  }
  JsonClose(json, ']');
}

PetscErrorCode ReportVerification(Report report, const Verification *v)
{
  Json json;

  PetscFunctionBegin;
  if (report->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(v->n_field == report->n_field, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "verification of %d fields, not %d",
             v->n_field, report->n_field);
  PetscCall(JsonBegin(&json));
  JsonText(&json, "truth", v->has_truth ? v->truth : NULL);
  put_field_errors(&json, "l2_error", report, v->l2_error);
  put_field_errors(&json, "max_error", report, v->max_error);
  put_field_errors(&json, "constant_error", report, v->constant_error);
  if (v->has_baselines) {
    put_field_errors(&json, "affine_error", report, v->affine_error);
    put_field_errors(&json, "nonaffine_error", report, v->nonaffine_error);
    JsonText(&json, "affine", v->affine);
  }
  JsonNumber(&json, "residual_rms", v->residual_rms);
  JsonNumber(&json, "heldout_residual_rms", v->heldout_rms);
  put_terms(&json, report, v);
  put_slabs(&json, report, v);
  JsonOpen(&json, "warnings", '[');
  for (int w = 0; w < v->n_warning; w++) JsonText(&json, NULL, v->warning[w]);
  JsonClose(&json, ']');
  free(report->verify_json);
  PetscCall(JsonEnd(&json, &report->verify_json));
  if (report->options.json)
    ReportPutEvent(report, "verification", report->verify_json);
  else
    TableVerification(report, v);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportUnknowns(Report report, int n, const char *const names[], const double values[],
                              const double deviations[], const double truths[])
{
  Json json;

  PetscFunctionBegin;
  if (report->rank != 0 || !n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(JsonBegin(&json));
  for (int k = 0; k < n; k++) {
    JsonOpen(&json, names[k], '{');
    JsonNumber(&json, "value", values[k]);
    JsonNumber(&json, "deviation", deviations[k]);
    JsonNumber(&json, "truth", truths[k]);
    JsonNumber(&json, "error", RelativeError(values[k], truths[k]));
    JsonClose(&json, '}');
  }
  free(report->unknown_json);
  PetscCall(JsonEnd(&json, &report->unknown_json));
  if (report->options.json)
    ReportPutEvent(report, "unknowns", report->unknown_json);
  else if (!report->options.quiet)
    TableUnknowns(report, n, names, values, deviations, truths);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each stage by the last row of its history: iterations, loss, and what it told of itself. */
static void put_stages(Json *json, Report report)
{
  const History history = report->history;
  const size_t n = HistoryRows(history);
  JsonOpen(json, "stages", '[');
  for (size_t row = 0; row < n; row++) {
    const double stage = HistoryValue(history, row, COLUMN_STAGE);
    if (row + 1 < n && HistoryValue(history, row + 1, COLUMN_STAGE) == stage) continue;
    JsonOpen(json, NULL, '{');
    JsonText(json, "stage", HistoryStage(history, (int)stage));
    JsonInteger(json, "iterations", (long long)HistoryValue(history, row, COLUMN_STAGE_ITERATION));
    JsonNumber(json, "loss", HistoryValue(history, row, COLUMN_LOSS));
    for (int k = 0; k < N_MEASURE; k++) {
      const double value = HistoryValue(history, row, COLUMN_MEASURES + k);
      if (!isnan(value)) JsonNumber(json, OptimizerMeasureName(k), value);
    }
    JsonClose(json, '}');
  }
  JsonClose(json, ']');
}

static PetscErrorCode write_summary(Report report, const char *end)
{
  Json json;
  char *text;

  PetscFunctionBegin;
  PetscCall(JsonBegin(&json));
  JsonRaw(&json, "start", report->start_json);
  put_stages(&json, report);
  JsonRaw(&json, "verification", report->verify_json);
  if (report->unknown_json) JsonRaw(&json, "unknowns", report->unknown_json);
  JsonRaw(&json, "end", end);
  PetscCall(JsonEnd(&json, &text));
  const PetscErrorCode code = FileWrite(FolderPath(report->folder, "summary.json"), strlen(text), text);
  free(text);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void put_closing_line(Report report, ExitStatus status, const char *reason, PetscInt iterations, double memory)
{
  static const char *const words[] = {"done", "failed", "wrong input", "stopped", ""}; /* 4: the reason says it */
  char time[16];

  FormatSeconds(ReportSeconds(report), time);
  TableCloseLine(report);
  if (strncmp(reason, words[status], strlen(words[status])) != 0) fprintf(report->out, "%s: ", words[status]);
  fprintf(report->out, "%s (%" PetscInt_FMT " iteration%s, %s, %.0f MB)", reason, iterations,
          iterations == 1 ? "" : "s", time, memory);
  if (report->folder) fprintf(report->out, "; results in %s", FolderPath(report->folder, ""));
  fputc('\n', report->out);
  fflush(report->out);
}

static PetscErrorCode end_run(Report report, ExitStatus status, const char *reason, PetscInt iterations, double memory)
{
  Json json;
  char *text;

  PetscFunctionBegin;
  PetscCall(JsonBegin(&json));
  JsonNumber(&json, "seconds", ReportSeconds(report));
  JsonInteger(&json, "iterations", iterations);
  JsonNumber(&json, "peak_memory_mb", memory);
  JsonInteger(&json, "status", status);
  JsonText(&json, "reason", reason);
  PetscCall(JsonEnd(&json, &text));
  if (report->options.json)
    ReportPutEvent(report, "end", text);
  else
    put_closing_line(report, status, reason, iterations, memory);
  const PetscErrorCode code = report->folder ? write_summary(report, text) : PETSC_SUCCESS;
  free(text);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportEnd(Report report, ExitStatus status, const char *reason, PetscInt iterations)
{
  struct rusage usage;
  double mine = 0, memory = 0;

  PetscFunctionBegin;
  if (getrusage(RUSAGE_SELF, &usage) == 0) mine = (double)usage.ru_maxrss / 1024;
  PetscCallMPI(MPI_Reduce(&mine, &memory, 1, MPI_DOUBLE, MPI_MAX, 0, report->comm));
  PetscErrorCode code = PETSC_SUCCESS;
  if (report->rank == 0) code = end_run(report, status, reason, iterations, memory);
  PetscCall(ErrorAgree(report->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportWriteHistory(Report report)
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (!report->folder) PetscFunctionReturn(PETSC_SUCCESS);
  if (report->rank == 0)
    code = HistoryWrite(report->history, report->diagnostics, FolderPath(report->folder, "history.csv"),
                        FolderPath(report->folder, "history.h5"));
  PetscCall(ErrorAgree(report->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each stage of the rows read back began. */
static PetscErrorCode recall_stages(Report report)
{
  PetscFunctionBegin;
  for (size_t i = 0; report->rank == 0 && i < HistoryRows(report->history); i++) {
    const int stage = (int)HistoryValue(report->history, i, COLUMN_STAGE);
    const double first =
        HistoryValue(report->history, i, COLUMN_ITERATION) - HistoryValue(report->history, i, COLUMN_STAGE_ITERATION);
    if (stage < report->n_stage) continue;
    PetscCall(PetscRealloc((size_t)(stage + 1) * sizeof(PetscInt), &report->first_iteration));
    while (report->n_stage < stage) report->first_iteration[report->n_stage++] = -1;
    report->first_iteration[report->n_stage++] = (PetscInt)first;
  }
  PetscCallMPI(MPI_Bcast(&report->n_stage, 1, MPI_INT, 0, report->comm));
  if (report->rank != 0) PetscCall(PetscRealloc((size_t)report->n_stage * sizeof(PetscInt), &report->first_iteration));
  PetscCallMPI(MPI_Bcast(report->first_iteration, report->n_stage, MPIU_INT, 0, report->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportReadHistory(Report report, PetscInt iteration)
{
  char why[PINN_ERROR_SIZE] = "";

  PetscFunctionBegin;
  report->iteration = iteration;
  if (!report->folder) PetscFunctionReturn(PETSC_SUCCESS);
  if (report->rank == 0) {
    PetscCall(PetscPushErrorHandler(ErrorCapture, why));
    const PetscErrorCode code =
        HistoryRead(report->history, report->diagnostics, FolderPath(report->folder, "history.h5"), iteration);
    PetscCall(PetscPopErrorHandler());
    if (code) PetscCall(ReportMessage(report, "the history begins here: %s", why));
    const size_t n = HistoryRows(report->history);
    const PetscInt last = n ? (PetscInt)HistoryValue(report->history, n - 1, COLUMN_ITERATION) : iteration;
    if (last < iteration)
      PetscCall(ReportMessage(report, "the history lacks what was done after iteration %" PetscInt_FMT, last));
  }
  PetscCall(recall_stages(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
