/* Where the reducer draws terms or directions, operators of the network are estimates that have the right mean. So have
   values that are linear in them; of others the mean is something else. Which columns are estimates is followed through
   the steps: a value that would be biased is a user's mistake. */
#include "program_impl.h"

typedef struct {
  Program program;
  bool *drawn; /* [n_value] of the dynamic tape: is an estimate */
} Following;

/* Does the group hold something that changes from draw to draw? */
static bool is_drawn(const JetGroup *group)
{
  const bool of_terms = group->reduction == JET_SAMPLE || (group->matrix && group->matrix->columns);
  return of_terms ? group->slots * group->passes < group->n : group->reduction != JET_COMPRESS;
}

/* Is the column of the network's plan an estimate? */
static bool column_is_drawn(Program program, int column)
{
  const JetOperator *op = JetPlanOperator(program->plan, column);
  for (int k = 0; k < op->n; k++)
    for (int i = 0; i < op->index[k].order; i++)
      for (int g = 0; g < program->n_group; g++) {
        const int place = op->index[k].coord[i] - program->groups[g].first;
        if (place >= 0 && place < program->groups[g].width && is_drawn(&program->groups[g])) return true;
      }
  return false;
}

static bool operand_is_drawn(const Following *f, const Combination *c, int column)
{
  for (int e = c->start[column]; e < c->start[column + 1]; e++)
    if (c->entry[e].area == AREA_VALUE && f->drawn[c->entry[e].index]) return true;
  return false;
}

/* Columns of u v; false where two estimates meet. */
static bool follow_product(const Following *f, const Step *step, const Combination *u, const Combination *v)
{
  const KernelProduct *product = &step->tables->product;
  for (int c = 0; c < step->n_column; c++)
    for (int t = product->start[c]; t < product->start[c + 1]; t++) {
      const bool left = operand_is_drawn(f, u, product->left[t]), right = operand_is_drawn(f, v, product->right[t]);
      if (left && right) return false;
      f->drawn[step->value + c] |= left || right;
    }
  return true;
}

/* Is the result of a step right in the mean? */
static bool follow_step(const Following *f, const Step *step)
{
  bool *drawn = f->drawn + step->value;
  switch (step->kind) {
  case STEP_LOAD:
    for (int c = 0; c < step->n_column; c++) drawn[c] = column_is_drawn(f->program, step->column[c]);
    return true;
  case STEP_COMBINE:
    for (int c = 0; c < step->n_column; c++) drawn[c] = operand_is_drawn(f, &step->arg[0], c);
    return true;
  case STEP_PRODUCT:
    return follow_product(f, step, &step->arg[0], &step->arg[1]);
  case STEP_FUNCTION: /* its derivatives multiply powers of lower columns */
    return !operand_is_drawn(f, &step->arg[0], 0) && follow_product(f, step, &step->arg[0], &step->arg[0]);
  case STEP_COMPARE:
    return !operand_is_drawn(f, &step->arg[0], 0) && !operand_is_drawn(f, &step->arg[1], 0);
  case STEP_SELECT:
    for (int c = 0; c < step->n_column; c++)
      drawn[c] = operand_is_drawn(f, &step->arg[1], c) || operand_is_drawn(f, &step->arg[2], c);
    return !operand_is_drawn(f, &step->arg[0], 0);
  default:
    return true;
  }
}

PetscErrorCode ProgramCheckEstimates(Program program)
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  Following f = {.program = program};
  bool any = false, right = true;

  PetscFunctionBegin;
  for (int g = 0; g < program->n_group; g++) any |= is_drawn(&program->groups[g]);
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(tape->n_value, &f.drawn));
  for (int i = 0; i < tape->n && right; i++) right = follow_step(&f, &tape->steps[i]);
  PetscCall(PetscFree(f.drawn));
  PinnUserCheck(right,
                "%s estimates derivatives that this is not linear in, and it would be wrong in the mean: estimator "
                "auto, exact or compressed serves it",
                program->reducer_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}
