/* Which estimator makes the derivatives of which block, and its draws. */
#include <limits.h>
#include <string.h>
#include "estimator.h"
#include "linearization.h"

static const Estimator estimator_auto = {JET_COMPRESS, true, false, false, NULL},
                       estimator_exact = {JET_COMPRESS, false, false, false, NULL},
                       estimator_compressed = {JET_COMPRESS, true, true, false, NULL};

static const Choice estimator_rows[] = {
    {"auto", "exact; compressed where the first layer is narrower than a laplacian has dimensions", &estimator_auto},
    {"exact", "every derivative by every coordinate", &estimator_exact},
    {"compressed", "exact; laplacians through as many coordinates as the first layer has neurons",
     &estimator_compressed},
    {"stde", "unbiased; of sums of derivatives some terms a step, drawn without replacement", &EstimatorSTDE},
    {"sdgd", "the same draws one term at a time, each in a sweep of its own: slower, for comparison", &EstimatorSDGD},
    {"hutchinson", "unbiased; sums of second derivatives and powers of laplacians by random directions",
     &EstimatorHutchinson},
    {NULL, NULL, NULL},
};
const ChoiceTable EstimatorTable = {"estimator", "how derivatives in many dimensions are made", estimator_rows};

PetscErrorCode EstimatorRead(Config config, const char *group, EstimatorChoice *choice)
{
  const char *word, *path = ConfigPath("%s.directions", group);
  PetscInt directions = 0;
  bool unbiased = false, gaussian = false;
  PetscFunctionBegin;
  if (ConfigHas(config, path)) PetscCall(ConfigGetInt(config, path, &directions));
  path = ConfigPath("%s.unbiased", group);
  if (ConfigHas(config, path)) PetscCall(ConfigGetBool(config, path, &unbiased));
  path = ConfigPath("%s.distribution", group);
  if (ConfigHas(config, path)) {
    const char *law;
    PetscCall(ConfigGetString(config, path, &law));
    gaussian = *(const bool *)ChoiceFind(&LawTable, law)->data;
  }
  PetscCall(ConfigGetString(config, ConfigPath("%s.type", group), &word));
  const Choice *row = ChoiceFind(&EstimatorTable, word);
  *choice = (EstimatorChoice){row->data, row->name, (int)directions, unbiased, gaussian};
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool EstimatorDraws(const EstimatorChoice *choice)
{
  return choice->estimator->draw != NULL;
}

void EstimatorExact(EstimatorChoice *choice)
{
  *choice = (EstimatorChoice){&estimator_auto, estimator_rows[0].name, 0, false, false};
}

JetReducer EstimatorReducer(const EstimatorChoice *choice, Network network)
{
  const int width = NetworkCompressedWidth(network);
  const Estimator *estimator = choice ? choice->estimator : &estimator_auto;
  JetReducer reducer = {.width = width,
                        .least = !estimator->reduces ? INT_MAX
                                 : estimator->always ? 2
                                                     : PetscMax(width, 2) + 1,
                        .insist = estimator->always,
                        .reduction = estimator->reduction};
  if (!estimator->draw) return reducer;
  reducer.slots = estimator->by_passes ? 1 : choice->directions;
  reducer.passes = estimator->by_passes ? choice->directions : 1;
  reducer.draws = choice->unbiased ? 2 : 1;
  if (estimator->reduction == JET_PROJECT) reducer.least = PetscMax(2, choice->directions);
  reducer.name = choice->name;
  return reducer;
}

/* The most terms that some operator of a block would sample from. */
static PetscErrorCode count_terms(Residual residual, const RowBlock *block, int *most)
{
  EstimatorChoice single = block->estimator;
  const JetGroup *groups;
  Probe probe;
  int n_group;
  PetscFunctionBegin;
  single.directions = 1;
  const JetReducer reducer = EstimatorReducer(&single, residual->network);
  PetscCall(RowBlockProbe(residual, block->block, &reducer, 0.0, &probe));
  ProgramGroups(probe->program, &n_group, &groups);
  for (int g = 0; g < n_group; g++) *most = PetscMax(*most, groups[g].n);
  PetscCall(ProbeDestroy(&probe));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Directions with entries +-1 have other fourth moments than normal ones. */
static PetscErrorCode check_distribution(const RowBlock *block, Config config)
{
  const JetGroup *groups;
  int n_group;
  PetscFunctionBegin;
  ProgramGroups(block->probe->program, &n_group, &groups);
  for (int g = 0; g < n_group; g++)
    PinnUserCheck(
        groups[g].reduction != JET_PROJECT || groups[g].order == 2 || block->estimator.gaussian,
        "%s: the distribution 'rademacher' serves second derivatives, but there are powers of a laplacian, of "
        "order %d: 'gaussian' serves them",
        ConfigWhere(config, ConfigPath("%s.distribution", block->block->estimator)), groups[g].order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Notes what the rows do not offer. */
static PetscErrorCode note_limits(Residual residual, Config config)
{
  PetscFunctionBegin;
  residual->n_draw = 1;
  for (int b = 0; b < residual->n_block; b++) {
    const Probe probe = residual->blocks[b].probe;
    PetscCall(check_distribution(&residual->blocks[b], config));
    residual->n_draw = PetscMax(residual->n_draw, probe->n_draw);
    if (probe->n_pass > 1) residual->rows.gradient_only = "the estimator sdgd";
    PinnUserCheck(NetworkServesGroups(residual->network, probe->compression),
                  "%s: a quadratic form has exact derivatives and is not estimated: %s does not go with it",
                  ConfigWhere(config, "network.quadratic"), residual->blocks[b].estimator.name);
    PinnUserCheck(probe->n_pass == 1 || !ProgramHasSlots(probe->program),
                  "%s: sdgd does not serve a sum of derivatives with different functions of the point as coefficients; "
                  "stde does",
                  ConfigWhere(config, ConfigPath("%s.type", residual->blocks[b].block->estimator)));
  }
  if (residual->n_draw > 1) residual->rows.gradient_only = "estimator.unbiased = true";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the estimator that was asked for serve any block that is left to it? */
static PetscErrorCode check_choice(Residual residual, Config config, const char *group)
{
  const char *where = ConfigWhere(config, ConfigPath("%s.type", group));
  EstimatorChoice choice;
  int n = 0, most = 0;
  PetscFunctionBegin;
  PetscCall(EstimatorRead(config, group, &choice));
  for (int b = 0; b < residual->n_block; b++)
    n += !strcmp(residual->blocks[b].block->estimator, group) && residual->blocks[b].probe->compression;
  if (!choice.estimator->always || n) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck(EstimatorDraws(&choice),
                "%s: nothing can be compressed: no equation or condition has two coordinates that occur only in a "
                "laplacian (sum of second derivatives with fixed positive factors)",
                where);
  for (int b = 0; b < residual->n_block; b++)
    if (!strcmp(residual->blocks[b].block->estimator, group))
      PetscCall(count_terms(residual, &residual->blocks[b], &most));
  PinnUserCheck(!most, "%s: %s.directions = %d is more than the %d terms of the longest sum of derivatives", where,
                group, choice.directions, most);
  PinnUserCheck(
      choice.estimator->reduction != JET_PROJECT,
      "%s: %s has nothing to estimate: no equation or condition has a sum of second derivatives or a power of a "
      "laplacian; stde serves other sums of derivatives",
      where, choice.name);
  PinnUserError("%s: %s has nothing to sample from: no equation or condition has a sum of derivatives of order 2 or "
                "more that enters it as a whole; exact derivatives (auto) serve it",
                where, choice.name);
}

PetscErrorCode EstimatorCheck(Residual residual, Config config)
{
  PetscFunctionBegin;
  PetscCall(note_limits(residual, config));
  PetscCall(check_choice(residual, config, "estimator"));
  for (int b = 0; b < residual->n_block; b++)
    if (strcmp(residual->blocks[b].block->estimator, "estimator"))
      PetscCall(check_choice(residual, config, residual->blocks[b].block->estimator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EstimatorDraw(Residual residual, PetscInt iteration, bool *drawn)
{
  PetscFunctionBegin;
  *drawn = false;
  for (int b = 0; b < residual->n_block; b++) {
    RowBlock *block = &residual->blocks[b];
    const RandomKey key = {block->sampling.key.seed, RANDOM_DRAW, (uint32_t)b, (uint32_t)iteration};
    if (!EstimatorDraws(&block->estimator) || !block->probe->compression) continue;
    PetscCall(block->estimator.estimator->draw(block->probe, &block->estimator, key));
    if (ProgramHasSlots(block->probe->program)) {
      RowSetRenewSlots(&block->train);
      if (block->validation.probe == block->probe) RowSetRenewSlots(&block->validation);
    }
    *drawn = true;
  }
  if (*drawn) LinearizationForget(residual);
  PetscFunctionReturn(PETSC_SUCCESS);
}
