/* M-FAC (Frantar, Kurtic and Alistarh 2021): steps along d = -F^{-1} g, with the matrix

     F = 1/k sum_i g_i g_i^T + lambda = G^T G / k + lambda,

   of the last k gradients, the rows of G, never formed. g itself is the newest row, g = G^T e, so that by the identity
   (G^T G + k lambda)^{-1} G^T = G^T (G G^T + k lambda)^{-1}

     F^{-1} g = k G^T (G G^T + k lambda)^{-1} e,

   without the difference of nearly equal vectors in Woodbury's formula for other right-hand sides. G G^T grows by a row
   a step. lambda is `damping` times the mean of |g_i|^2, so that it has no unit; the length of the step, for which the
   authors take a constant rate on noisy gradients, is found by a line search. */
#include <math.h>
#include "lapack.h"
#include "line_search.h"
#include "optimizer_impl.h"

typedef struct {
  PetscInt most;
  double damping;
  double n, next;   /* whole: gradients kept; the place of the next one */
  double decrease;  /* of the loss along the direction by the last step, to first order: what the next one tries */
  double *products; /* [most][most] G G^T by places */
  double *K, *e;    /* [most][most], [most] the system, oldest gradient first or as they lie: the order is free */
  Vec *window;      /* [most] */
  Vec gradient, direction;
  LineSearch line;
  char (*names)[24];
} MFAC;

static PetscErrorCode OptimizerSetUp_MFAC(Optimizer optimizer, Config config)
{
  MFAC *m;
  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  optimizer->data = m;
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "history"), &m->most));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "damping"), &m->damping));
  const size_t most = (size_t)m->most;
  PetscCall(LineSearchCreate(optimizer->rows, &m->line));
  PetscCall(OptimizerCreateVec(optimizer, &m->gradient));
  PetscCall(OptimizerCreateVec(optimizer, &m->direction));
  PetscCall(VecDuplicateVecs(m->gradient, m->most, &m->window));
  PetscCall(PetscCalloc4(most * most, &m->products, most * most, &m->K, most, &m->e, most, &m->names));
  PetscCall(OptimizerAddValues(optimizer, "n", 1, &m->n));
  PetscCall(OptimizerAddValues(optimizer, "next", 1, &m->next));
  PetscCall(OptimizerAddValues(optimizer, "decrease", 1, &m->decrease));
  PetscCall(OptimizerAddValues(optimizer, "products", most * most, m->products));
  for (PetscInt k = 0; k < m->most; k++) {
    PetscCall(VecZeroEntries(m->window[k]));
    PetscCall(PetscSNPrintf(m->names[k], sizeof(m->names[k]), "gradient%d", (int)k));
    PetscCall(OptimizerAddVec(optimizer, m->names[k], m->window[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient takes the place of the oldest one. */
static PetscErrorCode remember(MFAC *m, PetscInt *place)
{
  const size_t most = (size_t)m->most;
  const PetscInt at = (PetscInt)m->next;
  PetscFunctionBegin;
  PetscCall(VecCopy(m->gradient, m->window[at]));
  m->n = fmin(m->n + 1.0, (double)m->most);
  m->next = (double)((at + 1) % m->most);
  PetscCall(VecMDot(m->gradient, (PetscInt)m->n, m->window, m->e));
  for (size_t i = 0; i < (size_t)m->n; i++)
    m->products[(size_t)at * most + i] = m->products[i * most + (size_t)at] = m->e[i];
  *place = at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* direction = -F^{-1} g of the gradient at this place of the window; *ok: could be solved */
static PetscErrorCode find_direction(MFAC *m, PetscInt place, bool *ok)
{
  const size_t n = (size_t)m->n, most = (size_t)m->most;
  const PetscBLASInt order = (PetscBLASInt)n;
  double squares = 0.0;
  PetscFunctionBegin;
  for (size_t i = 0; i < n; i++) squares += m->products[i * most + i];
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) m->K[i * n + j] = m->products[i * most + j];
    m->K[i * (n + 1)] += m->damping * squares; /* n lambda */
    m->e[i] = 0.0;
  }
  m->e[place] = -(double)n;
  *ok = LapackCholesky(order, m->K, order) && LapackSolveCholesky(order, m->K, order, m->e);
  if (!*ok) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecZeroEntries(m->direction));
  PetscCall(VecMAXPY(m->direction, (PetscInt)n, m->e, m->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode search(MFAC *m, double first, Vec theta, double *loss, double *step, bool *found)
{
  const double before = *loss;
  PetscFunctionBegin;
  PetscCall(LineSearchRun(&m->line, first, m->direction, theta, loss, m->gradient, step, found));
  if (*found) m->decrease = before - *loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first trial would repeat the last decrease if the loss were linear (Nocedal and Wright 2006, 3.60), but not less
   than would take a quadratic with minimum 0 half way down. */
static PetscErrorCode mfac_step(MFAC *m, Vec theta, double norm, double *loss, double *step, bool *found)
{
  PetscInt place = 0;
  double slope = 0.0;
  bool ok;
  PetscFunctionBegin;
  *found = false;
  PetscCall(remember(m, &place));
  PetscCall(find_direction(m, place, &ok));
  if (ok) PetscCall(VecDot(m->direction, m->gradient, &slope));
  if (ok && slope < 0.0 && isfinite(slope)) {
    const double decrease = m->decrease > 0.0 ? fmin(2.02 * m->decrease, *loss) : *loss;
    PetscCall(search(m, decrease / -slope, theta, loss, step, found));
  }
  if (*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(m->gradient, m->direction));
  PetscCall(VecScale(m->direction, -1.0));
  PetscCall(search(m, 2.0 * *loss / (norm * norm), theta, loss, step, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_MFAC(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  MFAC *m = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss, norm, step = 0.0;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  PetscCall(rows->ops->gradient(rows->self, theta, &loss, m->gradient));
  for (;;) {
    PetscCall(VecNorm(m->gradient, NORM_2, &norm));
    PetscCall(OptimizerReport(optimizer, theta, isfinite(norm) ? loss : norm, step, norm, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    found = false;
    if (norm > 0.0) PetscCall(mfac_step(m, theta, norm, &loss, &step, &found));
    if (!found) {
      *reason = OPTIMIZER_STALLED;
      break;
    }
    optimizer->iteration += 1.0;
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    if (changed) PetscCall(rows->ops->gradient(rows->self, theta, &loss, m->gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_MFAC(Optimizer optimizer)
{
  MFAC *m = optimizer->data;
  PetscFunctionBegin;
  PetscCall(LineSearchDestroy(&m->line));
  PetscCall(VecDestroyVecs(m->most, &m->window));
  PetscCall(VecDestroy(&m->gradient));
  PetscCall(VecDestroy(&m->direction));
  PetscCall(PetscFree4(m->products, m->K, m->e, m->names));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_MFAC = {"step", OptimizerSetUp_MFAC, OptimizerSolve_MFAC, OptimizerDestroy_MFAC, NULL};
