/* Steps of the terms of a long sum, whose operands come as vectors: most columns are empty, a number, or a column that
   lies somewhere, and a copy of them would cost more than what is done with them. */
#include "program_impl.h"
#include "pinn/series.h"

/* Does a column have at most one entry? */
static bool is_single(const Combination *c, int column)
{
  return c->start[column + 1] - c->start[column] <= 1;
}

static const Entry *entry_of(const Combination *c, int column)
{
  return c->start[column + 1] > c->start[column] ? &c->entry[c->start[column]] : NULL;
}

/* The terms of a product without those that have an empty factor. */
static PetscErrorCode find_products(Step *step)
{
  const KernelProduct *product = &step->tables->product;
  const Combination *u = &step->arg[0], *v = &step->arg[1];

  PetscFunctionBegin;
  for (int c = 0; c < step->n_column; c++)
    if (!is_single(u, c) || !is_single(v, c)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(product->start[product->n_column] + 1, &step->terms));
  PetscCall(PetscMalloc1(product->n_column + 1, &step->term_start));
  step->term_start[0] = 0;
  for (int c = 0, n = 0; c < product->n_column; c++) {
    for (int t = product->start[c]; t < product->start[c + 1]; t++) {
      const Entry *left = entry_of(u, product->left[t]), *right = entry_of(v, product->right[t]);
      if (!left || !right) continue;
      if (left->area == AREA_ONE) {
        const Entry *other = left;
        left = right;
        right = other;
      }
      step->terms[n++] = (ProductTerm){product->coef[t] * left->coef * right->coef, left, right};
    }
    step->term_start[c + 1] = n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of f(u) whose u moves along a line through a coordinate: with the numbers h = u - u_0, the numbers h^k. */
static PetscErrorCode find_powers(Step *step)
{
  const KernelTables *tables = step->tables;
  const Combination *u = &step->arg[0];
  const size_t n = (size_t)step->n_column;
  const Entry *value = entry_of(u, 0);
  double *h;

  PetscFunctionBegin;
  if (!is_single(u, 0) || !value || value->area != AREA_X || value->coef != 1) PetscFunctionReturn(PETSC_SUCCESS);
  for (int c = 1; c < step->n_column; c++)
    if (!is_single(u, c) || (entry_of(u, c) && entry_of(u, c)->area != AREA_ONE)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1((size_t)(tables->order + 1) * n, &step->powers));
  step->powers[0] = 1;
  h = tables->order ? step->powers + n : NULL;
  for (int c = 1; c < step->n_column; c++) h[c] = entry_of(u, c) ? entry_of(u, c)->coef : 0;
  for (int k = 2; k <= tables->order; k++) {
    const KernelProduct *power = &tables->power[k];
    const double *before = step->powers + (size_t)(k - 1) * n;
    for (int c = 1; c < step->n_column; c++)
      for (int t = power->start[c]; t < power->start[c + 1]; t++)
        step->powers[(size_t)k * n + (size_t)c] += power->coef[t] * h[power->left[t]] * before[power->right[t]];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramFindSparse(Program program)
{
  Tape *tape = &program->tapes[TAPE_STATIC];

  PetscFunctionBegin;
  for (int i = 0; i < tape->n; i++) {
    Step *step = &tape->steps[i];
    if (step->kind == STEP_PRODUCT) PetscCall(find_products(step));
    if (step->kind == STEP_FUNCTION) PetscCall(find_powers(step));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL where it is a number. */
static const double *column_of(const Entry *entry, const Frame *frame)
{
  size_t step;
  return entry->area == AREA_ONE ? NULL : EntrySource(entry, frame, frame->value, &step);
}

static void evaluate_products(const Step *step, const Frame *frame, double *value)
{
  for (int c = 0; c < step->n_column; c++, value += frame->ld) {
    const int begin = step->term_start[c], end = step->term_start[c + 1];
    KernelProductTerm terms[SPARSE_MOST];
    int n = 0, add = 0;
    for (int t = begin; t < end; t++) {
      const ProductTerm *term = &step->terms[t];
      terms[n++] = (KernelProductTerm){term->coef, column_of(term->left, frame), column_of(term->right, frame)};
      if (n < SPARSE_MOST && t + 1 < end) continue;
      KernelSumProducts((size_t)frame->n, n, terms, value, add);
      n = 0;
      add = 1;
    }
    if (begin == end) KernelSumProducts((size_t)frame->n, 0, NULL, value, 0);
  }
}

/* A column is a multiple of one coefficient of the series, or a sum of them. */
static void evaluate_function(const Step *step, const Frame *frame, double *value)
{
  const size_t n = (size_t)frame->n, n_column = (size_t)step->n_column;
  double *series = frame->aux + (size_t)step->arg[0].copy * frame->ld; /* a plan has a column of each order */
  step->series(step->tables->order, n, step->parameter, column_of(entry_of(&step->arg[0], 0), frame), series);
  for (size_t c = 0; c < n_column; c++, value += frame->ld) {
    KernelProductTerm terms[KERNEL_MAX_ORDER + 1];
    int n_term = 0;
    for (int k = 0; k <= step->tables->order; k++)
      if (step->powers[(size_t)k * n_column + c] != 0)
        terms[n_term++] = (KernelProductTerm){step->powers[(size_t)k * n_column + c], series + (size_t)k * n, NULL};
    KernelSumProducts(n, n_term, terms, value, 0);
  }
}

bool StepEvaluateSparse(const Step *step, const Frame *frame, double *value)
{
  if (!frame->slots || (!step->terms && !step->powers)) return false;
  if (step->terms)
    evaluate_products(step, frame, value);
  else
    evaluate_function(step, frame, value);
  return true;
}
