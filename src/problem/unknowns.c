/* Coefficients that are found with the fields (inverse problems). In formulas they are outputs behind those of the
   fields, of which no coordinate matters; while forcings are manufactured they stand for their exact values. */
#include <math.h>
#include <string.h>
#include "problem_impl.h"

int ProblemFindUnknown(Problem p, const char *name)
{
  for (int k = 0; k < p->n_unknown; k++)
    if (!strcmp(p->unknown_name[k], name)) return k;
  return -1;
}

PetscErrorCode ProblemNameUnknowns(Problem p)
{
  PetscFunctionBegin;
  p->n_unknown = ConfigCount(p->config, "problem.unknowns");
  PetscCall(PetscCalloc4(p->n_unknown, &p->unknown_name, p->n_unknown, &p->unknown, p->n_unknown, &p->known,
                         p->n_unknown, &p->truth));
  for (int k = 0; k < p->n_unknown; k++)
    PetscCall(PetscStrallocpy(ConfigMember(p->config, "problem.unknowns", k), &p->unknown_name[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemCreateUnknowns(Problem p)
{
  PetscFunctionBegin;
  for (int k = 0; k < p->n_unknown; k++) {
    const char *where = ConfigWhere(p->config, ConfigPath("problem.unknowns.%s", p->unknown_name[k]));
    PetscCall(FormulaAddOutput(p->formula, where, p->unknown_name[k], p->n_field + k));
    PetscCall(FormulaParse(p->formula, where, p->unknown_name[k], &p->unknown[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemReadKnown(Problem p)
{
  PetscFunctionBegin;
  for (int k = 0; k < p->n_unknown; k++) {
    const char *path = ConfigPath("problem.exact.%s", p->unknown_name[k]), *where = ConfigWhere(p->config, path), *text;
    p->known[k] = -1;
    p->truth[k] = NAN;
    if (!ConfigHas(p->config, path)) continue;
    PetscCall(ConfigGetString(p->config, path, &text));
    PetscCall(FormulaParseConstant(p->formula, where, text, &p->truth[k]));
    PetscCall(FormulaParse(p->formula, where, text, &p->known[k]));
    PetscCall(FormulaDefine(p->formula, where, ConfigPath("exact_%s", p->unknown_name[k]), p->known[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemBindUnknowns(Problem p, const FormulaNode nodes[])
{
  PetscFunctionBegin;
  for (int k = 0; k < p->n_unknown; k++) {
    PetscCall(FormulaUndefine(p->formula, p->unknown_name[k]));
    PetscCall(FormulaDefine(p->formula, ConfigWhere(p->config, "problem.unknowns"), p->unknown_name[k], nodes[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemDestroyUnknowns(Problem p)
{
  PetscFunctionBegin;
  for (int k = 0; k < p->n_unknown && p->unknown_name; k++) PetscCall(PetscFree(p->unknown_name[k]));
  PetscCall(PetscFree4(p->unknown_name, p->unknown, p->known, p->truth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int ProblemUnknowns(Problem p)
{
  return p->n_unknown;
}

const char *ProblemUnknownName(Problem p, int unknown)
{
  return p->unknown_name[unknown];
}

double ProblemUnknownTruth(Problem p, int unknown)
{
  return p->truth[unknown];
}
