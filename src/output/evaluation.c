/* --evaluate --points: the fields at the points of a file, written in the format of a reference file. */
#include <string.h>
#include "output_impl.h"

typedef struct {
  Problem problem;
  PetscInt n;
  int dim;
  const double *points; /* [n][dim] */
  const double *values; /* [n_field][n] */
} Evaluation;

static PetscErrorCode fill_evaluation(hid_t file, const char *path, void *context)
{
  const Evaluation *e = context;
  Formula formula = ProblemFormula(e->problem);
  const hsize_t shape[2] = {(hsize_t)e->n, (hsize_t)e->dim};
  char coordinates[4096] = "";
  PetscFunctionBegin;
  for (int i = 0; i < e->dim; i++) {
    PetscCall(PetscStrlcat(coordinates, i ? "," : "", sizeof(coordinates)));
    PetscCall(PetscStrlcat(coordinates, FormulaCoordinateName(formula, i), sizeof(coordinates)));
  }
  PetscCall(HDF5PutTextAttribute(file, path, "coordinates", coordinates));
  PetscCall(HDF5Put(file, path, "points", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, shape, e->points));
  for (int f = 0; f < ProblemFields(e->problem); f++)
    PetscCall(HDF5Put(file, path, ProblemFieldName(e->problem, f), H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, shape,
                      e->values + (size_t)f * (size_t)e->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EvaluationWrite(MPI_Comm comm, Problem problem, Domain domain, const Slabs *slabs, const char *points,
                               const char *path)
{
  const int n_field = ProblemFields(problem), dim = FormulaCoordinates(ProblemFormula(problem));
  PetscMPIInt rank;
  PetscErrorCode written = PETSC_SUCCESS;
  FormulaNode *fields;
  Reference file;
  double *values;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_field, &fields));
  for (int f = 0; f < n_field; f++) fields[f] = ProblemField(problem, f);
  PetscCall(
      ReferenceRead(comm, "--points", points, dim, FormulaCoordinateNames(ProblemFormula(problem)), 0, NULL, &file));
  PetscCall(PetscMalloc1((size_t)n_field * (size_t)file.n, &values));
  PetscCall(SlabsEvaluate(problem, slabs, n_field, fields, file.n, file.points, values));
  for (int f = 0; f < n_field; f++) {
    int region;
    PetscCall(OutputFindRegion(domain, ProblemFieldRegion(problem, f), &region));
    OutputLeaveRegion(domain, region, (int)file.n, file.points, values + (size_t)f * (size_t)file.n);
  }
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  Evaluation evaluation = {problem, file.n, dim, file.points, values};
  if (rank == 0) written = HDF5Write(PETSC_COMM_SELF, path, fill_evaluation, &evaluation);
  PetscCall(ErrorAgree(comm, written));
  PetscCall(PetscFree(values));
  PetscCall(ReferenceDestroy(&file, 0));
  PetscCall(PetscFree(fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}
