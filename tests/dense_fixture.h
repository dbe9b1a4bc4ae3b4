/* A Dense system of the linear problem A x = b at x = 0, so that r = -b. */
#pragma once
#include "optimizer_rows.h"
#include "../src/optimizer/dense.h"

typedef struct {
  TestRows rows;
  Linear problem;
  Config config;
  Optimizer optimizer;
  Dense dense;
  Vec theta;
} DenseFixture;

static inline void dense_fixture(DenseFixture *f, MPI_Comm comm, const Linear *problem, bool wide, double evenness,
                                 bool with_rows)
{
  const double zero[MOST_PARAMETERS] = {0.0};
  f->problem = *problem;
  test_rows(&f->rows, comm, problem->n_row, problem->n, 0, linear_row, &f->problem);
  f->config = test_config("type = \"gauss-newton\";");
  ck_petsc(OptimizerCreate(f->config, 0, &f->rows.rows, &f->optimizer));
  ck_petsc(DenseCreate(f->optimizer, f->config, f->optimizer->rows, 0, (size_t)problem->n, wide, false, &f->dense));
  f->theta = test_theta(&f->rows.rows, zero);
  ck_petsc(DenseAssemble(f->dense, f->theta, evenness, with_rows));
}

static inline void dense_fixture_free(DenseFixture *f)
{
  ck_petsc(DenseDestroy(&f->dense));
  ck_petsc(OptimizerDestroy(&f->optimizer));
  ck_petsc(ConfigDestroy(&f->config));
  ck_petsc(VecDestroy(&f->theta));
}
