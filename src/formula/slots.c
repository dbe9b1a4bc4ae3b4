/* Factors of slots: in each draw they are those of the terms that the slots stand for. All terms have theirs on the
   static tape, but only the steps that a draw needs are evaluated for it, and none of them for the other statics. */
#include "program_impl.h"

static bool has_factors(const JetGroup *group)
{
  return group->first_factor >= 0;
}

/* Marks the steps that the entries [begin, end) of a combination need; owner [n_value] of the tape's values. */
static void mark_steps(const int owner[], const Combination *c, int begin, int end, bool needed[])
{
  for (int e = begin; e < end; e++)
    if (c->entry[e].area == AREA_VALUE) needed[owner[c->entry[e].index]] = true;
}

/* Marks also what the marked steps need. */
static void close_marks(const Tape *tape, const int owner[], bool needed[])
{
  for (int i = tape->n - 1; i >= 0; i--)
    for (int k = 0; k < tape->steps[i].n_arg && needed[i]; k++) {
      const Combination *c = &tape->steps[i].arg[k];
      mark_steps(owner, c, 0, c->start[c->n_column], needed);
    }
}

static PetscErrorCode create_sources(Builder *b)
{
  Program program = b->program;
  int n = 0;

  PetscFunctionBegin;
  for (int g = 0; g < program->n_group; g++) {
    const JetGroup *group = &program->groups[g];
    if (!has_factors(group)) continue;
    program->n_slot_factor += group->slots;
    program->slot_group[g] = n;
    for (int i = 0; i < group->n; i++)
      PetscCall(group->factor[i] < 0 ? BuilderEmitOne(b, n + i)
                                     : BuilderResolve(b, TAPE_STATIC, n + i, group->factor[i], 0, 1));
    n += group->n;
  }
  PetscCall(BuilderCombine(b, n, &program->sources));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderAddSlots(Builder *b)
{
  Program program = b->program;
  const Tape *tape = &program->tapes[TAPE_STATIC];
  const int *factors, n_factor = JetPlanFactors(program->plan, &factors);

  PetscFunctionBegin;
  while (program->slot_row < n_factor && factors[program->slot_row] < JET_SLOT_FACTOR) program->slot_row++;
  if (program->slot_row == n_factor) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(program->n_group, &program->slot_group));
  PetscCall(create_sources(b));
  PetscCall(PetscCalloc1(program->n_slot_factor, &program->chosen));
  PetscCall(PetscCalloc3(tape->n, &program->needed, tape->n, &program->drawn, tape->n_value, &program->owner));
  for (int i = 0; i < tape->n; i++)
    for (int c = 0; c < tape->steps[i].n_column; c++) program->owner[tape->steps[i].value + c] = i;
  mark_steps(program->owner, &tape->results, 0, tape->results.start[tape->results.n_column], program->needed);
  close_marks(tape, program->owner, program->needed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramDestroySlots(Program program)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(program->sources.start));
  PetscCall(PetscFree(program->sources.entry));
  PetscCall(PetscFree(program->slot_group));
  PetscCall(PetscFree(program->chosen));
  PetscCall(PetscFree3(program->needed, program->drawn, program->owner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool ProgramHasSlots(Program program)
{
  return program->n_slot_factor > 0;
}

void ProgramPickFactors(Program program, int g, const int terms[])
{
  const Tape *tape = &program->tapes[TAPE_STATIC];
  const JetGroup *group = &program->groups[g];
  const Combination *c = &program->sources;
  if (!has_factors(group)) return;
  int *chosen = program->chosen + (group->first_factor - JET_SLOT_FACTOR);
  for (int k = 0; k < group->slots; k++) chosen[k] = program->slot_group[g] + terms[k];
  for (int i = 0; i < tape->n; i++) program->drawn[i] = false;
  for (int k = 0; k < program->n_slot_factor; k++)
    mark_steps(program->owner, c, c->start[program->chosen[k]], c->start[program->chosen[k] + 1], program->drawn);
  close_marks(tape, program->owner, program->drawn);
}

void ProgramEvaluateSlots(Program program, ProgramWork work, int n, const double x[], const double normal[],
                          double statics[], size_t stride)
{
  Frame *frame = &work->frames[TAPE_STATIC];
  for (int begin = 0; begin < n && program->n_slot_factor; begin += work->static_points) {
    const size_t shift = (size_t)begin * (size_t)program->n_coord;
    frame->n = PetscMin(work->static_points, n - begin);
    frame->x = x + shift;
    frame->normal = normal ? normal + shift : NULL;
    TapeEvaluate(&program->tapes[TAPE_STATIC], program->drawn, false, frame, NULL, 0, 0);
    for (int k = 0; k < program->n_slot_factor; k++)
      CombinationGather(&program->sources, program->chosen[k], frame, frame->value, true,
                        statics + (size_t)(program->slot_row + k) * stride + begin);
  }
}
