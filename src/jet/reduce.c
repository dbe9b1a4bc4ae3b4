/* Operators in fewer coordinates: which reduction does it, and what reductions share. */
#include <string.h>
#include "jet_impl.h"

PetscErrorCode JetReduce(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[], int *n_group,
                         JetGroup **groups, JetOperator reduced[])
{
  PetscFunctionBegin;
  if (reducer->reduction == JET_SAMPLE)
    PetscCall(JetReduceByColumns(n_coord, reducer, n, operators, n_group, groups, reduced));
  else
    PetscCall(JetReduceByCompression(n_coord, reducer, n, operators, n_group, groups, reduced));
  if (reducer->reduction != JET_PROJECT || *n_group) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < PetscMax(1, reducer->draws) * n; k++) PetscCall(JetOperatorDestroy(&reduced[k]));
  PetscCall(JetGroupsDestroy(0, groups));
  PetscCall(JetReduceByDirections(n_coord, reducer, n, operators, n_group, groups, reduced));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetGroupClear(JetGroup *group)
{
  JetMatrix *matrix = group->matrix;
  PetscFunctionBegin;
  PetscCall(PetscFree2(group->coord, group->coef));
  PetscCall(PetscFree(group->factor));
  if (!matrix) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3(matrix->place, matrix->coef, matrix->factor));
  PetscCall(PetscFree(matrix->root));
  PetscCall(PetscFree(group->matrix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetGroupsDestroy(int n, JetGroup **groups)
{
  PetscFunctionBegin;
  for (int g = 0; g < n; g++) PetscCall(JetGroupClear(&(*groups)[g]));
  PetscCall(PetscFree(*groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetTermsAdd(JetTerms *terms, const JetIndex *index, double coef, int factor)
{
  PetscFunctionBegin;
  if (terms->n == terms->capacity) {
    terms->capacity = 2 * terms->capacity + 64;
    PetscCall(PetscRealloc(sizeof(JetIndex) * (size_t)terms->capacity, &terms->index));
    PetscCall(PetscRealloc(sizeof(double) * (size_t)terms->capacity, &terms->coef));
    PetscCall(PetscRealloc(sizeof(int) * (size_t)terms->capacity, &terms->factor));
  }
  terms->index[terms->n] = *index;
  terms->coef[terms->n] = coef;
  terms->factor[terms->n++] = factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetTermsFinish(JetTerms *terms, JetOperator *op)
{
  PetscFunctionBegin;
  PetscCall(JetOperatorCreateVariable(terms->n, terms->index, terms->coef, terms->factor, op));
  PetscCall(PetscFree(terms->index));
  PetscCall(PetscFree(terms->coef));
  PetscCall(PetscFree(terms->factor));
  *terms = (JetTerms){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
