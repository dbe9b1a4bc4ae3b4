/* What is measured on the rows. */
#include <string.h>
#include "bench.h"

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

/* At one and then the other of two parameters: each time anew, as a step of an optimizer is. */
static PetscErrorCode run_gram(Subject *s)
{
  const size_t n = (size_t)s->rows->n_row;
  const Vec theta = s->other ? s->v : s->theta;
  PetscFunctionBegin;
  if (!s->gram) PetscCall(PetscMalloc1(n * n, &s->gram));
  PetscCall(RowsLinearize(s->rows, theta, s->r, &s->loss));
  PetscCall(RowsGram(s->rows, theta, NULL, s->gram, n));
  s->other = !s->other;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode linearize(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(RowsLinearize(s->rows, s->theta, s->r, &s->loss));
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
#define TANGENT                                                                                                        \
  {                                                                                                                    \
    'N', 'T', true, 1                                                                                                  \
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
    {"residual", NULL, run_residual, {FORWARD, END}},
    {"residual+gradient", NULL, run_gradient, {FORWARD, ADJOINT, WEIGHT_GRADIENT, END}},
    {"jvp", NULL, run_jvp, {FORWARD, TANGENTS, END}},
    {"jvp-stored", linearize, run_jvp, {TANGENT, END}},
    {"gram", NULL, run_gram, {END}},
    {NULL, NULL, NULL, {END}},
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

PetscErrorCode BenchSubject(const BenchOperation *operation, const BenchCase *about, Subject *subject)
{
  BenchCase fitting = *about;
  PetscFunctionBegin;
  if (!operation->products[0].op_a) fitting.points = PetscMin(fitting.points, MOST_GRAM_POINTS);
  PetscCall(SubjectCreate(&fitting, subject));
  if (operation->prepare) PetscCall(operation->prepare(subject));
  PetscFunctionReturn(PETSC_SUCCESS);
}
