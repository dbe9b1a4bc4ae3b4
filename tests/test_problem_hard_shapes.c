/* Hard conditions on shapes, against points of their surfaces from the domain's own sampling: values there are exact,
   the functions are positive inside and rise with slope 1. */
#include <string.h>
#include "formula_fixture.h"
#include "pinn/points.h"
#include "pinn/problem.h"

static Config config;
static Problem problem;
static Domain domain;

static PetscErrorCode create(const char *coordinates, const char *conditions, const char *shape)
{
  char text[4096];
  PetscFunctionBegin;
  snprintf(text, sizeof(text),
           "problem: { coordinates = [%s]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u)\"; } );\n"
           "conditions = ( %s ); };\ndomain: { %s };",
           coordinates, conditions, shape);
  PetscCall(ConfigLoadText("test.cfg", text, 0, NULL, &config));
  PetscCall(ProblemCreate(config, &problem));
  PetscCall(DomainCreate(config, ProblemFormula(problem), &domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void destroy(void)
{
  ck_petsc(DomainDestroy(&domain));
  ck_petsc(ProblemDestroy(&problem));
  ck_petsc(ConfigDestroy(&config));
}

static void draw(const char *on, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, {5, RANDOM_TEST, 0, 0}};
  Region region;
  ck_petsc(RegionCreate(domain, "test.cfg", on, &region));
  ck_petsc(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  ck_petsc(RegionDestroy(&region));
}

static double field_at(const double x[])
{
  const FormulaNode node = ProblemField(problem, 0);
  double value;
  EvaluateNodes(ProblemFormula(problem), 1, &node, 1, x, NULL, 1, &value);
  return value;
}

/* D of u = D N with the values 0. */
static double function_at(const double x[])
{
  return field_at(x) / Wave(0, x, DomainDimension(domain), "");
}

#define ZERO "{ on = \"walls\"; residual = \"u\"; hard = true; }"

static const struct {
  const char *coordinates, *shape;
  bool slope; /* is 1 wherever the surface is smooth, some way from corners */
} shapes[] = {
    {"\"x\", \"y\"", "type = \"ball\"; center = [ 1.0, 2.0 ]; radius = 0.7;", true},
    {"\"x\", \"y\"", "type = \"ellipse\"; radii = [ 1.5, 0.4 ]; rotate = 0.4; translate = [ 0.5, 1.0 ];", true},
    {"\"x\", \"y\", \"z\"", "type = \"ellipsoid\"; radii = [ 1.0, 0.5, 0.7 ]; scale = 3.0;", true},
    {"\"x\", \"y\", \"z\"", "type = \"torus\"; radius = 1.0; tube = 0.3; axis = [ 1.0, 2.0, 0.5 ];", true},
    {"\"x\", \"y\"", "type = \"shell\"; radius = 1.0; inner = 0.4;", true},
    {"\"x\", \"y\", \"z\"", "type = \"cylinder\"; from = [ 0.0, 0.0, 0.0 ]; to = [ 1.0, 1.0, 0.0 ]; radius = 0.5;",
     false},
    {"\"x\", \"y\"", "type = \"triangle\"; vertices = [ 0.0, 0.0, 2.0, 0.3, 0.5, 1.5 ];", false},
    {"\"x\", \"y\"", "type = \"polygon\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.0, 2.0 ];",
     true},
    {"\"x\", \"y\"",
     "type = \"union\"; rotate = 0.3; scale = 2.0; of = ( { type = \"ball\"; radius = 0.7; }, "
     "{ type = \"ball\"; center = [ 0.8, 0.0 ]; radius = 0.5; }, "
     "{ type = \"box\"; lower = [ -1.5, -0.2 ]; upper = [ 0.0, 0.2 ]; } );",
     true},
    {"\"x\", \"y\"",
     "type = \"intersection\"; of = ( { type = \"ball\"; }, { type = \"ball\"; center = [ 0.8, 0.0 ]; } );", false},
    {"\"x\", \"y\"",
     "type = \"difference\"; of = ( { type = \"box\"; lower = -1.0; upper = 1.0; }, "
     "{ type = \"balls\"; centers = [ -0.5, -0.5, 0.4, 0.5 ]; radius = 0.3; }, "
     "{ type = \"box\"; lower = [ 0.2, -0.7 ]; upper = [ 0.6, -0.2 ]; rotate = 0.1; } );",
     false},
    {"\"x\", \"y\"",
     "type = \"difference\"; of = ( { type = \"ball\"; radius = 2.0; }, { type = \"difference\"; "
     "of = ( { type = \"ball\"; radius = 1.0; }, { type = \"ball\"; center = [ 0.6, 0.0 ]; radius = 0.7; } ); } );",
     false},
    {"\"x\", \"y\", \"z\"",
     "type = \"difference\"; of = ( { type = \"ball\"; radius = 2.0; }, { type = \"cylinder\"; from = [ 0.0, 0.0, -0.5 "
     "]; "
     "to = [ 0.0, 0.3, 0.5 ]; radius = 0.6; }, { type = \"shell\"; inner = 0.2; radius = 0.3; center = [ 1.2, 0.0, 0.0 "
     "]; } "
     ");",
     false},
};

START_TEST(functions_vanish_on_the_surface_alone)
{
  for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
    PointSet wall, inside;
    int steep = 0;
    ck_petsc(create(shapes[k].coordinates, ZERO, shapes[k].shape));
    const int dim = DomainDimension(domain);
    draw("walls", 300, &wall);
    draw("interior", 300, &inside);
    for (int p = 0; p < wall.n; p++) {
      double x[3];
      ck_assert_msg(fabs(function_at(wall.x + p * dim)) < 2e-7, "case %zu: %g", k, function_at(wall.x + p * dim));
      for (int c = 0; c < dim; c++) x[c] = wall.x[p * dim + c] - 1e-5 * wall.normal[p * dim + c];
      steep += fabs(function_at(x) / 1e-5 - 1) < 0.02;
    }
    for (int p = 0; p < inside.n; p++) {
      const double value = function_at(inside.x + p * dim), distance = -DomainDistance(domain, inside.x + p * dim);
      ck_assert_msg(value > 1e-3 * distance * distance, "case %zu: %g at a distance of %g", k, value, distance);
    }
    if (shapes[k].slope) ck_assert_msg(steep >= 290, "case %zu: %d of 300 have slope 1", k, steep);
    ck_petsc(PointSetDestroy(&wall));
    ck_petsc(PointSetDestroy(&inside));
    destroy();
  }
}
END_TEST

/* Every piece has its own values, and they are had exactly; rest [in] is what no condition is on. */
static void ck_values(const char *coordinates, const char *conditions, const char *shape, int n, const char *const on[],
                      double (*value)(int k, const double x[]))
{
  ck_petsc(create(coordinates, conditions, shape));
  const int dim = DomainDimension(domain);
  for (int k = 0; k < n; k++) {
    PointSet points;
    draw(on[k], 100, &points);
    for (int p = 0; p < points.n; p++) ck_near(field_at(points.x + p * dim), value(k, points.x + p * dim), 0, 3e-7);
    ck_petsc(PointSetDestroy(&points));
  }
  destroy();
}

static double disks(int k, const double x[])
{
  return k == 0 ? 1 : k == 1 ? x[0] : 3;
}
static double corners(int k, const double x[])
{
  return k == 0 ? x[0] * x[1] : k == 1 ? 2 : x[1] + 2 - x[0];
}
static double can(int k, const double x[])
{
  return k == 0 ? 1 : k == 1 ? 1 - x[3] : x[0];
}

START_TEST(pieces_have_their_values)
{
  ck_values("\"x\", \"y\"",
            "{ on = \"square\"; residual = \"u - 1\"; hard = true; }, "
            "{ on = \"disks[0]\"; residual = \"2*u - 2*x\"; hard = true; }, "
            "{ on = \"disks[1]\"; residual = \"u - 3\"; hard = true; }",
            "type = \"difference\"; of = ( { name = \"square\"; type = \"box\"; lower = -1.0; upper = 1.0; }, "
            "{ name = \"disks\"; type = \"balls\"; centers = [ -0.5, -0.5, 0.4, 0.5 ]; radius = 0.3; } );",
            3, (const char *const[]){"square", "disks[0]", "disks[1]"}, disks);
  ck_values("\"x\", \"y\"",
            "{ on = \"edge[0] | ell.edge[5]\"; residual = \"u - x*y\"; hard = true; }, "
            "{ on = \"edge[3]\"; residual = \"u - 2\"; hard = true; }",
            "name = \"ell\"; type = \"polygon\"; "
            "vertices = [ 0.0, 0.0, 2.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.0, 2.0 ];",
            2, (const char *const[]){"edge[0] | edge[5]", "edge[3]"}, corners);
  ck_values("\"x\", \"y\", \"z\", \"t\"",
            "{ on = \"can.side\"; residual = \"u - 1\"; hard = true; }, "
            "{ on = \"t = 0\"; residual = \"u - if(step(x^2 + y^2 - 0.1), 1, 1)\"; hard = true; }",
            "name = \"can\"; type = \"cylinder\"; from = [ 0.0, 0.0, 0.0 ]; to = [ 0.0, 0.0, 1.0 ]; radius = 0.5; "
            "time = [ 0.0, 2.0 ];",
            1, (const char *const[]){"side"}, can);
  /* a face of the hole alone: the other faces are free, so that the field is not the value there */
  ck_petsc(create("\"x\", \"y\"", "{ on = \"hole.x.lower\"; residual = \"u - 5\"; hard = true; }",
                  "type = \"difference\"; of = ( { type = \"ball\"; radius = 2.0; }, "
                  "{ name = \"hole\"; type = \"box\"; lower = -0.5; upper = 0.5; } );"));
  ck_near(field_at((double[]){-0.5, 0.2}), 5, 0, 1e-9);
  ck_assert(fabs(field_at((double[]){0.1, 0.5}) - 5) > 1e-3 && fabs(field_at((double[]){-0.5, 1.2}) - 5) > 1e-3);
  destroy();
}
END_TEST

/* However many surfaces one condition is on, its function rises alike from each. */
START_TEST(surfaces_far_apart_do_not_steepen_each_other)
{
  PointSet wall;
  ck_petsc(create("\"x\", \"y\"", "{ on = \"disks\"; residual = \"u\"; hard = true; }",
                  "type = \"difference\"; of = ( { type = \"box\"; lower = -0.5; upper = 0.5; }, "
                  "{ name = \"disks\"; type = \"balls\"; radius = 0.1; "
                  "centers = [ 0.3, 0.3, -0.3, 0.3, 0.3, -0.3, -0.3, -0.3 ]; } );"));
  draw("disks", 200, &wall);
  for (int p = 0; p < wall.n; p++) {
    double x[2];
    for (int c = 0; c < 2; c++) x[c] = wall.x[2 * p + c] - 1e-6 * wall.normal[2 * p + c];
    ck_near(function_at(x), 1e-6, 1e-3, 0);
  }
  ck_petsc(PointSetDestroy(&wall));
  destroy();
}
END_TEST

#define TWO_BALLS                                                                                                      \
  "type = \"union\"; of = ( { name = \"a\"; type = \"ball\"; }, { name = \"b\"; type = \"ball\"; center = [ 1.0, 0.0 " \
  "]; } );"

START_TEST(mistakes)
{
  static const struct {
    const char *conditions, *shape, *message;
  } cases[] = {
      {"{ name = \"one\"; on = \"edge[0]\"; residual = \"u - 1\"; hard = true; }, "
       "{ name = \"two\"; on = \"edge[1]\"; residual = \"u - y - 3\"; hard = true; }",
       "type = \"triangle\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 0.0, 1.0 ];",
       "the hard conditions 'one' and 'two' contradict each other where they meet: u is 1 by the one and 3 by the "
       "other"},
      {"{ name = \"one\"; on = \"edge[2]\"; residual = \"u - 1\"; hard = true; }, "
       "{ name = \"two\"; on = \"edge[3]\"; residual = \"u\"; hard = true; }",
       "type = \"polygon\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.0, 2.0 ];",
       "the hard conditions 'one' and 'two' contradict each other"},
      {"{ name = \"ball\"; on = \"ball\"; residual = \"u - 1\"; hard = true; }, "
       "{ name = \"cut\"; on = \"cut.x.lower\"; residual = \"u - x\"; hard = true; }",
       "type = \"difference\"; of = ( { name = \"ball\"; type = \"ball\"; }, "
       "{ name = \"cut\"; type = \"box\"; lower = [ 0.5, -2.0 ]; upper = 2.0; } );",
       "the hard conditions 'ball' and 'cut' contradict each other"},
      {"{ on = \"a\"; residual = \"u\"; hard = true; }, { on = \"walls\"; residual = \"u\"; hard = true; }",
       "type = \"intersection\"; of = ( { name = \"a\"; type = \"ball\"; }, { name = \"b\"; type = \"ball\"; } );",
       "a face has the values of a field from one hard condition"},
      {"{ on = \"a\"; residual = \"u\"; hard = true; }", TWO_BALLS,
       "holds on whole faces (\"x = 0\", \"x.lower\", \"walls\", a shape's name), not on 'a'"},
      {"{ on = \"walls\"; residual = \"u\"; hard = true; }", "type = \"mesh\"; file = \"meshes/disk.msh\";",
       "'walls' has a surface from a file"},
      {"{ on = \"walls\"; residual = \"u\"; hard = true; }",
       "type = \"union\"; of = ( { type = \"ball\"; }, { type = \"polygon\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 2.0, "
       "1.0, "
       "1.0, 1.0, 1.0, 2.0, 0.0, 2.0 ]; } );",
       "not on a union with it: a corner turns in"},
      {"{ on = \"x = 0\"; residual = \"u\"; hard = true; }",
       "type = \"triangle\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 0.0, 1.0 ];",
       "shapes and their faces are called by name with domain.type = \"triangle\""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ck_petsc_fails(create("\"x\", \"y\"", cases[i].conditions, cases[i].shape), PETSC_ERR_USER_INPUT, cases[i].message);
  }
  /* what agrees where it meets is taken */
  ck_petsc(create("\"x\", \"y\"",
                  "{ on = \"edge[0]\"; residual = \"u - x\"; hard = true; }, "
                  "{ on = \"edge[1]\"; residual = \"u - 2 + y*2\"; hard = true; }",
                  "type = \"triangle\"; vertices = [ 0.0, 0.0, 2.0, 0.0, 0.0, 1.0 ];"));
  destroy();
}
END_TEST

TEST_SUITE("problem hard shapes", functions_vanish_on_the_surface_alone, pieces_have_their_values,
           surfaces_far_apart_do_not_steepen_each_other, mistakes)
