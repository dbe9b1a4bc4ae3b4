/* Hard conditions that contradict each other where they meet. */
#include <math.h>
#include <string.h>
#include "hard.h"

#define CHECKS 66   /* points where two conditions are compared */
#define SAME   1e-8 /* relative difference of values that agree */

/* Points where face a of one condition and face b of another meet, both planes: x [CHECKS][n]; their number, 0 where
   they do not. */
static PetscErrorCode meeting_points(Problem p, int k, const HardFace *a, const HardFace *b, double x[], int *count)
{
  const int n = FormulaCoordinates(p->formula);
  double ends[2], whole;
  PetscFunctionBegin;
  *count = a->coord == b->coord && a->upper != b->upper ? 0 : CHECKS;
  for (int i = 0; i < *count; i++)
    for (int c = 0; c < n; c++) {
      const double part = i < 2 ? i : modf((i + 0.5) * sqrt(c + 2.0), &whole);
      double *at = &x[i * n + c];
      PetscCall(HardEnds(p, k, c, ends));
      *at = ends[0] + part * (ends[1] - ends[0]);
      if (c == a->coord) *at = ends[a->upper];
      if (c == b->coord) *at = ends[b->upper];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_faces(Problem p, const Hard *a, const Hard *b, Program program, const HardFace *one,
                                  const HardFace *two)
{
  const int n = FormulaCoordinates(p->formula);
  double *x, values[2 * CHECKS];
  const char *name[2] = {NULL, NULL};
  ProgramWork work;
  char place[256] = "";
  int count;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)CHECKS * (size_t)n, &x));
  if (one->coord == HARD_SHAPE || two->coord == HARD_SHAPE)
    PetscCall(HardMeet(p, b->number, b->shapes, one, two, CHECKS, x, &count));
  else
    PetscCall(meeting_points(p, b->number, one, two, x, &count));
  PetscCall(ProgramWorkCreate(program, CHECKS, &work));
  if (count) ProgramEvaluate(program, work, count, x, NULL, NULL, 0, NULL, p->n_field + p->n_unknown, values);
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].name", a->number), &name[0]));
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].name", b->number), &name[1]));
  if (!name[0] || !name[0][0])
    PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].on", a->number), &name[0]));
  if (!name[1] || !name[1][0])
    PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].on", b->number), &name[1]));
  for (int i = 0; i < count; i++) {
    const double u = values[i], v = values[count + i];
    for (int c = 0; c < n && c < 4; c++)
      snprintf(place + strlen(place), sizeof(place) - strlen(place), "%s%.20s = %lg", c ? ", " : "",
               FormulaCoordinateName(p->formula, c), x[i * n + c]);
    PinnUserCheck(!(fabs(u - v) > SAME * (1.0 + fabs(u))),
                  "%s: the hard conditions '%s' and '%s' contradict each other where they meet: %s is %lg by the one "
                  "and %lg by the other at %s",
                  HardWhere(p, b->number, "residual"), name[0], name[1], p->field_name[a->field], u, v, place);
    place[0] = '\0';
  }
  PetscCall(ProgramWorkDestroy(&work));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardCheckPair(Problem p, const Hard *a, const Hard *b)
{
  const FormulaNode roots[2] = {a->value, b->value};
  Program program;
  PetscFunctionBegin;
  if (a->field != b->field) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ProgramCreate(p->formula, 2, roots, NULL, &program));
  for (int i = 0; i < a->n_face && a->value != b->value; i++)
    for (int j = 0; j < b->n_face; j++) PetscCall(check_faces(p, a, b, program, &a->faces[i], &b->faces[j]));
  for (int i = 0; i < a->n_face; i++)
    for (int j = 0; j < b->n_face; j++)
      PinnUserCheck(!HardSameFace(&a->faces[i], &b->faces[j]),
                    "%s: a face has the values of a field from one hard condition, that of problem.conditions[%d] has "
                    "them already",
                    HardWhere(p, b->number, "on"), a->number);
  PetscCall(ProgramDestroy(&program));
  PetscFunctionReturn(PETSC_SUCCESS);
}
