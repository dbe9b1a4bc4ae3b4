/* Measured values as rows: a formula at the points of a file, less the values there. */
#include <stdio.h>
#include <string.h>
#include "pinn/file.h"
#include "residual_impl.h"

struct Measured_s {
  PetscInt n;     /* points, on all ranks */
  double *x;      /* [n][dim] */
  double *value;  /* [n] */
  double *factor; /* [n] 1 / deviation; NULL = 1 */
};

PetscInt MeasuredPoints(Measured data)
{
  return data->n;
}

/* names [dim + 2]: of the coordinates, the values and, where *n is dim + 2, the deviations. */
static PetscErrorCode list_columns(Config config, Formula formula, const char *path, const char *names[], int *n)
{
  const int dim = FormulaCoordinates(formula);
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(names, FormulaCoordinateNames(formula), dim));
  PetscCall(ConfigGetString(config, ConfigPath("%s.column", path), &names[dim]));
  PetscCall(ConfigGetString(config, ConfigPath("%s.deviation", path), &names[dim + 1]));
  *n = dim + 1 + (names[dim + 1] && names[dim + 1][0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes the rows that the domain, or its slab of time, owns. */
static PetscErrorCode take_rows(const char *where, const char *file, Domain domain, const Columns *columns, Measured m)
{
  const int dim = DomainDimension(domain);
  const double *deviation = columns->n_column > dim + 1 ? columns->columns[dim + 1] : NULL;
  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)columns->n * (size_t)dim, &m->x, columns->n, &m->value, deviation ? columns->n : 0,
                         &m->factor));
  for (PetscInt i = 0; i < columns->n; i++) {
    double *x = m->x + (size_t)m->n * (size_t)dim;
    for (int c = 0; c < dim; c++) x[c] = columns->columns[c][i];
    if (!DomainOwns(domain, x)) continue;
    PinnUserCheck(DomainContains(domain, x), "%s: %s: the point in %s %d lies outside of the domain", where, file,
                  columns->place_name, columns->place[i]);
    PinnUserCheck(!deviation || deviation[i] > 0.0, "%s: %s: the deviation in %s %d is not positive", where, file,
                  columns->place_name, columns->place[i]);
    m->value[m->n] = columns->columns[dim][i];
    if (deviation) m->factor[m->n] = 1.0 / deviation[i];
    m->n++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeasuredCreate(MPI_Comm comm, Config config, Formula formula, Domain domain, RowBlock *block)
{
  const char *path = block->block->path, *file = PathBeside(ConfigFile(config), block->block->on),
             *where = ConfigWhere(config, ConfigPath("%s.file", path)), **names;
  Columns columns;
  int n = 0;
  PetscFunctionBegin;
  PetscCall(PetscNew(&block->data));
  PetscCall(PetscMalloc1(FormulaCoordinates(formula) + 2, &names));
  PetscCall(list_columns(config, formula, path, names, &n));
  PetscCall(ColumnsRead(comm, where, file, n, names, &columns));
  PetscCall(take_rows(where, file, domain, &columns, block->data));
  PetscCall(ColumnsDestroy(&columns));
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeasuredDestroy(Measured *data)
{
  PetscFunctionBegin;
  if (!*data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*data)->x, (*data)->value, (*data)->factor));
  PetscCall(PetscFree(*data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeasuredDraw(Residual residual, const RowBlock *block, Probe probe, RowSet *set)
{
  const struct Measured_s *m = block->data;
  const int dim = FormulaCoordinates(ProblemFormula(residual->problem));
  PetscFunctionBegin;
  PetscCall(PointSetGiven(residual->rows.comm, m->n, dim, m->x, &set->points));
  PetscCall(RowSetPrepare(probe, set));
  PetscCall(PetscMalloc1(set->points.n, &set->given));
  PetscCall(PetscArraycpy(set->given, m->value + set->points.first, set->points.n));
  if (!m->factor) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(set->points.n, &set->share));
  PetscCall(PetscArraycpy(set->share, m->factor + set->points.first, set->points.n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
