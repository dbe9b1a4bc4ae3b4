/* device-bench [--quick]: what a device reaches, a line a case: an equation with its gradient by rows, beside the rate
   of bare matrix products and the bandwidth of a copy that the same process measures on the same device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../bench.h"
#include "pinn/memory.h"
#include "pinn/series.h"

#define JETS 262144 /* columns times points of a case */

static const char *const plans[] = {"laplacian-2d", "laplacian-10d", "laplacian-100d", "kdv", "biharmonic-2d"};
static const int widths[] = {64, 128, 256};
static const char *const precisions[] = {"double", "single"};

typedef struct {
  const Device *device;
  Subject subject;
  bool single;
  size_t copy; /* bytes */
  size_t columns, points, width;
  DeviceTables tables;
  void *a, *b, *c, *w; /* three arrays of jets and a square matrix */
} Bench;

typedef PetscErrorCode (*Work)(Bench *bench);

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All that was queued is done. */
static void wait(const Bench *bench)
{
  double number;
  bench->device->get(&number, bench->w, sizeof(number));
}

/* Seconds of one: the median of seven blocks of runs that take a twentieth of a second each. */
static PetscErrorCode measure(Bench *bench, Work work, double *seconds)
{
  double times[7], start;
  int repeats = 1;
  PetscFunctionBegin;
  PetscCall(work(bench));
  wait(bench);
  for (double took = 0.0; took < 0.05 && repeats < 100000; repeats *= took < 0.05 ? 2 : 1) {
    start = now();
    for (int k = 0; k < repeats; k++) PetscCall(work(bench));
    wait(bench);
    took = now() - start;
  }
  for (int block = 0; block < 7; block++) {
    start = now();
    for (int k = 0; k < repeats; k++) PetscCall(work(bench));
    wait(bench);
    times[block] = (now() - start) / repeats;
  }
  *seconds = BenchMedian(7, times);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gradient(Bench *b)
{
  Subject *s = &b->subject;
  PetscFunctionBegin;
  PetscCall(s->rows->ops->gradient(s->rows->self, s->theta, &s->loss, s->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode product(Bench *b)
{
  const size_t w = b->width, m = b->columns * b->points;
  PetscFunctionBegin;
  if (b->single)
    b->device->in_single->kernel->gemm('N', 'T', m, w, w, 1, b->a, w, b->w, w, 0, b->b, w);
  else
    b->device->in_double->kernel->gemm('N', 'T', m, w, w, 1, b->a, w, b->w, w, 0, b->b, w);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v and d from u, as a forward sweep does. */
static PetscErrorCode compose(Bench *b)
{
  const size_t n = b->points * b->width;
  const KernelTables *tables = DeviceTablesAt(b->tables, b->width, 0);
  PetscFunctionBegin;
  if (b->single)
    b->device->in_single->kernel->compose(tables, SeriesTanh_Single, 0, n, b->a, n, b->b, n, b->c, NULL, n);
  else
    b->device->in_double->kernel->compose(tables, SeriesTanh, 0, n, b->a, n, b->b, n, b->c, NULL, n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_bar from d and v_bar, as a reverse sweep does. */
static PetscErrorCode transpose(Bench *b)
{
  const size_t n = b->points * b->width;
  const KernelProduct *table = &DeviceTablesAt(b->tables, b->width, 0)->product;
  PetscFunctionBegin;
  if (b->single)
    b->device->in_single->kernel->multiply_transpose(table, n, b->a, n, b->b, n, b->c, n, 0);
  else
    b->device->in_double->kernel->multiply_transpose(table, n, b->a, n, b->b, n, b->c, n, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode copy(Bench *b)
{
  PetscFunctionBegin;
  b->device->copy(b->b, b->a, b->copy);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Random numbers in [-1, 1]: zeros would be multiplied faster. */
static PetscErrorCode fill(const Bench *b, void *to, size_t n)
{
  const size_t size = b->single ? sizeof(float) : sizeof(double);
  void *values;
  PetscFunctionBegin;
  PetscCall(PetscMalloc(n * size, &values));
  for (size_t k = 0; k < n; k++) {
    const double value = 2.0 * RandomUniform((RandomKey){1, RANDOM_MEASURE, 0, 0}, k) - 1.0;
    if (b->single)
      ((float *)values)[k] = (float)value;
    else
      ((double *)values)[k] = value;
  }
  b->device->put(to, values, n * size);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create(const Device *device, const char *plan, int width, const char *precision, size_t jets,
                             Bench *b)
{
  BenchCase about = {BenchPlanFind(plan), width, 3, 64, precision};
  Subject small;
  Probe probe;
  PetscFunctionBegin;
  PetscCall(SubjectCreate(&about, &small));
  about.points = (PetscInt)PetscMax(64, jets / (size_t)small.columns);
  PetscCall(SubjectDestroy(&small));
  *b = (Bench){.device = device, .single = !strcmp(precision, "single"), .width = (size_t)width};
  PetscCall(SubjectCreate(&about, &b->subject));
  b->columns = (size_t)b->subject.columns;
  b->points = (size_t)about.points;
  const Built *built = &b->subject.built;
  PetscCall(
      ProbeCreate(built->problem, built->network, 1, &ProblemBlock(built->problem, 0)->terms[0].node, NULL, &probe));
  PetscCall(DeviceTablesCreate(device, JetPlanTables(ProbePlan(probe)), 0, &b->tables));
  PetscCall(ProbeDestroy(&probe));
  PetscCall(ResidualSetDevice(built->residual, device));
  const size_t n = b->columns * b->points * b->width, bytes = n * (b->single ? sizeof(float) : sizeof(double));
  PetscCall(DeviceAllocate(device, bytes, NULL, &b->a));
  PetscCall(DeviceAllocate(device, bytes, NULL, &b->b));
  PetscCall(DeviceAllocate(device, bytes, NULL, &b->c));
  PetscCall(DeviceAllocate(device, b->width * b->width * sizeof(double), NULL, &b->w));
  PetscCall(fill(b, b->a, n));
  PetscCall(fill(b, b->b, n));
  PetscCall(fill(b, b->w, b->width * b->width));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy(Bench *b)
{
  PetscFunctionBegin;
  PetscCall(DeviceFree(b->device, &b->a));
  PetscCall(DeviceFree(b->device, &b->b));
  PetscCall(DeviceFree(b->device, &b->c));
  PetscCall(DeviceFree(b->device, &b->w));
  PetscCall(DeviceTablesDestroy(&b->tables));
  PetscCall(SubjectDestroy(&b->subject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bytes a second of a copy, read and written. */
static PetscErrorCode measure_copy(const Device *device, size_t bytes, double *rate)
{
  Bench b = {.device = device, .copy = bytes};
  double seconds = 0.0;
  PetscFunctionBegin;
  PetscCall(DeviceAllocate(device, bytes, NULL, &b.a));
  PetscCall(DeviceAllocate(device, bytes, NULL, &b.b));
  b.w = b.a;
  PetscCall(fill(&b, b.a, bytes / sizeof(double)));
  PetscCall(measure(&b, copy, &seconds));
  *rate = 2.0 * (double)bytes / seconds;
  PetscCall(DeviceFree(device, &b.a));
  PetscCall(DeviceFree(device, &b.b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode measure_case(const Device *device, const char *plan, int width, const char *precision,
                                   size_t jets, double copy_rate)
{
  double step = 0.0, gemm = 0.0, forward = 0.0, reverse = 0.0;
  Bench b;
  PetscFunctionBegin;
  PetscCall(create(device, plan, width, precision, jets, &b));
  PetscCall(measure(&b, gradient, &step));
  PetscCall(measure(&b, product, &gemm));
  PetscCall(measure(&b, compose, &forward));
  PetscCall(measure(&b, transpose, &reverse));
  PetscCall(DeviceCheck(device));
  const double n = (double)(b.columns * b.points * b.width), bytes = 3.0 * n * (b.single ? 4.0 : 8.0);
  const double flops = 2.0 * n * (double)b.width, layers = 2.0; /* products between hidden layers: three a layer */
  printf("%-15s %5d %-7s %7zu %7zu %8.1f %11.4g %9.1f %8.2f %8.2f %8.2f\n", plan, width, precision, b.columns, b.points,
         ResidualDeviceMB(b.subject.built.residual), (double)b.points / step, 1e-9 * flops / gemm,
         3.0 * layers * gemm / step, bytes / forward / copy_rate, bytes / reverse / copy_rate);
  fflush(stdout);
  PetscCall(destroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run(const Device *device, bool quick)
{
  double copy_rate = 0.0;
  PetscFunctionBegin;
  PetscCall(measure_copy(device, (size_t)1 << (quick ? 24 : 29), &copy_rate));
  printf("copy: %.0f GB/s, read and written\n\n%-15s %5s %-7s %7s %7s %8s %11s %9s %8s %8s %8s\n", 1e-9 * copy_rate,
         "plan", "width", "type", "columns", "points", "MB", "rows/s", "gemm GF/s", "of gemm", "compose", "adjoint");
  for (size_t p = 0; p < sizeof(precisions) / sizeof(precisions[0]); p++)
    for (size_t k = 0; k < sizeof(plans) / sizeof(plans[0]); k++)
      for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
        if (!quick || (!w && k < 2))
          PetscCall(measure_case(device, plans[k], widths[w], precisions[p], quick ? 1024 : JETS, copy_rate));
  printf("\nrows/s: residual and gradient, parameters in and gradient out. of gemm: time of the bare products between\n"
         "hidden layers over that of the whole. compose, adjoint: bandwidth of the fused recurrences over the copy's,\n"
         "each array read or written once.\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const bool quick = argc > 1 && !strcmp(argv[1], "--quick");
  char text[256];
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return EXIT_FAILURE;
  if (!DeviceCUDA.open(0, text, sizeof(text))) {
    printf("device-bench: %s\n", text);
    return EXIT_FAILURE;
  }
  printf("device: %s\n", text);
  const PetscErrorCode code = run(&DeviceCUDA, quick);
  DeviceCUDA.close();
  if (PetscFinalize()) return EXIT_FAILURE;
  return code ? EXIT_FAILURE : EXIT_SUCCESS;
}
