#include "../src/points/points_impl.h"
#include "points_fixture.h"

static Fixture fixture;
static Region region;

static void choose(const char *on)
{
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9: on", on, &region));
}

/* Piece p holds coordinate c at value. */
static void ck_holds(int p, int c, double value)
{
  ck_assert_int_lt(p, region->pieces.n);
  const Piece *piece = &region->pieces.piece[p];
  for (int h = 0; h < piece->n_held; h++)
    if (piece->held[h] == c) {
      ck_near(piece->value[h], value, 0, 0);
      return;
    }
  ck_abort_msg("piece %d does not hold coordinate %d", p, c);
}

static void load_space_time(void)
{
  ck_petsc(FixtureLoad("x y t", "lower = [ -1.0, 0.0, 0.0 ]; upper = [ 1.0, 3.0, 0.5 ];", &fixture));
}

static void ck_fails(const char *on, const char *message)
{
  ck_petsc_fails(RegionCreate(fixture.domain, "case.cfg:9: on", on, &region), PETSC_ERR_USER_INPUT, message);
}

START_TEST(faces_are_selected_by_value_and_by_name)
{
  const char *texts[] = {"x = -1 | x = 1", "x.lower|x.upper", "  x=-2/2 |x = 2*0.5 "};
  load_space_time();
  for (int k = 0; k < 3; k++) {
    choose(texts[k]);
    ck_assert_int_eq(region->pieces.n, 2);
    ck_holds(0, 0, -1);
    ck_holds(1, 0, 1);
    ck_assert_int_eq(region->pieces.piece[0].face, 0);
    ck_assert_int_eq(region->pieces.piece[1].face, 1);
    ck_near(exp(region->pieces.piece[1].log_measure), 1.5, 1e-14, 0);
    ck_assert(RegionHasNormals(region));
    ck_assert_int_eq(RegionFreeDimensions(region), 2);
    ck_petsc(RegionDestroy(&region));
  }
  FixtureFree(&fixture);
}
END_TEST

START_TEST(words_select_groups_of_faces)
{
  load_space_time();
  choose("boundary");
  ck_assert_int_eq(region->pieces.n, 6);
  ck_holds(4, 2, 0);
  ck_holds(5, 2, 0.5);
  ck_petsc(RegionDestroy(&region));
  choose("walls");
  ck_assert_int_eq(region->pieces.n, 4);
  ck_holds(3, 1, 3);
  ck_petsc(RegionDestroy(&region));
  choose("interior");
  ck_assert_int_eq(region->pieces.n, 1);
  ck_assert(!RegionHasNormals(region));
  ck_assert_int_eq(RegionFreeDimensions(region), 3);
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(conjunctions_select_edges_and_points)
{
  load_space_time();
  choose("x = 1 & t.lower");
  ck_assert_int_eq(region->pieces.n, 1);
  ck_holds(0, 0, 1);
  ck_holds(0, 2, 0);
  ck_near(exp(region->pieces.piece[0].log_measure), 3, 1e-14, 0);
  ck_assert_int_eq(RegionFreeDimensions(region), 1);
  ck_assert(!RegionHasNormals(region)); /* an edge of two faces */
  ck_petsc(RegionDestroy(&region));
  choose("t = 0.25 & x = 1"); /* inside one face */
  ck_assert(RegionHasNormals(region));
  ck_assert_int_eq(region->pieces.piece[0].face, 1);
  ck_petsc(RegionDestroy(&region));
  choose("y = 1 & x = 0.5 & t = 0.5 | x = 0 & y = 0 & t = 0");
  ck_assert_int_eq(RegionFreeDimensions(region), 0);
  ck_assert_int_eq(region->pieces.n, 2);
  ck_holds(0, 0, 0.5);
  ck_holds(0, 1, 1);
  ck_holds(0, 2, 0.5);
  ck_petsc(RegionDestroy(&region));
  choose("walls & t = 0");
  ck_assert_int_eq(region->pieces.n, 4);
  for (int p = 0; p < 4; p++) ck_holds(p, 2, 0);
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(inner_planes_have_no_normals)
{
  load_space_time();
  choose("x = 0.25");
  ck_holds(0, 0, 0.25);
  ck_assert(!RegionHasNormals(region));
  ck_petsc(RegionDestroy(&region));
  choose("x = 1 | x = 0.25");
  ck_assert(!RegionHasNormals(region));
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(values_snap_to_the_bounds)
{
  load_space_time();
  choose("x = -1 - 1e-13 | x = 1 + 1e-13 | y = 3*(1 + 1e-13) | t = 1e-14 | t = 0.1 + 0.4 - 1e-13");
  ck_holds(0, 0, -1);
  ck_holds(1, 0, 1);
  ck_holds(2, 1, 3);
  ck_holds(3, 2, 0);
  ck_holds(4, 2, 0.5);
  ck_assert(RegionHasNormals(region));
  ck_petsc(RegionDestroy(&region));
  choose("x = 1 - 1e-9");
  ck_assert(!RegionHasNormals(region));
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(repeated_and_contained_pieces_count_once)
{
  const struct {
    const char *on;
    int n;
  } cases[] = {{"x = 1 | x.upper", 1},        {"boundary | x = 1", 6},   {"x = 1 & y = 0 | x = 1", 1},
               {"x = 1 | x = 1 & y = 0", 1},  {"boundary & x = 1", 1},   {"boundary & boundary", 6},
               {"interior | boundary", 7},    {"interior & x = 0.5", 1}, {"interior | x = 0.5", 2},
               {"x = 0 & x = 1 | x = 1", -1}, {"walls | t = 0", 5},      {"x = 1 & x = 1", 1}};
  load_space_time();
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    if (cases[k].n < 0) {
      ck_fails(cases[k].on, "'x = 0 & x = 1' cannot hold together");
      continue;
    }
    choose(cases[k].on);
    ck_assert_msg(region->pieces.n == cases[k].n, "'%s' has %d pieces", cases[k].on, region->pieces.n);
    ck_petsc(RegionDestroy(&region));
  }
  FixtureFree(&fixture);
}
END_TEST

START_TEST(vector_components_are_coordinates)
{
  ck_petsc(FixtureLoad("x[5] t", "", &fixture));
  choose("x[3] = 0 | x[4].upper");
  ck_holds(0, 3, 0);
  ck_holds(1, 4, 1);
  ck_petsc(RegionDestroy(&region));
  choose("walls");
  ck_assert_int_eq(region->pieces.n, 10);
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(wrong_selections_are_explained)
{
  load_space_time();
  ck_fails("x = 2", "case.cfg:9: on: selects no points: x = 2 lies outside [-1, 1]");
  ck_fails("t = -0.1", "selects no points: t = -0.1 lies outside [0, 0.5]");
  ck_fails("x = 1 & x = -1", "selects no points: 'x = 1 & x = -1' cannot hold together");
  ck_fails("interior & x = 1", "selects no points: 'interior & x = 1' cannot hold together");
  ck_fails("z = 0", "unknown coordinate 'z' (known: x, y, t)");
  ck_fails("x[0] = 0", "unknown coordinate 'x[0]'");
  ck_fails("q.lower", "unknown coordinate 'q'");
  ck_fails("x.left", "unknown face 'x.left' (known: x.lower, x.upper)");
  ck_fails("bondary", "unknown selection 'bondary' (did you mean 'boundary'? known: interior, boundary, walls)");
  ck_fails("sphere", "unknown selection 'sphere' (known: interior, boundary, walls)");
  ck_fails("x", "'x' names a coordinate without a value: write x = VALUE, x.lower or x.upper");
  ck_fails("", "a selection is empty, or lacks a term beside '|' or '&'");
  ck_fails("x = 1 |", "lacks a term");
  ck_fails("x = 1 & & y = 0", "lacks a term");
  ck_fails("x = y", "case.cfg:9: on");
  ck_fails("x = ", "case.cfg:9: on");
  ck_fails("x = 0/0", "case.cfg:9: on");
  FixtureFree(&fixture);
  ck_petsc(FixtureLoad("t", "", &fixture));
  ck_fails("walls", "selects no points: there are no walls, as t is the only coordinate");
  FixtureFree(&fixture);
}
END_TEST

START_TEST(balls_have_planes_and_points)
{
  double measure, error;
  ck_petsc(FixtureLoad("x y", "type = \"ball\";", &fixture));
  ck_fails("y = 2", "selects no points: y = 2 lies outside [-1, 1]");
  ck_fails("wals", "unknown selection 'wals' (did you mean 'walls'? known: interior, boundary, walls, sphere)");
  ck_fails("interior & sphere", "cannot hold together");
  ck_fails("sphere & x = 0", "cannot hold together");
  ck_fails("x = 0.9 & y = 0.9", "cannot hold together");
  choose("sphere | boundary");
  ck_assert_int_eq(region->pieces.n, 1);
  ck_assert(RegionHasNormals(region));
  ck_petsc(RegionDestroy(&region));
  choose("x = 0.6");
  ck_assert(!RegionHasNormals(region));
  RegionMeasure(region, &measure, &error);
  ck_near(measure, 1.6, 0, 1e-3);
  ck_petsc(RegionDestroy(&region));
  choose("x = 0.6 & y = 0.7");
  ck_assert_int_eq(RegionFreeDimensions(region), 0);
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

static void ck_shares(PetscInt count, int n, const PetscInt expected[])
{
  PetscInt share[8];
  ck_petsc(RegionShareCount(region, count, share));
  ck_assert_int_eq(region->pieces.n, n);
  for (int p = 0; p < n; p++)
    ck_assert_msg(share[p] == expected[p], "piece %d of count %d: %d", p, (int)count, (int)share[p]);
}

/* Faces x: area 1.5 each, y: 1, t: 6; in all 17. */
START_TEST(counts_are_shared_by_measure)
{
  load_space_time();
  choose("boundary");
  ck_shares(170, 6, (PetscInt[]){15, 15, 10, 10, 60, 60});
  ck_shares(6, 6, (PetscInt[]){1, 1, 1, 1, 1, 1});
  ck_shares(1, 6, (PetscInt[]){1, 1, 1, 1, 1, 1});
  ck_shares(16, 6, (PetscInt[]){1, 1, 1, 1, 6, 6}); /* quotas 1.4, 1.4, 0.9, 0.9, 5.6, 5.6 */
  for (PetscInt count = 6; count < 400; count++) {
    PetscInt share[6], sum = 0;
    const double area[6] = {1.5, 1.5, 1, 1, 6, 6};
    ck_petsc(RegionShareCount(region, count, share));
    for (int p = 0; p < 6; p++) {
      ck_assert_int_ge(share[p], 1);
      if (count >= 17) ck_near((double)share[p], (double)count * area[p] / 17, 0, 1);
      sum += share[p];
    }
    ck_assert_int_eq(sum, count);
  }
  ck_petsc(RegionDestroy(&region));
  choose("x = 1 | x = -1 & y = 1 & t = 0 | x = 0 & y = 0 & t = 0");
  ck_shares(100, 3, (PetscInt[]){98, 1, 1});
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

TEST_SUITE("points region", faces_are_selected_by_value_and_by_name, words_select_groups_of_faces,
           conjunctions_select_edges_and_points, inner_planes_have_no_normals, values_snap_to_the_bounds,
           repeated_and_contained_pieces_count_once, vector_components_are_coordinates, wrong_selections_are_explained,
           balls_have_planes_and_points, counts_are_shared_by_measure)
