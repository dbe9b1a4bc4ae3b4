/* fields.vtkhdf of domains that are no boxes: cells that end at the boundary, regions, meshes; and mistakes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "case_fixture.h"
#include "output_fixture.h"
#include "output_grid.h"

#define SELF PETSC_COMM_SELF

static Case c;
static double *theta;
static Slab slab;
static Slabs slabs;

/* problem: fields, exact and equations. */
static void create(const char *coordinates, const char *problem, const char *domain, const char *output)
{
  char text[4096];
  snprintf(text, sizeof(text),
           "problem: { coordinates = [%s]; %s };\ndomain: { %s };\npoints: { interior = { count = 16; }; };\n"
           "network: { hidden = [3]; };\noutput: { %s };\n",
           coordinates, problem, domain, output);
  ck_petsc(CaseCreate(text, &c));
  ck_petsc(PetscMalloc1(NetworkParameters(c.network), &theta));
  NetworkInitialize(c.network, theta);
  slab = (Slab){.end = 2.0, .network = c.network, .theta = theta};
  slabs = (Slabs){.n = 1, .slab = &slab};
}

static void destroy(void)
{
  ck_petsc(PetscFree(theta));
  ck_petsc(CaseDestroy(&c));
}

static void write_fields(const char *path)
{
  bool written;
  ck_petsc(SnapshotCheck(SELF, c.config, c.problem, c.domain));
  ck_petsc(SnapshotWrite(SELF, c.config, c.problem, c.domain, &slabs, path, &written));
  ck_assert(written);
}

static void vtk_reads(const char *path, const char *arguments)
{
  char command[1024];
  snprintf(command, sizeof(command), "python3 tests/read_vtkhdf.py %s %s >&2", path, arguments);
  const int status = WEXITSTATUS(system(command));
  ck_assert_msg(status == 0 || status == 77, "reader status %d for %s", status, arguments);
}

/* Exact solutions, at every node, and all of the fields that an equation or error is made of. */
START_TEST(fields_end_at_the_boundary)
{
  static const struct {
    const char *coordinates, *domain, *output, *expect;
  } cases[] = {
      {"\"x\", \"y\"", "type = \"triangle\"; vertices = [ 0.0, 0.0, 1.0, 0.0, 0.0, 1.0 ];", "grid = 8;",
       "--cell triangle,quad --measure 0.5 'exact_u=x*exp(y)' u= error_u= residual_laplace="},
      {"\"x\", \"y\"", "type = \"mesh\"; file = \"meshes/square_hole.msh\";", "",
       "--points 131 --cells 216 --cell triangle 'exact_u=x*exp(y)' u= error_u= residual_laplace="},
      {"\"x\", \"y\", \"z\"", "type = \"mesh\"; file = \"meshes/cube.msh\";", "on = \"mesh\";",
       "--cell hexahedron --measure 1 'exact_u=x*exp(y)' u="},
      {"\"x\", \"y\", \"t\"", "type = \"mesh\"; file = \"meshes/square_hole.msh\"; time = [ 0.0, 2.0 ];", "grid = 3;",
       "--points 393 --cells 432 --cell wedge 'exact_u=x*exp(y)' u="},
      {"\"x\", \"y\", \"t\"", "type = \"triangle\"; vertices = [ 0.0, 0.0, 1.0, 0.0, 0.0, 1.0 ]; time = [ 0.0, 2.0 ];",
       "grid = [ 7, 7, 3 ];", "--cell wedge,hexahedron --measure 1 'exact_u=x*exp(y)'"},
      {"\"x\", \"y\", \"z\"",
       "type = \"difference\"; of = ( { type = \"box\"; upper = [ 1.0 ]; }, { type = \"box\"; lower = 0.5; } );",
       "grid = 5;", "--cell hexahedron --measure 0.875 'exact_u=x*exp(y)'"},
  };
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    size_t n, n_x, n_error;
    create(cases[k].coordinates,
           "fields = [\"u\"]; exact: { u = \"x*exp(y)\"; }; "
           "equations = ( { name = \"laplace\"; residual = \"laplacian(u)\"; } );",
           cases[k].domain, cases[k].output);
    write_fields(path);
    double *x = grid_read(path, "/coordinates", &n_x), *u = grid_read(path, "/fields/u", &n);
    double *exact = grid_read(path, "/fields/exact_u", &n), *error = grid_read(path, "/fields/error_u", &n_error);
    const size_t dim = (size_t)DomainDimension(c.domain);
    ck_assert(n_x == dim * n && n_error == n && n > 8);
    for (size_t i = 0; i < n; i++) {
      ck_near(exact[i], x[dim * i] * exp(x[dim * i + 1]), 1e-14, 1e-15);
      ck_near(error[i], fabs(u[i] - exact[i]), 1e-14, 1e-15);
    }
    free(x), free(u), free(exact), free(error);
    vtk_reads(path, cases[k].expect);
    destroy();
  }
  fixture_remove(base);
}
END_TEST

/* A field on each side: known at all nodes of its own cells, and only there. */
START_TEST(regions_have_their_own_cells_and_nodes)
{
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  size_t n, n_cell, n_id;
  create("\"x\", \"y\"",
         "fields = [\"u\", \"v\"]; regions: { u = \"core\"; v = \"rest\"; }; exact: { u = \"x\"; v = \"y\"; }; "
         "equations = ( { residual = \"laplacian(u)\"; region = \"core\"; }, "
         "{ residual = \"laplacian(v)\"; region = \"rest\"; } );",
         "type = \"box\"; lower = -1.0; upper = 1.0; "
         "regions = ( { type = \"box\"; lower = -0.5; upper = 0.5; name = \"core\"; } );",
         "grid = 9;");
  write_fields(path);
  double *u = grid_read(path, "/fields/u", &n), *v = grid_read(path, "/fields/v", &n);
  double *region = grid_read(path, "/VTKHDF/CellData/region", &n_cell);
  double *first = grid_read(path, "/VTKHDF/Offsets", &n), *node = grid_read(path, "/VTKHDF/Connectivity", &n_id);
  ck_assert_uint_eq(n, n_cell + 1);
  for (size_t k = 0; k < n_cell; k++)
    for (size_t i = (size_t)first[k]; i < (size_t)first[k + 1]; i++) {
      ck_assert_int_eq(!isnan(u[(size_t)node[i]]), region[k] == 0);
      ck_assert_int_eq(!isnan(v[(size_t)node[i]]), region[k] == 1);
    }
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  char *text;
  ck_petsc(HDF5GetText(file, path, "/regions", &text));
  ck_assert_str_eq(text, "core\nrest\n");
  ck_petsc(PetscFree(text));
  H5Fclose(file);
  vtk_reads(path, "--cell triangle,quad --measure 4 --regions 1,3");
  free(u), free(v), free(region), free(first), free(node);
  destroy();
  fixture_remove(base);
}
END_TEST

START_TEST(mistakes_name_the_key)
{
  static const char mesh[] = "type = \"mesh\"; file = \"meshes/square_hole.msh\";";
  static const char moving[] = "type = \"mesh\"; file = \"meshes/square_hole.msh\"; time = [ 0.0, 1.0 ];";
  static const struct {
    const char *coordinates, *domain, *output, *message;
  } cases[] = {
      {"\"x\", \"y\"", "type = \"ball\";", "on = \"mesh\";", "the domain has no mesh: \"grid\" makes one"},
      {"\"x\", \"y\"", "type = \"box\";", "on = \"mesh\";", "the domain has no mesh"},
      {"\"x\", \"y\"", mesh, "grid = 20;", "the fields are written on the domain's mesh: output.on = \"grid\""},
      {"\"x\", \"y\", \"t\"", moving, "grid = [ 20, 20, 5 ];", "3 numbers, but the fields are written on the domain's"},
      {"\"x\", \"y\", \"t\"", moving, "grid = 1000000;", "1000000 nodes need about"},
  };
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    create(cases[k].coordinates, "fields = [\"u\"]; equations = ( { residual = \"laplacian(u)\"; } );", cases[k].domain,
           cases[k].output);
    ck_petsc_fails(SnapshotCheck(SELF, c.config, c.problem, c.domain), PETSC_ERR_USER_INPUT, cases[k].message);
    destroy();
  }
}
END_TEST

/* A mesh may have its fields on a grid instead. */
START_TEST(a_mesh_is_cut_from_a_grid_where_asked)
{
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fields.vtkhdf");
  create("\"x\", \"y\"", "fields = [\"u\"]; equations = ( { name = \"laplace\"; residual = \"laplacian(u)\"; } );",
         "type = \"mesh\"; file = \"meshes/square_hole.msh\";", "on = \"grid\"; grid = 21;");
  write_fields(path);
  vtk_reads(path, "--cell triangle,quad u= residual_laplace=");
  size_t n;
  double *types = grid_read(path, "/VTKHDF/Types", &n);
  int square = 0;
  for (size_t k = 0; k < n; k++) square += types[k] == 9;
  ck_assert(square > 200 && (size_t)square < n);
  free(types);
  destroy();
  fixture_remove(base);
}
END_TEST

TEST_SUITE("output snapshot", fields_end_at_the_boundary, regions_have_their_own_cells_and_nodes, mistakes_name_the_key,
           a_mesh_is_cut_from_a_grid_where_asked)
