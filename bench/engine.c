/* engine [--full] [--output FILE]: the table of the derivative engine, as JSON in FILE too.
   engine --worker: see worker.c. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

#define MOST_FLOPS 3e10 /* of a sweep's products: cases above have fewer points */

/* Widths and depths of a plan: all of them, or the middle. */
typedef struct {
  const char *plan, *precision;
  bool all;
} Group;

static const Group groups[] = {
    {"laplacian-2d", "double", true},   {"kdv", "double", true},
    {"laplacian-10d", "double", false}, {"laplacian-100d", "double", false},
    {"biharmonic-2d", "double", false}, {"laplacian-2d", "mixed", false},
    {"laplacian-2d", "single", false},  {"laplacian-10d", "single", false},
    {"kdv", "single", false},           {"biharmonic-2d", "single", false},
};
static const int widths[] = {32, 64, 128, 256}, depths[] = {2, 3, 4};

static bool measured(const Group *group, int width, int depth, bool full)
{
  return full || group->all || ((width == 64 || width == 128) && depth == 3);
}

static void print_head(void)
{
  printf("%-15s %5s %5s %6s %-9s %-17s %10s %7s %8s %5s %9s\n", "plan", "width", "depth", "points", "precision",
         "operation", "rows/s", "GF/s", "of gemm", "busy", "peak MB");
}

static void print_row(const Measurement *m)
{
  printf("%-15s %5d %5d %6d %-9s %-17s %10.4g %7.1f %8.2f %5.2f %9.1f\n", m->about->plan->name, m->about->width,
         m->about->depth, (int)m->points, m->about->precision, m->operation->name, m->rows_per_second,
         1e-9 * m->gemm_rate, m->gemm_fraction, m->busy, m->peak_memory_mb);
  fflush(stdout);
}

static void write_object(FILE *file, const Measurement *m, bool first)
{
  fprintf(file,
          "%s  {\"plan\": \"%s\", \"width\": %d, \"depth\": %d, \"points\": %d, \"precision\": \"%s\", "
          "\"operation\": \"%s\", \"threads\": %d, \"rows_per_second\": %.6g, \"gemm_fraction\": %.4f, "
          "\"gemm_gflops\": %.4g, \"busy\": %.3f, \"peak_memory_mb\": %.2f}",
          first ? "" : ",\n", m->about->plan->name, m->about->width, m->about->depth, (int)m->points,
          m->about->precision, m->operation->name, omp_get_max_threads(), m->rows_per_second, m->gemm_fraction,
          1e-9 * m->gemm_rate, m->busy, m->peak_memory_mb);
}

static PetscErrorCode choose_points(BenchCase *about)
{
  const BenchOperation *operation = BenchOperationFind("residual+gradient");
  Subject subject;
  PetscFunctionBegin;
  about->points = 4096;
  PetscCall(SubjectCreate(about, &subject));
  double flops = BenchFlops(operation, &subject);
  PetscCall(SubjectDestroy(&subject));
  for (; flops > MOST_FLOPS && about->points > 256; flops *= 0.5) about->points /= 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode measure_case(BenchCase *about, FILE *file, bool *first)
{
  PetscFunctionBegin;
  PetscCall(choose_points(about));
  for (const BenchOperation *operation = BenchOperations; operation->name; operation++) {
    Measurement measurement;
    PetscCall(BenchMeasure(about, operation, &measurement));
    print_row(&measurement);
    if (file) write_object(file, &measurement, *first);
    *first = false;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode measure_all(bool full, FILE *file)
{
  bool first = true;
  PetscFunctionBegin;
  printf(
      "%d threads; of gemm: processors' time of the layers' matrix products alone, timed beside the operation, over\n"
      "its own; busy: processors' time over threads x clock\n",
      omp_get_max_threads());
  print_head();
  if (file) fprintf(file, "[\n");
  for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
    for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
      for (size_t d = 0; d < sizeof(depths) / sizeof(depths[0]); d++) {
        if (!measured(&groups[g], widths[w], depths[d], full)) continue;
        BenchCase about = {BenchPlanFind(groups[g].plan), widths[w], depths[d], 0, groups[g].precision};
        PetscCall(measure_case(&about, file, &first));
      }
  if (file) fprintf(file, "\n]\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_table(bool full, const char *path)
{
  FILE *file = path ? fopen(path, "w") : NULL;
  PetscFunctionBegin;
  PinnSystemCheck(file || !path, "cannot write '%s'", path);
  PetscCall(measure_all(full, file));
  if (file) PinnSystemCheck(!fclose(file), "cannot write '%s'", path);
  PetscCall(BenchScaling());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  bool full = false, worker = false;
  const char *path = NULL;
  int petsc_argc = 1;
  KernelChooseBLAS(argv);
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--full")) {
      full = true;
    } else if (!strcmp(argv[i], "--worker")) {
      worker = true;
    } else if (!strcmp(argv[i], "--output") && i + 1 < argc) {
      path = argv[++i];
    } else {
      fprintf(stderr, "usage: engine [--full] [--output FILE] | --worker\n");
      return EXIT_USER;
    }
  }
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_btl", "self", 0);
  if (PetscInitialize(&petsc_argc, &argv, NULL, NULL) || ErrorPushHandler()) return EXIT_FAILED;
  const PetscErrorCode code = worker ? BenchWorker() : run_table(full, path);
  if (code && ErrorText()[0]) fprintf(stderr, "engine: %s\n", ErrorText());
  if (PetscPopErrorHandler() || PetscFinalize()) return EXIT_FAILED;
  return code ? (int)ErrorExitStatus(code) : EXIT_DONE;
}
