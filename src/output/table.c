/* What a person sees on the terminal: banner, progress table, verification. */
#include <math.h>
#include <string.h>
#include "report_impl.h"

#define COLUMN_WIDTH 11
#define STAGE_WIDTH  15
#define HEADER_EVERY 25

void FormatSeconds(double seconds, char text[16])
{
  const long s = isfinite(seconds) && seconds < 1e8 ? lround(seconds) : -1;
  if (s < 0)
    snprintf(text, 16, "-");
  else if (seconds < 99.95)
    snprintf(text, 16, "%.1fs", seconds);
  else if (s < 6000)
    snprintf(text, 16, "%ldm%02lds", s / 60, s % 60);
  else if (s < 360000)
    snprintf(text, 16, "%ldh%02ldm", s / 3600, s / 60 % 60);
  else
    snprintf(text, 16, "%dd%02dh", (int)(s / 86400), (int)(s / 3600 % 24));
}

void FormatCount(double count, char text[16])
{
  static const char units[] = " kMGTP";
  int k = 0;
  if (!isfinite(count)) {
    snprintf(text, 16, "-");
    return;
  }
  for (; count >= 999.5 && units[k + 1]; k++) count /= 1000;
  if (k == 0)
    snprintf(text, 16, "%.0f", count);
  else
    snprintf(text, 16, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count, units[k]);
}

/* A line under construction. */
typedef struct {
  char text[2048];
  size_t n;
} Line;

/* The first `limit` bytes of text, cut before a character that does not fit, right-aligned (left: limit < 0). */
static void append(Line *line, const char *text, int width)
{
  const size_t field = (size_t)(width < 0 ? -width : width);
  size_t n = strlen(text);
  if (line->n + field + 2 > sizeof(line->text)) return;
  if (n > field - 1) {
    for (n = field - 1; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;) n--;
  }
  char *at = line->text + line->n;
  memset(at, ' ', field);
  memcpy(width < 0 ? at : at + field - n, text, n);
  line->n += field;
  line->text[line->n] = '\0';
}

static void append_number(Line *line, double value)
{
  char text[32];
  if (isnan(value))
    snprintf(text, sizeof(text), "-");
  else
    snprintf(text, sizeof(text), "%.2e", value);
  append(line, text, COLUMN_WIDTH);
}

static void append_measure(Line *line, OptimizerMeasure measure, double value)
{
  char text[32];
  snprintf(text, sizeof(text), "%.0f", value);
  if (measure != MEASURE_REACH && !isnan(value))
    append(line, text, COLUMN_WIDTH);
  else
    append_number(line, value);
}

/* Columns of what only some stages tell. */
static int special_columns(const Progress *progress)
{
  int n = progress->chooses;
  for (int k = 0; k < N_MEASURE; k++) n += progress->has[k];
  return n;
}

/* How many terms have a column of their own; the others share one. */
static int shown_terms(const struct Report_s *report, const Progress *progress)
{
  const int other = STAGE_WIDTH + 8 + (2 + special_columns(progress) + (progress->causal ? 2 : 0)) * COLUMN_WIDTH +
                    (report->with_error ? report->n_field : 0) * COLUMN_WIDTH + 8 + 8 + 10;
  const int room = (report->width - 1 - other) / COLUMN_WIDTH;
  return room >= report->n_term ? report->n_term : PetscMax(room - 1, 0);
}

static void put_line(Report report, const Line *line, const char *style)
{
  if (report->colour && style)
    fprintf(report->out, "%s%s\033[0m\n", style, line->text);
  else
    fprintf(report->out, "%s\n", line->text);
}

static void put_header(Report report, const Sample *sample)
{
  const int shown = shown_terms(report, sample->progress), n_rms = shown + (shown < report->n_term);
  Line groups = {"", 0}, titles = {"", 0};

  append(&groups, "", STAGE_WIDTH + 8 + COLUMN_WIDTH + 1);
  if (n_rms) append(&groups, "residual RMS", -PetscMax(n_rms * COLUMN_WIDTH, 13));
  append(&groups, "", (1 + special_columns(sample->progress)) * COLUMN_WIDTH);
  if (sample->progress->causal)
    append(&groups, "causal", COLUMN_WIDTH), append(&groups, "least", COLUMN_WIDTH - 1), append(&groups, "", 1);
  if (report->with_error) append(&groups, "relative L2 error", -18);
  while (groups.n > 0 && groups.text[groups.n - 1] == ' ') groups.text[--groups.n] = '\0';

  append(&titles, "stage", -STAGE_WIDTH);
  append(&titles, "iter", 8);
  append(&titles, "loss", COLUMN_WIDTH);
  for (int t = 0; t < shown; t++) append(&titles, report->terms[t], COLUMN_WIDTH);
  if (shown < report->n_term) append(&titles, shown ? "others" : "largest", COLUMN_WIDTH);
  append(&titles, sample->progress->control_name, COLUMN_WIDTH);
  for (int k = 0; k < N_MEASURE; k++)
    if (sample->progress->has[k]) append(&titles, OptimizerMeasureName(k), COLUMN_WIDTH);
  if (sample->progress->chooses) append(&titles, "choice", COLUMN_WIDTH);
  if (sample->progress->causal) append(&titles, "epsilon", COLUMN_WIDTH), append(&titles, "weight", COLUMN_WIDTH);
  for (int f = 0; report->with_error && f < report->n_field; f++) append(&titles, report->fields[f], COLUMN_WIDTH);
  append(&titles, "rows/s", 8);
  append(&titles, "elapsed", 8);
  append(&titles, "remaining", 10);

  TableCloseLine(report);
  fputc('\n', report->out);
  put_line(report, &groups, NULL);
  put_line(report, &titles, "\033[1m");
  report->header_stage = sample->progress->stage_index;
  report->n_line = 0;
}

static void build_line(Report report, const Sample *sample, Line *line)
{
  const Progress *progress = sample->progress;
  const int shown = shown_terms(report, progress);
  double others = NAN;
  char text[32];

  append(line, progress->stage, -STAGE_WIDTH);
  snprintf(text, sizeof(text), "%" PetscInt_FMT, progress->iteration);
  append(line, text, 8);
  append_number(line, progress->loss);
  for (int t = 0; t < shown; t++) append_number(line, sample->rms[t]);
  for (int t = shown; t < report->n_term; t++) others = fmax(others, sample->rms[t]);
  if (shown < report->n_term) append_number(line, others);
  if (progress->control_name[0])
    append_number(line, progress->control);
  else
    append(line, "", COLUMN_WIDTH);
  for (int k = 0; k < N_MEASURE; k++)
    if (progress->has[k]) append_measure(line, k, progress->measures[k]);
  if (progress->chooses) append(line, progress->choice ? progress->choice : "-", COLUMN_WIDTH);
  if (progress->causal) append_number(line, progress->epsilon), append_number(line, progress->least_weight);
  for (int f = 0; report->with_error && f < report->n_field; f++)
    append_number(line, sample->error ? sample->error[f] : NAN);
  FormatCount(sample->rate, text);
  append(line, text, 8);
  FormatSeconds(sample->seconds, text);
  append(line, text, 8);
  FormatSeconds(sample->remaining, text);
  append(line, text, 10);
}

void TableSample(Report report, const Sample *sample, bool keep)
{
  Line line = {"", 0};
  const bool error_appears = sample->error && !report->with_error;

  if (error_appears) report->with_error = true;
  if (error_appears || report->header_stage != sample->progress->stage_index ||
      (!report->terminal && report->n_line >= HEADER_EVERY))
    put_header(report, sample);
  build_line(report, sample, &line);
  if (report->open) fputs("\r\033[K", report->out);
  /* A line that wraps could not be overwritten. */
  if (report->terminal)
    fprintf(report->out, "%.*s", report->width - 1, line.text);
  else
    fputs(line.text, report->out);
  report->open = report->terminal && !keep;
  if (!report->open) fputc('\n', report->out);
  report->n_line++;
  fflush(report->out);
}

void TableCloseLine(Report report)
{
  if (report->open) fputc('\n', report->out);
  report->open = false;
}

void TableBanner(Report report, int n, const char *const names[], const char *const texts[])
{
  int width = 0;
  for (int i = 0; i < n; i++) width = PetscMax(width, (int)strlen(names[i]));
  for (int i = 0; i < n; i++) {
    const char *text = texts[i];
    for (const char *label = names[i];; label = "") {
      const size_t length = strcspn(text, "\n");
      fprintf(report->out, "%-*s  %.*s\n", width, label, (int)length, text);
      text += length;
      if (text[0] == '\0' || text[1] == '\0') break;
      text++;
    }
  }
  fflush(report->out);
}

static void put_verification_terms(Report report, const Verification *v)
{
  fprintf(report->out, "  %-24s %13s %13s %13s %13s\n", "residual", "training RMS", "held-out RMS", "training max",
          "held-out max");
  for (int t = 0; t < v->n_term && t < report->n_term; t++)
    fprintf(report->out, "  %-24s %13.3e %13.3e %13.3e %13.3e\n", report->terms[t], v->term_rms[t],
            v->heldout_term_rms[t], v->term_max[t], v->heldout_term_max[t]);
}

static void put_field(Report report, const Verification *v, int f)
{
  fprintf(report->out, "  %-24s %13.3e %13.3e", report->fields[f], v->l2_error[f], v->max_error[f]);
  if (isnan(v->constant_error[f]))
    fprintf(report->out, " %13s", "-");
  else
    fprintf(report->out, " %13.3e", v->constant_error[f]);
  if (v->has_baselines) fprintf(report->out, " %13.3e %13.3e", v->affine_error[f], v->nonaffine_error[f]);
  fputc('\n', report->out);
}

static void put_verification_fields(Report report, const Verification *v)
{
  fprintf(report->out, "\n  %-24s %13s %13s %13s%s\n", "field", "relative L2", "relative max", "best constant",
          v->has_baselines ? "   best affine   over affine" : "");
  for (int f = 0; f < v->n_field && f < report->n_field; f++) {
    if (isnan(v->l2_error[f]))
      fprintf(report->out, "  %-24s %13s\n", report->fields[f], "truth unknown");
    else
      put_field(report, v, f);
  }
  fprintf(report->out, "  against %s\n", v->truth ? v->truth : "the truth");
  if (v->has_baselines)
    fprintf(report->out,
            "  best: what the ansatz scores with that function in the network's place; the affine one was found %s\n"
            "  over affine: the error relative to what the best affine one leaves\n",
            v->affine);
}

static void put_verification_slabs(Report report, const Verification *v)
{
  fprintf(report->out, "\n  %-24s", "relative L2 by slab");
  for (int f = 0; f < v->n_field; f++) fprintf(report->out, " %13.13s", report->fields[f]);
  fputc('\n', report->out);
  for (int k = 0; k < v->n_slab; k++) {
    fprintf(report->out, "  slab %-4d to t = %-8.4g", k + 1, v->slab_end[k]);
    for (int f = 0; f < v->n_field; f++) {
      const double error = v->slab_error[k * v->n_field + f];
      isnan(error) ? fprintf(report->out, " %13s", "-") : fprintf(report->out, " %13.3e", error);
    }
    fputc('\n', report->out);
  }
}

double RelativeError(double value, double truth)
{
  return truth != 0.0 ? fabs(value - truth) / fabs(truth) : fabs(value);
}

void TableUnknowns(Report report, int n, const char *const names[], const double values[], const double deviations[],
                   const double truths[])
{
  fprintf(report->out, "\n  %-24s %20s %13s %13s %13s\n", "unknown", "value", "deviation", "truth", "error");
  for (int k = 0; k < n; k++) {
    fprintf(report->out, "  %-24s %20.13g %13.3e", names[k], values[k], deviations[k]);
    if (isnan(truths[k]))
      fprintf(report->out, " %13s %13s\n", "-", "-");
    else
      fprintf(report->out, " %13.6g %13.3e\n", truths[k], RelativeError(values[k], truths[k]));
  }
  fflush(report->out);
}

void TableVerification(Report report, const Verification *v)
{
  FILE *stream = report->options.quiet ? report->err : report->out;

  TableCloseLine(report);
  if (!report->options.quiet) {
    fprintf(report->out, "\n%sverification%s on fresh points\n", report->colour ? "\033[1m" : "",
            report->colour ? "\033[0m" : "");
    put_verification_terms(report, v);
    if (v->has_truth) put_verification_fields(report, v);
    if (v->has_truth && v->n_slab) put_verification_slabs(report, v);
  }
  for (int w = 0; w < v->n_warning; w++)
    fprintf(stream, "%swarning:%s %s\n", report->colour ? "\033[33m" : "", report->colour ? "\033[0m" : "",
            v->warning[w]);
  fflush(stream);
}
