/* The benchmark of the derivative engine: cases built from case text as a user's are, operations on their rows, and
   beside each operation the rate that its bare matrix products reach in the same process at the same time. */
#pragma once
#include "built.h"

/* One equation on the unit cube. */
typedef struct {
  const char *name;
  const char *coordinates; /* elements of the case's list */
  const char *residual;
  int variable; /* what a family of plans varies: the dimension of a Laplacian, the order of a derivative */
} BenchPlan;

extern const BenchPlan BenchPlans[];              /* ends with name == NULL */
const BenchPlan *BenchPlanFind(const char *name); /* NULL where there is none */

typedef struct {
  const BenchPlan *plan;
  int width, depth; /* `depth` hidden layers of `width` neurons */
  PetscInt points;
  const char *precision; /* a row of PrecisionTable */
} BenchCase;

/* What is measured: a case with its rows and vectors. */
typedef struct {
  BenchCase about;
  Built built;
  Rows rows;
  Vec theta, v, gradient;
  bool other; /* v takes the place of theta */
  double loss;
  double *r;         /* [n_row] */
  double *gram;      /* [n_row][n_row], where an operation made it */
  int columns, tile; /* of the jets; points of a tile */
} Subject;

/* Not collective: one rank. about is copied, its names are borrowed. */
PetscErrorCode SubjectCreate(const BenchCase *about, Subject *subject);
PetscErrorCode SubjectDestroy(Subject *subject);
/* The interior points, [n][dim], owned by the caller. */
PetscErrorCode SubjectPoints(const Subject *subject, PointSet *points);

/* Products of one hidden layer with the next, as a sweep calls them with rows = columns x points of a tile:
   C [rows][width] = A [rows][width] op(B), or C [width][width] += A^T B. */
typedef struct {
  char op_a, op_b; /* op_a 0 ends a list */
  bool adjoint;    /* in the precision of the derivatives by theta, not of the residual */
  int count;
} BenchProduct;

typedef struct {
  const char *name;
  PetscErrorCode (*prepare)(Subject *subject); /* once, not timed; or NULL */
  PetscErrorCode (*run)(Subject *subject);
  BenchProduct products[4]; /* none: the product J J^T of stored rows instead */
} BenchOperation;

extern const BenchOperation BenchOperations[]; /* ends with name == NULL */
const BenchOperation *BenchOperationFind(const char *name);
/* Floating-point operations of the products. */
double BenchFlops(const BenchOperation *operation, const Subject *subject);
/* The case, with fewer points for an operation that takes their square, prepared for the operation. */
PetscErrorCode BenchSubject(const BenchOperation *operation, const BenchCase *about, Subject *subject);

/* The bare products of an operation on warm buffers of a tile, one set a thread. */
typedef struct Baseline_s *Baseline;
PetscErrorCode BaselineCreate(const BenchOperation *operation, const Subject *subject, int n_round, Baseline *baseline);
PetscErrorCode BaselineDestroy(Baseline *baseline);
/* Times every product by every caller of matrix products that there is. */
void BaselineMeasure(Baseline baseline, int round);
/* Processors' seconds of all products of the operation as timed in a round, each by the caller with the best median
   over the n_round rounds. */
double BaselineSeconds(Baseline baseline, int n_round, int round);

typedef struct {
  const BenchCase *about;
  const BenchOperation *operation;
  PetscInt points;
  double rows_per_second, gemm_rate; /* flops of the products a second of the whole operation, by the clock */
  double gemm_fraction;              /* processors' time of the products alone over that of the operation */
  double busy;                       /* processors' time over the clock's: below 1 threads waited, or others ran */
  double peak_memory_mb;             /* above what the program took before the case was built */
} Measurement;

double BenchMedian(int n, double values[]); /* sorts values */
/* Time goes by the clock and as the processors' time of all threads divided by their number: other users of the machine
   do not enter the latter, so ratios are taken of it; nor do threads that wait (asleep, OMP_WAIT_POLICY=passive), which
   `busy` tells. */
typedef struct {
  double clock, processor;
} Time;
Time TimeNow(void);
/* Of one of `repeats` that began at start. */
Time TimeSince(Time start, int repeats);
/* Of one run, by a loop of `repeats`. */
PetscErrorCode BenchTime(const BenchOperation *operation, Subject *subject, int repeats, Time *time);
/* Repeats that take about `seconds`, measured; warms up. */
PetscErrorCode BenchRepeats(const BenchOperation *operation, Subject *subject, double seconds, int *repeats);
/* Operation and baseline in turn, medians. */
PetscErrorCode BenchMeasure(const BenchCase *about, const BenchOperation *operation, Measurement *measurement);

/* Cost against points, width, dimension and order: cases measured in turn, exponents of power laws, printed. */
PetscErrorCode BenchScaling(void);
/* Writes what the first step of a case with sampled derivatives takes and gives: see sampled.c. */
PetscErrorCode BenchSampled(const char *case_path, const char *path);
/* Serves requests from standard input until it ends: see worker.c. */
PetscErrorCode BenchWorker(void);
