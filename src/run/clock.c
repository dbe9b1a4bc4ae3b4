/* When a checkpoint is due, and when a run must end: by the clock of rank 0, the same on all ranks. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "run_impl.h"

/* Checkpoints take at most this part of the time. */
#define SHARE 0.01

double ClockSeconds(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The end of the Slurm job that this process is part of, as ClockSeconds; INFINITY where there is none. */
static PetscErrorCode read_job_end(const RunParts *parts, double *end)
{
  const char *text = getenv("SLURM_JOB_END_TIME");
  char *rest;
  PetscFunctionBegin;
  *end = INFINITY;
  if (!text || !*text) PetscFunctionReturn(PETSC_SUCCESS);
  errno = 0;
  const long long seconds = strtoll(text, &rest, 10), now = (long long)time(NULL);
  if (errno || *rest)
    PetscCall(ReportMessage(parts->report, "SLURM_JOB_END_TIME is not a time in seconds, and no limit: '%.60s'", text));
  else if (seconds <= now) /* inherited from a job that is over: Slurm ends its processes */
    PetscCall(ReportMessage(parts->report, "SLURM_JOB_END_TIME lies in the past, and is no limit"));
  else
    *end = ClockSeconds() + (double)(seconds - now);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClockStart(const RunParts *parts, Clock *clock)
{
  Config config = parts->config;
  PetscReal value;
  PetscFunctionBegin;
  *clock = (Clock){.parts = parts};
  PetscCall(ConfigGetReal(config, "output.checkpoint_seconds", &value));
  clock->interval = value;
  PetscCall(ConfigGetInt(config, "output.checkpoint_every", &clock->every));
  PetscCall(ConfigGetReal(config, "limits.margin", &value));
  clock->margin = value;
  if (ConfigHas(config, "limits.wall_time")) {
    PetscCall(ConfigGetReal(config, "limits.wall_time", &value));
    clock->wall_time = value;
  }
  clock->begin = clock->step = clock->checkpoint = ClockSeconds();
  PetscCall(read_job_end(parts, &clock->job_end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ClockStage(Clock *clock)
{
  clock->step = ClockSeconds();
  clock->longest = 0.0;
}

/* An iteration that begins now must be done before the margin. */
static Limit limit_reached(const Clock *clock, double now)
{
  if (clock->wall_time > 0.0 && now - clock->begin >= clock->wall_time) return LIMIT_WALL_TIME;
  return now + clock->longest + clock->margin >= clock->job_end ? LIMIT_JOB : LIMIT_NONE;
}

PetscErrorCode ClockTick(Clock *clock, PetscInt iteration, bool *print, Limit *limit, bool *checkpoint)
{
  const double now = ClockSeconds();
  int due[3];
  PetscFunctionBegin;
  clock->longest = fmax(clock->longest, now - clock->step);
  clock->step = now;
  const bool by_time =
      clock->interval > 0.0 && now - clock->checkpoint >= fmax(clock->interval, clock->cost / SHARE - clock->cost);
  due[0] = (int)limit_reached(clock, now);
  due[1] = by_time || (clock->every && iteration && iteration % clock->every == 0);
  due[2] = *print;
  PetscCallMPI(MPI_Bcast(due, 3, MPI_INT, 0, clock->parts->comm));
  *limit = (Limit)due[0];
  *checkpoint = due[1] != 0;
  *print = due[2] != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ClockWritten(Clock *clock, double began)
{
  clock->checkpoint = ClockSeconds();
  clock->cost = clock->checkpoint - began;
}

void ClockExplain(const Clock *clock, Limit limit, char *text, size_t size)
{
  if (limit == LIMIT_WALL_TIME)
    snprintf(text, size, "stopped at limits.wall_time = %g s", clock->wall_time);
  else
    snprintf(text, size, "stopped %.0f s before the end of the Slurm job", fmax(clock->job_end - ClockSeconds(), 0.0));
}
