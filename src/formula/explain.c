/* Where a value that is not finite first appeared: from the root down the steps, as long as an operand is not finite.
   */
#include <math.h>
#include <stdio.h>
#include "program_impl.h"

typedef struct {
  Program program;
  const Frame *frames; /* [N_TAPES]; the static one holds this point only */
  int point[N_TAPES];
} Search;

/* A column of a combination, and the entry in it that is not finite. */
typedef struct {
  int tape;
  const Entry *entry; /* NULL = all are finite */
} Finding;

static double entry_value(const Search *s, int tape, const Entry *entry)
{
  const Frame *frame = &s->frames[tape];
  const size_t p = (size_t)s->point[tape];
  switch (entry->area) {
  case AREA_VALUE:
    return frame->value[(size_t)entry->index * frame->ld + p];
  case AREA_STATIC:
    return frame->statics[(size_t)entry->index * frame->stride + p];
  case AREA_X:
    return frame->x[p * (size_t)frame->n_coord + (size_t)entry->index];
  case AREA_NORMAL:
    return frame->normal[p * (size_t)frame->n_coord + (size_t)entry->index];
  default:
    return 1;
  }
}

/* Looks into the columns [begin, end) of a combination; a row of the statics leads on to the static tape. */
static Finding look(const Search *s, int tape, const Combination *c, int begin, int end)
{
  for (int e = c->start[begin]; e < c->start[end]; e++) {
    const Entry *entry = &c->entry[e];
    if (isfinite(entry_value(s, tape, entry))) continue;
    if (entry->area != AREA_STATIC) return (Finding){tape, entry};
    const Combination *rows = &s->program->tapes[TAPE_STATIC].results;
    return look(s, TAPE_STATIC, rows, entry->index, entry->index + 1);
  }
  return (Finding){tape, NULL};
}

static const Step *step_of_column(const Tape *tape, int column)
{
  int low = 0, high = tape->n - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (tape->steps[middle].value <= column)
      low = middle;
    else
      high = middle - 1;
  }
  return &tape->steps[low];
}

static double operand_value(const Search *s, int tape, const Step *step, int k)
{
  double value = 0;
  for (int e = step->arg[k].start[0]; e < step->arg[k].start[1]; e++)
    value += step->arg[k].entry[e].coef * entry_value(s, tape, &step->arg[k].entry[e]);
  return value;
}

/* An operand of the step that is not finite; of an `if` only the branch taken counts. */
static Finding look_into(const Search *s, int tape, const Step *step)
{
  Finding found = {tape, NULL};
  for (int k = 0; k < step->n_arg && !found.entry; k++) {
    if (step->kind == STEP_SELECT && k > 0 && (operand_value(s, tape, step, 0) != 0) != (k == 1)) continue;
    found = look(s, tape, &step->arg[k], 0, step->arg[k].n_column);
  }
  return found;
}

static void describe(const Search *s, int tape, const Step *step, char *text, size_t size)
{
  const Frame *frame = &s->frames[tape];
  const bool value = !isfinite(frame->value[(size_t)step->value * frame->ld + (size_t)s->point[tape]]);
  const char *what = value ? "" : "a derivative of ";
  char node[256];
  FormulaPrint(s->program->formula, step->node, node, sizeof(node));
  if (step->kind == STEP_LOOP) {
    snprintf(text, size, "a term of %s, or of a derivative of it", node);
    return;
  }
  if (step->kind == STEP_LOAD)
    snprintf(text, size, "%sthe network output %s", what, node);
  else if (step->kind == STEP_PRODUCT && step->n_arg == 2)
    snprintf(text, size, "%s%s, where its factors are %g and %g", what, node, operand_value(s, tape, step, 0),
             operand_value(s, tape, step, 1));
  else if (step->kind == STEP_FUNCTION)
    snprintf(text, size, "%s%s, where its argument is %g", what, node, operand_value(s, tape, step, 0));
  else
    snprintf(text, size, "%s%s, whose terms are finite", what, node);
}

/* Where the network's jets are not finite, a factor may be why. */
static Finding look_at_factors(const Search *s)
{
  const int *factors, n = JetPlanFactors(s->program->plan, &factors);
  return look(s, TAPE_STATIC, &s->program->tapes[TAPE_STATIC].results, 0, n);
}

bool ProgramExplain(Program program, ProgramWork work, int root, int p, char *text, size_t size)
{
  const Tape *tapes = program->tapes;
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  const size_t shift = (size_t)p * (size_t)program->n_coord;
  Frame *fixed = &work->frames[TAPE_STATIC];
  const Search s = {program, work->frames, {0, p}};
  double total = 0;
  fixed->n = 1;
  fixed->x = frame->x + shift;
  fixed->normal = frame->normal ? frame->normal + shift : NULL;
  TapeEvaluate(&tapes[TAPE_STATIC], NULL, false, fixed, NULL, 0, 0);
  const Combination *results = &tapes[TAPE_DYNAMIC].results;
  for (int e = results->start[root]; e < results->start[root + 1]; e++)
    total += results->entry[e].coef * entry_value(&s, TAPE_DYNAMIC, &results->entry[e]);
  if (isfinite(total)) return false;
  const Step *step = NULL;
  int tape = TAPE_DYNAMIC;
  Finding found = look(&s, TAPE_DYNAMIC, results, root, root + 1);
  while (found.entry && found.entry->area == AREA_VALUE) {
    tape = found.tape;
    step = step_of_column(&tapes[tape], found.entry->index);
    found = step->kind == STEP_LOAD ? look_at_factors(&s) : look_into(&s, tape, step);
  }
  if (found.entry)
    snprintf(text, size, "%s %s", found.entry->area == AREA_X ? "coordinate" : "the normal along",
             FormulaCoordinateName(program->formula, found.entry->index));
  else if (step)
    describe(&s, tape, step, text, size);
  else
    snprintf(text, size, "a sum of finite terms");
  return true;
}
