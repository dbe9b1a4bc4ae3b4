/* Cost against points, width, dimension and order, each over a family of cases that differ in nothing else, timed in
   turn; the exponent is the slope of log cost over log size. */
#include <math.h>
#include <stdio.h>
#include "bench.h"

#define ROUNDS        7
#define ROUND_SECONDS 0.05
#define MOST_CASES    8

typedef struct {
  const char *variable;
  const char *unit; /* of the cost */
  int n;
  struct {
    double size;
    const char *plan;
    int width, depth, points;
  } cases[MOST_CASES];
} Family;

static const Family families[] = {
    {"points",
     "an evaluation",
     6,
     {{512, "laplacian-2d", 64, 3, 512},
      {1024, "laplacian-2d", 64, 3, 1024},
      {2048, "laplacian-2d", 64, 3, 2048},
      {4096, "laplacian-2d", 64, 3, 4096},
      {8192, "laplacian-2d", 64, 3, 8192},
      {16384, "laplacian-2d", 64, 3, 16384}}},
    {"width",
     "a row",
     5,
     {{16, "laplacian-2d", 16, 3, 4096},
      {32, "laplacian-2d", 32, 3, 4096},
      {64, "laplacian-2d", 64, 3, 4096},
      {128, "laplacian-2d", 128, 3, 4096},
      {256, "laplacian-2d", 256, 3, 2048}}},
    {"dimension",
     "a row",
     6,
     {{2, "laplacian-2d", 64, 3, 4096},
      {5, "laplacian-5d", 64, 3, 4096},
      {10, "laplacian-10d", 64, 3, 2048},
      {20, "laplacian-20d", 64, 3, 1024},
      {50, "laplacian-50d", 64, 3, 512},
      {100, "laplacian-100d", 64, 3, 512}}},
    {"order",
     "a row",
     4,
     {{2, "order-2", 64, 3, 4096},
      {4, "order-4", 64, 3, 4096},
      {6, "order-6", 64, 3, 2048},
      {8, "order-8", 64, 3, 2048}}},
};

static double slope(int n, const double x[], const double y[])
{
  double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
  for (int k = 0; k < n; k++) {
    const double a = log(x[k]), b = log(y[k]);
    sx += a, sy += b, sxx += a * a, sxy += a * b;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

static PetscErrorCode measure_family(const Family *family)
{
  const BenchOperation *operation = BenchOperationFind("residual+gradient");
  const bool by_row = family->unit[2] == 'r';
  double seconds[MOST_CASES][ROUNDS], size[MOST_CASES], cost[MOST_CASES];
  int repeats[MOST_CASES];
  Subject subjects[MOST_CASES];
  PetscFunctionBegin;
  for (int k = 0; k < family->n; k++) {
    const BenchCase about = {BenchPlanFind(family->cases[k].plan), family->cases[k].width, family->cases[k].depth,
                             family->cases[k].points, "double"};
    PetscCall(SubjectCreate(&about, &subjects[k]));
    PetscCall(BenchRepeats(operation, &subjects[k], ROUND_SECONDS, &repeats[k]));
  }
  for (int i = 0; i < ROUNDS; i++)
    for (int k = 0; k < family->n; k++) {
      Time time = {0};
      PetscCall(BenchTime(operation, &subjects[k], repeats[k], &time));
      seconds[k][i] = time.processor;
    }
  printf("  %-10s %s:", family->variable, family->unit);
  for (int k = 0; k < family->n; k++) {
    size[k] = family->cases[k].size;
    cost[k] = BenchMedian(ROUNDS, seconds[k]) / (by_row ? (double)subjects[k].rows->n_row : 1.0);
    printf("  %g: %.4g", size[k], 1e6 * cost[k]);
    PetscCall(SubjectDestroy(&subjects[k]));
  }
  printf("\n  %-10s exponent %.2f, from the middle on %.2f\n", "", slope(family->n, size, cost),
         slope(family->n - family->n / 2, size + family->n / 2, cost + family->n / 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchScaling(void)
{
  PetscFunctionBegin;
  printf(
      "\nprocessors' microseconds of residual+gradient; width 64, depth 3, laplacian-2d where nothing else is said\n");
  for (size_t k = 0; k < sizeof(families) / sizeof(families[0]); k++) PetscCall(measure_family(&families[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
