/* Weights that balance the terms, which are factors of those of the case: when they are due, and what a checkpoint
   holds of them. They change between iterations alone, so that a step sees one loss. */
#include <math.h>
#include <stdio.h>
#include "balance.h"
#include "linearization.h"

#define LEAST_PART 1e-5 /* a term that measures less, relative to the mean of all, counts as if it measured that */

static const Choice schemes[] = {
    {"fixed", "the weights of the case alone", NULL},
    {"gradient-norm", "the gradients of all terms get the same length", &BalanceGradientNorm},
    {"ntk-trace", "the rows of J of all terms get the same mean square", &BalanceNTKTrace},
    {"self-adaptive", "each row has a multiplier that rises with its square", &BalanceSelfAdaptive},
    {"relobralo", "terms count more the less their losses fall, relative to the last ones and at random to the first",
     &BalanceReLoBRaLo},
    {NULL, NULL, NULL},
};
const ChoiceTable BalanceTable = {"balance", "how equations and conditions are balanced", schemes};

static PetscErrorCode check(Residual residual, Config config, const Balance b)
{
  const char *where = ConfigWhere(config, "balance.type"), *only = residual->rows.gradient_only;
  PetscFunctionBegin;
  PinnUserCheck(!only, "%s: \"%s\" looks at rows r with the loss 1/2 |r|^2, which %s does not give", where, b->name,
                only);
  PinnUserCheck(b->scheme->rows || residual->n_term > 1, "%s: \"%s\" has nothing to balance: there is one term", where,
                b->name);
  PinnUserCheck(!b->scheme->rows || (!residual->resample && !residual->adapt),
                "%s: \"%s\" gives every point a multiplier of its own, but points.interior.%s brings new points", where,
                b->name, residual->resample ? "resample" : "adapt");
  for (int k = 0; b->scheme->rows && k < residual->n_block; k++)
    PinnUserCheck(!residual->blocks[k].block->slope,
                  "%s: \"%s\" gives every row a multiplier of its own, but gradient_enhanced draws new directions at "
                  "each step in more than 8 coordinates",
                  where, b->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BalanceCreate(Residual residual, Config config)
{
  const char *word;
  Balance b;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "balance.type", &word));
  const Choice *choice = ChoiceFind(&BalanceTable, word);
  if (!choice->data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&b));
  residual->balance = b;
  b->scheme = choice->data;
  b->name = choice->name;
  b->stage = b->last = -1.0;
  PetscCall(check(residual, config, b));
  PetscCall(ConfigGetInt(config, "seed", &b->seed));
  PetscCall(ConfigGetInt(config, "balance.every", &b->every));
  PetscCall(b->scheme->setup(residual, config, b));
  PetscCall(PetscMalloc2(residual->n_term, &b->weight, b->n_extra, &b->extra));
  PetscCall(PetscArrayzero(b->extra, b->n_extra));
  for (int e = 0; e < residual->n_term; e++) b->weight[e] = 1.0;
  if (!b->scheme->rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(residual->rows.n_row, &b->row));
  for (PetscInt n = 0; n < residual->rows.n_row; n++) b->row[n] = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BalanceDestroy(Balance *balance)
{
  PetscFunctionBegin;
  if (!*balance) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*balance)->weight, (*balance)->extra));
  PetscCall(PetscFree((*balance)->row));
  PetscCall(PetscFree(*balance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double BalanceFactor(const struct Balance_s *b, int term)
{
  return b && !b->row ? b->weight[term] : 1.0;
}

const double *BalanceRows(const struct Balance_s *b)
{
  return b ? b->row : NULL;
}

static const Term *term_at(const Residual residual, int term)
{
  int b = residual->n_block - 1;
  while (residual->blocks[b].term > term) b--;
  return &residual->blocks[b].block->terms[term - residual->blocks[b].term];
}

double BalanceTermWeight(Residual residual, int term)
{
  return term_at(residual, term)->weight * BalanceFactor(residual->balance, term);
}

PetscErrorCode BalanceSquares(Residual residual, Vec theta, double sums[])
{
  double loss;
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.evaluate(residual, theta, NULL, &loss));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const size_t n = (size_t)block->train.n_row;
    for (int e = 0; e < block->block->n_term; e++) {
      const double *r = residual->last + block->row + (size_t)e * n;
      double sum = 0.0;
      for (size_t i = 0; i < n; i++) sum += r[i] * r[i];
      sums[block->term + e] = sum;
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, residual->n_term, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void BalanceMeet(Residual residual, Balance b, const double measure[])
{
  const int n_term = residual->n_term;
  double mean = 0.0;
  for (int e = 0; e < n_term; e++) mean += measure[e] / n_term;
  if (!isfinite(mean) || mean <= 0.0) return;
  for (int e = 0; e < n_term; e++)
    b->weight[e] = b->momentum * b->weight[e] + (1.0 - b->momentum) * mean / (measure[e] + LEAST_PART * mean);
}

PetscErrorCode BalanceUpdate(Residual residual, Vec theta, PetscInt iteration, bool *changed)
{
  const Balance b = residual->balance;
  const Rows rows = &residual->rows;
  PetscFunctionBegin;
  if (!b) PetscFunctionReturn(PETSC_SUCCESS);
  const bool begins = b->stage != (double)rows->stage;
  const bool due = !rows->keeps_weights && iteration % b->every == 0 && b->last != (double)iteration;
  if (!begins && !due) PetscFunctionReturn(PETSC_SUCCESS);
  LinearizationForget(residual); /* a resumed run has none */
  PetscCall(b->scheme->update(residual, b, theta, iteration));
  b->stage = rows->stage;
  b->last = (double)iteration;
  for (int k = 0; k < residual->n_block; k++) PetscCall(RowBlockWeigh(residual, &residual->blocks[k]));
  *changed = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *ResidualWeights(Residual residual)
{
  return residual->balance ? residual->balance->weight : NULL;
}

void ResidualDescribeBalance(Residual residual, char *text, size_t size)
{
  const Balance b = residual->balance;
  text[0] = 0;
  if (!b) return;
  snprintf(text, size, "%s, new weights every %d iteration%s; the loss is that with them", b->name, (int)b->every,
           b->every > 1 ? "s" : "");
}

/* Stage and iteration, weights of the terms, what the scheme remembers, multipliers of all rows by their numbers. */
size_t BalanceNumbers(Residual residual)
{
  const Balance b = residual->balance;
  if (!b) return 0;
  return 2 + (size_t)residual->n_term + (size_t)b->n_extra + (b->row ? (size_t)residual->rows.n_row_global : 0);
}

PetscErrorCode BalanceGet(Residual residual, double values[])
{
  const Balance b = residual->balance;
  PetscInt64 *numbers;
  PetscMPIInt count;
  PetscFunctionBegin;
  if (!b) PetscFunctionReturn(PETSC_SUCCESS);
  values[0] = b->stage, values[1] = b->last;
  PetscCall(PetscArraycpy(values + 2, b->weight, residual->n_term));
  PetscCall(PetscArraycpy(values + 2 + residual->n_term, b->extra, b->n_extra));
  if (!b->row) PetscFunctionReturn(PETSC_SUCCESS);
  double *rows = values + 2 + residual->n_term + b->n_extra;
  PetscCall(PetscMPIIntCast(residual->rows.n_row_global, &count));
  PetscCall(PetscMalloc1(residual->rows.n_row, &numbers));
  PetscCall(RowsNumbers_Residual(residual, numbers));
  PetscCall(PetscArrayzero(rows, count));
  for (PetscInt n = 0; n < residual->rows.n_row; n++) rows[numbers[n]] = b->row[n];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, rows, count, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BalanceSet(Residual residual, const double values[])
{
  const Balance b = residual->balance;
  PetscInt64 *numbers;
  PetscFunctionBegin;
  if (!b) PetscFunctionReturn(PETSC_SUCCESS);
  b->stage = values[0], b->last = values[1];
  PetscCall(PetscArraycpy(b->weight, values + 2, residual->n_term));
  PetscCall(PetscArraycpy(b->extra, values + 2 + residual->n_term, b->n_extra));
  if (!b->row) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(residual->rows.n_row, &numbers));
  PetscCall(RowsNumbers_Residual(residual, numbers));
  for (PetscInt n = 0; n < residual->rows.n_row; n++)
    b->row[n] = values[2 + residual->n_term + b->n_extra + numbers[n]];
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}
