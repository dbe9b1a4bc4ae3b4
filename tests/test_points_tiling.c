/* Tilings of domains: their measures and boundaries against closed forms, and that their cells fit together. */
#include <unistd.h>
#include "points_fixture.h"

#define DISK "type = \"ball\"; radius = 1.0;"

static Fixture fixture;

static void tile(const char *coordinates, const char *domain, bool own, PetscInt n, Tiling *tiling)
{
  ck_petsc(FixtureLoad(coordinates, domain, &fixture));
  ck_assert(DomainHasShape(fixture.domain));
  ck_petsc(TilingCreate(fixture.domain, own, (const PetscInt[]){n, n, n}, tiling));
  ck_assert_int_eq(tiling->dim, DomainDimension(fixture.domain));
}

static void finish(Tiling *tiling)
{
  ck_petsc(TilingDestroy(tiling));
  FixtureFree(&fixture);
}

static const double *node(const Tiling *t, PetscInt cell, PetscInt corner)
{
  return t->x + t->node[t->first[cell] + corner] * t->dim;
}

static double triangle(const double *a, const double *b, const double *c)
{
  return 0.5 * ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
}

static double tetrahedron(const double *a, const double *b, const double *c, const double *d)
{
  double e[3], f[3], g[3];
  for (int k = 0; k < 3; k++) e[k] = b[k] - a[k], f[k] = c[k] - a[k], g[k] = d[k] - a[k];
  return (e[0] * (f[1] * g[2] - f[2] * g[1]) + e[1] * (f[2] * g[0] - f[0] * g[2]) +
          e[2] * (f[0] * g[1] - f[1] * g[0])) /
         6;
}

/* Positive where corners are in VTK's order. Exact for cells with flat faces. */
static double cell_measure(const Tiling *t, PetscInt k)
{
  static const int hexahedron[][4] = {{0, 1, 2, 6}, {0, 2, 3, 6}, {0, 3, 7, 6},
                                      {0, 7, 4, 6}, {0, 4, 5, 6}, {0, 5, 1, 6}};
  static const int wedge[][4] = {{0, 1, 2, 3}, {1, 4, 2, 3}, {2, 4, 5, 3}};
  const int(*part)[4] = t->type[k] == 12 ? hexahedron : wedge;
  const int n_part = t->type[k] == 12 ? 6 : t->type[k] == 13 ? 3 : 1;
  double sum = 0;
  switch (t->type[k]) {
  case 3:
    return node(t, k, 1)[0] - node(t, k, 0)[0];
  case 5:
    return triangle(node(t, k, 0), node(t, k, 1), node(t, k, 2));
  case 9:
    return triangle(node(t, k, 0), node(t, k, 1), node(t, k, 2)) +
           triangle(node(t, k, 0), node(t, k, 2), node(t, k, 3));
  case 10:
    return tetrahedron(node(t, k, 0), node(t, k, 1), node(t, k, 2), node(t, k, 3));
  }
  for (int i = 0; i < n_part; i++)
    sum += tetrahedron(node(t, k, part[i][0]), node(t, k, part[i][1]), node(t, k, part[i][2]), node(t, k, part[i][3]));
  return sum;
}

/* Of the cells of one region, or all (-2); each has a positive measure of its own and nodes in the domain. */
static double measure(const Tiling *t, int region)
{
  double sum = 0;
  for (PetscInt k = 0; k < t->n_cell; k++) {
    const double size = cell_measure(t, k);
    ck_assert_msg(size > 0, "cell %d of type %d has size %g", (int)k, t->type[k], size);
    if (region == -2 || t->region[k] == region) sum += size;
  }
  for (PetscInt i = 0; i < t->n_node; i++) ck_assert(DomainContains(fixture.domain, t->x + i * t->dim));
  return sum;
}

typedef struct {
  PetscInt node[2];
} Edge;

static int compare_edges(const void *a, const void *b)
{
  const Edge *e = a, *f = b;
  if (e->node[0] != f->node[0]) return e->node[0] < f->node[0] ? -1 : 1;
  return (e->node[1] > f->node[1]) - (e->node[1] < f->node[1]);
}

/* Of triangles and quadrilaterals: no edge belongs to more than two cells; the length of those of one. */
static double rim(const Tiling *t)
{
  size_t n = 0;
  double length = 0;
  Edge *edges = malloc(sizeof(Edge) * (size_t)t->first[t->n_cell]);
  for (PetscInt k = 0; k < t->n_cell; k++) {
    const PetscInt corners = t->first[k + 1] - t->first[k], *ids = t->node + t->first[k];
    for (PetscInt i = 0; i < corners; i++) {
      const PetscInt a = ids[i], b = ids[(i + 1) % corners];
      edges[n++] = (Edge){{PetscMin(a, b), PetscMax(a, b)}};
    }
  }
  qsort(edges, n, sizeof(Edge), compare_edges);
  for (size_t i = 0, many; i < n; i += many) {
    for (many = 1; i + many < n && !compare_edges(&edges[i], &edges[i + many]);) many++;
    ck_assert_uint_le(many, 2);
    const double *a = t->x + 2 * edges[i].node[0], *b = t->x + 2 * edges[i].node[1];
    if (many == 1) length += hypot(b[0] - a[0], b[1] - a[1]);
  }
  free(edges);
  return length;
}

/* Polygons inscribed in the circle: what they lack falls with the square of the step. */
START_TEST(cells_of_a_disk_fill_it_and_fit_together)
{
  double lack[2], short_of[2];
  for (int k = 0; k < 2; k++) {
    Tiling t;
    tile("x y", DISK, false, k ? 41 : 21, &t);
    lack[k] = PETSC_PI - measure(&t, -2);
    short_of[k] = 2 * PETSC_PI - rim(&t);
    ck_assert(!t.region && t.n_region == 0);
    finish(&t);
  }
  ck_assert(lack[0] > 0 && lack[0] < 0.01 && short_of[0] > 0 && short_of[0] < 0.01);
  ck_assert(lack[1] < 0.35 * lack[0] && short_of[1] < 0.35 * short_of[0]);
}
END_TEST

/* Corners on nodes, a hole and a notch of one cell between nodes on the surface: exact. */
START_TEST(what_ends_on_nodes_is_exact)
{
  Tiling t;
  tile("x y", "type = \"polygon\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.0, 2.0 ];", false,
       9, &t);
  ck_near(measure(&t, -2), 3, 1e-12, 0);
  ck_near(rim(&t), 8, 1e-12, 0);
  ck_assert_int_eq(t.n_cell, 48);
  finish(&t);
  tile("x y",
       "type = \"difference\"; of = ( { type = \"box\"; upper = [ 1.0, 1.0 ]; }, "
       "{ type = \"box\"; lower = [ 0.25, 0.25 ]; upper = [ 0.5, 0.5 ]; } );",
       false, 5, &t);
  ck_near(measure(&t, -2), 1 - 0.0625, 1e-12, 0);
  ck_near(rim(&t), 5, 1e-12, 0);
  finish(&t);
  /* slanted: every cut lies on the straight side */
  tile("x y", "type = \"triangle\"; vertices = [ 0.0, 0.0, 1.0, 0.0, 0.0, 1.0 ];", false, 8, &t);
  ck_near(measure(&t, -2), 0.5, 1e-9, 0);
  ck_near(rim(&t), 2 + sqrt(2), 1e-9, 0);
  finish(&t);
}
END_TEST

typedef struct {
  PetscInt node[3];
} Face;

static int compare_faces(const void *a, const void *b)
{
  const Face *e = a, *f = b;
  for (int i = 0; i < 3; i++)
    if (e->node[i] != f->node[i]) return e->node[i] < f->node[i] ? -1 : 1;
  return 0;
}

static void add_face(PetscInt a, PetscInt b, PetscInt c, Face *face)
{
  const PetscInt low = PetscMin(a, PetscMin(b, c)), high = PetscMax(a, PetscMax(b, c));
  *face = (Face){{low, a + b + c - low - high, high}};
}

/* Is a triangle half of a face of a hexahedron? */
static bool borders_hexahedron(const Tiling *t, const Face *face)
{
  for (PetscInt k = 0; k < t->n_cell; k++) {
    int shared = 0;
    for (PetscInt i = t->first[k]; i < t->first[k + 1] && t->type[k] == 12; i++)
      for (int j = 0; j < 3; j++) shared += t->node[i] == face->node[j];
    if (shared == 3) return true;
  }
  return false;
}

/* Two tetrahedra share a triangle, or it lies on the sphere or on a hexahedron. */
START_TEST(cells_of_a_ball_fit_together)
{
  static const int faces[4][3] = {{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}};
  double lack[2];
  for (int level = 0; level < 2; level++) {
    Tiling t;
    size_t n = 0;
    tile("x y z", "type = \"ball\"; center = [ 0.1, 0.0, 0.0 ]; radius = 1.0;", false, level ? 17 : 9, &t);
    lack[level] = 4 * PETSC_PI / 3 - measure(&t, -2);
    Face *face = malloc(sizeof(Face) * 4 * (size_t)t.n_cell);
    for (PetscInt k = 0; k < t.n_cell; k++)
      for (int f = 0; f < 4 && t.type[k] == 10; f++) {
        const PetscInt *id = t.node + t.first[k];
        add_face(id[faces[f][0]], id[faces[f][1]], id[faces[f][2]], &face[n++]);
      }
    qsort(face, n, sizeof(Face), compare_faces);
    for (size_t i = 0, many; i < n; i += many) {
      for (many = 1; i + many < n && !compare_faces(&face[i], &face[i + many]);) many++;
      ck_assert_uint_le(many, 2);
      int outside = 0;
      for (int j = 0; j < 3; j++) {
        const double *x = t.x + 3 * face[i].node[j];
        outside += fabs(sqrt(PetscSqr(x[0] - 0.1) + x[1] * x[1] + x[2] * x[2]) - 1) < 1e-5;
      }
      ck_assert(many == 2 || outside == 3 || borders_hexahedron(&t, &face[i]));
    }
    free(face);
    finish(&t);
  }
  ck_assert(lack[0] > 0 && lack[0] < 0.2 && lack[1] < 0.3 * lack[0]);
}
END_TEST

START_TEST(time_is_a_factor)
{
  Tiling t;
  const char *const orders[] = {"x y t", "t x y"};
  for (int k = 0; k < 2; k++) {
    tile(orders[k], DISK " time = [ 0.5, 2.5 ];", false, 15, &t);
    const double whole = measure(&t, -2);
    ck_near(whole, 2 * PETSC_PI, 0.02, 0);
    ck_assert(whole < 2 * PETSC_PI);
    finish(&t);
  }
  tile("x t", "type = \"ball\"; radius = 1.0; time = [ 0.0, 3.0 ];", false, 4, &t);
  ck_near(measure(&t, -2), 6, 1e-12, 0);
  ck_assert_int_eq(t.n_cell, 9);
  finish(&t);
}
END_TEST

/* A disk in a square: each side of the circle has its own nodes there, and the two fill the square. */
START_TEST(regions_end_at_their_surface)
{
  Tiling t;
  tile("x y",
       "type = \"box\"; lower = [ -1.0, -1.0 ]; upper = [ 1.0, 1.0 ]; "
       "regions = ( { type = \"ball\"; name = \"disk\"; radius = 0.6; } );",
       false, 41, &t);
  ck_assert_int_eq(t.n_region, 2);
  ck_assert_str_eq(t.name[0], "disk");
  ck_assert_str_eq(t.name[1], "rest");
  const double disk = measure(&t, 0), rest = measure(&t, 1);
  ck_near(disk, PETSC_PI * 0.36, 0, 2e-3);
  ck_near(disk + rest, 4, 0, 2e-3);
  int number;
  ck_petsc(DomainFindRegion(fixture.domain, "case.cfg", "rest", &number));
  for (PetscInt k = 0; k < t.n_cell; k++)
    for (PetscInt i = 0; i < t.first[k + 1] - t.first[k]; i++)
      ck_assert_int_eq(DomainRegionContains(fixture.domain, number, node(&t, k, i)), t.region[k] == 1);
  finish(&t);
}
END_TEST

START_TEST(a_mesh_is_taken_as_it_is)
{
  static const struct {
    const char *coordinates, *domain;
    PetscInt n_node;
    double measure;
  } cases[] = {
      {"x y z", "type = \"mesh\"; file = \"meshes/cube.msh\";", 0, 1},
      {"x y z", "type = \"mesh\"; file = \"meshes/cube_tets.msh\";", 0, 1},
      {"x y", "type = \"mesh\"; file = \"meshes/square_hole.msh\";", 131, 0.93636},
      {"x y t", "type = \"mesh\"; file = \"meshes/square_hole.msh\"; time = [ 0.0, 2.0 ];", 131 * 3, 2 * 0.93636},
  };
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    Tiling t;
    double volume, error;
    tile(cases[k].coordinates, cases[k].domain, true, 3, &t);
    DomainMeasure(fixture.domain, &volume, &error);
    ck_near(measure(&t, -2), volume, 1e-10, 0);
    ck_near(volume, cases[k].measure, 1e-4, 0);
    if (cases[k].n_node) ck_assert_int_eq(t.n_node, cases[k].n_node);
    for (PetscInt i = 0; i < t.n_cell && t.region; i++) ck_assert(t.region[i] >= 0 && t.region[i] < t.n_region);
    finish(&t);
  }
}
END_TEST

TEST_SUITE("points tiling", cells_of_a_disk_fill_it_and_fit_together, what_ends_on_nodes_is_exact,
           cells_of_a_ball_fit_together, time_is_a_factor, regions_end_at_their_surface, a_mesh_is_taken_as_it_is)
