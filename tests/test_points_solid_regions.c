/* Shapes that cut a domain in regions: volumes, surfaces with normals, and who owns what. */
#include "points_fixture.h"

static Fixture fixture;

static PetscErrorCode sample(const char *on, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, "sobol"), 1, &count, {5, RANDOM_TEST, 0, 0}};
  Region region;
  PetscFunctionBegin;
  PetscCall(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  PetscCall(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  PetscCall(RegionDestroy(&region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void measure(const char *on, double expected, double allowed)
{
  Region region;
  double value, error;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  RegionMeasure(region, &value, &error);
  ck_near(value, expected, 0, allowed);
  ck_petsc(RegionDestroy(&region));
}

static int find(const char *name)
{
  int region;
  ck_petsc(DomainFindRegion(fixture.domain, "case.cfg:9", name, &region));
  return region;
}

/* A disk that reaches over the edge of a square, and a ring around the origin behind it: the disk comes first. */
START_TEST(regions_share_the_domain)
{
  const double pi = PETSC_PI;
  PointSet points;
  ck_petsc(FixtureLoad("x y t",
                       "type = \"box\"; lower = -1.0; upper = 1.0; time = [0.0, 2.0];\n"
                       "regions = ( { name = \"disk\"; type = \"ball\"; center = [1.0, 0.0]; radius = 0.5; },\n"
                       "  { name = \"ring\"; type = \"difference\"; of = ( { type = \"ball\"; radius = 0.5; },\n"
                       "    { type = \"ball\"; radius = 0.25; } ); } );",
                       &fixture));
  measure("disk & t = 0", 0.125 * pi, 2e-3);
  measure("ring & t = 0", 0.1875 * pi, 2e-3);
  measure("rest & t = 0", 4 - 0.3125 * pi, 1e-2);
  measure("interior", 8, 1e-12);
  measure("boundary", 16 + 8, 1e-12);
  measure("disk.surface & t = 1", 0.5 * pi, 2e-3);
  measure("ring.surface & t = 1", 1.5 * pi, 5e-3);
  const int disk = find("disk"), ring = find("ring"), rest = find("rest");
  ck_petsc(sample("ring.surface", 400, &points));
  ck_assert_int_eq(points.n, 400);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p, *n = points.normal + 3 * p, r = hypot(x[0], x[1]);
    const double out = r > 0.4 ? 1 : -1;
    ck_near(r, out > 0 ? 0.5 : 0.25, 1e-13, 0);
    for (int c = 0; c < 2; c++) ck_near(n[c], out * x[c] / r, 0, 1e-13);
    ck_assert(n[2] == 0);
  }
  ck_petsc(PointSetDestroy(&points));
  ck_petsc(sample("disk.surface", 100, &points));
  for (int p = 0; p < points.n; p++) ck_assert(points.x[3 * p] < 1 && points.normal[3 * p] < 0);
  ck_petsc(PointSetDestroy(&points));
  ck_petsc(sample("rest", 500, &points));
  ck_assert(points.normal == NULL);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p, r = hypot(x[0], x[1]);
    ck_assert(hypot(x[0] - 1, x[1]) > 0.5 && (r > 0.5 || r < 0.25));
    ck_assert(DomainRegionContains(fixture.domain, rest, x) && !DomainRegionContains(fixture.domain, disk, x));
    ck_assert(!DomainRegionContains(fixture.domain, ring, x));
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

/* Overlapping shapes: what both hold is the first one's, and so is the surface between them. */
START_TEST(the_first_of_two_has_what_both_hold)
{
  PointSet points;
  ck_petsc(FixtureLoad("x y",
                       "type = \"ball\"; radius = 2.0;\n"
                       "regions = ( { name = \"a\"; type = \"box\"; lower = [-1.0, -0.5]; upper = [0.0, 0.5]; },\n"
                       "  { name = \"b\"; type = \"box\"; lower = [-0.5, -0.5]; upper = [1.0, 0.5]; } );",
                       &fixture));
  measure("a", 1, 2e-3);
  measure("b", 1, 3e-3);
  measure("a.surface", 4, 1e-2);
  measure("b.surface", 3, 1e-2); /* without its left side and the lower half of what lies on a's */
  ck_petsc(sample("b", 200, &points));
  for (int p = 0; p < points.n; p++) ck_assert(points.x[2 * p] > 0);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(wrong_regions_are_explained)
{
  static const struct {
    const char *domain, *message;
  } rows[] = {
      {"type = \"box\"; regions = ( { type = \"ball\"; } );", "a region needs a name"},
      {"type = \"box\"; regions = ( { name = \"x\"; type = \"ball\"; } );", "'x' is no name for a region"},
      {"type = \"box\"; regions = ( { name = \"walls\"; type = \"ball\"; } );", "the name 'walls' is taken"},
  };
  Region region;
  for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
    ck_petsc_fails(FixtureLoad("x y", rows[k].domain, &fixture), PETSC_ERR_USER_INPUT, rows[k].message);
  ck_petsc(FixtureLoad(
      "x y", "type = \"box\"; regions = ( { name = \"far\"; type = \"ball\"; center = [9.0, 9.0]; } );", &fixture));
  ck_petsc_fails(RegionCreate(fixture.domain, "case.cfg:9", "far", &region), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: selects no points: 'far' is not in the domain");
  FixtureFree(&fixture);
}
END_TEST

TEST_SUITE("points: regions", regions_share_the_domain, the_first_of_two_has_what_both_hold,
           wrong_regions_are_explained)
