#include "../src/points/points_impl.h"
#include "points_fixture.h"

static Fixture fixture;

static PetscErrorCode sample(MPI_Comm comm, const char *on, const char *sampler, int n_count, const PetscInt count[],
                             uint32_t iteration, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, sampler), n_count, count, {2, RANDOM_TEST, 0, iteration}};
  Region region;

  PetscFunctionBegin;
  PetscCall(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  PetscCall(PointSetSample(comm, region, &sampling, points));
  PetscCall(RegionDestroy(&region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void draw(const char *on, const char *sampler, PetscInt count, PointSet *points)
{
  ck_petsc(sample(PETSC_COMM_SELF, on, sampler, 1, &count, 0, points));
}

static void load_space_time(void)
{
  ck_petsc(FixtureLoad("x y t", "lower = [ -1.0, 0.0, 0.0 ]; upper = [ 1.0, 3.0, 0.5 ];", &fixture));
}

START_TEST(boundary_points_lie_on_their_faces)
{
  load_space_time();
  for (const Choice *row = SamplerTable.rows; row->name; row++) {
    PointSet points;
    int on_face[6] = {0};
    draw("boundary", row->name, 1700, &points);
    ck_assert_int_eq(points.n, points.count);
    for (int p = 0; p < points.n; p++) {
      const double *x = points.x + 3 * p, *normal = points.normal + 3 * p;
      int nonzero = 0;
      for (int c = 0; c < 3; c++) {
        if (normal[c] == 0) continue;
        nonzero++;
        ck_near(fabs(normal[c]), 1, 0, 0);
        ck_near(x[c], (normal[c] > 0 ? fixture.domain->upper : fixture.domain->lower)[c], 0, 0);
        on_face[2 * c + (normal[c] > 0)]++;
      }
      ck_assert_int_eq(nonzero, 1);
      ck_assert(DomainContains(fixture.domain, x));
    }
    if (!((const SamplerOps *)row->data)->nodes) {
      ck_assert_int_eq(points.count, 1700);
      const int expected[6] = {150, 150, 100, 100, 600, 600};
      for (int f = 0; f < 6; f++) ck_assert_int_eq(on_face[f], expected[f]);
    }
    ck_petsc(PointSetDestroy(&points));
  }
  FixtureFree(&fixture);
}
END_TEST

START_TEST(pieces_do_not_repeat_each_other)
{
  load_space_time();
  PointSet points;
  draw("x = -1 | x = 1", "sobol", 20, &points);
  for (int p = 0; p < 10; p++)
    for (int c = 1; c < 3; c++) ck_assert(points.x[3 * p + c] != points.x[3 * (p + 10) + c]);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(each_piece_is_a_latin_hypercube)
{
  load_space_time();
  PointSet points;
  int slice[4][10] = {{0}};
  draw("x = -1 | x = 1", "latin-hypercube", 20, &points);
  for (int p = 0; p < 20; p++) {
    slice[p / 10][(int)(10 * points.x[3 * p + 1] / 3)]++;
    slice[2 + p / 10][(int)(10 * points.x[3 * p + 2] / 0.5)]++;
  }
  for (int k = 0; k < 40; k++) ck_assert_int_eq(slice[k / 10][k % 10], 1);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(interior_grids_leave_the_boundary_out)
{
  const PetscInt count[] = {3, 1, 2};
  PointSet points;
  load_space_time();
  ck_petsc(sample(PETSC_COMM_SELF, "interior", "grid", 3, count, 0, &points));
  ck_assert_int_eq(points.count, 6);
  for (int p = 0; p < 6; p++) {
    ck_near(points.x[3 * p], -0.5 + 0.5 * (p % 3), 1e-15, 1e-16);
    ck_near(points.x[3 * p + 1], 1.5, 1e-15, 0);
    ck_near(points.x[3 * p + 2], (p / 3 + 1) * 0.5 / 3, 1e-15, 0);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(face_grids_include_the_edges)
{
  const PetscInt count[] = {4, 3};
  PointSet points;
  load_space_time();
  ck_petsc(sample(PETSC_COMM_SELF, "x = 1", "grid", 2, count, 0, &points));
  ck_assert_int_eq(points.count, 12);
  for (int p = 0; p < 12; p++) {
    ck_near(points.x[3 * p], 1, 0, 0);
    ck_near(points.x[3 * p + 1], p % 4, 0, 1e-15);
    ck_near(points.x[3 * p + 2], p / 4 * 0.25, 0, 1e-16);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(single_points_are_taken_once)
{
  PointSet points;
  load_space_time();
  for (const Choice *row = SamplerTable.rows; row->name; row++) {
    draw("x = 0 & y = 1 & t = 0.5 | x = 1 & y = 0 & t = 0.1", row->name, 500, &points);
    ck_assert_int_eq(points.count, 2);
    const double expected[6] = {0, 1, 0.5, 1, 0, 0.1};
    for (int i = 0; i < 6; i++) ck_near(points.x[i], expected[i], 0, 0);
    ck_assert_ptr_null(points.normal);
    ck_petsc(PointSetDestroy(&points));
  }
  FixtureFree(&fixture);
  ck_petsc(FixtureLoad("x", "", &fixture));
  draw("boundary", "sobol", 500, &points);
  ck_assert_int_eq(points.count, 2);
  for (int p = 0; p < 2; p++) {
    ck_near(points.x[p], p, 0, 0);
    ck_near(points.normal[p], 2 * p - 1, 0, 0);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(iterations_draw_new_points)
{
  const PetscInt count = 64;
  PointSet first, again, next;
  load_space_time();
  ck_petsc(sample(PETSC_COMM_SELF, "interior", "sobol", 1, &count, 0, &first));
  ck_petsc(sample(PETSC_COMM_SELF, "interior", "sobol", 1, &count, 0, &again));
  ck_petsc(sample(PETSC_COMM_SELF, "interior", "sobol", 1, &count, 1, &next));
  ck_assert_mem_eq(first.x, again.x, 64 * 3 * sizeof(double));
  for (int i = 0; i < 64 * 3; i++) ck_assert(first.x[i] != next.x[i]);
  ck_petsc(PointSetDestroy(&first));
  ck_petsc(PointSetDestroy(&again));
  ck_petsc(PointSetDestroy(&next));
  FixtureFree(&fixture);
}
END_TEST

/* Each rank's share must be the same part of what one rank draws alone; the shares must join without gaps. One rank
   checks this trivially, mpirun -n 3 in earnest. */
START_TEST(ranks_share_the_points_of_one)
{
  const char *const regions[] = {"interior", "boundary", "walls & t = 0"};
  const PetscInt count = 1001;
  load_space_time();
  for (const Choice *row = SamplerTable.rows; row->name; row++) {
    for (int k = 0; k < 3; k++) {
      PointSet alone, share;
      int total, before = 0;
      ck_petsc(sample(PETSC_COMM_SELF, regions[k], row->name, 1, &count, 0, &alone));
      ck_petsc(sample(PETSC_COMM_WORLD, regions[k], row->name, 1, &count, 0, &share));
      ck_assert_int_eq(share.count, alone.count);
      MPI_Allreduce(&share.n, &total, 1, MPI_INT, MPI_SUM, PETSC_COMM_WORLD);
      ck_assert_int_eq(total, share.count);
      MPI_Scan(&share.n, &before, 1, MPI_INT, MPI_SUM, PETSC_COMM_WORLD);
      ck_assert_int_eq(share.first, before - share.n);
      ck_assert_mem_eq(share.x, alone.x + 3 * share.first, (size_t)(3 * share.n) * sizeof(double));
      if (alone.normal)
        ck_assert_mem_eq(share.normal, alone.normal + 3 * share.first, (size_t)(3 * share.n) * sizeof(double));
      ck_petsc(PointSetDestroy(&alone));
      ck_petsc(PointSetDestroy(&share));
    }
  }
  FixtureFree(&fixture);
}
END_TEST

START_TEST(output_grids_span_the_bounding_box)
{
  const PetscInt n[] = {3, 2, 1};
  PointSet points;
  load_space_time();
  ck_petsc(PointSetGrid(PETSC_COMM_SELF, fixture.domain, n, &points));
  ck_assert_int_eq(points.count, 6);
  for (int p = 0; p < 6; p++) {
    ck_near(points.x[3 * p], p % 3 - 1, 0, 0);
    ck_near(points.x[3 * p + 1], 3 * (p / 3), 0, 0);
    ck_near(points.x[3 * p + 2], 0.25, 0, 0);
  }
  ck_petsc(PointSetDestroy(&points));
  ck_petsc_fails(PointSetGrid(PETSC_COMM_SELF, fixture.domain, (PetscInt[]){10000, 10000, 1000}, &points),
                 PETSC_ERR_USER_INPUT, "too many points: 1e+11, at most 2147483647 are possible");
  FixtureFree(&fixture);
}
END_TEST

START_TEST(given_points_are_copied)
{
  const double x[] = {1, 2, 3, 4, 5, 6};
  PointSet points;
  ck_petsc(PointSetGiven(PETSC_COMM_SELF, 3, 2, x, &points));
  ck_assert_int_eq(points.count, 3);
  ck_assert_int_eq(points.n, 3);
  ck_assert_int_eq(points.dim, 2);
  ck_assert(points.x != x);
  ck_assert_mem_eq(points.x, x, sizeof(x));
  ck_assert_ptr_null(points.normal);
  ck_petsc(PointSetDestroy(&points));
  ck_assert_ptr_null(points.x);
}
END_TEST

/* More unit-cube numbers than are held at a time. */
START_TEST(many_dimensions_are_drawn_in_chunks)
{
  const PetscInt count = 50;
  PointSet points;
  double low = 1, high = 0, mean = 0;
  ck_petsc(FixtureLoad("x[500000]", "", &fixture));
  ck_petsc(sample(PETSC_COMM_SELF, "interior", "uniform", 1, &count, 0, &points));
  const size_t n = 50 * (size_t)500000;
  for (size_t i = 0; i < n; i++) {
    low = fmin(low, points.x[i]), high = fmax(high, points.x[i]);
    mean += points.x[i] / (double)n;
  }
  ck_assert(low > 0 && low < 1e-6 && high < 1 && high > 1 - 1e-6);
  ck_near(mean, 0.5, 0, 4 / sqrt(12.0 * (double)n));
  ck_near(points.x[n - 1], RandomUniform((RandomKey){2, RANDOM_TEST, 0, 0}, n - 1), 0, 0);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(impossible_samples_name_the_setting)
{
  const PetscInt count[] = {64, 64};
  PointSet points;
  ck_petsc(FixtureLoad("x[50]", "", &fixture));
  ck_petsc_fails(sample(PETSC_COMM_SELF, "interior", "sobol", 1, count, 0, &points), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: sampler 'sobol' fills at most 40 coordinates, here there are 50; use one of halton");
  ck_petsc_fails(sample(PETSC_COMM_SELF, "interior", "grid", 1, count, 0, &points), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: sampler 'grid' needs at least 2^50");
  ck_petsc_fails(sample(PETSC_COMM_SELF, "interior", "chebyshev", 2, count, 0, &points), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: 2 counts where 50 coordinates are free");
  Region region;
  const Sampling sampling = {ChoiceFind(&SamplerTable, "sobol"), 2, count, {2, RANDOM_TEST, 0, 0}};
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", "interior", &region));
  ck_petsc(RegionSetPlaces(region, "a.cfg:1: sampler", "a.cfg:2: count"));
  ck_petsc_fails(PointSetSample(PETSC_COMM_SELF, region, &sampling, &points), PETSC_ERR_USER_INPUT,
                 "a.cfg:2: count: sampler 'sobol' takes one count");
  ck_petsc(RegionDestroy(&region));
  FixtureFree(&fixture);
}
END_TEST

TEST_SUITE("points set", boundary_points_lie_on_their_faces, pieces_do_not_repeat_each_other,
           each_piece_is_a_latin_hypercube, interior_grids_leave_the_boundary_out, face_grids_include_the_edges,
           single_points_are_taken_once, iterations_draw_new_points, ranks_share_the_points_of_one,
           output_grids_span_the_bounding_box, given_points_are_copied, many_dimensions_are_drawn_in_chunks,
           impossible_samples_name_the_setting)
