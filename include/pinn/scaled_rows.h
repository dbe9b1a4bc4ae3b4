/* Rows in scaled parameters, for Marquardt's damping (J^T J + lambda D) d = -J^T r by whatever knows J^T J + lambda:
   the Jacobian is J D^{-1/2}, and what is solved for D^{1/2} d. theta itself, and the rows' values, stay as they are.

   D is the diagonal of J^T J with a share of its largest entry everywhere, in each layer the product of a number an
   output and a number an input that is nearest to that (the least squares of logarithms): so rows of J stay sums of
   g z^T, and all that is made of the layers' panels is of the scaled J, exactly. For two seeds of Poisson's equation in
   two dimensions dense steps with this D led as far as with the diagonal itself; one number a layer led three orders
   of magnitude less far in the loss. */
#pragma once
#include "pinn/rows.h"

/* rows is borrowed and must outlive *scaled, which has all its products. The scaling is 1 at first.
   Memory: two numbers a parameter and a vector like theta. Collective. */
PetscErrorCode ScaledRowsCreate(Rows rows, Rows *scaled);
PetscErrorCode ScaledRowsDestroy(Rows *scaled);
/* D of J at theta, where the rows have been linearized; after new points, too. D is 1 where J is zero.
     evenness  share of the largest entry of diag J^T J
   Collective. Cost: RowsDiagonal. */
PetscErrorCode ScaledRowsSetPoint(Rows scaled, Vec theta, double evenness);
/* D^{-1/2}, as a borrowed vector like theta. Cannot fail. */
Vec ScaledRowsScaling(Rows scaled);
