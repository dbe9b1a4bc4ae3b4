/* One measurement: the operation and its baseline in turn, so that what else the machine does falls on both. */
#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench.h"

#define ROUNDS        9
#define ROUND_SECONDS 0.02

static int compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double BenchMedian(int n, double values[])
{
  qsort(values, (size_t)n, sizeof(double), compare);
  return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/* A line of /proc/self/status in MB; 0 where there is none. */
static double status_mb(const char *key)
{
  char line[256];
  double kilobytes = 0.0;
  FILE *file = fopen("/proc/self/status", "r");
  if (!file) return 0.0;
  while (fgets(line, sizeof(line), file))
    if (!strncmp(line, key, strlen(key))) kilobytes = strtod(line + strlen(key), NULL);
  fclose(file);
  return kilobytes / 1024.0;
}

/* Freed memory goes back to the system and the peak is counted from here; returns the memory in use. */
static double reset_peak(void)
{
  malloc_trim(0);
  FILE *file = fopen("/proc/self/clear_refs", "w");
  if (file) {
    fputs("5", file);
    fclose(file);
  }
  return status_mb("VmRSS:");
}

Time TimeNow(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (Time){omp_get_wtime(), ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) / omp_get_max_threads()};
}

Time TimeSince(Time start, int repeats)
{
  const Time now = TimeNow();
  return (Time){(now.clock - start.clock) / repeats, (now.processor - start.processor) / repeats};
}

PetscErrorCode BenchTime(const BenchOperation *operation, Subject *subject, int repeats, Time *time)
{
  const Time start = TimeNow();
  PetscFunctionBegin;
  for (int i = 0; i < repeats; i++) PetscCall(operation->run(subject));
  *time = TimeSince(start, repeats);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchRepeats(const BenchOperation *operation, Subject *subject, double seconds, int *repeats)
{
  Time once = {0};
  PetscFunctionBegin;
  PetscCall(BenchTime(operation, subject, 1, &once));
  if (once.clock < seconds) PetscCall(BenchTime(operation, subject, 1, &once));
  *repeats = (int)PetscMax(1.0, ceil(seconds / once.clock));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchMeasure(const BenchCase *about, const BenchOperation *operation, Measurement *m)
{
  double seconds[ROUNDS], ratios[ROUNDS], busy[ROUNDS];
  const double before = reset_peak();
  int repeats;
  Time times[ROUNDS];
  Subject subject;
  Baseline baseline;
  PetscFunctionBegin;
  PetscCall(BenchSubject(operation, about, &subject));
  PetscCall(BenchRepeats(operation, &subject, ROUND_SECONDS, &repeats));
  *m = (Measurement){.about = about, .operation = operation, .points = subject.about.points};
  m->peak_memory_mb = status_mb("VmHWM:") - before;
  PetscCall(BaselineCreate(operation, &subject, ROUNDS, &baseline));
  for (int k = 0; k < ROUNDS; k++) {
    PetscCall(BenchTime(operation, &subject, repeats, &times[k]));
    BaselineMeasure(baseline, k);
  }
  for (int k = 0; k < ROUNDS; k++) {
    seconds[k] = times[k].clock;
    ratios[k] = BaselineSeconds(baseline, ROUNDS, k) / times[k].processor;
    busy[k] = times[k].processor / times[k].clock;
  }
  const double median = BenchMedian(ROUNDS, seconds);
  m->rows_per_second = (double)subject.rows->n_row / median;
  m->gemm_rate = BenchFlops(operation, &subject) / median;
  m->gemm_fraction = BenchMedian(ROUNDS, ratios);
  m->busy = BenchMedian(ROUNDS, busy);
  PetscCall(BaselineDestroy(&baseline));
  PetscCall(SubjectDestroy(&subject));
  PetscFunctionReturn(PETSC_SUCCESS);
}
