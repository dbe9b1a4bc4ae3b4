/* FOSI (Sivan, Gabel and Schuster 2024): Newton's method in the span of the eigenvectors V of the largest eigenvalues
   Lambda of the Gauss-Newton matrix J^T J, another first-order stage, the base, in its complement:

     theta -= newton_rate V Lambda^{-1} V^T g
     theta += (I - V V^T) d,    d the step of the base for the gradient (I - V V^T) g.

   The authors take both ends of the spectrum of the Hessian. J^T J has no negative eigenvalues, and those at its lower
   end, of networks with more parameters than residuals zero, carry no Newton step: the largest are taken. Every so many
   iterations they are found anew by bidiagonalization of J, four steps an eigenpair as the authors' Lanczos method. In
   between they age: a small turn of an eigenvector brings a curvature much larger than its eigenvalue, and the Newton
   step would grow from one iteration to the next. One product J p with that step p tells its true curvature and so the
   length that is right. */
#include <math.h>
#include "first_order.h"
#include "spectrum.h"

#define STEPS    4     /* of the bidiagonalization, an eigenpair */
#define SMALLEST 1e-12 /* eigenvalue used, relative to the largest */

static const Choice bases[] = {
    {"adam", "adaptive rates", NULL},
    {"soap", "Adam in the eigenbases of Shampoo's factors", NULL},
    {"shampoo", "gradients between inverse roots of their second moments", NULL},
    {NULL, NULL, NULL},
};
const ChoiceTable BaseTable = {"base", "first-order stages under fosi", bases};

typedef struct {
  FirstOrder first;
  Optimizer base;
  Spectrum spectrum;
  PetscInt seed, most, every;
  double newton_rate, constraint;
  double n;               /* whole: eigenpairs at hand */
  double *values;         /* [most] eigenvalues, falling */
  Vec *vectors;           /* [most] */
  Vec newton;             /* the step in their span */
  double *Jp;             /* [n_row] */
  double *parts, *shares; /* [most] */
  char (*names)[24];
} Fosi;

static PetscErrorCode create_vectors(Optimizer optimizer, Fosi *fosi)
{
  const size_t most = (size_t)fosi->most;
  PetscFunctionBegin;
  PetscCall(PetscCalloc4(most, &fosi->values, most, &fosi->parts, most, &fosi->shares, most, &fosi->names));
  PetscCall(VecDuplicateVecs(fosi->first.gradient, fosi->most, &fosi->vectors));
  PetscCall(OptimizerCreateVec(optimizer, &fosi->newton));
  PetscCall(PetscMalloc1(optimizer->rows->n_row, &fosi->Jp));
  PetscCall(OptimizerAddValues(optimizer, "eigenpairs", 1, &fosi->n));
  PetscCall(OptimizerAddValues(optimizer, "eigenvalues", most, fosi->values));
  for (PetscInt k = 0; k < fosi->most; k++) {
    PetscCall(VecZeroEntries(fosi->vectors[k]));
    PetscCall(PetscSNPrintf(fosi->names[k], sizeof(fosi->names[k]), "eigenvector%d", (int)k));
    PetscCall(OptimizerAddVec(optimizer, fosi->names[k], fosi->vectors[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The base with this stage's keys; its state becomes part of this one's, but for the iteration, which is the same. */
static PetscErrorCode create_base(Optimizer optimizer, Config config, Fosi *fosi)
{
  const char *word;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "base"), &word));
  PetscCall(
      OptimizerCreateStage(config, optimizer->index, optimizer->rows, ChoiceFind(&StageTable, word), &fosi->base));
  PetscCheck(fosi->base->first && fosi->base->ops->step, PETSC_COMM_SELF, PETSC_ERR_PLIB, "'%s' is no base", word);
  for (int k = 0; k < fosi->base->n_state; k++) {
    const StateEntry *entry = &fosi->base->state[k];
    if (entry->values != &fosi->base->iteration) PetscCall(OptimizerAddEntry(optimizer, entry));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_FOSI(Optimizer optimizer, Config config)
{
  const Rows rows = optimizer->rows;
  Fosi *fosi;
  PetscFunctionBegin;
  PetscCall(PetscNew(&fosi));
  optimizer->data = fosi;
  PetscCall(FirstOrderCreate(optimizer, config, &fosi->first));
  PetscCall(ConfigGetInt(config, "seed", &fosi->seed));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "eigenpairs"), &fosi->most));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "every"), &fosi->every));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "newton_rate"), &fosi->newton_rate));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "norm_constraint"), &fosi->constraint));
  fosi->most = PetscMin(fosi->most, PetscMin(rows->n_row_global, (PetscInt)rows->n_param));
  PetscCall(create_vectors(optimizer, fosi));
  PetscCall(create_base(optimizer, config, fosi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode find_eigenpairs(Optimizer optimizer, Vec theta)
{
  Fosi *fosi = optimizer->data;
  const Rows rows = optimizer->rows;
  Spectrum *s = &fosi->spectrum;
  double loss;
  PetscFunctionBegin;
  if (!s->most) PetscCall(SpectrumCreate(rows, STEPS * fosi->most, s));
  PetscCall(RowsLinearize(rows, theta, NULL, &loss));
  PetscCall(SpectrumFind(rows, theta, NULL, (uint32_t)fosi->seed, (uint32_t)optimizer->iteration, s));
  fosi->n = 0.0;
  for (PetscInt k = 0; k < PetscMin(fosi->most, s->n); k++) {
    const double value = s->values[k] * s->values[k];
    if (!(value > SMALLEST * s->values[0] * s->values[0])) break;
    fosi->values[k] = value;
    PetscCall(SpectrumVector(s, k, fosi->vectors[k]));
    fosi->n += 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x -= V V^T x;  parts [n] = V^T x before */
static PetscErrorCode remove_span(Fosi *fosi, Vec x, double parts[])
{
  const PetscInt n = (PetscInt)fosi->n;
  PetscFunctionBegin;
  PetscCall(VecMDot(x, n, fosi->vectors, parts));
  for (PetscInt k = 0; k < n; k++) fosi->shares[k] = -parts[k];
  PetscCall(VecMAXPY(x, n, fosi->shares, fosi->vectors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* newton = newton_rate t p with p = -V Lambda^{-1} parts and t <= 1 where the model |r + t J p|^2 is least: one for the
   eigenvectors of this theta, less where they are stale. Its length is bounded as in SPRING. */
static PetscErrorCode newton_step(Optimizer optimizer, Vec theta, const double parts[])
{
  Fosi *fosi = optimizer->data;
  const Rows rows = optimizer->rows;
  double slope = 0.0, curvature = 0.0, norm;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < (PetscInt)fosi->n; k++) {
    fosi->shares[k] = -parts[k] / fosi->values[k];
    slope += fosi->shares[k] * parts[k];
  }
  PetscCall(VecZeroEntries(fosi->newton));
  PetscCall(VecMAXPY(fosi->newton, (PetscInt)fosi->n, fosi->shares, fosi->vectors));
  PetscCall(rows->ops->apply(rows->self, theta, fosi->newton, fosi->Jp));
  for (PetscInt i = 0; i < rows->n_row; i++) curvature += fosi->Jp[i] * fosi->Jp[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &curvature, 1, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscCall(VecNorm(fosi->newton, NORM_2, &norm));
  double rate = fosi->newton_rate * (-slope < curvature ? -slope / curvature : 1.0);
  if (fosi->constraint > 0.0 && norm > 0.0) rate = fmin(rate, sqrt(fosi->constraint) / norm);
  PetscCall(VecScale(fosi->newton, rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerStep_FOSI(Optimizer optimizer, double rate, Vec theta)
{
  Fosi *fosi = optimizer->data;
  const Optimizer base = fosi->base;
  PetscFunctionBegin;
  if (fmod(optimizer->iteration, (double)fosi->every) == 0.0) PetscCall(find_eigenpairs(optimizer, theta));
  PetscCall(VecCopy(theta, fosi->first.last));
  PetscCall(VecCopy(fosi->first.gradient, base->first->gradient));
  PetscCall(remove_span(fosi, base->first->gradient, fosi->parts));
  PetscCall(newton_step(optimizer, theta, fosi->parts));
  base->iteration = optimizer->iteration;
  PetscCall(base->ops->step(base, rate, theta));
  Vec step = base->first->gradient; /* of no more use */
  PetscCall(VecWAXPY(step, -1.0, fosi->first.last, theta));
  PetscCall(remove_span(fosi, step, fosi->parts));
  PetscCall(VecAXPY(step, 1.0, fosi->newton));
  PetscCall(VecWAXPY(theta, 1.0, fosi->first.last, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_FOSI(Optimizer optimizer)
{
  Fosi *fosi = optimizer->data;
  PetscFunctionBegin;
  PetscCall(OptimizerDestroy(&fosi->base));
  PetscCall(SpectrumDestroy(&fosi->spectrum));
  PetscCall(VecDestroy(&fosi->newton));
  PetscCall(PetscFree(fosi->Jp));
  PetscCall(VecDestroyVecs(fosi->most, &fosi->vectors));
  PetscCall(PetscFree4(fosi->values, fosi->parts, fosi->shares, fosi->names));
  PetscCall(FirstOrderDestroy(&fosi->first));
  PetscCall(PetscFree(fosi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_FOSI = {"rate", OptimizerSetUp_FOSI, OptimizerSolve_FirstOrder, OptimizerDestroy_FOSI,
                                        OptimizerStep_FOSI};
