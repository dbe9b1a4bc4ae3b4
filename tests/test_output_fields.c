/* fields.vtkhdf: read back by HDF5, and by VTK's own reader where it is installed. */
#include "harness.h"
#include <signal.h>
#include <sys/resource.h>
#include "output_fixture.h"
#include "output_grid.h"

#define SELF PETSC_COMM_SELF

static void write_grid(const char *path, int dim, const PetscInt n[], PetscInt hole, size_t n_cell)
{
  TestGrid grid;
  grid_create(SELF, dim, n, hole, &grid);
  ck_petsc(grid_write(SELF, &grid, path));
  grid_check_cells(path, &grid, hole, n_cell);
  grid_destroy(&grid);
}

START_TEST(cells_are_lines_quadrilaterals_and_hexahedra)
{
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  write_grid(path, 1, (const PetscInt[]){1}, -1, 1);
  write_grid(path, 1, (const PetscInt[]){7}, -1, 6);
  write_grid(path, 2, (const PetscInt[]){2, 2}, -1, 1);
  write_grid(path, 2, (const PetscInt[]){5, 4}, -1, 12);
  write_grid(path, 2, (const PetscInt[]){5, 1}, -1, 4);
  write_grid(path, 2, (const PetscInt[]){1, 5}, -1, 4);
  write_grid(path, 3, (const PetscInt[]){4, 3, 5}, -1, 24);
  write_grid(path, 3, (const PetscInt[]){4, 1, 5}, -1, 12);
  ck_assert_int_eq(fixture_count(base), 1);
  fixture_remove(base);
}
END_TEST

START_TEST(cells_outside_the_domain_are_left_out)
{
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  write_grid(path, 2, (const PetscInt[]){5, 4}, 7, 8);      /* an inner node has four cells */
  write_grid(path, 2, (const PetscInt[]){5, 4}, 0, 11);     /* a corner one */
  write_grid(path, 2, (const PetscInt[]){5, 4}, 19, 11);    /* the last one */
  write_grid(path, 3, (const PetscInt[]){4, 4, 4}, 21, 19); /* an inner one eight */
  write_grid(path, 1, (const PetscInt[]){1}, 0, 0);
  fixture_remove(base);
}
END_TEST

START_TEST(values_are_there_for_plain_readers)
{
  const PetscInt n[] = {5, 4};
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  size_t size;
  TestGrid grid;
  grid_create(SELF, 2, n, -1, &grid);
  ck_petsc(grid_write(SELF, &grid, path));
  double *x = grid_read(path, "/coordinates", &size), *u = grid_read(path, "/fields/u", &size);
  double *v = grid_read(path, "/VTKHDF/PointData/residual_a:b", &size);
  ck_assert_uint_eq(size, 20);
  ck_assert_mem_eq(x, grid.points.x, 40 * sizeof(double));
  ck_assert_mem_eq(u, grid.u, 20 * sizeof(double));
  ck_assert_mem_eq(v, grid.v, 20 * sizeof(double));
  free(x), free(u), free(v);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  char *text;
  ck_petsc(HDF5GetText(file, path, "/case", &text));
  ck_assert_str_eq(text, "seed = 1;\n");
  ck_petsc(PetscFree(text));
  H5Fclose(file);
  grid_destroy(&grid);
  fixture_remove(base);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_fields)
{
  const PetscInt n[] = {40, 40};
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  const struct rlimit small = {8192, 8192};
  TestGrid grid;
  grid_create(SELF, 2, n, -1, &grid);
  fixture_write(path, "old", 3);
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  ck_petsc_fails(grid_write(SELF, &grid, path), PETSC_ERR_FILE_WRITE, "fields.vtkhdf: File too large");
  ck_assert_int_eq(fixture_count(base), 1);
  ck_petsc_fails(grid_write(SELF, &grid, fixture_path(base, "no/fields.vtkhdf")), PETSC_ERR_FILE_WRITE,
                 "No such file or directory");
  grid_destroy(&grid);
  fixture_remove(base);
}
END_TEST

static int run_reader(const char *path, const char *arguments)
{
  char command[1024];
  snprintf(command, sizeof(command), "python3 tests/read_vtkhdf.py %s %s >&2", path, arguments);
  return WEXITSTATUS(system(command));
}

START_TEST(vtk_reads_it)
{
  static const struct {
    int dim;
    PetscInt n[3], hole;
    const char *expect;
  } cases[] = {
      {1, {7}, -1, "--points 7 --cells 6 --cell line --measure 6 u=x 'residual_a:b=sin(x)'"},
      {2, {5, 4}, -1, "--points 20 --cells 12 --cell quad --measure 24 'u=x+10*y' 'residual_a:b=sin(x)'"},
      {2, {5, 4}, 7, "--points 20 --cells 8 --cell quad --measure 16 'u=x+10*y'"},
      {3, {4, 3, 5}, -1, "--cells 24 --cell hexahedron --measure 192 'u=x+10*y+100*z' 'residual_a:b=sin(x)-y*z'"},
  };
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  ck_assert_msg(access("tests/read_vtkhdf.py", R_OK) == 0, "to be run from the top folder");
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    TestGrid grid;
    grid_create(SELF, cases[i].dim, cases[i].n, cases[i].hole, &grid);
    ck_petsc(grid_write(SELF, &grid, path));
    const int status = run_reader(path, cases[i].expect);
    ck_assert_msg(status == 0 || status == 77, "reader status %d for %s", status, cases[i].expect);
    if (status == 0 && i == 0) ck_assert_int_eq(run_reader(path, "u=x+1"), 1);
    grid_destroy(&grid);
  }
  fixture_remove(base);
}
END_TEST

TEST_SUITE("output fields", cells_are_lines_quadrilaterals_and_hexahedra, cells_outside_the_domain_are_left_out,
           values_are_there_for_plain_readers, a_failed_write_leaves_the_old_fields, vtk_reads_it)
