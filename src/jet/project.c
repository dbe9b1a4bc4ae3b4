/* Random directions in place of sums of squares. For Gaussian v with E v v^T = C, E (v . grad)^(2p) = (2p - 1)!! S^p
   with S = sum_i c_i d_i^2; for p = 1 the law does not matter. With m directions q = v / sqrt(m)

     S^p = m^(p - 1) / (2p - 1)!! E sum_k d_{q_k}^(2p),

   and, as directions of different groups are independent, products of powers of several S likewise, the k-th directions
   of all groups together. */
#include <math.h>
#include "squares.h"

PetscErrorCode SquaresAddDirections(const SquareSearch *s, const JetGroup groups[], const SquareSkeleton *skeleton,
                                    JetTerms *terms)
{
  const JetIndex *a = &skeleton->index;
  double coef = skeleton->coef;
  int m = 0;
  PetscFunctionBegin;
  for (int k = 0, run; k < a->order; k += run) {
    run = JetRunLength(a, k);
    if (a->coord[k] < s->n_coord) continue;
    m = groups[a->coord[k] - s->n_coord].width;
    coef *= pow(m, run / 2);
    for (int odd = run - 1; odd > 1; odd -= 2) coef /= odd;
  }
  for (int direction = 0; direction < PetscMax(1, m); direction++) {
    JetIndex index = *a;
    for (int k = 0; k < a->order; k++)
      if (a->coord[k] >= s->n_coord) index.coord[k] = groups[a->coord[k] - s->n_coord].first + direction;
    JetIndexSort(&index);
    PetscCall(JetTermsAdd(terms, &index, m ? coef / m : coef, skeleton->factor));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
