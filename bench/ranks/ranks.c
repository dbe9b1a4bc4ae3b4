/* What an evaluation (rows and gradient) and the rows' part of a Gauss-Newton-Krylov iteration (linearization, products
   with J and J^T, rows of a trial) cost on the ranks it is started on, and how much of that goes into messages. Prints
   for scripts/scaling: ranks, points, parameters, and of each of the two seconds, processor seconds and seconds in
   messages.

   Times are those of the slowest rank, medians over rounds. The time in messages is that of PETSc's log on the rank
   that has least of it: the last one to arrive, which waits for nobody. The processors' time is that of all ranks
   outside of messages. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../built.h"
#include "pinn/kernel.h"

#define ROUNDS 5
#define INNER  20 /* products with J and J^T of a Krylov iteration */

typedef struct {
  double wall, busy, messages; /* seconds */
} Cost;

typedef struct {
  Built built;
  Rows rows;
  Vec theta, gradient;
} Subject;

static double busy_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of this rank, so far. */
static PetscErrorCode message_seconds(double *seconds)
{
  PetscFunctionBegin;
  *seconds = 0.0;
  for (int k = 0; k < ROWS_EVENTS; k++) {
    PetscEventPerfInfo info;
    PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, RowsLogEvent(k), &info));
    *seconds += info.time;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode evaluate(Subject *s)
{
  double loss;
  PetscFunctionBegin;
  PetscCall(VecScale(s->theta, 1.0 + 1e-12)); /* else there is nothing to gather */
  PetscCall(s->rows->ops->gradient(s->rows->self, s->theta, &loss, s->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step from the same theta: linearized once, INNER products with J and with J^T, and its rows. */
static PetscErrorCode iterate(Subject *s)
{
  Vec theta;
  double *Jv, loss;
  PetscFunctionBegin;
  PetscCall(VecDuplicate(s->theta, &theta));
  PetscCall(VecCopy(s->theta, theta));
  PetscCall(PetscMalloc1(s->rows->n_row, &Jv));
  PetscCall(RowsLinearize(s->rows, theta, NULL, &loss));
  for (int k = 0; k < INNER; k++) {
    PetscCall(VecScale(s->gradient, 1.0 + 1e-12));
    PetscCall(s->rows->ops->apply(s->rows->self, theta, s->gradient, Jv));
    PetscCall(s->rows->ops->apply_transpose(s->rows->self, theta, Jv, s->gradient));
    PetscCall(VecNormalize(s->gradient, NULL));
  }
  PetscCall(s->rows->ops->evaluate(s->rows->self, theta, NULL, &loss));
  PetscCall(PetscFree(Jv));
  PetscCall(VecDestroy(&theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double values[ROUNDS])
{
  qsort(values, ROUNDS, sizeof(*values), compare);
  return values[ROUNDS / 2];
}

/* Of one run of task, in rounds of `repeats`. */
static PetscErrorCode measure(Subject *s, PetscErrorCode (*task)(Subject *), int repeats, Cost *cost)
{
  double wall[ROUNDS], busy[ROUNDS], messages[ROUNDS], before, after;
  const MPI_Comm comm = s->rows->comm;
  PetscFunctionBegin;
  PetscCall(task(s));
  for (int i = 0; i < ROUNDS; i++) {
    PetscCallMPI(MPI_Barrier(comm));
    PetscCall(message_seconds(&before));
    const double begin = MPI_Wtime(), begin_busy = busy_seconds();
    for (int k = 0; k < repeats; k++) PetscCall(task(s));
    wall[i] = (MPI_Wtime() - begin) / repeats;
    PetscCall(message_seconds(&after));
    messages[i] = (after - before) / repeats;
    busy[i] = fmax((busy_seconds() - begin_busy) / repeats - messages[i], 0.0);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &wall[i], 1, MPI_DOUBLE, MPI_MAX, comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &busy[i], 1, MPI_DOUBLE, MPI_SUM, comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &messages[i], 1, MPI_DOUBLE, MPI_MIN, comm));
  }
  *cost = (Cost){median(wall), median(busy), median(messages)};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create(int points, int width, int depth, Subject *s)
{
  char text[1024], hidden[128] = "";
  Config config;
  PetscFunctionBegin;
  for (int l = 0; l < depth; l++)
    snprintf(hidden + strlen(hidden), sizeof(hidden) - strlen(hidden), "%s%d", l ? ", " : "", width);
  snprintf(text, sizeof(text),
           "problem: { coordinates = [ \"x\", \"y\" ]; fields = [ \"u\" ];\n"
           "  equations = ( { residual = \"laplacian(u) + 1\"; } ); };\n"
           "domain: { type = \"box\"; };\n"
           "points: { interior = { sampler = \"uniform\"; count = %d; }; };\n"
           "network: { hidden = [ %s ]; };\n",
           points, hidden);
  PetscCall(ConfigLoadText("scaling", text, 0, NULL, &config));
  PetscCall(BuiltCreate(PETSC_COMM_WORLD, config, &s->built));
  s->rows = ResidualRows(s->built.residual);
  PetscCall(BuiltTheta(&s->built, &s->theta));
  PetscCall(VecDuplicate(s->theta, &s->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run(int points, int width, int depth, int repeats)
{
  Subject s;
  Cost each, step;
  PetscMPIInt rank, size;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(create(points, width, depth, &s));
  PetscCall(measure(&s, evaluate, repeats, &each));
  PetscCall(measure(&s, iterate, PetscMax(1, repeats / INNER), &step));
  if (!rank)
    printf("%d %d %zu %.6e %.6e %.6e %.6e %.6e %.6e\n", size, points, s.rows->n_param, each.wall, each.busy,
           each.messages, step.wall, step.busy, step.messages);
  PetscCall(VecDestroy(&s.theta));
  PetscCall(VecDestroy(&s.gradient));
  PetscCall(BuiltDestroy(&s.built));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int none = 1;
  if (argc != 5) {
    fprintf(stderr, "usage: ranks POINTS WIDTH DEPTH REPEATS\n");
    return EXIT_USER;
  }
  KernelChooseBLAS(argv);
  if (PetscInitialize(&none, &argv, NULL, NULL) || ErrorPushHandler() || PetscLogDefaultBegin()) return EXIT_FAILED;
  const PetscErrorCode code = run(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
  if (code && ErrorText()[0]) fprintf(stderr, "ranks: %s\n", ErrorText());
  if (PetscPopErrorHandler() || PetscFinalize()) return EXIT_FAILED;
  return code ? (int)ErrorExitStatus(code) : EXIT_DONE;
}
