/* The reverse and the tangent sweep over the dynamic tape, with the jets that the last evaluation left. */
#include <string.h>
#include "program_impl.h"

static void axpy(size_t n, double a, const double *restrict x, double *restrict y)
{
  for (size_t p = 0; p < n; p++) y[p] += a * x[p];
}

/* The transpose of CombinationGather on AREA_VALUE. */
static void scatter(const Combination *c, const Frame *frame, const double *bar, size_t stride, double *dual)
{
  for (int k = 0; k < c->n_column; k++)
    for (int e = c->start[k]; e < c->start[k + 1]; e++)
      if (c->entry[e].area == AREA_VALUE)
        axpy((size_t)frame->n, c->entry[e].coef, bar + (size_t)k * stride,
             dual + (size_t)c->entry[e].index * frame->ld);
}

/* Where nothing came down to a step, nothing goes on: the branch that an `if` did not take may hold Inf or NaN, and
   0 times these must not leak into the adjoint. */
static void mask_idle(const Step *step, const Frame *frame, const double *value_bar, double *bar)
{
  for (size_t p = 0; p < (size_t)frame->n; p++) {
    bool idle = true;
    for (int c = 0; c < step->n_column && idle; c++) idle = value_bar[(size_t)c * frame->ld + p] == 0;
    for (int c = 0; c < step->n_column && idle; c++) bar[(size_t)c * frame->ld + p] = 0;
  }
}

/* Adjoint of operand k, whose jet is multiplied by the jet d. */
static void reverse_factor(const Tape *tape, const Step *step, int k, const double *d, size_t stride_d,
                           ProgramWork work)
{
  const Combination *c = &step->arg[k];
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  const KernelProduct *product = &step->tables->product;
  const double *value_bar = work->dual + (size_t)step->value * frame->ld;
  const size_t n = (size_t)frame->n, ld = frame->ld;
  if (!c->varies) return;
  if (c->direct && !tape->selects) {
    double *bar = work->dual + (size_t)c->entry[0].index * ld;
    KernelCPU.multiply_transpose(product, n, d, stride_d, value_bar, ld, bar, ld, 1);
    return;
  }
  KernelCPU.multiply_transpose(product, n, d, stride_d, value_bar, ld, work->scratch, ld, 0);
  if (tape->selects) mask_idle(step, frame, value_bar, work->scratch);
  scatter(c, frame, work->scratch, ld, work->dual);
}

static void reverse_choice(const Step *step, ProgramWork work)
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  const double *value_bar = work->dual + (size_t)step->value * frame->ld;
  size_t stride;
  const double *condition = CombinationStored(&step->arg[0], frame, &stride);
  for (int k = 1; k < 3; k++) {
    for (int c = 0; c < step->n_column; c++)
      for (size_t p = 0; p < (size_t)frame->n; p++) {
        const size_t i = (size_t)c * frame->ld + p;
        work->scratch[i] = (condition[p] != 0) == (k == 1) ? value_bar[i] : 0;
      }
    scatter(&step->arg[k], frame, work->scratch, frame->ld, work->dual);
  }
}

static void reverse_load(const Step *step, ProgramWork work, double net_bar[])
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  const size_t n = (size_t)frame->n, skip = (size_t)work->n_output;
  const double *value_bar = work->dual + (size_t)step->value * frame->ld;
  for (int c = 0; c < step->n_column; c++) {
    const int at = work->draw * step->n_column + c;
    double *to = net_bar + (size_t)step->column[at] * n * skip + step->output;
    for (size_t p = 0; p < n; p++) to[p * skip] += step->scale[at] * value_bar[(size_t)c * frame->ld + p];
  }
}

static void reverse_step(const Tape *tape, const Step *step, ProgramWork work, double net_bar[])
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  size_t stride;
  switch (step->kind) {
  case STEP_LOAD:
    reverse_load(step, work, net_bar);
    break;
  case STEP_COMBINE:
    scatter(&step->arg[0], frame, work->dual + (size_t)step->value * frame->ld, frame->ld, work->dual);
    break;
  case STEP_PRODUCT:
    for (int k = 0; k < 2; k++) {
      const double *other = CombinationStored(&step->arg[1 - k], frame, &stride);
      reverse_factor(tape, step, k, other, stride, work);
    }
    break;
  case STEP_FUNCTION:
    reverse_factor(tape, step, 0, frame->aux + (size_t)step->slope * frame->ld, frame->ld, work);
    break;
  case STEP_SELECT:
    reverse_choice(step, work);
    break;
  case STEP_COMPARE:
  case STEP_LOOP: /* without network */
    break;
  }
}

void ProgramReverse(Program program, ProgramWork work, const double root_bar[], double net_bar[])
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  const size_t n = (size_t)frame->n;
  if (work->dual) memset(work->dual, 0, sizeof(double) * frame->ld * (size_t)tape->n_value);
  if (net_bar) memset(net_bar, 0, sizeof(double) * (size_t)JetPlanColumns(program->plan) * n * (size_t)work->n_output);
  scatter(&tape->results, frame, root_bar, n, work->dual);
  for (int i = tape->n - 1; i >= 0; i--) reverse_step(tape, &tape->steps[i], work, net_bar);
}

/* Tangent of an operand, gathered into `room` where it does not lie in one place. */
static const double *operand_dot(const Combination *c, const Frame *frame, const double *dual, double *room)
{
  if (c->direct && c->varies) return dual + (size_t)c->entry[0].index * frame->ld;
  for (int k = 0; k < c->n_column; k++) CombinationGather(c, k, frame, dual, false, room + (size_t)k * frame->ld);
  return room;
}

static void tangent_product(const Step *step, ProgramWork work, double *value_dot)
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  size_t stride;
  int add = 0;
  for (int k = 0; k < 2; k++) {
    if (!step->arg[k].varies) continue;
    const double *dot = operand_dot(&step->arg[k], frame, work->dual, work->scratch);
    const double *other = CombinationStored(&step->arg[1 - k], frame, &stride);
    KernelCPU.multiply(&step->tables->product, (size_t)frame->n, dot, frame->ld, other, stride, value_dot, frame->ld,
                       add);
    add = 1;
  }
}

static void tangent_choice(const Step *step, ProgramWork work, double *value_dot)
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  double *room[2] = {work->scratch, work->scratch + (size_t)step->n_column * frame->ld};
  size_t stride;
  const double *condition = CombinationStored(&step->arg[0], frame, &stride);
  const double *a = operand_dot(&step->arg[1], frame, work->dual, room[0]);
  const double *b = operand_dot(&step->arg[2], frame, work->dual, room[1]);
  for (int c = 0; c < step->n_column; c++)
    for (size_t p = 0; p < (size_t)frame->n; p++) {
      const size_t i = (size_t)c * frame->ld + p;
      value_dot[i] = condition[p] != 0 ? a[i] : b[i];
    }
}

static void tangent_load(const Step *step, ProgramWork work, const double net_dot[], double *value_dot)
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  const size_t n = (size_t)frame->n, skip = (size_t)work->n_output;
  for (int c = 0; c < step->n_column; c++) {
    const int at = work->draw * step->n_column + c;
    const double *from = net_dot + (size_t)step->column[at] * n * skip + step->output;
    for (size_t p = 0; p < n; p++) value_dot[(size_t)c * frame->ld + p] = step->scale[at] * from[p * skip];
  }
}

static void tangent_step(const Step *step, ProgramWork work, const double net_dot[])
{
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  double *value_dot = work->dual + (size_t)step->value * frame->ld;
  switch (step->kind) {
  case STEP_LOAD:
    tangent_load(step, work, net_dot, value_dot);
    break;
  case STEP_COMBINE:
    for (int c = 0; c < step->n_column; c++)
      CombinationGather(&step->arg[0], c, frame, work->dual, false, value_dot + (size_t)c * frame->ld);
    break;
  case STEP_PRODUCT:
    tangent_product(step, work, value_dot);
    break;
  case STEP_FUNCTION:
    KernelCPU.multiply(&step->tables->product, (size_t)frame->n, frame->aux + (size_t)step->slope * frame->ld,
                       frame->ld, operand_dot(&step->arg[0], frame, work->dual, work->scratch), frame->ld, value_dot,
                       frame->ld, 0);
    break;
  case STEP_SELECT:
    tangent_choice(step, work, value_dot);
    break;
  case STEP_COMPARE:
  case STEP_LOOP:
    memset(value_dot, 0, sizeof(double) * (size_t)frame->n);
    break;
  }
}

void ProgramTangent(Program program, ProgramWork work, const double net_dot[], double root_dot[])
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  const Frame *frame = &work->frames[TAPE_DYNAMIC];
  for (int i = 0; i < tape->n; i++) tangent_step(&tape->steps[i], work, net_dot);
  for (int r = 0; r < program->n_root; r++)
    CombinationGather(&tape->results, r, frame, work->dual, false, root_dot + (size_t)r * (size_t)frame->n);
}
