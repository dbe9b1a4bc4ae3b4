/* A report while the run goes on: when a line is due, what it says, and what is kept for the history. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "report_impl.h"

static void detect_terminal(Report report)
{
  const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
  struct winsize size;

  report->terminal = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
  report->colour = report->terminal && !(no_color && no_color[0]);
  report->width = 160;
  if (report->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) report->width = size.ws_col;
}

/* Copies names, told apart also as dataset names and as keys: "walls", "walls (2)". */
static PetscErrorCode copy_names(int n, const char *const names[], char ***copies)
{
  char name[200], safe[200], earlier[200];

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n, copies));
  for (int i = 0; i < n; i++) {
    snprintf(name, sizeof(name), "%s", names[i]);
    HDF5SafeName(name, safe, sizeof(safe));
    for (int j = 0, count = 1; j < i; j++) {
      HDF5SafeName((*copies)[j], earlier, sizeof(earlier));
      if (strcmp(safe, earlier) != 0) continue;
      snprintf(name, sizeof(name), "%.180s (%d)", names[i], ++count);
      HDF5SafeName(name, safe, sizeof(safe));
      j = -1;
    }
    PetscCall(PetscStrallocpy(name, &(*copies)[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_history(Report report)
{
  const int n = report->n_term + report->n_weight + report->n_field + 2, error = report->n_term + report->n_weight;
  char(*names)[256];
  const char **pointers;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &names, n, &pointers));
  for (int t = 0; t < report->n_term; t++) snprintf(names[t], sizeof(names[t]), "rms_%s", report->terms[t]);
  for (int t = 0; t < report->n_weight; t++)
    snprintf(names[report->n_term + t], sizeof(names[t]), "weight_%s", report->terms[t]);
  for (int f = 0; f < report->n_field; f++) snprintf(names[error + f], sizeof(names[0]), "error_%s", report->fields[f]);
  snprintf(names[n - 2], sizeof(names[0]), "rows_per_second");
  snprintf(names[n - 1], sizeof(names[0]), "seconds");
  for (int c = 0; c < n; c++) pointers[c] = names[c];
  PetscCall(HistoryCreate(n, pointers, &report->history));
  PetscCall(PetscFree2(names, pointers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportCreate_Names(MPI_Comm comm, const ReportOptions *options, Folder folder, int n_term,
                                  const char *const terms[], int n_field, const char *const fields[], Report *report)
{
  Report r;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(1, &r));
  r->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &r->rank));
  r->options = *options;
  r->folder = folder;
  r->n_term = n_term;
  r->n_field = n_field;
  PetscCall(copy_names(n_term, terms, &r->terms));
  PetscCall(copy_names(n_field, fields, &r->fields));
  PetscCall(PetscCalloc2(n_term, &r->rms, n_field, &r->error));
  r->out = stdout;
  r->err = stderr;
  detect_terminal(r);
  r->clock = MPI_Wtime;
  r->start = r->clock();
  r->kept = -INFINITY;
  r->header_stage = r->stage = -1;
  PetscCall(create_history(r));
  *report = r;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportAddWeights(Report report)
{
  PetscFunctionBegin;
  report->n_weight = report->n_term;
  PetscCall(HistoryDestroy(&report->history));
  PetscCall(create_history(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportDestroy(Report *report)
{
  Report r = *report;

  PetscFunctionBegin;
  if (!r) PetscFunctionReturn(PETSC_SUCCESS);
  for (int t = 0; t < r->n_term; t++) PetscCall(PetscFree(r->terms[t]));
  for (int f = 0; f < r->n_field; f++) PetscCall(PetscFree(r->fields[f]));
  PetscCall(PetscFree(r->terms));
  PetscCall(PetscFree(r->fields));
  PetscCall(PetscFree2(r->rms, r->error));
  PetscCall(PetscFree(r->first_iteration));
  PetscCall(HistoryDestroy(&r->history));
  PetscCall(HistoryDestroy(&r->diagnostics));
  free(r->start_json);
  free(r->verify_json);
  free(r->unknown_json);
  PetscCall(PetscFree(*report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double ReportSeconds(Report report)
{
  return report->used + report->clock() - report->start;
}

void ReportSetSeconds(Report report, double used)
{
  report->used = used;
}

PetscInt ReportIteration(Report report)
{
  return report->iteration;
}

void ReportPutEvent(Report report, const char *event, const char *object)
{
  fprintf(report->out, "{\"event\": \"%s\"%s%s\n", event, object[1] == '}' ? "" : ", ", object + 1);
  fflush(report->out);
}

PetscErrorCode ReportHeader(Report report, int n, const char *const names[], const char *const texts[])
{
  Json json;

  PetscFunctionBegin;
  if (report->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(JsonBegin(&json));
  for (int i = 0; i < n; i++) {
    char key[200];
    snprintf(key, sizeof(key), "%s", names[i]);
    for (char *c = key; *c; c++)
      if (*c == ' ' || *c == '-') *c = '_';
    JsonText(&json, key, texts[i]);
  }
  free(report->start_json);
  PetscCall(JsonEnd(&json, &report->start_json));
  if (report->options.json)
    ReportPutEvent(report, "start", report->start_json);
  else if (!report->options.quiet)
    TableBanner(report, n, names, texts);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void put_numbers(Json *json, const char *key, int n, char *const names[], const double values[])
{
  JsonOpen(json, key, '{');
  for (int i = 0; i < n; i++) JsonNumber(json, names[i], values ? values[i] : NAN);
  JsonClose(json, '}');
}

static PetscErrorCode put_sample_event(Report report, const Sample *sample)
{
  const Progress *progress = sample->progress;
  Json json;
  char *text;

  PetscFunctionBegin;
  PetscCall(JsonBegin(&json));
  JsonText(&json, "stage", progress->stage);
  JsonInteger(&json, "stage_index", progress->stage_index);
  if (progress->slab) JsonInteger(&json, "slab", progress->slab);
  if (progress->causal) {
    JsonNumber(&json, "epsilon", progress->epsilon);
    JsonNumber(&json, "least_weight", progress->least_weight);
  }
  JsonInteger(&json, "stage_iteration", progress->iteration);
  JsonInteger(&json, "stage_iterations", progress->iterations);
  JsonInteger(&json, "iteration", sample->iteration);
  JsonNumber(&json, "loss", progress->loss);
  put_numbers(&json, "rms", report->n_term, report->terms, sample->rms);
  if (progress->weights) put_numbers(&json, "weights", report->n_term, report->terms, progress->weights);
  if (progress->control_name[0]) JsonNumber(&json, progress->control_name, progress->control);
  JsonNumber(&json, "gradient_norm", progress->gradient_norm);
  for (int k = 0; k < N_MEASURE; k++)
    if (progress->has[k]) JsonNumber(&json, OptimizerMeasureName(k), progress->measures[k]);
  if (progress->chooses) JsonText(&json, "choice", progress->choice);
  if (sample->error) put_numbers(&json, "error", report->n_field, report->fields, sample->error);
  JsonNumber(&json, "rows_per_second", sample->rate);
  JsonNumber(&json, "seconds", sample->seconds);
  JsonNumber(&json, "remaining_seconds", sample->remaining);
  if (sample->reason) JsonText(&json, "reason", sample->reason);
  PetscCall(JsonEnd(&json, &text));
  ReportPutEvent(report, "progress", text);
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The run's iteration that belongs to the stage's. */
static PetscErrorCode follow_stage(Report report, const Progress *progress, double rows)
{
  const int stage = progress->stage_index;

  PetscFunctionBegin;
  if (stage >= report->n_stage) {
    PetscCall(PetscRealloc((size_t)(stage + 1) * sizeof(PetscInt), &report->first_iteration));
    while (report->n_stage <= stage) report->first_iteration[report->n_stage++] = -1;
  }
  /* A stage begins with iteration 0. A resumed one whose history is lost goes on with the step after the checkpoint. */
  if (report->first_iteration[stage] < 0)
    report->first_iteration[stage] = PetscMax(report->iteration - PetscMax(progress->iteration - 1, 0), 0);
  report->iteration = report->first_iteration[stage] + progress->iteration;
  if (report->stage != stage) {
    report->stage = stage;
    report->stage_from = progress->iteration;
    report->stage_start = ReportSeconds(report);
    report->stage_rows = rows;
  }
  report->rows = rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Sample take_sample(Report report, const Progress *progress, const double error[])
{
  Sample sample = {progress, report->iteration, report->rms, error, NAN, ReportSeconds(report), NAN, NULL};
  const double seconds = sample.seconds - report->stage_start;
  const PetscInt done = progress->iteration - report->stage_from;
  if (seconds > 0 && report->rows > report->stage_rows) sample.rate = (report->rows - report->stage_rows) / seconds;
  if (done > 0) sample.remaining = seconds / (double)done * (double)(progress->iterations - progress->iteration);
  return sample;
}

static void fill_fixed(double row[N_COLUMN], const Progress *progress, PetscInt iteration, char stage[128])
{
  snprintf(stage, 128, "%s", progress->stage);
  if (progress->slab) snprintf(stage, 128, "slab %d %s", progress->slab, progress->stage);
  row[COLUMN_ITERATION] = (double)iteration;
  row[COLUMN_STAGE] = (double)progress->stage_index;
  row[COLUMN_STAGE_ITERATION] = (double)progress->iteration;
  row[COLUMN_LOSS] = progress->loss;
  row[COLUMN_CONTROL] = progress->control_name[0] ? progress->control : NAN;
  row[COLUMN_GRADIENT] = progress->gradient_norm;
  for (int k = 0; k < N_MEASURE; k++) row[COLUMN_MEASURES + k] = progress->has[k] ? progress->measures[k] : NAN;
}

static PetscErrorCode store_sample(Report report, const Sample *sample)
{
  const int n = N_COLUMN + report->n_term + report->n_weight + report->n_field + 2;
  const double *weights = sample->progress->weights;
  double *row, *next;
  char stage[128];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &row));
  fill_fixed(row, sample->progress, sample->iteration, stage);
  next = row + N_COLUMN;
  for (int t = 0; t < report->n_term; t++) *next++ = sample->rms[t];
  for (int t = 0; t < report->n_weight; t++) *next++ = weights ? weights[t] : NAN;
  for (int f = 0; f < report->n_field; f++) *next++ = sample->error ? sample->error[f] : NAN;
  *next++ = sample->rate;
  *next = sample->seconds;
  PetscCall(HistoryAdd(report->history, stage, row));
  PetscCall(PetscFree(row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportAddDiagnostics(Report report, int n, const char *const names[])
{
  PetscFunctionBegin;
  PetscCall(HistoryDestroy(&report->diagnostics));
  PetscCall(HistoryCreate(n, names, &report->diagnostics));
  report->n_diagnostic = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportDiagnostics(Report report, const Progress *progress, const double values[])
{
  double *row;
  char stage[128];

  PetscFunctionBegin;
  if (report->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(N_COLUMN + report->n_diagnostic, &row));
  fill_fixed(row, progress, report->iteration, stage);
  PetscCall(PetscArraycpy(row + N_COLUMN, values, report->n_diagnostic));
  PetscCall(HistoryAdd(report->diagnostics, stage, row));
  PetscCall(PetscFree(row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put_sample(Report report, const Sample *sample, bool keep)
{
  PetscFunctionBegin;
  if (keep) report->kept = report->clock();
  if (report->options.json)
    PetscCall(put_sample_event(report, sample));
  else if (!report->options.quiet)
    TableSample(report, sample, keep);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On a terminal, lines that stay become rarer in a long run, down to one a minute. */
static bool is_lasting(Report report, const Progress *progress, bool new_stage)
{
  const double now = report->clock(), interval = fmin(fmax((now - report->start) / 100, 1), 60);
  return new_stage || progress->iteration >= progress->iterations || now - report->kept >= interval;
}

PetscErrorCode ReportProgress_Rows(Report report, const Progress *progress, const double rms[], const double error[],
                                   double rows, bool print)
{
  PetscFunctionBegin;
  const bool new_stage = report->stage != progress->stage_index;
  PetscCall(follow_stage(report, progress, rows));
  if (report->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(report->rms, rms, report->n_term));
  if (error) PetscCall(PetscArraycpy(report->error, error, report->n_field));
  const Sample sample = take_sample(report, progress, error ? report->error : NULL);
  PetscCall(store_sample(report, &sample));
  report->last_has_error = error != NULL;
  report->last_is_shown = print;
  if (print) PetscCall(put_sample(report, &sample, is_lasting(report, progress, new_stage)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportStageEnd_Text(Report report, const Progress *progress, const char *reason)
{
  PetscFunctionBegin;
  const bool any = progress->stage && report->stage == progress->stage_index; /* else it ended before its first line */
  report->stage = -1;
  if (report->rank != 0 || (report->options.quiet && !report->options.json)) PetscFunctionReturn(PETSC_SUCCESS);
  if (any && (report->options.json || !report->last_is_shown)) {
    Sample sample = take_sample(report, progress, report->last_has_error ? report->error : NULL);
    sample.reason = reason;
    PetscCall(put_sample(report, &sample, true));
  }
  if (!report->options.json) {
    TableCloseLine(report);
    fprintf(report->out, "%s: %s\n", progress->stage ? progress->stage : "stage", reason);
    fflush(report->out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
