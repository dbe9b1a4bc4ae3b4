/* Where surfaces of shapes meet: Newton steps of least length on their carriers from points all over the shapes, kept
   where they end on both surfaces and in the domain. */
#include <math.h>
#include "hard.h"

#define STEPS  40
#define NEAR   1e-9 /* of the size of the shapes: on both carriers */
#define ACROSS 1e-6 /* the same for distances, whose roots lose half of the digits */
#define SLOPE  1e-6 /* of the size: differences for derivatives */

typedef struct {
  int n; /* coordinates */
  Program carriers, distances;
  ProgramWork work, far_work;
  int n_distance; /* those of both faces, then of all parts */
  double *lower, *upper, size;
  double *x, *values; /* [2 n + 1][n], [2][2 n + 1] */
} Meeting;

/* Carriers at x and, by differences, their slopes: f [2], slope [2][n]. */
static void look(const Meeting *m, const double at[], double f[2], double slope[])
{
  const int count = 2 * m->n + 1;
  const double step = SLOPE * m->size;
  for (int i = 0; i < count; i++)
    for (int c = 0; c < m->n; c++) m->x[i * m->n + c] = at[c] + (i == 2 * c + 1 ? step : i == 2 * c + 2 ? -step : 0);
  ProgramEvaluate(m->carriers, m->work, count, m->x, NULL, NULL, 0, NULL, 0, m->values);
  for (int k = 0; k < 2; k++) {
    const double *values = m->values + k * count;
    f[k] = values[0];
    for (int c = 0; c < m->n; c++) slope[k * m->n + c] = (values[2 * c + 1] - values[2 * c + 2]) / (2 * step);
  }
}

/* x [inout] is moved onto both carriers; false where the steps do not get there. */
static bool descend(const Meeting *m, double slope[], double x[])
{
  for (int step = 0; step < STEPS; step++) {
    double f[2], a = 0, b = 0, c = 0;
    look(m, x, f, slope);
    if (fabs(f[0]) <= NEAR * m->size && fabs(f[1]) <= NEAR * m->size) return true;
    for (int i = 0; i < m->n; i++) {
      a += slope[i] * slope[i];
      b += slope[i] * slope[m->n + i];
      c += slope[m->n + i] * slope[m->n + i];
    }
    const double lift = 1e-12 * (a + c), det = (a + lift) * (c + lift) - b * b;
    if (!(det > 0) || !(det < INFINITY)) return false;
    const double u = ((c + lift) * f[0] - b * f[1]) / det, v = ((a + lift) * f[1] - b * f[0]) / det;
    for (int i = 0; i < m->n; i++) {
      x[i] -= u * slope[i] + v * slope[m->n + i];
      if (!(fabs(x[i] - 0.5 * (m->lower[i] + m->upper[i])) < 10 * m->size)) return false;
    }
  }
  return false;
}

/* On both surfaces, and where all functions of the shapes are not negative? */
static bool is_common(const Meeting *m, const double x[], double values[])
{
  for (int c = 0; c < m->n; c++)
    if (x[c] < m->lower[c] - ACROSS * m->size || x[c] > m->upper[c] + ACROSS * m->size) return false;
  ProgramEvaluate(m->distances, m->far_work, 1, x, NULL, NULL, 0, NULL, 0, values);
  for (int k = 0; k < m->n_distance; k++)
    if (values[k] < -ACROSS * m->size || (k < 2 && !(values[k] < ACROSS * m->size))) return false;
  return true;
}

static PetscErrorCode set_bounds(Problem p, int k, const HardShapes *shapes, Meeting *m)
{
  const int t = FormulaFindCoordinate(p->formula, "t");
  PetscFunctionBegin;
  for (int c = 0, space = 0; c < m->n; c++) {
    double ends[2];
    if (c == t) {
      PetscCall(HardEnds(p, k, c, ends));
    } else {
      ends[0] = shapes->lower[space], ends[1] = shapes->upper[space];
      m->size = fmax(m->size, ends[1] - ends[0]);
      space++;
    }
    m->lower[c] = ends[0], m->upper[c] = ends[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create(Problem p, int k, const HardShapes *shapes, const HardFace *const face[2], Meeting *m)
{
  FormulaNode carrier[2], *distance;
  PetscFunctionBegin;
  *m = (Meeting){.n = FormulaCoordinates(p->formula), .n_distance = 2};
  const int count = 2 * m->n + 1;
  PetscCall(PetscMalloc1(2 + shapes->n, &distance));
  PetscCall(PetscMalloc4(m->n, &m->lower, m->n, &m->upper, count * m->n, &m->x, 2 * count, &m->values));
  for (int i = 0; i < 2; i++) {
    if (face[i]->coord == HARD_SHAPE) {
      carrier[i] = shapes->part[face[i]->part].carrier;
      distance[i] = shapes->part[face[i]->part].distance;
    } else {
      PetscCall(HardPlane(p, k, face[i], &carrier[i]));
      distance[i] = carrier[i];
    }
  }
  for (int i = 0; i < shapes->n; i++)
    if (shapes->part[i].distance >= 0) distance[m->n_distance++] = shapes->part[i].distance;
  PetscCall(set_bounds(p, k, shapes, m));
  PetscCall(ProgramCreate(p->formula, 2, carrier, NULL, &m->carriers));
  PetscCall(ProgramCreate(p->formula, m->n_distance, distance, NULL, &m->distances));
  PetscCall(ProgramWorkCreate(m->carriers, count, &m->work));
  PetscCall(ProgramWorkCreate(m->distances, 1, &m->far_work));
  PetscCall(PetscFree(distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy(Meeting *m)
{
  PetscFunctionBegin;
  PetscCall(ProgramWorkDestroy(&m->work));
  PetscCall(ProgramWorkDestroy(&m->far_work));
  PetscCall(ProgramDestroy(&m->carriers));
  PetscCall(ProgramDestroy(&m->distances));
  PetscCall(PetscFree4(m->lower, m->upper, m->x, m->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardMeet(Problem p, int k, const HardShapes *shapes, const HardFace *a, const HardFace *b, int most,
                        double x[], int *count)
{
  const HardFace *const face[2] = {a, b};
  double *slope, *values, whole;
  Meeting m;
  PetscFunctionBegin;
  *count = 0;
  if (HardSameFace(a, b)) PetscFunctionReturn(PETSC_SUCCESS); /* refused as such */
  PetscCall(create(p, k, shapes, face, &m));
  PetscCall(PetscMalloc2(2 * m.n, &slope, m.n_distance, &values));
  for (int start = 0; start < most; start++) {
    double *at = x + *count * m.n;
    for (int c = 0; c < m.n; c++)
      at[c] = m.lower[c] + modf((start + 0.5) * sqrt(c + 2.0), &whole) * (m.upper[c] - m.lower[c]);
    if (descend(&m, slope, at) && is_common(&m, at, values)) ++*count;
  }
  PetscCall(PetscFree2(slope, values));
  PetscCall(destroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}
