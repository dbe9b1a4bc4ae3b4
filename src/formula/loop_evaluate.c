/* Programs of the terms of long sums, which go through the indices in batches: a batch of terms of one point is to them
   what a batch of points is to other programs. */
#include <string.h>
#include "program_impl.h"

static PetscErrorCode add_node(Builder *b, FormulaNode id)
{
  Program p = b->program;
  Loop parts = b->formula->loops[b->formula->nodes[id].which];
  int k = 0;

  PetscFunctionBegin;
  parts.term = -1;
  while (k < p->n_loop && memcmp(&p->loops[k].loop, &parts, sizeof(parts))) k++;
  if (k == p->n_loop) {
    FormulaGrow(p->loops, p->n_loop, p->loop_capacity);
    p->loops[p->n_loop++] = (ProgramLoop){.loop = parts};
  }
  ProgramLoop *loop = &p->loops[k];
  FormulaGrow(loop->nodes, loop->n, loop->capacity);
  loop->nodes[loop->n++] = id;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_step(Builder *b, int k)
{
  ProgramLoop *loop = &b->program->loops[k];
  Tape *tape = &b->program->tapes[TAPE_STATIC];
  FormulaNode *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(loop->n, &terms));
  FormulaGrow(tape->steps, tape->n, tape->capacity);
  tape->steps[tape->n++] =
      (Step){.kind = STEP_LOOP, .node = loop->nodes[0], .n_column = loop->n, .value = tape->n_value, .loop = k};
  for (int i = 0; i < loop->n; i++) {
    b->layouts[loop->nodes[i]].value = tape->n_value++;
    terms[i] = b->formula->loops[b->formula->nodes[loop->nodes[i]].which].term;
  }
  PetscCall(ProgramCreate(b->formula->body, loop->n, terms, NULL, &loop->program));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderAddLoops(Builder *b)
{
  PetscFunctionBegin;
  for (FormulaNode id = 0; id < b->n_node; id++)
    if (b->layouts[id].n && b->formula->nodes[id].kind == NODE_LOOP) PetscCall(add_node(b, id));
  for (int k = 0; k < b->program->n_loop; k++) PetscCall(add_step(b, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramLoopsDestroy(Program p)
{
  PetscFunctionBegin;
  for (int k = 0; k < p->n_loop; k++) {
    PetscCall(ProgramDestroy(&p->loops[k].program));
    PetscCall(PetscFree(p->loops[k].nodes));
  }
  PetscCall(PetscFree(p->loops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LoopWorksCreate(Program program, LoopWork **works)
{
  const int parts = LOOP_BATCH * LOOP_MAX_PARTS;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(program->n_loop, works));
  for (int k = 0; k < program->n_loop; k++) {
    LoopWork *w = &(*works)[k];
    PetscCall(ProgramWorkCreate(program->loops[k].program, LOOP_BATCH, &w->work));
    PetscCall(PetscCalloc3(parts, &w->x, parts, &w->number, program->loops[k].n * LOOP_BATCH, &w->values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LoopWorksDestroy(Program program, LoopWork **works)
{
  PetscFunctionBegin;
  for (int k = 0; k < program->n_loop && *works; k++) {
    LoopWork *w = &(*works)[k];
    PetscCall(ProgramWorkDestroy(&w->work));
    PetscCall(PetscFree3(w->x, w->number, w->values));
  }
  PetscCall(PetscFree(*works));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double LoopWorksBytes(Program program)
{
  double bytes = 0;
  for (int k = 0; k < program->n_loop; k++)
    bytes += (double)ProgramWorkBytes(program->loops[k].program, LOOP_BATCH) +
             8.0 * LOOP_BATCH * (2 * LOOP_MAX_PARTS + program->loops[k].n);
  return bytes;
}

static void gather_numbers(const ProgramLoop *loop, double *const vectors[], int i, int n, double *number)
{
  for (int k = 0; k < loop->loop.n_number; k++) {
    const LoopNumber from = loop->loop.number[k];
    const double *vector = from.vector < 0 ? NULL : vectors[from.vector];
    for (int j = 0; j < n; j++) {
      const int at = LoopAt(from.at, i + j);
      number[j * LOOP_MAX_PARTS + k] = vector ? vector[at] : at;
    }
  }
}

static void gather_slots(const ProgramLoop *loop, int i, int n, const double *point, double *x)
{
  for (int s = 0; s < loop->loop.n_slot; s++)
    for (int j = 0; j < n; j++) x[j * LOOP_MAX_PARTS + s] = point[LoopAt(loop->loop.slot[s], i + j)];
}

/* Sums of batches are added up: the error of rounding stays near that of pairwise summation. */
void LoopEvaluate(const ProgramLoop *loop, LoopWork *work, const Frame *frame, double *value)
{
  const Program outer = frame->program;
  for (int r = 0; r < loop->n; r++) memset(value + (size_t)r * frame->ld, 0, sizeof(double) * (size_t)frame->n);
  for (int i = loop->loop.first; i <= loop->loop.last; i += LOOP_BATCH) {
    const int n = PetscMin(LOOP_BATCH, loop->loop.last - i + 1);
    gather_numbers(loop, outer->formula->vectors, i, n, work->number);
    for (int p = 0; p < frame->n; p++) {
      gather_slots(loop, i, n, frame->x + (size_t)p * (size_t)frame->n_coord, work->x);
      ProgramEvaluate(loop->program, work->work, n, work->x, work->number, NULL, 0, NULL, 0, work->values);
      for (int r = 0; r < loop->n; r++) {
        double sum = 0;
        for (int j = 0; j < n; j++) sum += work->values[r * n + j];
        value[(size_t)r * frame->ld + (size_t)p] += sum;
      }
    }
  }
}

PetscErrorCode NodeValue(Formula formula, FormulaNode node, double *value)
{
  Program program;
  ProgramWork work;
  double *zero;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(PetscMax(formula->n_coord, 1), &zero));
  PetscCall(ProgramCreate(formula, 1, &node, NULL, &program));
  PetscCall(ProgramWorkCreate(program, 1, &work));
  ProgramEvaluate(program, work, 1, zero, NULL, NULL, 0, NULL, 0, value);
  PetscCall(ProgramWorkDestroy(&work));
  PetscCall(ProgramDestroy(&program));
  PetscCall(PetscFree(zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}
