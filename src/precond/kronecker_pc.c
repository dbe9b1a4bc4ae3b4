/* The types kfac, ekfac and shampoo: their options, and what they do when. */
#include <math.h>
#include "pinn/kronecker.h"
#include "precond_impl.h"

#define POWER_STEPS 1 /* of ekfac; on sine-Gordon states in 20 and 100 dimensions more changed no iteration */

typedef struct {
  KroneckerKind kind;
  Kronecker kronecker; /* made by the first build */
  PetscInt power_steps;
  double exponent;
} KroneckerPC;

static PetscErrorCode create(Precond p, KroneckerKind kind)
{
  KroneckerPC *k;
  PetscFunctionBegin;
  PetscCall(PetscNew(&k));
  *k = (KroneckerPC){.kind = kind, .power_steps = POWER_STEPS, .exponent = 1.0};
  p->data = k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondCreate_KFAC(Precond p)
{
  PetscFunctionBegin;
  PetscCall(create(p, KRONECKER_KFAC));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondCreate_EKFAC(Precond p)
{
  PetscFunctionBegin;
  PetscCall(create(p, KRONECKER_EKFAC));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondCreate_Shampoo(Precond p)
{
  PetscFunctionBegin;
  PetscCall(create(p, KRONECKER_SHAMPOO));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDestroy_Kronecker(Precond p)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  PetscCall(KroneckerDestroy(&k->kronecker));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondOptions_EKFAC(Precond p, PetscOptionItems *PetscOptionsObject)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  PetscCall(PetscOptionsBoundedInt("-pc_ekfac_power_steps",
                                   "pairs of power steps towards better factors; 0 = those of kfac", "PCSetType",
                                   k->power_steps, &k->power_steps, NULL, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondOptions_Shampoo(Precond p, PetscOptionItems *PetscOptionsObject)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-pc_shampoo_exponent", "power of the inverse; 0.5 as in the first-order method",
                             "PCSetType", k->exponent, &k->exponent, NULL));
  PinnUserCheck(k->exponent > 0.0, "-pc_shampoo_exponent is %g: it must be positive", k->exponent);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondBuild_Kronecker(Precond p)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  if (!k->kronecker) PetscCall(KroneckerCreate(p->rows, k->kind, &k->kronecker));
  PetscCall(KroneckerSetPowerSteps(k->kronecker, k->power_steps));
  PetscCall(KroneckerSetExponent(k->kronecker, k->exponent));
  PetscCall(KroneckerBuild(k->kronecker, p->theta, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondUpdate_Kronecker(Precond p)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  PetscCall(KroneckerUpdate(k->kronecker, p->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDamp_Kronecker(Precond p)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  PetscCall(KroneckerDamp(k->kronecker, p->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondApply_Kronecker(Precond p, Vec x, Vec y)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  PetscCall(KroneckerApply(k->kronecker, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondView_Kronecker(Precond p, PetscViewer viewer)
{
  KroneckerPC *k = p->data;
  PetscFunctionBegin;
  if (k->kind == KRONECKER_EKFAC)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  %" PetscInt_FMT " pairs of power steps\n", k->power_steps));
  if (k->kind == KRONECKER_SHAMPOO) PetscCall(PetscViewerASCIIPrintf(viewer, "  exponent %g\n", k->exponent));
  for (int l = 0; l < RowsLayers(p->rows); l++) {
    const RowsLayer layer = RowsLayerAt(p->rows, l);
    PetscCall(PetscViewerASCIIPrintf(viewer, "  layer %d: factors of order %" PetscInt_FMT " and %" PetscInt_FMT "\n",
                                     l + 1, layer.n_in, layer.n_out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factors, what they are summed in, bases, and values of entries; INFINITY where a layer is too wide for them. */
static double numbers(Rows rows, PetscInt rank)
{
  double sum = 0.0;
  (void)rank;
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    const double n_in = (double)layer.n_in, n_out = (double)layer.n_out;
    if (PetscMax(layer.n_in, layer.n_out) > KRONECKER_MOST_SIDE) return INFINITY;
    sum += (4.0 + 2.0 * RowsThreads(rows)) * (n_in * n_in + n_out * n_out) + 6.0 * n_in * n_out;
  }
  return sum;
}

#define KRONECKER_OPS(type, options_)                                                                                  \
  {                                                                                                                    \
    .create = PrecondCreate_##type, .destroy = PrecondDestroy_Kronecker, .options = options_,                          \
    .build = PrecondBuild_Kronecker, .update = PrecondUpdate_Kronecker, .damp = PrecondDamp_Kronecker,                 \
    .apply = PrecondApply_Kronecker, .view = PrecondView_Kronecker, .numbers = numbers, .has_factors = true            \
  }

const PrecondOps PrecondOps_KFAC = KRONECKER_OPS(KFAC, NULL);
const PrecondOps PrecondOps_EKFAC = KRONECKER_OPS(EKFAC, PrecondOptions_EKFAC);
const PrecondOps PrecondOps_Shampoo = KRONECKER_OPS(Shampoo, PrecondOptions_Shampoo);
