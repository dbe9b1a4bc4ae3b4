/* Forward evaluation of the tapes. */
#include <math.h>
#include <string.h>
#include "program_impl.h"

/* The static tape keeps nothing, so it goes through the points in parts that keep its arrays small. */
#define STATIC_BYTES 16e6

static size_t round_up(int n)
{
  return ((size_t)n + 7) / 8 * 8;
}

static size_t tape_columns(const Tape *tape)
{
  return (size_t)tape->n_value + (size_t)tape->n_aux;
}

static int static_points(Program program, int max_point)
{
  const double bytes = 8.0 * (double)PetscMax(tape_columns(&program->tapes[TAPE_STATIC]), 1);
  return (int)PetscMin((double)max_point, PetscMax(8.0, floor(STATIC_BYTES / bytes)));
}

size_t ProgramWorkBytes(Program program, int max_point)
{
  const Tape *fixed = &program->tapes[TAPE_STATIC], *varying = &program->tapes[TAPE_DYNAMIC];
  const size_t ld = round_up(max_point), static_ld = round_up(static_points(program, max_point));
  const size_t columns = tape_columns(varying) + (size_t)varying->n_value + 2 * (size_t)varying->most_columns +
                         (size_t)fixed->results.n_column;
  return sizeof(double) * (ld * columns + static_ld * tape_columns(fixed)) + (size_t)LoopWorksBytes(program);
}

static PetscErrorCode create_frame(const Tape *tape, int n_coord, int max_point, Frame *frame)
{
  PetscFunctionBegin;
  frame->ld = round_up(max_point);
  frame->n_coord = n_coord;
  PetscCall(PetscMalloc1(frame->ld * (size_t)tape->n_value, &frame->value));
  PetscCall(PetscMalloc1(frame->ld * (size_t)tape->n_aux, &frame->aux));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramWorkCreate(Program program, int max_point, ProgramWork *work)
{
  const Tape *varying = &program->tapes[TAPE_DYNAMIC];
  ProgramWork w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  w->max_point = max_point;
  w->static_points = static_points(program, max_point);
  PetscCall(create_frame(&program->tapes[TAPE_STATIC], program->n_coord, w->static_points, &w->frames[TAPE_STATIC]));
  PetscCall(create_frame(varying, program->n_coord, max_point, &w->frames[TAPE_DYNAMIC]));
  w->frames[TAPE_STATIC].program = program;
  PetscCall(LoopWorksCreate(program, &w->frames[TAPE_STATIC].loops));
  w->program = program;
  const size_t ld = w->frames[TAPE_DYNAMIC].ld;
  PetscCall(PetscMalloc1(ld * (size_t)varying->n_value, &w->dual));
  PetscCall(PetscMalloc1(ld * 2 * (size_t)varying->most_columns, &w->scratch));
  PetscCall(PetscMalloc1(ld * (size_t)ProgramStatics(program), &w->statics));
  *work = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramWorkDestroy(ProgramWork *work)
{
  ProgramWork w = *work;

  PetscFunctionBegin;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(LoopWorksDestroy(w->program, &w->frames[TAPE_STATIC].loops));
  for (int t = 0; t < N_TAPES; t++) {
    PetscCall(PetscFree(w->frames[t].value));
    PetscCall(PetscFree(w->frames[t].aux));
  }
  PetscCall(PetscFree(w->dual));
  PetscCall(PetscFree(w->scratch));
  PetscCall(PetscFree(w->statics));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *EntrySource(const Entry *entry, const Frame *frame, const double *value, size_t *step)
{
  static const double one = 1;
  *step = 1;
  switch (entry->area) {
  case AREA_VALUE:
    return value + (size_t)entry->index * frame->ld;
  case AREA_STATIC:
    return frame->statics + (size_t)entry->index * frame->stride;
  case AREA_X:
    if (frame->slots) return frame->slots[entry->index];
    *step = (size_t)frame->n_coord;
    return frame->x + entry->index;
  case AREA_NORMAL:
    if (frame->numbers) return frame->numbers[entry->index];
    *step = (size_t)frame->n_coord;
    return frame->normal + entry->index;
  default:
    *step = 0;
    return &one;
  }
}

#define MOST_TERMS 16 /* that are added at once */

void CombinationGather(const Combination *c, int column, const Frame *frame, const double *value, bool constants,
                       double *dst)
{
  double coef[MOST_TERMS];
  const double *source[MOST_TERMS];
  size_t step[MOST_TERMS];
  int n = 0, add = 0;
  for (int e = c->start[column]; e < c->start[column + 1]; e++) {
    if (!constants && c->entry[e].area != AREA_VALUE) continue;
    if (n == MOST_TERMS) {
      KernelCPU.combine((size_t)frame->n, n, coef, source, step, dst, add);
      add = 1;
      n = 0;
    }
    coef[n] = c->entry[e].coef;
    source[n] = EntrySource(&c->entry[e], frame, value, &step[n]);
    n++;
  }
  if (n)
    KernelCPU.combine((size_t)frame->n, n, coef, source, step, dst, add);
  else
    memset(dst, 0, sizeof(double) * (size_t)frame->n);
}

const double *CombinationStored(const Combination *c, const Frame *frame, size_t *stride)
{
  *stride = frame->ld;
  if (!c->direct) return frame->aux + (size_t)c->copy * frame->ld;
  if (c->entry[0].area == AREA_STATIC) *stride = frame->stride;
  size_t step;
  return EntrySource(&c->entry[0], frame, frame->value, &step);
}

static const double *operand(const Combination *c, const Frame *frame, size_t *stride)
{
  for (int k = 0; k < c->n_column && !c->direct; k++)
    CombinationGather(c, k, frame, frame->value, true, frame->aux + (size_t)(c->copy + k) * frame->ld);
  return CombinationStored(c, frame, stride);
}

static void load(const Step *step, const Frame *frame, const double net[], int n_output, int draw, double *value)
{
  const size_t n = (size_t)frame->n, skip = (size_t)n_output;
  for (int c = 0; c < step->n_column; c++) {
    const int at = draw * step->n_column + c;
    const double *from = net + (size_t)step->column[at] * n * skip + step->output;
    for (size_t p = 0; p < n; p++) value[(size_t)c * frame->ld + p] = step->scale[at] * from[p * skip];
  }
}

/* A condition that is NaN makes the result NaN: neither branch may hide it. */
static void choose(const Step *step, const Frame *frame, double *value)
{
  size_t stride[3];
  const double *arg[3];
  for (int k = 0; k < 3; k++) arg[k] = operand(&step->arg[k], frame, &stride[k]);
  for (int c = 0; c < step->n_column; c++)
    for (size_t p = 0; p < (size_t)frame->n; p++) {
      const double chosen = arg[0][p] != 0 ? arg[1][(size_t)c * stride[1] + p] : arg[2][(size_t)c * stride[2] + p];
      value[(size_t)c * frame->ld + p] = isnan(arg[0][p]) ? NAN : chosen;
    }
}

static void evaluate_step(const Step *step, bool dynamic, const Frame *frame, const double net[], int n_output,
                          int draw)
{
  const size_t n = (size_t)frame->n;
  double *value = frame->value + (size_t)step->value * frame->ld;
  const double *u, *v;
  size_t stride_u, stride_v;
  if (StepEvaluateSparse(step, frame, value)) return;
  switch (step->kind) {
  case STEP_LOAD:
    load(step, frame, net, n_output, draw, value);
    break;
  case STEP_COMBINE:
    for (int c = 0; c < step->n_column; c++)
      CombinationGather(&step->arg[0], c, frame, frame->value, true, value + (size_t)c * frame->ld);
    break;
  case STEP_PRODUCT:
    u = operand(&step->arg[0], frame, &stride_u);
    v = operand(&step->arg[1], frame, &stride_v);
    KernelCPU.multiply(&step->tables->product, n, u, stride_u, v, stride_v, value, frame->ld, 0);
    break;
  case STEP_FUNCTION:
    u = operand(&step->arg[0], frame, &stride_u);
    KernelCPU.compose(step->tables, step->series, step->parameter, n, u, stride_u, value, frame->ld,
                      dynamic ? frame->aux + (size_t)step->slope * frame->ld : NULL, NULL, frame->ld);
    break;
  case STEP_COMPARE:
    u = operand(&step->arg[0], frame, &stride_u);
    v = operand(&step->arg[1], frame, &stride_v);
    for (size_t p = 0; p < n; p++) value[p] = RelationValue(step->relation, u[p], v[p]);
    break;
  case STEP_SELECT:
    choose(step, frame, value);
    break;
  case STEP_LOOP:
    LoopEvaluate(&frame->program->loops[step->loop], &frame->loops[step->loop], frame, value);
    break;
  }
}

void TapeEvaluate(const Tape *tape, const bool needed[], bool dynamic, const Frame *frame, const double net[],
                  int n_output, int draw)
{
  for (int i = 0; i < tape->n; i++)
    if (!needed || needed[i]) evaluate_step(&tape->steps[i], dynamic, frame, net, n_output, draw);
}

void ProgramEvaluateStatics(Program program, ProgramWork work, int n, const double x[], const double normal[],
                            double statics[], size_t stride)
{
  const Tape *tape = &program->tapes[TAPE_STATIC];
  Frame *frame = &work->frames[TAPE_STATIC];
  for (int begin = 0; begin < n; begin += work->static_points) {
    const size_t shift = (size_t)begin * (size_t)program->n_coord;
    frame->n = PetscMin(work->static_points, n - begin);
    frame->x = x + shift;
    frame->normal = normal ? normal + shift : NULL;
    TapeEvaluate(tape, program->needed, false, frame, NULL, 0, 0);
    for (int r = 0; r < tape->results.n_column; r++)
      CombinationGather(&tape->results, r, frame, frame->value, true, statics + (size_t)r * stride + begin);
  }
  ProgramEvaluateSlots(program, work, n, x, normal, statics, stride);
}

const double *ProgramWorkStatics(Program program, ProgramWork work, int n, const double x[], const double normal[],
                                 size_t *stride)
{
  *stride = work->frames[TAPE_DYNAMIC].ld;
  ProgramEvaluateStatics(program, work, n, x, normal, work->statics, *stride);
  return work->statics;
}

void ProgramSetDraw(ProgramWork work, int draw)
{
  work->draw = draw;
}

void ProgramEvaluate(Program program, ProgramWork work, int n, const double x[], const double normal[],
                     const double statics[], size_t stride, const double net[], int n_output, double roots[])
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  Frame *frame = &work->frames[TAPE_DYNAMIC];
  if (!statics) statics = ProgramWorkStatics(program, work, n, x, normal, &stride);
  frame->n = n;
  frame->x = x;
  frame->normal = normal;
  frame->statics = statics;
  frame->stride = stride;
  work->n_output = n_output;
  TapeEvaluate(tape, NULL, true, frame, net, n_output, work->draw);
  for (int r = 0; r < program->n_root; r++)
    CombinationGather(&tape->results, r, frame, frame->value, true, roots + (size_t)r * (size_t)n);
}

/* Is a root a row of the statics as it is? */
static bool is_static(const Combination *results, int r)
{
  const Entry *entry = &results->entry[results->start[r]];
  return results->start[r + 1] - results->start[r] == 1 && entry->area == AREA_STATIC && entry->coef == 1;
}

/* Nothing of a term depends on a network: the dynamic tape has no steps. */
void ProgramEvaluateTerms(Program program, ProgramWork work, int n, const double *const slots[],
                          const double *const numbers[], double roots[])
{
  const Combination *results = &program->tapes[TAPE_DYNAMIC].results, *rows = &program->tapes[TAPE_STATIC].results;
  Frame *frame = &work->frames[TAPE_DYNAMIC], *before = &work->frames[TAPE_STATIC];
  for (int t = 0; t < N_TAPES; t++) {
    work->frames[t].slots = slots;
    work->frames[t].numbers = numbers;
    work->frames[t].n = n;
  }
  frame->statics = work->statics;
  frame->stride = frame->ld;
  TapeEvaluate(&program->tapes[TAPE_STATIC], NULL, false, before, NULL, 0, 0);
  for (int r = 0; r < program->n_root; r++) {
    double *root = roots + (size_t)r * (size_t)n;
    if (is_static(results, r)) {
      CombinationGather(rows, results->entry[results->start[r]].index, before, before->value, true, root);
      continue;
    }
    for (int e = results->start[r]; e < results->start[r + 1]; e++) {
      const int row = results->entry[e].index;
      if (results->entry[e].area == AREA_STATIC)
        CombinationGather(rows, row, before, before->value, true, work->statics + (size_t)row * frame->ld);
    }
    CombinationGather(results, r, frame, frame->value, true, root);
  }
}
