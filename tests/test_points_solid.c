/* Combinations of shapes against closed forms, fine grids and the divergence theorem. */
#include "../src/points/points_impl.h"
#include "points_fixture.h"

static Fixture fixture;

static PetscErrorCode sample(const char *on, const char *sampler, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, sampler), 1, &count, {5, RANDOM_TEST, 0, 0}};
  Region region;

  PetscFunctionBegin;
  PetscCall(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  PetscCall(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  PetscCall(RegionDestroy(&region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void measure(const char *on, double expected, double error_allowed)
{
  Region region;
  double value, error;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  RegionMeasure(region, &value, &error);
  ck_near(value, expected, 0, error_allowed);
  ck_assert_msg(error <= error_allowed + 1e-13 && fabs(value - expected) <= 5 * error + 1e-4 * expected,
                "'%s': %g, not %g, with error %g", on, value, expected, error);
  ck_petsc(RegionDestroy(&region));
}

#define SQUARE "{ name = \"square\"; type = \"box\"; lower = -0.5; upper = 0.5; }"
#define DISKS  "{ name = \"disks\"; type = \"balls\"; radius = 0.1; centers = [ .3, .3, -.3, .3, .3, -.3, -.3, -.3 ]; }"
#define HOLES  "type = \"difference\"; of = ( " SQUARE ", " DISKS " );"

START_TEST(square_without_disks)
{
  const double pi = PETSC_PI;
  PointSet points;
  double value, error;
  ck_petsc(FixtureLoad("x y", HOLES, &fixture));
  DomainMeasure(fixture.domain, &value, &error);
  ck_near(value, 1 - 0.04 * pi, 1e-14, 0);
  ck_near(error, 0, 0, 0);
  measure("disks", 0.8 * pi, 1e-13);
  measure("disks[2]", 0.2 * pi, 1e-13);
  measure("square", 4, 1e-13);
  measure("square.walls", 4, 1e-13);
  measure("square.x.lower", 1, 1e-13);
  measure("x = -0.5 | y = 0.5", 2, 1e-13);
  measure("walls", 4 + 0.8 * pi, 1e-13);
  measure("boundary", 4 + 0.8 * pi, 1e-13);
  measure("x = 0.3", 0.6, 1e-3);
  measure("x = -0.5 & y = -0.5", 1, 0);
  ck_petsc(sample("disks", "sobol", 400, &points));
  ck_assert_int_eq(points.n, 400);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 2 * p, *n = points.normal + 2 * p;
    const double center[2] = {x[0] > 0 ? 0.3 : -0.3, x[1] > 0 ? 0.3 : -0.3};
    ck_near(hypot(x[0] - center[0], x[1] - center[1]), 0.1, 1e-14, 0);
    for (int c = 0; c < 2; c++) ck_near(n[c], (center[c] - x[c]) / 0.1, 0, 1e-13); /* out of the domain */
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

/* Two unit disks at distance one: lens 2 pi/3 - sqrt(3)/2, arcs of 2 pi/3 inside one another. */
START_TEST(lenses_have_closed_forms)
{
  const double pi = PETSC_PI, lens = 2 * pi / 3 - sqrt(3) / 2;
  const struct {
    const char *type;
    double area, a, b;
  } cases[] = {{"union", 2 * pi - lens, 4 * pi / 3, 4 * pi / 3},
               {"intersection", lens, 2 * pi / 3, 2 * pi / 3},
               {"difference", pi - lens, 4 * pi / 3, 2 * pi / 3}};
  for (int k = 0; k < 3; k++) {
    char text[512];
    snprintf(text, sizeof(text),
             "type = \"%s\"; of = ( { name = \"a\"; type = \"ball\"; }, { name = \"b\"; type = \"ball\"; center = "
             "[ 1.0, 0.0 ]; } ); ",
             cases[k].type);
    ck_petsc(FixtureLoad("x y", text, &fixture));
    double value, error;
    DomainMeasure(fixture.domain, &value, &error);
    ck_near(value, cases[k].area, 0, 1e-3);
    ck_assert(error > 0 && fabs(value - cases[k].area) < 4 * error);
    measure("a", cases[k].a, 1e-2);
    measure("b", cases[k].b, 1e-2);
    FixtureFree(&fixture);
  }
}
END_TEST

/* Flush faces: what two shapes share is no boundary between them, and counts once around them. */
START_TEST(faces_that_lie_on_each_other_count_once)
{
  ck_petsc(FixtureLoad("x y",
                       "type = \"union\"; of = ( { name = \"a\"; type = \"box\"; }, { name = \"b\"; type = \"box\"; "
                       "lower = [ 1.0, 0.0 ]; upper = [ 2.0, 1.0 ]; }, { name = \"c\"; type = \"box\"; lower = [ 0.5, "
                       "0.0 ]; upper = [ 1.5, 0.5 ]; } );",
                       &fixture));
  measure("walls", 6, 1e-2);
  measure("a", 3, 1e-13);
  measure("b", 3, 1e-13);
  ck_petsc_fails(sample("c", "sobol", 5, &(PointSet){0}), PETSC_ERR_USER_INPUT,
                 "selects no points: 'c' is not in the domain or on its boundary");
  measure("y = 0", 2, 1e-13);
  measure("x = 1", 1, 1e-2);
  FixtureFree(&fixture);
  ck_petsc(
      FixtureLoad("x y",
                  "type = \"difference\"; of = ( { name = \"a\"; type = \"box\"; lower = [ 0, 0 ]; upper = [ 4, 2 ]; "
                  "}, { name = \"step\"; type = \"box\"; lower = [ 0, 1 ]; upper = [ 2, 2 ]; } );",
                  &fixture));
  measure("step", 3, 1e-2);
  measure("walls", 12, 2e-2);
  measure("x = 0", 1, 1e-2);
  measure("y = 2", 2, 1e-2);
  measure("a", 9, 2e-2);
  FixtureFree(&fixture);
}
END_TEST

static size_t random_shape(RandomKey *key, int dim, int depth, char *text, size_t size)
{
  const double u = RandomUniform(*key, 0), a = 2 * RandomUniform(*key, 1) - 1, b = 2 * RandomUniform(*key, 2) - 1,
               c = 2 * RandomUniform(*key, 3) - 1, r = 0.4 + 0.6 * RandomUniform(*key, 4);
  static const char *const how[] = {"union", "intersection", "difference"};
  key->iteration++;
  if (depth) {
    size_t used = (size_t)snprintf(text, size, "type = \"%s\"; of = ( { ", how[(int)(3 * u)]);
    for (int k = 0; k < 2 + (a > 0.5); k++) {
      if (k) used += (size_t)snprintf(text + used, size - used, " }, { ");
      used += random_shape(key, dim, depth - 1, text + used, size - used);
    }
    return used + (size_t)snprintf(text + used, size - used, " } ); translate = %.3f; scale = %.3f;", 0.2 * b, r + 0.3);
  }
  if (dim == 2 && u < 0.3)
    return (size_t)snprintf(
        text, size, "type = \"ellipse\"; center = [ %.3f, %.3f ]; radii = [ %.3f, 0.5 ]; rotate = %.3f;", a, b, r, c);
  if (dim == 2 && u < 0.5)
    return (size_t)snprintf(text, size, "type = \"triangle\"; vertices = [ %.3f, %.3f, 1.0, 0.9, -0.8, %.3f ];", a,
                            b - 1, r);
  if (dim == 3 && u < 0.3)
    return (size_t)snprintf(text, size,
                            "type = \"cylinder\"; from = [ %.3f, %.3f, -1 ]; to = [ 0, 0.2, %.3f ]; radius = %.3f;", a,
                            b, r, r);
  if (dim == 3 && u < 0.5)
    return (size_t)snprintf(text, size, "type = \"torus\"; axis = [ %.3f, %.3f, %.3f ]; tube = %.3f;", a, b, c,
                            0.7 * r);
  if (u < 0.75) return (size_t)snprintf(text, size, "type = \"ball\"; center = %.3f; radius = %.3f;", 0.5 * a, r);
  return (size_t)snprintf(text, size, "type = \"box\"; lower = [ %.3f, -0.6%s ]; upper = 1.1;", 0.4 * a - 0.6,
                          dim > 2 ? ", -0.7" : "");
}

/* Flux of a field through the boundary = integral of its divergence: normals, acceptance, measures, both samplings. */
static void ck_divergence(int dim, const char *text)
{
  PointSet wall, inside;
  Region walls;
  double area, area_error, volume, volume_error, flux = 0, size = 0, divergence = 0, total = 0;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", "walls", &walls));
  RegionMeasure(walls, &area, &area_error);
  ck_petsc(RegionDestroy(&walls));
  DomainMeasure(fixture.domain, &volume, &volume_error);
  ck_petsc(sample("walls", "sobol", 20000, &wall));
  ck_petsc(sample("interior", "sobol", 20000, &inside));
  for (int p = 0; p < wall.n; p++) {
    const double *x = wall.x + p * dim, *n = wall.normal + p * dim;
    double field = n[0] * sin(2 * x[1]) + n[1] * x[1] * x[1] * x[0];
    for (int c = 0; c < dim; c++) field += n[c] * x[c];
    ck_assert(DomainContains(fixture.domain, x));
    ck_near(DomainDistance(fixture.domain, x), 0, 0, 1e-8);
    flux += field * area / wall.n;
    size += fabs(field) * area / wall.n;
  }
  for (int p = 0; p < inside.n; p++) {
    const double *x = inside.x + p * dim;
    ck_assert(DomainDistance(fixture.domain, x) < 0);
    divergence += (dim + 2 * x[0] * x[1]) * volume / inside.n;
    total += fabs(dim + 2 * x[0] * x[1]) * volume / inside.n;
  }
  ck_assert_msg(fabs(flux - divergence) < 4e-3 * size + 4e-3 * total + 6 * volume_error + 6 * area_error * size / area,
                "%s: flux %g, divergence %g", text, flux, divergence);
  ck_petsc(PointSetDestroy(&wall));
  ck_petsc(PointSetDestroy(&inside));
}

START_TEST(random_combinations_satisfy_the_divergence_theorem)
{
  int empty = 0;
  for (uint32_t k = 0; k < 24; k++) {
    RandomKey key = {k, RANDOM_TEST, 3, 0};
    char text[4096];
    const int dim = k % 2 ? 3 : 2;
    random_shape(&key, dim, 1 + k % 3 / 2, text, sizeof(text));
    PetscPushErrorHandler(TestSilentHandler, NULL);
    const PetscErrorCode code = FixtureLoad(dim == 2 ? "x y" : "x y z", text, &fixture);
    PetscPopErrorHandler();
    if (code) {
      ck_assert_msg(strstr(TestErrorText(), "the domain is empty") != NULL, "%s: %s", text, TestErrorText());
      empty++;
      continue;
    }
    ck_divergence(dim, text);
    FixtureFree(&fixture);
  }
  ck_assert_int_lt(empty, 8);
}
END_TEST

/* The estimated measure against a fine grid, and its error bar. */
START_TEST(random_combinations_have_the_measure_of_a_fine_grid)
{
  for (uint32_t k = 0; k < 12; k++) {
    RandomKey key = {k, RANDOM_TEST, 3, 0};
    char text[4096];
    const double *lower, *upper;
    double value, error;
    int count = 0;
    random_shape(&key, 2, 1 + k % 3 / 2, text, sizeof(text));
    PetscPushErrorHandler(TestSilentHandler, NULL);
    const PetscErrorCode code = FixtureLoad("x y", text, &fixture);
    PetscPopErrorHandler();
    if (code) continue;
    DomainBounds(fixture.domain, &lower, &upper);
    DomainMeasure(fixture.domain, &value, &error);
    const double area = (upper[0] - lower[0]) * (upper[1] - lower[1]);
    for (int i = 0; i < 1000000; i++) {
      const double x[2] = {lower[0] + (upper[0] - lower[0]) * (i % 1000 + 0.5) / 1000,
                           lower[1] + (upper[1] - lower[1]) * (i / 1000 + 0.5) / 1000};
      count += DomainDistance(fixture.domain, x) < 0;
    }
    ck_near(value, area * count / 1e6, 0, 5 * error + 3e-4 * area);
    FixtureFree(&fixture);
  }
}
END_TEST

/* The distance never exceeds the true one: a ball of that size holds no boundary point. */
START_TEST(distances_of_combinations_are_bounds)
{
  const RandomKey key = {3, RANDOM_TEST, 9, 0};
  PointSet wall;
  ck_petsc(FixtureLoad("x y", HOLES, &fixture));
  ck_petsc(sample("walls", "sobol", 3000, &wall));
  for (int i = 0; i < 500; i++) {
    const double x[2] = {1.4 * RandomUniform(key, (uint64_t)(2 * i)) - 0.7,
                         1.4 * RandomUniform(key, (uint64_t)(2 * i + 1)) - 0.7};
    const double d = DomainDistance(fixture.domain, x);
    double nearest = INFINITY;
    for (int p = 0; p < wall.n; p++) nearest = fmin(nearest, hypot(x[0] - wall.x[2 * p], x[1] - wall.x[2 * p + 1]));
    ck_assert(fabs(d) <= nearest + 1e-12);
    if (d < 0) ck_near(nearest, -d, 0, 0.01); /* exact inside a difference */
  }
  ck_petsc(PointSetDestroy(&wall));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(every_sampler_fills_a_combination_or_says_why_not)
{
  const char *const samplers[] = {"sobol", "halton", "latin-hypercube", "uniform", "grid"};
  ck_petsc(FixtureLoad("x y t", HOLES " time = [ 0, 2 ];", &fixture));
  for (int k = 0; k < 5; k++) {
    PointSet points;
    double mean[3] = {0}, square = 0;
    ck_petsc(sample("interior", samplers[k], 4000, &points));
    if (k < 4) ck_assert_int_eq(points.count, 4000);
    ck_assert(abs(points.count - 4000) < 800);
    for (int p = 0; p < points.n; p++) {
      for (int c = 0; c < 3; c++) mean[c] += points.x[3 * p + c] / points.n;
      square += PetscSqr(points.x[3 * p]) / points.n;
      ck_assert(DomainDistance(fixture.domain, points.x + 3 * p) < 0);
    }
    ck_near(mean[0], 0, 0, 0.015);
    ck_near(mean[1], 0, 0, 0.015);
    ck_near(mean[2], 1, 0, 0.03);
    ck_near(square, (1.0 / 12 - 0.04 * PETSC_PI * (0.09 + 0.0025)) / (1 - 0.04 * PETSC_PI), k == 4 ? 0.2 : 0.04,
            0); /* an interior grid leaves the rim out */
    ck_petsc(PointSetDestroy(&points));
  }
  ck_petsc_fails(sample("interior", "chebyshev", 100, &(PointSet){0}), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: sampler 'chebyshev' needs a box, or a shape with a smooth map onto it; "
                 "use one of sobol, halton, latin-hypercube, uniform, grid");
  FixtureFree(&fixture);
}
END_TEST

START_TEST(ball_without_a_ball_in_five_dimensions)
{
  PointSet points;
  double value, error;
  ck_petsc(FixtureLoad("x[5] t",
                       "type = \"difference\"; time = [ 0, 1 ]; of = ( { type = \"ball\"; }, { name = \"core\"; type = "
                       "\"ball\"; radius = 0.5; } );",
                       &fixture));
  DomainMeasure(fixture.domain, &value, &error);
  ck_near(value, 8 * PETSC_PI * PETSC_PI / 15 * 31 / 32, 1e-12, 0);
  ck_petsc(sample("interior", "sobol", 5000, &points));
  for (int p = 0; p < points.n; p++) {
    double square = 0;
    for (int c = 0; c < 5; c++) square += PetscSqr(points.x[6 * p + c]);
    ck_assert(square > 0.25 && square < 1);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(wrong_combinations_are_explained)
{
  const char *const wrong[][2] = {
      {"type = \"intersection\"; of = ( { type = \"ball\"; }, { type = \"ball\"; center = 5.0; } );",
       "case.cfg:2: domain: the domain is empty"},
      {"type = \"difference\"; of = ( { type = \"ball\"; }, { type = \"box\"; lower = -2.0; upper = 2.0; } );",
       "the domain is empty: none of 65536 points"},
      {"type = \"union\"; of = ( );", "case.cfg:2: domain.of: the list is empty"},
      {"type = \"union\";", "case.cfg:2: domain: the required key 'of' is missing"},
      {"type = \"union\"; of = ( { type = \"bal\"; } );", "did you mean 'ball'?"},
      {"type = \"union\"; of = ( { radius = 1.0; } );", "domain.of[0]: the required key 'type' is missing"},
      {"type = \"union\"; of = ( { type = \"union\"; of = ( { type = \"ball\"; raduis = 1.0; } ); } );",
       "unknown key 'raduis' in domain.of[] (did you mean 'radius'?"},
      {"type = \"union\"; of = ( { type = \"ball\"; name = \"a\"; }, { type = \"ball\"; name = \"a\"; } );",
       "case.cfg:2: domain.of[1]: the name 'a' is taken"},
  };
  for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
    ck_petsc_fails(FixtureLoad("x y", wrong[k][0], &fixture), PETSC_ERR_USER_INPUT, wrong[k][1]);
  ck_petsc(FixtureLoad("x y", HOLES, &fixture));
  ck_petsc_fails(sample("squar", "sobol", 5, NULL), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: unknown selection 'squar' (did you mean 'square'? known: interior, boundary, walls, ");
  ck_petsc_fails(sample("square.x.lowr", "sobol", 5, NULL), PETSC_ERR_USER_INPUT, "did you mean 'square.x.lower'?");
  ck_petsc_fails(sample("x = 7", "sobol", 5, NULL), PETSC_ERR_USER_INPUT, "x = 7 lies outside [-0.5, 0.5]");
  ck_petsc_fails(sample("x = 0.3 & y = 0.3", "sobol", 5, NULL), PETSC_ERR_USER_INPUT, "cannot hold together");
  FixtureFree(&fixture);
}
END_TEST

START_TEST(uncovered_faces_are_listed)
{
  Region regions[3];
  char text[256];
  ck_petsc(FixtureLoad("x y t", HOLES " time = [ 0, 2 ];", &fixture));
  ck_petsc(RegionCreate(fixture.domain, "", "square", &regions[0]));
  ck_petsc(RegionCreate(fixture.domain, "", "disks[1] | disks[0] | disks[3] & t = 0", &regions[1]));
  ck_petsc(RegionCreate(fixture.domain, "", "t = 0", &regions[2]));
  ck_petsc(DomainUncovered(fixture.domain, 3, regions, text, sizeof(text)));
  ck_assert_str_eq(text, "disks[2], disks[3]");
  ck_petsc(DomainUncovered(fixture.domain, 1, regions, text, sizeof(text)));
  ck_assert_str_eq(text, "disks[0], disks[1], disks[2], disks[3], t = 0");
  ck_petsc(DomainUncovered(fixture.domain, 2, regions + 1, text, sizeof(text)));
  ck_assert_str_eq(text, "square.x.lower, square.x.upper, square.y.lower, square.y.upper, disks[2], disks[3]");
  for (int r = 0; r < 3; r++) ck_petsc(RegionDestroy(&regions[r]));
  FixtureFree(&fixture);
  ck_petsc(FixtureLoad("x t", "", &fixture));
  ck_petsc(RegionCreate(fixture.domain, "", "x = 0", &regions[0]));
  ck_petsc(DomainUncovered(fixture.domain, 1, regions, text, sizeof(text)));
  ck_assert_str_eq(text, "x = 1, t = 0");
  ck_petsc(RegionDestroy(&regions[0]));
  FixtureFree(&fixture);
}
END_TEST

TEST_SUITE("points solid", square_without_disks, lenses_have_closed_forms, faces_that_lie_on_each_other_count_once,
           random_combinations_satisfy_the_divergence_theorem, random_combinations_have_the_measure_of_a_fine_grid,
           distances_of_combinations_are_bounds, every_sampler_fills_a_combination_or_says_why_not,
           ball_without_a_ball_in_five_dimensions, wrong_combinations_are_explained, uncovered_faces_are_listed)
