#include "../src/points/points_impl.h"
#include "points_fixture.h"

#define MANY 20000

static Fixture fixture;

static PetscErrorCode sample(const char *on, const char *sampler, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, sampler), 1, &count, {2, RANDOM_TEST, 0, 0}};
  Region region;

  PetscFunctionBegin;
  PetscCall(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  PetscCall(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  PetscCall(RegionDestroy(&region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(box_is_described_and_bounded)
{
  const double *lower, *upper;
  ck_petsc(FixtureLoad("x y", "lower = [ -1.0, 0.0 ]; upper = [ 1.0, 3.0 ];", &fixture));
  ck_assert_int_eq(DomainDimension(fixture.domain), 2);
  ck_assert_str_eq(DomainDescribe(fixture.domain), "box [-1, 1] x [0, 3]");
  DomainBounds(fixture.domain, &lower, &upper);
  ck_assert(lower[0] == -1 && lower[1] == 0 && upper[0] == 1 && upper[1] == 3);
  ck_assert(DomainContains(fixture.domain, (double[]){0.5, 3}));
  ck_assert(DomainContains(fixture.domain, (double[]){-1, 0}));
  ck_assert(!DomainContains(fixture.domain, (double[]){0.5, 3.001}));
  ck_assert(!DomainContains(fixture.domain, (double[]){-1.001, 1}));
  ck_assert(!DomainContains(fixture.domain, (double[]){NAN, 1}));
  ck_near(fixture.domain->log_measure, log(6), 1e-14, 0);
  FixtureFree(&fixture);
  ck_petsc(FixtureLoad("x[100]", "upper = 2.0;", &fixture));
  ck_assert_str_eq(DomainDescribe(fixture.domain), "box [0, 2]^100");
  FixtureFree(&fixture);
  ck_petsc(FixtureLoad("x y z a b c p q r", "upper = [ 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0 ];", &fixture));
  ck_assert_ptr_nonnull(strstr(DomainDescribe(fixture.domain), "[0, 8] x ... (9)"));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(ball_is_described_and_bounded)
{
  const double *lower, *upper;
  ck_petsc(FixtureLoad("x y", "type = \"ball\"; center = [ 1.0, 2.0 ]; radius = 0.5;", &fixture));
  ck_assert_str_eq(DomainDescribe(fixture.domain), "ball in 2 dimensions, area 0.785398");
  DomainBounds(fixture.domain, &lower, &upper);
  ck_assert(lower[0] == 0.5 && lower[1] == 1.5 && upper[0] == 1.5 && upper[1] == 2.5);
  ck_assert(DomainContains(fixture.domain, (double[]){1.3, 2.4}));
  ck_assert(DomainContains(fixture.domain, (double[]){1.5, 2}));
  ck_assert(!DomainContains(fixture.domain, (double[]){1.4, 2.4}));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(wrong_bounds_are_explained)
{
  ck_petsc_fails(FixtureLoad("x y", "lower = [ 0.0, 1.0 ]; upper = [ 1.0, 1.0 ];", &fixture), PETSC_ERR_USER_INPUT,
                 "domain.upper: the bounds of y must rise from lower to upper, not from 1 to 1");
  ck_petsc_fails(FixtureLoad("x y", "lower = [ 0.0, 1.0, 2.0 ];", &fixture), PETSC_ERR_USER_INPUT,
                 "domain.lower: has 3 values for 2 coordinates: one for each or one for all");
  ck_petsc_fails(FixtureLoad("x y z", "type = \"ball\"; center = [ 0.0, 1.0 ];", &fixture), PETSC_ERR_USER_INPUT,
                 "domain.center: has 2 values for 3 coordinates");
}
END_TEST

/* Volumes and areas of unit balls for d = 1..6, times powers of the radius 2. */
START_TEST(ball_measures_are_known)
{
  const double pi = PETSC_PI;
  const double volume[] = {2, pi, 4 * pi / 3, pi * pi / 2, 8 * pi * pi / 15, pi * pi * pi / 6};
  for (int d = 1; d <= 6; d++) {
    char names[8];
    snprintf(names, sizeof(names), "x[%d]", d);
    ck_petsc(FixtureLoad(names, "type = \"ball\"; radius = 2.0;", &fixture));
    Region region;
    ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", "interior", &region));
    ck_near(exp(region->pieces.piece[0].log_measure), volume[d - 1] * pow(2, d), 1e-13, 0);
    ck_assert_int_eq(RegionFreeDimensions(region), d);
    ck_petsc(RegionDestroy(&region));
    ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", d > 1 ? "sphere" : "boundary", &region));
    ck_assert_int_eq(region->pieces.n, d == 1 ? 2 : 1);
    ck_assert_int_eq(RegionFreeDimensions(region), d - 1);
    if (d > 1) ck_near(exp(region->pieces.piece[0].log_measure), d * volume[d - 1] * pow(2, d - 1), 1e-13, 0);
    ck_petsc(RegionDestroy(&region));
    FixtureFree(&fixture);
  }
}
END_TEST

START_TEST(box_points_are_uniform)
{
  static int bin[512];
  PointSet points;
  ck_petsc(FixtureLoad("x y z", "lower = [ -1.0, 0.0, 5.0 ]; upper = [ 1.0, 3.0, 5.5 ];", &fixture));
  ck_petsc(sample("interior", "uniform", MANY, &points));
  ck_assert_int_eq(points.n, MANY);
  ck_assert_ptr_null(points.normal);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p;
    ck_assert(DomainContains(fixture.domain, x));
    bin[64 * (int)(4 * (x[0] + 1)) + 8 * (int)(8 * x[1] / 3) + (int)(16 * (x[2] - 5))]++;
  }
  ck_uniform(bin, 512);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

/* Of a uniform point in the unit d-ball, |x|^d is uniform. A coordinate of the direction e has a square that is
   Beta(1/2, (d - 1)/2) and a fair sign; two coordinates have a uniform angle and, independently, a sum of squares s
   that is Beta(1, (d - 2)/2), so that (1 - s)^((d - 2)/2) is uniform. */
static double coordinate_law(double e, int d)
{
  if (d == 1) return e < 0 ? 0.25 : 0.75;
  const double p = gsl_cdf_beta_P(fmin(e * e, 1), 0.5, (d - 1) / 2.0);
  return (e < 0 ? 1 - p : 1 + p) / 2;
}

static void check_ball(int d, const char *on, const char *sampler)
{
  int shells[64] = {0}, sides[6][64] = {{0}}, pairs[64] = {0}, angles[64] = {0};
  char names[8];
  PointSet points;
  snprintf(names, sizeof(names), "x[%d]", d);
  ck_petsc(FixtureLoad(names, "type = \"ball\"; center = 3.0; radius = 2.0;", &fixture));
  ck_petsc(sample(on, sampler, MANY, &points));
  for (int p = 0; p < points.n; p++) {
    double e[100], r = 0;
    ck_assert(DomainContains(fixture.domain, points.x + (size_t)(p * d)));
    for (int c = 0; c < d; c++) {
      e[c] = (points.x[p * d + c] - 3) / 2;
      r += e[c] * e[c];
    }
    r = sqrt(r);
    if (points.normal) {
      ck_near(r, 1, 1e-13, 0);
      for (int c = 0; c < d; c++) ck_near(points.normal[p * d + c], e[c], 1e-12, 1e-14);
    }
    shells[PetscMin((int)(64 * pow(r, d)), 63)]++;
    for (int c = 0; c < PetscMin(d, 6); c++) sides[c][PetscMin((int)(64 * coordinate_law(e[c] / r, d)), 63)]++;
    if (d > 1) {
      const double plane = d > 2 ? pow(fmax(1 - (e[0] * e[0] + e[1] * e[1]) / (r * r), 0), (d - 2) / 2.0) : 0;
      const double angle = atan2(e[1], e[0]) / (2 * PETSC_PI) + 0.5;
      pairs[8 * PetscMin((int)(8 * angle), 7) + PetscMin((int)(8 * plane), 7)]++;
      angles[PetscMin((int)(64 * angle), 63)]++;
    }
  }
  ck_assert_int_eq(points.normal != NULL, strcmp(on, "interior") != 0);
  if (!points.normal) ck_uniform(shells, 64);
  for (int c = 0; c < PetscMin(d, 6) && d > 1; c++) ck_uniform(sides[c], 64);
  if (d > 1) ck_uniform(angles, 64);
  if (d > 2) ck_uniform(pairs, 64);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}

START_TEST(ball_points_are_uniform_in_volume)
{
  for (int d = 1; d <= 6; d++) check_ball(d, "interior", "uniform");
  check_ball(100, "interior", "uniform");
}
END_TEST

START_TEST(sphere_points_are_uniform_in_area)
{
  for (int d = 2; d <= 6; d++) check_ball(d, "sphere", "uniform");
  check_ball(100, "boundary", "uniform");
}
END_TEST

/* |x|^2 of a uniform point of the unit d-ball has the mean d / (d + 2), |x|^4 has d / (d + 4). Gauss nodes are uniform
   only with their weights. */
START_TEST(every_sampler_fills_the_ball)
{
  const char *const samplers[] = {"sobol", "halton", "latin-hypercube", "uniform", "grid"};
  for (int k = 0; k < 5; k++) {
    for (int d = 1; d <= 4; d++) {
      char names[8];
      PointSet points;
      double square = 0, fourth = 0, center = 0;
      snprintf(names, sizeof(names), "x[%d]", d);
      ck_petsc(FixtureLoad(names, "type = \"ball\";", &fixture));
      ck_petsc(sample("interior", samplers[k], 7776, &points));
      for (int p = 0; p < points.n; p++) {
        double r = 0;
        for (int c = 0; c < d; c++) r = hypot(r, points.x[p * d + c]), center += points.x[p * d + c] / points.n;
        square += r * r / points.n, fourth += pow(r, 4) / points.n;
      }
      ck_near(square, d / (d + 2.0), 0.02, 0);
      ck_near(fourth, d / (d + 4.0), 0.03, 0);
      ck_near(center, 0, 0, 0.03);
      ck_petsc(PointSetDestroy(&points));
      FixtureFree(&fixture);
    }
  }
}
END_TEST

START_TEST(interval_ball_has_two_end_points)
{
  PointSet points;
  ck_petsc(FixtureLoad("x", "type = \"ball\"; center = 1.0; radius = 3.0;", &fixture));
  ck_petsc(sample("boundary", "sobol", 100, &points));
  ck_assert_int_eq(points.count, 2);
  for (int p = 0; p < 2; p++) {
    ck_near(points.x[p], p ? 4 : -2, 0, 0);
    ck_near(points.normal[p], p ? 1 : -1, 0, 0);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

/* The center of the cube has no direction under the Gaussian map: tensor products with odd counts have it. */
START_TEST(odd_tensor_products_in_high_balls_are_finite)
{
  PointSet points;
  ck_petsc(FixtureLoad("x[4]", "type = \"ball\";", &fixture));
  ck_petsc(sample("interior", "grid", 243, &points));
  ck_assert_int_eq(points.count, 243);
  for (int p = 0; p < 243; p++) ck_assert(DomainContains(fixture.domain, points.x + 4 * p));
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

TEST_SUITE("points domain", box_is_described_and_bounded, ball_is_described_and_bounded, wrong_bounds_are_explained,
           ball_measures_are_known, box_points_are_uniform, ball_points_are_uniform_in_volume,
           sphere_points_are_uniform_in_area, every_sampler_fills_the_ball, interval_ball_has_two_end_points,
           odd_tensor_products_in_high_balls_are_finite)
