/* Does a checkpoint belong to this case? Its own case is stored in it, every key resolved. */
#include <stdio.h>
#include <string.h>
#include "run_impl.h"

typedef struct {
  const char *path, *except;
} Part;

/* What a run is, as long as it goes on: the stages may get more iterations, output and limits may change. */
static const Part run_parts[] = {{"problem", "file"}, {"domain", NULL}, {"network", NULL}, {"points", NULL},
                                 {"balance", NULL},   {"seed", NULL},   {"time", NULL},    {NULL, NULL}};
/* What the parameters mean: another equation may start from them. Scales are read from the checkpoint. */
static const Part parameter_parts[] = {{"problem.coordinates", NULL},
                                       {"problem.fields", NULL},
                                       {"problem.transform", NULL},
                                       {"network", "scale scale_search"},
                                       {"time", "warm_start weight count sampler"},
                                       {NULL, NULL}};
static const Part domain_part[] = {{"domain", NULL}, {NULL, NULL}};

static PetscErrorCode find_difference(Config here, Config there, const Part parts[], char *text, size_t size)
{
  PetscFunctionBegin;
  text[0] = 0;
  for (const Part *part = parts; part->path && !text[0]; part++)
    PetscCall(ConfigCompare(here, there, part->path, part->except, text, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the network see the domain? */
static PetscErrorCode uses_domain(Config config, bool *uses)
{
  PetscFunctionBegin;
  *uses = ConfigHas(config, "network.periodic");
  if (ConfigHas(config, "network.normalize")) PetscCall(ConfigGetBool(config, "network.normalize", uses));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode compare_parameters(Config here, Config there, char *text, size_t size)
{
  bool domain;
  PetscFunctionBegin;
  PetscCall(find_difference(here, there, parameter_parts, text, size));
  PetscCall(uses_domain(here, &domain));
  if (!text[0] && domain) PetscCall(find_difference(here, there, domain_part, text, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunStageGoesOn(Config config, const Checkpoint *checkpoint, bool *goes_on)
{
  PetscInt iterations;
  PetscFunctionBegin;
  *goes_on = !checkpoint->stage_done;
  if (*goes_on || checkpoint->stage >= ConfigCount(config, "solver")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ConfigGetInt(config, ConfigPath("solver[%d].iterations", checkpoint->stage), &iterations));
  for (int k = 0; k < checkpoint->n_state; k++)
    if (!strcmp(checkpoint->state[k].name, "iteration")) *goes_on = checkpoint->state[k].values[0] < (double)iterations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* hint [out]: what else can be done with the checkpoint. */
static PetscErrorCode compare_run(Config here, Config there, const Checkpoint *checkpoint, char *text, size_t size,
                                  const char **hint)
{
  const Part stage[] = {{ConfigPath("solver[%d]", checkpoint->stage), "iterations tolerance"}, {NULL, NULL}};
  char other[1024];
  bool goes_on;
  PetscFunctionBegin;
  PetscCall(find_difference(here, there, run_parts, text, size));
  PetscCall(RunStageGoesOn(here, checkpoint, &goes_on));
  if (!text[0] && goes_on) PetscCall(find_difference(here, there, stage, text, size));
  PetscCall(compare_parameters(here, there, other, sizeof(other)));
  if (!other[0]) *hint = "; --start-from begins another run with its parameters";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "case.cfg:12" or "--set network.activation": where the setting with which a difference begins comes from. */
static void place_of(Config config, const char *difference, char place[], size_t size)
{
  char path[256];
  snprintf(path, sizeof(path), "%.*s", (int)strcspn(difference, " "), difference);
  snprintf(place, size, "%s", ConfigWhere(config, path));
  const size_t n = strlen(place), tail = strlen(path) + 2;
  if (n > tail && !strncmp(place + n - tail, ": ", 2)) place[n - tail] = 0;
}

PetscErrorCode RunCompareCase(const RunParts *parts, const char *path, const Checkpoint *checkpoint)
{
  char difference[1024], place[512];
  const char *hint = "";
  Config there;
  PetscFunctionBegin;
  PetscCall(ConfigLoadText(path, checkpoint->case_text, 0, NULL, &there));
  if (parts->cli->resume)
    PetscCall(compare_run(parts->config, there, checkpoint, difference, sizeof(difference), &hint));
  else
    PetscCall(compare_parameters(parts->config, there, difference, sizeof(difference)));
  PetscCall(ConfigDestroy(&there));
  place_of(parts->config, difference, place, sizeof(place));
  PinnUserCheck(!difference[0], "%s was written by another case: %s (%s)%s", path, difference, place, hint);
  PetscFunctionReturn(PETSC_SUCCESS);
}
