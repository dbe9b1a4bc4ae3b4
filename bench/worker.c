/* Requests, one a line of standard input, each answered by one JSON object a line: for programs that compare.

     case PLAN WIDTH DEPTH POINTS PRECISION OPERATION [FILE]
       builds the case; FILE, where given, gets theta [n_param], the points [n][dim], loss and gradient [n_param] as
       plain doubles
     measure SECONDS
       rows a second by the clock, and of processors' time, by a loop of about so many seconds
     sampled CASE FILE
       of a case file with sampled derivatives FILE gets what sampled.c says */
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include "bench.h"

typedef struct {
  bool built;
  char precision[16]; /* of the case, which borrows its name */
  Subject subject;
  const BenchOperation *operation;
} Worker;

static PetscErrorCode write_case(Subject *s, const char *path)
{
  const size_t n_param = s->rows->n_param;
  const double *theta, *gradient;
  PointSet points;
  bool ok;
  PetscFunctionBegin;
  PetscCall(SubjectPoints(s, &points));
  PetscCall(BenchOperationFind("residual+gradient")->run(s));
  PetscCall(VecGetArrayRead(s->theta, &theta));
  PetscCall(VecGetArrayRead(s->gradient, &gradient));
  const size_t n_x = (size_t)points.n * (size_t)points.dim;
  FILE *file = fopen(path, "wb");
  PinnSystemCheck(file, "cannot write '%s'", path);
  ok = fwrite(theta, sizeof(double), n_param, file) == n_param && fwrite(points.x, sizeof(double), n_x, file) == n_x &&
       fwrite(&s->loss, sizeof(double), 1, file) == 1 && fwrite(gradient, sizeof(double), n_param, file) == n_param;
  ok = !fclose(file) && ok;
  PinnSystemCheck(ok, "cannot write '%s'", path);
  PetscCall(VecRestoreArrayRead(s->theta, &theta));
  PetscCall(VecRestoreArrayRead(s->gradient, &gradient));
  printf("{\"parameters\": %zu, \"points\": %d, \"dimension\": %d}\n", n_param, points.n, points.dim);
  PetscCall(PointSetDestroy(&points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_case(Worker *worker, const char *request)
{
  char plan[64], precision[16], operation[32], path[PETSC_MAX_PATH_LEN] = "";
  BenchCase about;
  PetscFunctionBegin;
  const int n = sscanf(request, "case %63s %d %d %d %15s %31s %4095s", plan, &about.width, &about.depth, &about.points,
                       precision, operation, path);
  PinnUserCheck(n >= 6, "request '%s' should read: case PLAN WIDTH DEPTH POINTS PRECISION OPERATION [FILE]", request);
  about.plan = BenchPlanFind(plan);
  PinnUserCheck(about.plan, "unknown plan '%s'", plan);
  worker->operation = BenchOperationFind(operation);
  PinnUserCheck(worker->operation, "unknown operation '%s'", operation);
  if (worker->built) PetscCall(SubjectDestroy(&worker->subject));
  memcpy(worker->precision, precision, sizeof(precision));
  about.precision = worker->precision;
  PetscCall(BenchSubject(worker->operation, &about, &worker->subject));
  worker->built = true;
  if (n == 7)
    PetscCall(write_case(&worker->subject, path));
  else
    printf("{}\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode measure(Worker *worker, const char *request)
{
  double least;
  int repeats;
  Time time = {0};
  PetscFunctionBegin;
  PinnUserCheck(sscanf(request, "measure %lf", &least) == 1 && worker->built, "request '%s' comes without a case",
                request);
  PetscCall(BenchRepeats(worker->operation, &worker->subject, least, &repeats));
  PetscCall(BenchTime(worker->operation, &worker->subject, repeats, &time));
  const double rows = (double)worker->subject.rows->n_row;
  printf("{\"rows_per_second\": %.6g, \"rows_per_processor_second\": %.6g}\n", rows / time.clock,
         rows / (time.processor * omp_get_max_threads()));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode sampled(const char *request)
{
  char case_path[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  PetscFunctionBegin;
  PinnUserCheck(sscanf(request, "sampled %4095s %4095s", case_path, path) == 2,
                "request '%s' should read: sampled CASE FILE", request);
  PetscCall(BenchSampled(case_path, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchWorker(void)
{
  char request[2 * PETSC_MAX_PATH_LEN + 256];
  Worker worker = {0};
  PetscFunctionBegin;
  while (fgets(request, sizeof(request), stdin)) {
    request[strcspn(request, "\n")] = 0;
    if (!strncmp(request, "measure ", 8))
      PetscCall(measure(&worker, request));
    else if (!strncmp(request, "sampled ", 8))
      PetscCall(sampled(request));
    else
      PetscCall(build_case(&worker, request));
    fflush(stdout);
  }
  if (worker.built) PetscCall(SubjectDestroy(&worker.subject));
  PetscFunctionReturn(PETSC_SUCCESS);
}
