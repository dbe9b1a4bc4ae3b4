/* What is measured on the rows. */
#include <cblas.h>
#include <string.h>
#include "bench.h"

#define JACOBIAN_DOUBLES (1 << 24)
#define MOST_GRAM_POINTS 1024

static PetscErrorCode run_residual(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(s->rows->ops->evaluate(s->rows->self, s->theta, s->r, &s->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_gradient(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(s->rows->ops->gradient(s->rows->self, s->theta, &s->loss, s->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_jvp(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(s->rows->ops->apply(s->rows->self, s->theta, s->v, s->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_gram(Subject *s)
{
  const size_t n = (size_t)s->rows->n_row, n_param = s->rows->n_param;
  PetscFunctionBegin;
  if (!s->J) PetscCall(PetscMalloc2(n * n_param, &s->J, n * n, &s->gram));
  PetscCall(s->rows->ops->jacobian(s->rows->self, s->theta, 0, n_param, s->r, s->J, n_param));
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)n, (int)n_param, 1.0, s->J, (int)n_param, 0.0, s->gram,
              (int)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define FORWARD                                                                                                        \
  {                                                                                                                    \
    'N', 'T', false, 1                                                                                                 \
  }
#define TANGENTS                                                                                                       \
  {                                                                                                                    \
    'N', 'T', true, 2                                                                                                  \
  }
#define ADJOINT                                                                                                        \
  {                                                                                                                    \
    'N', 'N', true, 1                                                                                                  \
  }
#define WEIGHT_GRADIENT                                                                                                \
  {                                                                                                                    \
    'T', 'N', true, 1                                                                                                  \
  }
#define END                                                                                                            \
  {                                                                                                                    \
    0, 0, false, 0                                                                                                     \
  }

const BenchOperation BenchOperations[] = {
    {"residual", run_residual, {FORWARD, END}},
    {"residual+gradient", run_gradient, {FORWARD, ADJOINT, WEIGHT_GRADIENT, END}},
    {"jvp", run_jvp, {FORWARD, TANGENTS, END}},
    {"gram", run_gram, {END}},
    {NULL, NULL, {END}},
};

const BenchOperation *BenchOperationFind(const char *name)
{
  for (const BenchOperation *operation = BenchOperations; operation->name; operation++)
    if (!strcmp(operation->name, name)) return operation;
  return NULL;
}

double BenchFlops(const BenchOperation *operation, const Subject *s)
{
  const double width = s->about.width, rows = (double)s->about.points * s->columns;
  double products = 0.0;
  if (!operation->products[0].op_a) return (double)s->rows->n_row * s->rows->n_row * (double)s->rows->n_param;
  for (const BenchProduct *p = operation->products; p->op_a; p++) products += p->count;
  return 2.0 * products * rows * width * width * (s->about.depth - 1);
}

PetscInt BenchPoints(const BenchOperation *operation, const BenchCase *about, size_t n_param)
{
  const PetscInt most = PetscMin(MOST_GRAM_POINTS, JACOBIAN_DOUBLES / (PetscInt)n_param);
  return operation->products[0].op_a ? about->points : PetscMin(about->points, most);
}
