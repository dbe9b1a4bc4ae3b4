/* Domains: the table of shapes and what they have in common. */
#include "points_impl.h"

extern const DomainOps DomainOps_Box, DomainOps_Ball;

static const Choice rows[] = {
    {"box", "product of intervals, domain.lower to domain.upper", &DomainOps_Box},
    {"ball", "ball of any dimension, domain.center and domain.radius", &DomainOps_Ball},
    {NULL, NULL, NULL},
};
const ChoiceTable DomainTable = {"domain", "shape on which the equations hold", rows};

PetscErrorCode DomainCreate(Config config, Formula formula, Domain *domain)
{
  const char *type;
  Domain d;

  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "domain.type", &type));
  const Choice *row = ChoiceFind(&DomainTable, type);
  PetscCheck(row, PETSC_COMM_SELF, PETSC_ERR_PLIB, "domain type '%s' passed the reader", type);
  PetscCall(PetscNew(&d));
  d->ops = row->data;
  d->formula = formula;
  d->dim = FormulaCoordinates(formula);
  PetscCall(PetscMalloc2(d->dim, &d->lower, d->dim, &d->upper));
  PetscCall(d->ops->create(d, config));
  *domain = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainDestroy(Domain *domain)
{
  PetscFunctionBegin;
  if (!*domain) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*domain)->ops->destroy) PetscCall((*domain)->ops->destroy(*domain));
  PetscCall(PetscFree2((*domain)->lower, (*domain)->upper));
  PetscCall(PetscFree((*domain)->text));
  PetscCall(PetscFree(*domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DomainReadVector(Domain domain, Config config, const char *path, double values[])
{
  int n;
  const PetscReal *read;

  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, path, &n, &read));
  PinnUserCheck(n == 1 || n == domain->dim, "%s: has %d values for %d coordinates: one for each or one for all",
                ConfigWhere(config, path), n, domain->dim);
  for (int c = 0; c < domain->dim; c++) values[c] = read[n == 1 ? 0 : c];
  PetscFunctionReturn(PETSC_SUCCESS);
}

int DomainDimension(Domain domain)
{
  return domain->dim;
}

void DomainBounds(Domain domain, const double **lower, const double **upper)
{
  *lower = domain->lower;
  *upper = domain->upper;
}

bool DomainContains(Domain domain, const double x[])
{
  return domain->ops->contains(domain, x);
}

const char *DomainDescribe(Domain domain)
{
  return domain->text;
}
