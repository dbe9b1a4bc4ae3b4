/* Slices through many coordinates: what their files hold, against the exact solution; and mistakes. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "case_fixture.h"
#include "../src/output/output_impl.h"

static const char head[] =
    "problem: { coordinates = [\"x[5]\", \"t\"]; fields = [\"u\"]; exact: { u = \"(1 - x[0]*x[2])*x[1]*exp(t)\"; };\n"
    "  equations = ( { residual = \"laplacian(u)\"; } ); };\n"
    "domain: { type = \"ball\"; radius = 1.0; time = [0.0, 2.0]; };\n"
    "points: { interior = { sampler = \"uniform\"; count = 8; }; };\nnetwork: { hidden = [3]; };\n";

static void create(const char *output, Case *c)
{
  char text[2048];
  snprintf(text, sizeof(text), "%soutput: { slices = ( %s ); };", head, output);
  ck_petsc(CaseCreate(text, c));
}

static hsize_t read_reals(const char *path, const char *name, size_t most, double values[])
{
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), data = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t space = H5Dget_space(data);
  const hsize_t n = (hsize_t)H5Sget_simple_extent_npoints(space);
  ck_assert(file >= 0 && data >= 0 && n <= most);
  ck_assert_int_ge(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Sclose(space);
  H5Dclose(data);
  H5Fclose(file);
  return n;
}

START_TEST(slices_hold_the_values_along_their_coordinates)
{
  double coordinates[200], exact[100], field[100], error[100], *theta;
  char directory[] = "/tmp/slicesXXXXXX", path[128];
  Folder folder;
  Case c;
  create("{ name = \"disk\"; vary = [\"t\", \"x[1]\"]; count = [5, 4]; lower = [0.5, -0.5]; upper = [2.0, 1.5];\n"
         "  fixed = [\"x[2]\", \"x[0]\"]; at = [0.25, -0.5]; }, { name = \"line\"; vary = \"x[1]\"; count = 3; }",
         &c);
  ck_assert(mkdtemp(directory));
  ck_petsc(FolderCreate(PETSC_COMM_SELF, directory, FOLDER_ADD, &folder));
  ck_petsc(PetscMalloc1(NetworkParameters(c.network), &theta));
  NetworkInitialize(c.network, theta);
  Slab slab = {.end = 2.0, .network = c.network, .theta = theta};
  const Slabs slabs = {.n = 1, .slab = &slab};
  ck_petsc(SlicesCheck(c.config, c.problem, c.domain));
  ck_petsc(SlicesWrite(PETSC_COMM_SELF, c.config, c.problem, c.domain, &slabs, folder));
  snprintf(path, sizeof(path), "%s/slice-disk.vtkhdf", directory);
  ck_assert_uint_eq(read_reals(path, "/coordinates", 200, coordinates), 40);
  ck_assert_uint_eq(read_reals(path, "/fields/exact_u", 100, exact), 20);
  ck_assert_uint_eq(read_reals(path, "/fields/u", 100, field), 20);
  ck_assert_uint_eq(read_reals(path, "/fields/error_u", 100, error), 20);
  for (int i = 0; i < 20; i++) {
    const double t = 0.5 + 1.5 * (i % 5) / 4, y = -0.5 + 2.0 * (i / 5) / 3;
    ck_near(coordinates[2 * i], t, 1e-15, 0);
    ck_near(coordinates[2 * i + 1], y, 1e-15, 1e-15);
    ck_near(exact[i], 1.125 * y * exp(t), 1e-14, 1e-15);
    ck_near(error[i], fabs(field[i] - exact[i]), 1e-14, 1e-15);
  }
  snprintf(path, sizeof(path), "%s/slice-line.vtkhdf", directory);
  ck_assert_uint_eq(read_reals(path, "/fields/exact_u", 100, exact), 3);
  for (int i = 0; i < 3; i++) ck_near(exact[i], (i - 1) * exp(1.0), 1e-14, 1e-15);
  ck_petsc(PetscFree(theta));
  ck_petsc(FolderClear(folder));
  ck_petsc(FolderDestroy(&folder));
  ck_assert_int_ne(access(path, F_OK), 0);
  ck_petsc(CaseDestroy(&c));
}
END_TEST

#define N_POINT 9

static PetscErrorCode put_points(hid_t file, const char *path, void *x)
{
  const hsize_t shape[2] = {N_POINT, 2};
  PetscFunctionBegin;
  PetscCall(HDF5PutTextAttribute(file, path, "coordinates", "x,y"));
  PetscCall(HDF5Put(file, path, "points", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, shape, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By slices and at given points, the fields u in the disk and v around it along y = 0. */
START_TEST(fields_are_not_numbers_outside_of_their_regions)
{
  enum { N = N_POINT };
  double x[2 * N], u[N], v[N], at_u[N], at_v[N], residual[N], *theta;
  char directory[] = "/tmp/slicesXXXXXX", path[128], points[128];
  Folder folder;
  Case c;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"
                      "  regions: { u = \"disk\"; v = \"rest\"; };\n"
                      "  equations = ( { name = \"in\"; region = \"disk\"; residual = \"u_x\"; },\n"
                      "                { name = \"out\"; region = \"rest\"; residual = \"v_x\"; } ); };\n"
                      "domain: { lower = [-1.0, -1.0]; upper = [1.0, 1.0];\n"
                      "  regions = ( { name = \"disk\"; type = \"ball\"; center = 0.0; radius = 0.4; } ); };\n"
                      "points: { interior = { count = 8; }; };\nnetwork: { hidden = [3]; };\n"
                      "output: { slices = ( { name = \"line\"; vary = \"x\"; count = 9; } ); };",
                      &c));
  ck_assert(mkdtemp(directory));
  ck_petsc(FolderCreate(PETSC_COMM_SELF, directory, FOLDER_ADD, &folder));
  ck_petsc(PetscMalloc1(NetworkParameters(c.network), &theta));
  NetworkInitialize(c.network, theta);
  Slab slab = {.end = 1.0, .network = c.network, .theta = theta};
  const Slabs slabs = {.n = 1, .slab = &slab};
  for (int i = 0; i < N; i++) x[2 * i] = -1.0 + 0.25 * i, x[2 * i + 1] = 0.0;
  snprintf(points, sizeof(points), "%s/points.h5", directory);
  ck_petsc(HDF5Write(PETSC_COMM_SELF, points, put_points, x));
  snprintf(path, sizeof(path), "%s/slice-line.vtkhdf", directory);
  ck_petsc(SlicesWrite(PETSC_COMM_SELF, c.config, c.problem, c.domain, &slabs, folder));
  ck_assert_uint_eq(read_reals(path, "/fields/u", N, u), N);
  ck_assert_uint_eq(read_reals(path, "/fields/v", N, v), N);
  ck_assert_uint_eq(read_reals(path, "/fields/residual_in", N, residual), N);
  snprintf(path, sizeof(path), "%s/evaluated.h5", directory);
  ck_petsc(EvaluationWrite(PETSC_COMM_SELF, c.problem, c.domain, &slabs, points, path));
  ck_assert_uint_eq(read_reals(path, "/u", N, at_u), N);
  ck_assert_uint_eq(read_reals(path, "/v", N, at_v), N);
  for (int i = 0; i < N; i++) {
    const bool inside = fabs(x[2 * i]) < 0.4;
    ck_assert(isnan(u[i]) == !inside && isnan(residual[i]) == !inside && isnan(v[i]) == inside);
    ck_assert(isnan(at_u[i]) == !inside && isnan(at_v[i]) == inside);
    ck_near(inside ? at_u[i] : at_v[i], inside ? u[i] : v[i], 1e-14, 1e-15);
  }
  ck_petsc(PetscFree(theta));
  ck_assert_int_eq(unlink(points), 0);
  ck_petsc(FolderClear(folder));
  ck_petsc(FolderDestroy(&folder));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes_are_told)
{
  static const char *const cases[][2] = {
      {"{ name = \"a\"; vary = \"y\"; }", "'y' is not a coordinate"},
      {"{ name = \"a\"; vary = [\"x[0]\", \"x[1]\", \"t\"]; }", "a slice varies one coordinate or two, not 3"},
      {"{ name = \"a\"; vary = [\"t\", \"t\"]; }", "'t' is named twice"},
      {"{ name = \"a/b\"; vary = \"t\"; }", "'a/b' cannot be a part of a file's name"},
      {"{ name = \"a\"; vary = \"t\"; }, { name = \"a\"; vary = \"t\"; }", "two slices are called 'a'"},
      {"{ name = \"a\"; vary = \"t\"; count = [3, 3]; }", "2 numbers for 1 coordinates"},
      {"{ name = \"a\"; vary = \"t\"; lower = 2.0; }", "is no range"},
      {"{ name = \"a\"; vary = \"t\"; fixed = \"t\"; at = 1.0; }", "'t' varies"},
      {"{ name = \"a\"; vary = \"t\"; fixed = \"x[0]\"; }", "1 coordinates are fixed at 0 values"},
      {"{ name = \"a\"; vary = [\"t\", \"x[0]\"]; count = 10000; }", "100000000 nodes are more than the 16000000"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    Case c;
    create(cases[i][0], &c);
    ck_petsc_fails(SlicesCheck(c.config, c.problem, c.domain), PETSC_ERR_USER_INPUT, cases[i][1]);
    ck_petsc(CaseDestroy(&c));
  }
}
END_TEST

TEST_SUITE("output slices", slices_hold_the_values_along_their_coordinates,
           fields_are_not_numbers_outside_of_their_regions, mistakes_are_told)
