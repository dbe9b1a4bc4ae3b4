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
  PetscCall(ProgramFindSparse(loop->program));
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
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(program->n_loop, works));
  for (int k = 0; k < program->n_loop; k++) {
    LoopWork *w = &(*works)[k];
    PetscCall(ProgramWorkCreate(program->loops[k].program, LOOP_BATCH, &w->work));
    w->batch = PetscMin(LOOP_BATCH, w->work->static_points);
    PetscCall(PetscCalloc2(2 * LOOP_MAX_PARTS * LOOP_BATCH, &w->parts, program->loops[k].n * LOOP_BATCH, &w->values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LoopWorksDestroy(Program program, LoopWork **works)
{
  PetscFunctionBegin;
  for (int k = 0; k < program->n_loop && *works; k++) {
    LoopWork *w = &(*works)[k];
    PetscCall(ProgramWorkDestroy(&w->work));
    PetscCall(PetscFree2(w->parts, w->values));
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

/* n terms' parts from term i on, of a vector, or the indices themselves: shown where they lie, or gathered. */
static const double *part_of_terms(LoopIndex from, const double *vector, int i, int n, double gathered[])
{
  if (vector && from.step == 1) return vector + LoopAt(from, i);
  for (int j = 0; j < n; j++) gathered[j] = vector ? vector[LoopAt(from, i + j)] : LoopAt(from, i + j);
  return gathered;
}

static void find_numbers(const ProgramLoop *loop, double *const vectors[], int i, int n, double gathered[],
                         const double *numbers[])
{
  for (int k = 0; k < loop->loop.n_number; k++) {
    const LoopNumber from = loop->loop.number[k];
    numbers[k] = part_of_terms(from.at, from.vector < 0 ? NULL : vectors[from.vector], i, n, gathered + k * LOOP_BATCH);
  }
}

static double sum_of(int n, const double values[])
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int j = 0; j < n; j++) sum += values[j];
  return sum;
}

/* Sums of batches are added up: the error of rounding stays near that of pairwise summation. */
void LoopEvaluate(const ProgramLoop *loop, LoopWork *work, const Frame *frame, double *value)
{
  const Program outer = frame->program;
  const double *slots[LOOP_MAX_PARTS], *numbers[LOOP_MAX_PARTS];
  double *gathered = work->parts + LOOP_MAX_PARTS * LOOP_BATCH;
  for (int r = 0; r < loop->n; r++) memset(value + (size_t)r * frame->ld, 0, sizeof(double) * (size_t)frame->n);
  for (int i = loop->loop.first; i <= loop->loop.last; i += work->batch) {
    const int n = PetscMin(work->batch, loop->loop.last - i + 1);
    find_numbers(loop, outer->formula->vectors, i, n, work->parts, numbers);
    for (int p = 0; p < frame->n; p++) {
      const double *x = frame->x + (size_t)p * (size_t)frame->n_coord;
      for (int s = 0; s < loop->loop.n_slot; s++)
        slots[s] = part_of_terms(loop->loop.slot[s], x, i, n, gathered + s * LOOP_BATCH);
      ProgramEvaluateTerms(loop->program, work->work, n, slots, numbers, work->values);
      for (int r = 0; r < loop->n; r++) value[(size_t)r * frame->ld + (size_t)p] += sum_of(n, work->values + r * n);
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
