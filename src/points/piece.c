#include "points_impl.h"

PetscErrorCode PieceListAdd(PieceList *list, const Piece *piece)
{
  PetscFunctionBegin;
  if (list->n == list->capacity) {
    list->capacity = 2 * list->capacity + 2;
    PetscCall(PetscRealloc((size_t)list->capacity * sizeof(Piece), &list->piece));
  }
  Piece *copy = &list->piece[list->n++];
  *copy = *piece;
  PetscCall(PetscMalloc2(piece->n_held, &copy->held, piece->n_held, &copy->value));
  PetscCall(PetscArraycpy(copy->held, piece->held, piece->n_held));
  PetscCall(PetscArraycpy(copy->value, piece->value, piece->n_held));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PieceListDestroy(PieceList *list)
{
  PetscFunctionBegin;
  for (int p = 0; p < list->n; p++) PetscCall(PetscFree2(list->piece[p].held, list->piece[p].value));
  PetscCall(PetscFree(list->piece));
  *list = (PieceList){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool PieceContains(const Piece *big, const Piece *small)
{
  const bool whole = big->part <= 0;
  if (whole && !big->n_held) return small->part <= 0 && !small->n_held;
  if (!whole && big->part != small->part) return false;
  int found = 0;
  for (int h = 0; h < small->n_held && found < big->n_held; h++)
    found += small->held[h] == big->held[found] && small->value[h] == big->value[found];
  return found == big->n_held;
}

PetscErrorCode PieceListRemoveContained(PieceList *list)
{
  int kept = 0;

  PetscFunctionBegin;
  for (int p = 0; p < list->n; p++) {
    bool contained = false;
    for (int q = 0; q < list->n && !contained; q++) {
      const bool removed = q >= kept && q < p; /* its place has been taken or was given up */
      if (q == p || removed || !PieceContains(&list->piece[q], &list->piece[p])) continue;
      contained = q < p || !PieceContains(&list->piece[p], &list->piece[q]); /* the first of two equal ones stays */
    }
    if (contained)
      PetscCall(PetscFree2(list->piece[p].held, list->piece[p].value));
    else
      list->piece[kept++] = list->piece[p];
  }
  list->n = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}
