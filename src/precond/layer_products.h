/* J v and J^T w with the layers kept apart. */
#pragma once
#include "pinn/rows.h"

/* Jv [out] [n_layer][n_row] = J_l v_l for the local rows; v [in] [n_param] in full. Collective. Cost: that of J v. */
PetscErrorCode LayerProductsApply(Rows rows, Vec theta, const double v[], double Jv[]);
/* y [out] [n_param]: y_l = J_l^T w_l of all rows, on all ranks; w [in] [n_layer][n_row]. Collective. Cost: J^T w. */
PetscErrorCode LayerProductsTranspose(Rows rows, Vec theta, const double w[], double y[]);
