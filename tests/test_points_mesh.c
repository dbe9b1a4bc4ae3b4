/* Meshes against the shapes they approximate, and files that are broken. Read from the folder meshes/. */
#include <unistd.h>
#include "../src/points/points_impl.h"
#include "points_fixture.h"

static Fixture fixture;
static char broken[64];

static void load(const char *coordinates, const char *file)
{
  char text[256];
  snprintf(text, sizeof(text), "type = \"mesh\"; file = \"meshes/%s\";%s", file,
           strchr(coordinates, 't') ? " time = [ 0, 2 ];" : "");
  ck_petsc(FixtureLoad(coordinates, text, &fixture));
}

static void draw(const char *on, const char *sampler, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, sampler), 1, &count, {5, RANDOM_TEST, 0, 0}};
  Region region;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  ck_petsc(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  ck_petsc(RegionDestroy(&region));
}

static double measure(const char *on)
{
  Region region;
  double value, error;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  RegionMeasure(region, &value, &error);
  ck_petsc(RegionDestroy(&region));
  return value;
}

/* Area and perimeter of inscribed polygons approach the disk's with the square of the edge. */
START_TEST(meshes_of_a_disk_converge_to_the_disk)
{
  const char *const files[] = {"disk.msh", "disk_v2.msh", "disk_fine.msh"};
  double area[3], rim[3];
  for (int k = 0; k < 3; k++) {
    PointSet points;
    load("x y", files[k]);
    area[k] = PETSC_PI - measure("disk");
    rim[k] = 2 * PETSC_PI - measure("rim");
    ck_near(measure("interior"), measure("disk"), 1e-14, 0);
    draw("rim", "sobol", 500, &points);
    for (int p = 0; p < points.n; p++) {
      const double *x = points.x + 2 * p, r = hypot(x[0], x[1]);
      ck_near(r, 1, 0, 0.003);
      for (int c = 0; c < 2; c++) ck_near(points.normal[2 * p + c], x[c] / r, 0, 0.09);
      ck_near(DomainDistance(fixture.domain, x), 0, 0, 1e-14);
      ck_assert(DomainContains(fixture.domain, (double[]){0.999 * x[0], 0.999 * x[1]}));
      ck_assert(!DomainContains(fixture.domain, (double[]){1.003 * x[0], 1.003 * x[1]}));
    }
    ck_petsc(PointSetDestroy(&points));
    ck_near(DomainDistance(fixture.domain, (double[]){0.3, 0.4}), -0.5, 0, 0.004);
    ck_near(DomainDistance(fixture.domain, (double[]){3, 4}), 4, 0, 0.004);
    FixtureFree(&fixture);
  }
  ck_near(area[0], area[1], 1e-6, 0);
  ck_assert(area[0] > 0 && area[0] < 0.02 && rim[0] > 0);
  ck_near(area[0] / area[2], 4, 0.15, 0);
  ck_near(rim[0] / rim[2], 4, 0.15, 0);
}
END_TEST

START_TEST(points_of_a_mesh_are_uniform)
{
  static int bin[256], edge[64];
  PointSet points;
  load("x y", "disk_fine.msh");
  draw("interior", "uniform", 30000, &points);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 2 * p, r = hypot(x[0], x[1]);
    ck_assert(DomainContains(fixture.domain, x));
    bin[16 * PetscMin((int)(16 * r * r), 15) + (int)(16 * (atan2(x[1], x[0]) / (2 * PETSC_PI) + 0.5)) % 16]++;
  }
  ck_uniform(bin, 240); /* the last ring is cut by the polygon */
  ck_petsc(PointSetDestroy(&points));
  draw("rim", "uniform", 20000, &points);
  for (int p = 0; p < points.n; p++)
    edge[(int)(64 * (atan2(points.x[2 * p + 1], points.x[2 * p]) / (2 * PETSC_PI) + 0.5)) % 64]++;
  ck_uniform(edge, 64);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
  const char *const cubes[] = {"cube.msh", "cube_tets.msh"};
  for (int k = 0; k < 2; k++) {
    static int cell[512];
    memset(cell, 0, sizeof(cell));
    load("x y z", cubes[k]);
    ck_near(measure("cube"), 1, 1e-13, 0);
    ck_near(measure("sides"), 4, 1e-13, 0);
    ck_near(measure("z = 1"), 1, 1e-13, 0);
    draw("interior", "uniform", 30000, &points);
    for (int p = 0; p < points.n; p++) {
      const double *x = points.x + 3 * p;
      ck_assert(DomainContains(fixture.domain, x));
      cell[64 * (int)(8 * x[0]) + 8 * (int)(8 * x[1]) + (int)(8 * x[2])]++;
      const double rim = fmin(fmin(fmin(x[0], 1 - x[0]), fmin(x[1], 1 - x[1])), fmin(x[2], 1 - x[2]));
      if (p < 200) ck_near(DomainDistance(fixture.domain, x), -rim, 0, 1e-13);
    }
    ck_uniform(cell, 512);
    ck_petsc(PointSetDestroy(&points));
    draw("top | sides", "sobol", 500, &points);
    for (int p = 0; p < points.n; p++) {
      const double *x = points.x + 3 * p, *n = points.normal + 3 * p;
      for (int c = 0; c < 3; c++)
        if (fabs(n[c]) > 0.5) ck_near(x[c], n[c] > 0 ? 1 : 0, 0, 1e-14);
    }
    ck_petsc(PointSetDestroy(&points));
    ck_near(DomainDistance(fixture.domain, (double[]){2, 3, 0.5}), sqrt(5), 1e-13, 0);
    ck_assert(!DomainContains(fixture.domain, (double[]){0.5, 0.5, 1.0001}));
    FixtureFree(&fixture);
  }
}
END_TEST

START_TEST(groups_are_regions_and_faces)
{
  char text[256];
  Region region;
  PointSet points;
  load("x y t", "square_hole.msh");
  ck_near(measure("right"), 1, 1e-13, 0);
  ck_near(measure("outer"), 8, 1e-13, 0);
  ck_near(measure("interface"), 2, 1e-13, 0);
  ck_near(measure("walls"), 8 + measure("hole"), 1e-13, 0);
  ck_near(measure("boundary"), measure("walls") + measure("interior"), 1e-13, 0);
  ck_near(measure("t = 0 & left") + 0.5, measure("t = 0"), 1e-12, 0);
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", "interface", &region));
  ck_assert(RegionHasNormals(region));
  ck_petsc(DomainUncovered(fixture.domain, 1, &region, text, sizeof(text)));
  ck_assert_str_eq(text, "outer, hole, t = 0");
  ck_petsc(RegionDestroy(&region));
  draw("interface", "sobol", 50, &points);
  for (int p = 0; p < points.n; p++) { /* out of "left", whose number is the smaller one */
    ck_near(points.x[3 * p], 0.5, 0, 1e-14);
    ck_near(points.normal[3 * p], 1, 0, 1e-14);
  }
  ck_petsc(PointSetDestroy(&points));
  int left, hole;
  ck_petsc(DomainFindRegion(fixture.domain, "case.cfg:9", "left", &left));
  ck_assert(DomainRegionContains(fixture.domain, left, (double[]){0.05, 0.1, 0.3}));
  ck_assert(!DomainRegionContains(fixture.domain, left, (double[]){0.9, 0.1, 0.3}));
  ck_petsc_fails(DomainFindRegion(fixture.domain, "case.cfg:9", "hole", &hole), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: 'hole' is no region of the domain");
  draw("hole", "sobol", 200, &points);
  for (int p = 0; p < points.n; p++) /* into the hole */
    ck_assert((0.25 - points.x[3 * p]) * points.normal[3 * p] + (0.5 - points.x[3 * p + 1]) * points.normal[3 * p + 1] >
              0.13);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
  load("x y", "back_step.msh");
  ck_near(measure("fluid"), 6, 1e-13, 0);
  ck_near(measure("inlet"), 1, 1e-13, 0);
  ck_near(measure("x = 4"), 2, 1e-13, 0);
  ck_assert(!DomainContains(fixture.domain, (double[]){1, 1.5}));
  ck_petsc_fails(RegionCreate(fixture.domain, "case.cfg:9", "inlt", &region), PETSC_ERR_USER_INPUT,
                 "case.cfg:9: unknown selection 'inlt' (did you mean 'inlet'? known: interior, boundary, walls, ");
  FixtureFree(&fixture);
}
END_TEST

/* A mesh in text: two triangles of the unit square, with changes. */
static PetscErrorCode load_text(const char *coordinates, const char *names, const char *nodes, const char *elements,
                                const char *end)
{
  char text[256];
  snprintf(broken, sizeof(broken), "/tmp/pinn-mesh-%d.msh", (int)getpid());
  FILE *stream = fopen(broken, "w");
  fprintf(stream,
          "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n%s$Nodes\n4\n1 0 0 0\n2 1 0 0\n%s4 0 1 0\n$EndNodes\n$Elements\n%s%s",
          names, nodes, elements, end);
  fclose(stream);
  snprintf(text, sizeof(text), "type = \"mesh\"; file = \"%s\";", broken);
  const PetscErrorCode code = FixtureLoad(coordinates, text, &fixture);
  unlink(broken);
  return code;
}

START_TEST(broken_meshes_are_explained)
{
  const char *names = "$PhysicalNames\n2\n1 1 \"rim\"\n2 2 \"body\"\n$EndPhysicalNames\n", *node = "3 1 1 0\n",
             *elements = "4\n1 1 2 1 1 1 2\n2 1 2 1 1 2 3\n3 2 2 2 1 1 2 3\n4 2 2 2 1 1 3 4\n", *end = "$EndElements\n";
  ck_petsc(load_text("x y", names, node, elements, end));
  ck_near(measure("body"), 1, 1e-14, 0);
  ck_near(measure("rim"), 2, 1e-14, 0);
  ck_near(measure("walls"), 4, 1e-14, 0);
  FixtureFree(&fixture);
  const struct {
    const char *coordinates, *names, *node, *elements, *end, *message;
  } wrong[] = {
      {"x y", "", node, elements, end, "has no name: write Physical Surface(\"NAME\", 2) in its .geo"},
      {"x y", "$PhysicalNames\n1\n2 2 \"body\"\n$EndPhysicalNames\n", node, elements, end,
       "physical group 1 of mesh '/tmp/pinn-mesh-"},
      {"x y z", names, node, elements, end, "has 2 dimensions, but the case has 3 coordinates of space"},
      {"x", names, node, elements, end, "a mesh lies in two or three dimensions, but the case has 1 of space"},
      {"x y", names, "3 0.2 0.2 0\n", "2\n3 2 2 2 1 1 2 4\n4 2 2 2 1 1 3 4\n", end,
       "has an inverted cell: cells 1 and 2 lie on the same side of the facet between them"},
      {"x y", names, "3 0.5 0 0\n", "1\n3 2 2 2 1 1 2 3\n", end, "cell 1 of mesh '/tmp/pinn-mesh-"},
      {"x y", names, node, "1\n3 3 2 2 1 1 3 2 4\n", end, "is inverted: its faces cross"},
      {"x y", names, node, elements, "", "is truncated: it has no $EndElements"},
      {"x y", names, node, "900\n1 1 2 1 1 1 2\n", end, "cannot read mesh '/tmp/pinn-mesh-"},
      {"x y", names, node, "2\n3 2 2 2 1 1 2 77\n4 2 2 2 1 1 3 4\n", end,
       ".msh': element 3 has node 77, which there is not"},
      {"x y", "$PhysicalNames\n2\n1 1 \"x\"\n2 2 \"body\"\n$EndPhysicalNames\n", node, elements, end,
       "the physical group 'x' of the mesh must not have the name of a coordinate"},
      {"x y", "$PhysicalNames\n2\n1 1 \"walls\"\n2 2 \"body\"\n$EndPhysicalNames\n", node, elements, end,
       "case.cfg:2: domain.file: the name 'walls' is taken"},
  };
  for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
    ck_petsc_fails(load_text(wrong[k].coordinates, wrong[k].names, wrong[k].node, wrong[k].elements, wrong[k].end),
                   PETSC_ERR_USER_INPUT, wrong[k].message);
  ck_petsc_fails(FixtureLoad("x y", "type = \"mesh\"; file = \"no-such.msh\";", &fixture), PETSC_ERR_USER_INPUT,
                 "case.cfg:2: domain.file: cannot read mesh 'no-such.msh': No such file or directory");
  ck_petsc_fails(FixtureLoad("x y", "type = \"mesh\"; file = \"Makefile\";", &fixture), PETSC_ERR_USER_INPUT,
                 "cannot read mesh 'Makefile': ");
  ck_petsc_fails(FixtureLoad("x y", "type = \"mesh\"; file = \"meshes\";", &fixture), PETSC_ERR_USER_INPUT,
                 "cannot read mesh 'meshes': ");
  ck_petsc_fails(FixtureLoad("x y", "type = \"union\"; of = ( { type = \"mesh\"; } );", &fixture), PETSC_ERR_USER_INPUT,
                 "a 'mesh' cannot be a part of a combination");
}
END_TEST

TEST_SUITE("points mesh", meshes_of_a_disk_converge_to_the_disk, points_of_a_mesh_are_uniform,
           groups_are_regions_and_faces, broken_meshes_are_explained)
