/* A report that writes into memory, fed from plain arrays by a clock that the test moves. */
#pragma once
#include "../src/output/report_impl.h"

static const char *const desk_terms[] = {"burgers", "walls", "walls", "a \"quoted\", x = 1/2"}, *const desk_fields[] = {
                                                                                                    "u", "v"};
static const double desk_rms[] = {1e-3, 2e-4, 3e-5, NAN}, desk_errors[] = {0.25, 0.5};

static double now;
static inline double test_clock(void)
{
  return now;
}

/* A report into memory. */
typedef struct {
  Report report;
  char *out, *err;
  size_t n_out, n_err;
} Desk;

static inline Desk *desk_open(ReportOptions options, Folder folder, int n_term)
{
  static Desk desk;
  desk = (Desk){0};
  now = 1000;
  ck_petsc(ReportCreate_Names(PETSC_COMM_SELF, &options, folder, n_term, desk_terms, 2, desk_fields, &desk.report));
  desk.report->out = open_memstream(&desk.out, &desk.n_out);
  desk.report->err = open_memstream(&desk.err, &desk.n_err);
  desk.report->clock = test_clock;
  desk.report->start = now;
  desk.report->terminal = desk.report->colour = false;
  desk.report->width = 160;
  return &desk;
}

static inline void desk_close(Desk *desk)
{
  fclose(desk->report->out);
  fclose(desk->report->err);
  free(desk->out);
  free(desk->err);
  ck_petsc(ReportDestroy(&desk->report));
}

static inline Progress step(int stage, PetscInt iteration, PetscInt iterations)
{
  return (Progress){.stage = stage ? "gauss-newton" : "adam",
                    .stage_index = stage,
                    .iteration = iteration,
                    .iterations = iterations,
                    .loss = pow(0.5, (double)iteration),
                    .control_name = stage ? "damping" : "",
                    .control = 0.125,
                    .gradient_norm = stage ? NAN : 2};
}

static inline void advance(Report report, int stage, PetscInt iteration, PetscInt iterations, bool print)
{
  const Progress progress = step(stage, iteration, iterations);
  now += 0.5;
  ck_petsc(
      ReportProgress_Rows(report, &progress, desk_rms, iteration % 2 ? NULL : desk_errors, 1000 * (now - 1000), print));
}

static inline void run_stage(Report report, int stage, PetscInt from, PetscInt to, PetscInt iterations)
{
  for (PetscInt it = from; it <= to; it++) advance(report, stage, it, iterations, true);
  if (to < iterations) return;
  const Progress last = step(stage, to, iterations);
  ck_petsc(ReportStageEnd_Text(report, &last, "all iterations done"));
}

static inline int count(const char *text, const char *part)
{
  int n = 0;
  for (const char *s = text; (s = strstr(s, part)) != NULL; s += strlen(part)) n++;
  return n;
}
