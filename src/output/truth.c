/* The solution where a case states it: at the points of a file, or at single ones. */
#include <stdio.h>
#include "output_impl.h"

/* Point k of the case: where it is, [dim], and its values, of which field f is written to fields[f][k]. */
static PetscErrorCode read_point(Config config, int k, Formula formula, Domain domain, int n_field, double x[],
                                 double *const fields[])
{
  const char *path = ConfigPath("verify.points[%d].fixed", k), *const * names;
  const double *lower, *upper;
  const PetscReal *at, *values;
  int n, n_at;
  PetscFunctionBegin;
  PetscCall(ConfigGetStrings(config, path, &n, &names));
  PetscCall(ConfigGetReals(config, ConfigPath("verify.points[%d].at", k), &n_at, &at));
  PinnUserCheck(n == n_at, "%s: %d coordinates are fixed at %d values", ConfigWhere(config, path), n, n_at);
  DomainBounds(domain, &lower, &upper);
  for (int i = 0; i < DomainDimension(domain); i++) x[i] = 0.5 * (lower[i] + upper[i]);
  for (int i = 0; i < n; i++) {
    const int coord = FormulaFindCoordinate(formula, names[i]);
    PinnUserCheck(coord >= 0, "%s: '%s' is not a coordinate", ConfigWhere(config, path), names[i]);
    x[coord] = at[i];
  }
  PinnUserCheck(DomainContains(domain, x), "%s: the point is not in the domain", ConfigWhere(config, path));
  path = ConfigPath("verify.points[%d].values", k);
  PetscCall(ConfigGetReals(config, path, &n, &values));
  PinnUserCheck(n == n_field, "%s: %d numbers for %d fields", ConfigWhere(config, path), n, n_field);
  for (int f = 0; f < n_field; f++) fields[f][k] = values[f];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_points(Config config, Formula formula, Domain domain, int n_field, Reference *reference)
{
  const int n = ConfigCount(config, "verify.points"), dim = DomainDimension(domain);
  PetscErrorCode code = PETSC_SUCCESS;
  PetscFunctionBegin;
  *reference = (Reference){.n = n, .dim = dim};
  PetscCall(PetscMalloc1((size_t)n * (size_t)dim, &reference->points));
  PetscCall(PetscCalloc1(n_field, &reference->fields));
  for (int f = 0; f < n_field; f++) PetscCall(PetscMalloc1(n, &reference->fields[f]));
  for (int k = 0; k < n && !code; k++)
    code =
        read_point(config, k, formula, domain, n_field, reference->points + (size_t)k * (size_t)dim, reference->fields);
  if (code) PetscCall(ReferenceDestroy(reference, n_field));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_file(MPI_Comm comm, Config config, Problem problem, const char *file, Reference *reference)
{
  const char *fields[64];
  Formula formula = ProblemFormula(problem);
  const int dim = FormulaCoordinates(formula), n_field = ProblemFields(problem);
  PetscFunctionBegin;
  PinnUserCheck(dim <= 64 && n_field <= 64, "%s: reference files serve at most 64 coordinates and fields",
                ConfigWhere(config, "verify.reference"));
  for (int f = 0; f < n_field; f++) fields[f] = ProblemFieldName(problem, f);
  PetscCall(ReferenceRead(comm, ConfigWhere(config, "verify.reference"), PathBeside(ConfigFile(config), file), dim,
                          FormulaCoordinateNames(formula), n_field, fields, reference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TruthRead(MPI_Comm comm, Config config, Problem problem, Domain domain, Reference *reference,
                         char name[], size_t size)
{
  const char *file;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "verify.reference", &file));
  const bool given = file && file[0];
  PinnUserCheck(!given || !ConfigCount(config, "verify.points"), "%s: verify.reference gives the truth already",
                ConfigWhere(config, "verify.points"));
  if (given)
    PetscCall(read_file(comm, config, problem, file, reference));
  else
    PetscCall(read_points(config, ProblemFormula(problem), domain, ProblemFields(problem), reference));
  snprintf(name, size, "%s, %d point%s", given ? file : "verify.points", (int)reference->n,
           reference->n == 1 ? "" : "s");
  PetscFunctionReturn(PETSC_SUCCESS);
}
