/* Primitives against independent truth: implicit equations, boundary integrals, quadrature, and chi-square tests whose
   expected counts come from fine grids of the implicit equation or of a parametrization. */
#include "../src/points/points_impl.h"
#include "points_fixture.h"

typedef struct {
  const char *coordinates, *text;
  int dim;
  double volume, area;
  bool (*inside)(const double x[]);
} Case;

static Fixture fixture;

static bool in_ball(const double x[])
{
  return hypot(x[0] - 1, x[1] + 2) < 0.7;
}
static bool in_ellipse(const double x[])
{
  return PetscSqr((x[0] - 0.2) / 1.5) + PetscSqr((x[1] + 0.1) / 0.4) < 1;
}
static bool in_tall_ellipse(const double x[])
{
  return PetscSqr(x[0] / 0.3) + PetscSqr(x[1] / 1.1) < 1;
}
static bool in_ellipsoid(const double x[])
{
  return PetscSqr(x[0]) + PetscSqr(x[1] / 0.5) + PetscSqr((x[2] - 1) / 0.7) < 1;
}
static bool in_ring(const double x[])
{
  const double r = hypot(x[0], x[1]);
  return r > 0.5 && r < 1;
}
static bool in_shell(const double x[])
{
  const double r = hypot(hypot(x[0] - 1, x[1] - 1), x[2] - 1);
  return r > 0.6 && r < 1;
}
static bool in_cylinder(const double x[])
{
  const double along = (x[0] + x[1]) / sqrt(2);
  return along > 0 && along < sqrt(2) && x[0] * x[0] + x[1] * x[1] + x[2] * x[2] - along * along < 0.09;
}
static bool in_torus(const double x[])
{
  return hypot(hypot(x[1], x[2]) - 1, x[0]) < 0.3;
}
static bool in_triangle(const double x[])
{
  return x[1] > 0 && x[0] > 0 && x[0] / 2 + x[1] < 1;
}
/* An L: the unit square of side two without a corner. */
static bool in_polygon(const double x[])
{
  return x[0] > 0 && x[1] > 0 && x[0] < 2 && x[1] < 2 && (x[0] < 1 || x[1] < 1);
}
/* The triangle scaled by 2, turned by a right angle, moved by (1, 1). */
static bool in_moved(const double x[])
{
  const double y[2] = {(x[1] - 1) / 2, (1 - x[0]) / 2};
  return in_triangle(y);
}
static bool in_turned(const double x[])
{
  const double along = x[0] * 0.6 + x[1] * 0.8, across = x[1] * 0.6 - x[0] * 0.8;
  return PetscSqr(along) + PetscSqr(across / 0.5) < 1 && x[2] * x[2] < 1 &&
         PetscSqr(along) + PetscSqr(across / 0.5) + PetscSqr(x[2] / 0.25) < 1;
}

/* Trapezoidal rule of a periodic function: digits grow with the number of nodes. */
static double perimeter(double a, double b)
{
  double sum = 0;
  for (int k = 0; k < 400; k++) {
    const double q = 2 * PETSC_PI * k / 400;
    sum += hypot(a * sin(q), b * cos(q));
  }
  return sum * 2 * PETSC_PI / 400;
}

/* Area elements over latitude (Simpson in the height, which is smooth) and longitude (trapezoid). */
static double ellipsoid_area(double a, double b, double c)
{
  const int n = 2000, m = 200;
  double sum = 0;
  for (int i = 0; i <= n; i++) {
    const double z = -1 + 2.0 * i / n, ring = 1 - z * z, weight = i == 0 || i == n ? 1 : i % 2 ? 4 : 2;
    for (int j = 0; j < m; j++) {
      const double q = 2 * PETSC_PI * j / m;
      const double e2 = ring * (PetscSqr(cos(q) / a) + PetscSqr(sin(q) / b)) + PetscSqr(z / c);
      sum += weight * a * b * c * sqrt(e2);
    }
  }
  return sum * 2 / (3.0 * n) * 2 * PETSC_PI / m;
}

#define N_CASES 11
static void list_cases(Case cases[N_CASES])
{
  const double pi = PETSC_PI;
  const Case list[N_CASES] = {
      {"x y", "type = \"ball\"; center = [ 1.0, -2.0 ]; radius = 0.7;", 2, 0.49 * pi, 1.4 * pi, in_ball},
      {"x y", "type = \"ellipse\"; center = [ 0.2, -0.1 ]; radii = [ 1.5, 0.4 ];", 2, 0.6 * pi, perimeter(1.5, 0.4),
       in_ellipse},
      {"x y", "type = \"ellipse\"; radii = [ 0.3, 1.1 ];", 2, 0.33 * pi, perimeter(0.3, 1.1), in_tall_ellipse},
      {"x y z", "type = \"ellipsoid\"; center = [ 0.0, 0.0, 1.0 ]; radii = [ 1.0, 0.5, 0.7 ];", 3, 4 * pi / 3 * 0.35,
       ellipsoid_area(1, 0.5, 0.7), in_ellipsoid},
      {"x y", "type = \"shell\"; inner = 0.5;", 2, 0.75 * pi, 3 * pi, in_ring},
      {"x y z", "type = \"shell\"; center = 1.0; inner = 0.6;", 3, 4 * pi / 3 * (1 - 0.216), 4 * pi * 1.36, in_shell},
      {"x y z", "type = \"cylinder\"; from = [ 0.0, 0.0, 0.0 ]; to = [ 1.0, 1.0, 0.0 ]; radius = 0.3;", 3,
       0.09 * pi * sqrt(2), 0.6 * pi * sqrt(2) + 0.18 * pi, in_cylinder},
      {"x y z", "type = \"torus\"; axis = [ 1.0, 0.0, 0.0 ]; tube = 0.3;", 3, 2 * pi * pi * 0.09, 4 * pi * pi * 0.3,
       in_torus},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2 ];", 2, 3, 8, in_polygon},
      {"x y",
       "type = \"triangle\"; vertices = [ 0, 0, 0, 1, 2, 0 ]; scale = 2.0; rotate = \"pi/2\"; "
       "translate = [ 1.0, 1.0 ];",
       2, 4, 6 + 2 * sqrt(5), in_moved},
      {"x y z", "type = \"ellipsoid\"; radii = [ 1.0, 0.5, 0.25 ]; rotate = [ 0, 0, 0.92729521800161223 ];", 3,
       4 * pi / 3 * 0.125, ellipsoid_area(1, 0.5, 0.25), in_turned}};
  memcpy(cases, list, sizeof(list));
}

static void draw(const char *on, const char *sampler, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, sampler), 1, &count, {5, RANDOM_TEST, 0, 0}};
  Region region;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  ck_petsc(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  ck_petsc(RegionDestroy(&region));
}

START_TEST(measures_have_closed_forms)
{
  Case cases[N_CASES];
  list_cases(cases);
  for (int k = 0; k < N_CASES; k++) {
    Region walls;
    double measure, error;
    ck_petsc(FixtureLoad(cases[k].coordinates, cases[k].text, &fixture));
    DomainMeasure(fixture.domain, &measure, &error);
    ck_near(measure, cases[k].volume, 1e-13, 0);
    ck_near(error, 0, 0, 0);
    ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", "walls", &walls));
    RegionMeasure(walls, &measure, &error);
    ck_near(measure, cases[k].area, 1e-8, 0);
    ck_petsc(RegionDestroy(&walls));
    FixtureFree(&fixture);
  }
}
END_TEST

/* The divergence theorem for fields that are not linear: normals, areas and the uniformity of points in one. */
START_TEST(normals_satisfy_the_divergence_theorem)
{
  Case cases[N_CASES];
  list_cases(cases);
  for (int k = 0; k < N_CASES; k++) {
    const int dim = cases[k].dim;
    PointSet wall, inside;
    double flux = 0, divergence = 0, size = 0;
    ck_petsc(FixtureLoad(cases[k].coordinates, cases[k].text, &fixture));
    draw("walls", "sobol", 60000, &wall);
    draw("interior", "sobol", 60000, &inside);
    ck_assert_ptr_nonnull(wall.normal);
    for (int p = 0; p < wall.n; p++) {
      double square = 0, field = 0;
      for (int c = 0; c < dim; c++) {
        const double xc = wall.x[p * dim + c], nc = wall.normal[p * dim + c];
        square += nc * nc;
        field += nc * (xc + xc * xc * wall.x[p * dim] + sin(wall.x[p * dim + dim - 1]));
      }
      ck_near(square, 1, 1e-12, 0);
      ck_near(DomainDistance(fixture.domain, wall.x + p * dim), 0, 0, 2e-14);
      flux += field * cases[k].area / wall.n;
      size += fabs(field) * cases[k].area / wall.n;
    }
    for (int p = 0; p < inside.n; p++) {
      const double *x = inside.x + p * dim;
      double sum = dim + x[0] * x[0] + cos(x[dim - 1]);
      for (int c = 0; c < dim; c++) sum += 2 * x[c] * x[0];
      divergence += sum * cases[k].volume / inside.n;
    }
    ck_near(flux, divergence, 0, 2e-3 * size);
    ck_petsc(PointSetDestroy(&wall));
    ck_petsc(PointSetDestroy(&inside));
    FixtureFree(&fixture);
  }
}
END_TEST

/* At random points: the sign of the implicit equation; a foot on the boundary at that distance (x - d grad d); no point
   of the boundary nearer. */
START_TEST(distances_are_exact)
{
  Case cases[N_CASES];
  list_cases(cases);
  const RandomKey key = {7, RANDOM_TEST, 1, 0};
  for (int k = 0; k < N_CASES; k++) {
    const int dim = cases[k].dim;
    const double *lower, *upper;
    PointSet wall;
    int feet = 0;
    ck_petsc(FixtureLoad(cases[k].coordinates, cases[k].text, &fixture));
    draw("walls", "sobol", 4000, &wall);
    DomainBounds(fixture.domain, &lower, &upper);
    for (int i = 0; i < 300; i++) {
      double x[3], foot[3], nearest = INFINITY;
      for (int c = 0; c < dim; c++) {
        const double u = 1.4 * RandomUniform(key, (uint64_t)(3 * i + c)) - 0.2;
        x[c] = foot[c] = lower[c] + u * (upper[c] - lower[c]);
      }
      const double d = DomainDistance(fixture.domain, x);
      ck_assert_int_eq(d < 0, cases[k].inside(x));
      for (int c = 0; c < dim; c++) {
        double y[3] = {x[0], x[1], dim > 2 ? x[2] : 0};
        y[c] += 1e-6;
        double slope = DomainDistance(fixture.domain, y);
        y[c] -= 2e-6;
        slope -= DomainDistance(fixture.domain, y);
        foot[c] -= d * slope / 2e-6;
      }
      feet += fabs(DomainDistance(fixture.domain, foot)) < 1e-8;
      for (int p = 0; p < wall.n; p++) {
        double square = 0;
        for (int c = 0; c < dim; c++) square += PetscSqr(x[c] - wall.x[p * dim + c]);
        nearest = fmin(nearest, sqrt(square));
      }
      ck_assert_msg(nearest >= fabs(d) - 1e-12, "case %d: %g nearer than %g", k, nearest, d);
      ck_near(nearest, fabs(d), 0, dim == 2 ? 0.01 : 0.1);
    }
    ck_assert_msg(feet >= 297, "case %d: %d of 300 feet on the boundary", k, feet); /* but for points on the axis */
    ck_petsc(PointSetDestroy(&wall));
    FixtureFree(&fixture);
  }
}
END_TEST

#define CELLS 6
#define FINE  24

/* Cells of the bounding box; expected counts by a fine grid of the implicit equation. Thin cells are merged. */
static void ck_uniform_inside(const Case *test, const PointSet *points)
{
  const int dim = test->dim, n_cell = dim == 2 ? CELLS * CELLS : CELLS * CELLS * CELLS,
            fine = dim == 2 ? 8 * FINE : FINE;
  const double *lower, *upper;
  double expected[CELLS * CELLS * CELLS + 1] = {0}, total = 0, chi_square = 0;
  int count[CELLS * CELLS * CELLS + 1] = {0}, bins = 0;
  DomainBounds(fixture.domain, &lower, &upper);
  for (int cell = 0; cell < n_cell; cell++)
    for (int s = 0; s < (dim == 2 ? fine * fine : fine * fine * fine); s++) {
      double x[3];
      for (int c = 0, a = cell, b = s; c < dim; c++, a /= CELLS, b /= fine)
        x[c] = lower[c] + (upper[c] - lower[c]) * (a % CELLS + (b % fine + 0.5) / fine) / CELLS;
      expected[cell] += test->inside(x);
    }
  for (int p = 0; p < points->n; p++) {
    int cell = 0;
    ck_assert(test->inside(points->x + p * dim));
    for (int c = dim - 1; c >= 0; c--)
      cell = cell * CELLS + (int)(CELLS * (points->x[p * dim + c] - lower[c]) / (upper[c] - lower[c]));
    count[cell]++;
  }
  for (int cell = 0; cell < n_cell; cell++) total += expected[cell];
  for (int cell = 0; cell < n_cell; cell++) {
    const double mean = expected[cell] / total * points->n;
    const int to = mean < 30 ? n_cell : cell;
    if (to == n_cell) expected[to] += expected[cell], count[to] += count[cell];
  }
  for (int cell = 0; cell <= n_cell; cell++) {
    const double mean = expected[cell] / total * points->n;
    if (mean < 30) continue;
    bins++;
    chi_square += PetscSqr(count[cell] - mean) / mean;
  }
  const double p = gsl_cdf_chisq_Q(chi_square, bins - 1);
  ck_assert_msg(p > 1e-4, "'%s': chi-square %g of %d bins has probability %g", test->text, chi_square, bins, p);
}

START_TEST(interior_points_are_uniform)
{
  Case cases[N_CASES];
  list_cases(cases);
  for (int k = 0; k < N_CASES; k++) {
    PointSet points;
    ck_petsc(FixtureLoad(cases[k].coordinates, cases[k].text, &fixture));
    draw("interior", "uniform", 12000, &points);
    ck_uniform_inside(&cases[k], &points);
    ck_petsc(PointSetDestroy(&points));
    FixtureFree(&fixture);
  }
}
END_TEST

/* A patch of a parametrized surface: 16 x 8 cells of (a, b) in the unit square, areas by quadrature. */
typedef void (*Surface)(double a, double b, double x[3]);
typedef void (*Inverse)(const double x[3], double *a, double *b);

static void ellipsoid_point(double a, double b, double x[3])
{
  const double z = 2 * b - 1, ring = sqrt(1 - z * z);
  x[0] = ring * cos(2 * PETSC_PI * a);
  x[1] = 0.5 * ring * sin(2 * PETSC_PI * a);
  x[2] = 1 + 0.7 * z;
}
static void ellipsoid_inverse(const double x[3], double *a, double *b)
{
  *a = atan2(x[1] / 0.5, x[0]) / (2 * PETSC_PI);
  *b = ((x[2] - 1) / 0.7 + 1) / 2;
}
static void torus_point(double a, double b, double x[3])
{
  const double rho = 1 + 0.3 * cos(2 * PETSC_PI * b);
  x[0] = 0.3 * sin(2 * PETSC_PI * b);
  x[1] = rho * cos(2 * PETSC_PI * a);
  x[2] = rho * sin(2 * PETSC_PI * a);
}
static void torus_inverse(const double x[3], double *a, double *b)
{
  *a = atan2(x[2], x[1]) / (2 * PETSC_PI);
  *b = atan2(x[0], hypot(x[1], x[2]) - 1) / (2 * PETSC_PI);
}
static void ellipse_point(double a, double b, double x[3])
{
  x[0] = 0.2 + 1.5 * cos(2 * PETSC_PI * a), x[1] = -0.1 + 0.4 * sin(2 * PETSC_PI * a), x[2] = b;
}
static void ellipse_inverse(const double x[3], double *a, double *b)
{
  *a = atan2((x[1] + 0.1) / 0.4, (x[0] - 0.2) / 1.5) / (2 * PETSC_PI);
  *b = 0.5;
}

static double area_element(Surface surface, double a, double b)
{
  const double h = 1e-5;
  double p[3], q[3], r[3], s[3], e[3], f[3];
  surface(a + h, b, p), surface(a - h, b, q), surface(a, b + h, r), surface(a, b - h, s);
  for (int c = 0; c < 3; c++) e[c] = (p[c] - q[c]) / (2 * h), f[c] = (r[c] - s[c]) / (2 * h);
  return sqrt(PetscSqr(e[1] * f[2] - e[2] * f[1]) + PetscSqr(e[2] * f[0] - e[0] * f[2]) +
              PetscSqr(e[0] * f[1] - e[1] * f[0]));
}

static void ck_uniform_surface(const Case *test, Surface surface, Inverse inverse, int rows)
{
  enum { A = 16, B = 8, SUB = 40 };
  double area[A * B] = {0}, total = 0, chi_square = 0;
  int count[A * B] = {0};
  PointSet points;
  for (int cell = 0; cell < A * rows; cell++)
    for (int s = 0; s < SUB * SUB; s++)
      area[cell] +=
          area_element(surface, (cell % A + (s % SUB + 0.5) / SUB) / A, (cell / A + (s / SUB + 0.5) / SUB) / rows);
  for (int cell = 0; cell < A * rows; cell++) total += area[cell];
  ck_petsc(FixtureLoad(test->coordinates, test->text, &fixture));
  draw("walls", "uniform", 30000, &points);
  ck_assert_int_eq(points.n, 30000);
  for (int p = 0; p < points.n; p++) {
    double a, b;
    inverse(points.x + p * test->dim, &a, &b);
    a -= floor(a), b -= floor(b);
    count[(int)(a * A) + A * (int)(b * rows)]++;
  }
  for (int cell = 0; cell < A * rows; cell++)
    chi_square += PetscSqr(count[cell] - area[cell] / total * points.n) / (area[cell] / total * points.n);
  const double p = gsl_cdf_chisq_Q(chi_square, A * rows - 1);
  ck_assert_msg(p > 1e-4, "'%s': chi-square %g of %d bins has probability %g", test->text, chi_square, A * rows, p);
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}

START_TEST(surface_points_are_uniform)
{
  Case cases[N_CASES];
  list_cases(cases);
  ck_uniform_surface(&cases[3], ellipsoid_point, ellipsoid_inverse, 8);
  ck_uniform_surface(&cases[7], torus_point, torus_inverse, 8);
  ck_uniform_surface(&cases[1], ellipse_point, ellipse_inverse, 1);
}
END_TEST

START_TEST(faces_have_names)
{
  const struct {
    const char *coordinates, *text, *on;
    double area;
  } faces[] = {
      {"x y z", "type = \"cylinder\"; name = \"can\"; from = [ 0, 0, 0 ]; to = [ 0, 0, 2 ];", "top", PETSC_PI},
      {"x y z", "type = \"cylinder\"; name = \"can\"; from = [ 0, 0, 0 ]; to = [ 0, 0, 2 ];", "can.side", 4 * PETSC_PI},
      {"x y z", "type = \"cylinder\"; from = [ 0, 0, 0 ]; to = [ 0, 0, 2 ];", "z = 2", PETSC_PI},
      {"x y", "type = \"shell\"; inner = 0.5;", "inner", PETSC_PI},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 3, 0, 0, 4 ];", "edge[1]", 5},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 3, 0, 0, 4 ];", "x = 0", 4},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 3, 0, 0, 4 ];", "walls", 12},
      {"x y t", "type = \"ball\"; time = [ 0, 3 ];", "sphere", 6 * PETSC_PI},
      {"x y t", "type = \"ball\"; time = [ 0, 3 ];", "t = 0", PETSC_PI},
      {"t x y", "type = \"ball\"; time = [ 0, 3 ];", "boundary", 8 * PETSC_PI},
      {"x y t", "type = \"ball\"; time = [ 0, 3 ];", "sphere & t = 0", 2 * PETSC_PI},
      {"x y t", "type = \"ball\"; time = [ 0, 3 ];", "x = 0 & y = 0", 3},
      {"x t", "type = \"ball\"; time = [ 0, 3 ];", "walls", 6},
  };
  for (size_t k = 0; k < sizeof(faces) / sizeof(faces[0]); k++) {
    Region region;
    double measure, error;
    ck_petsc(FixtureLoad(faces[k].coordinates, faces[k].text, &fixture));
    ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", faces[k].on, &region));
    RegionMeasure(region, &measure, &error);
    ck_near(measure, faces[k].area, 1e-13, 0);
    ck_petsc(RegionDestroy(&region));
    FixtureFree(&fixture);
  }
}
END_TEST

/* A disk times an interval: uniform in time and in the disk, normals along t at its ends. */
START_TEST(time_is_a_factor)
{
  static int bin[256];
  PointSet points;
  ck_petsc(FixtureLoad("t x y", "type = \"ball\"; center = [ 5.0, 6.0 ]; time = [ 1.0, 3.0 ];", &fixture));
  draw("interior", "uniform", 40000, &points);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p, r = hypot(x[1] - 5, x[2] - 6), angle = atan2(x[2] - 6, x[1] - 5);
    ck_assert(DomainContains(fixture.domain, x));
    bin[64 * (int)(2 * (x[0] - 1)) + 8 * (int)(8 * r * r) + (int)(8 * (angle / (2 * PETSC_PI) + 0.5))]++;
  }
  ck_uniform(bin, 256);
  ck_petsc(PointSetDestroy(&points));
  draw("t = 1 | sphere", "sobol", 100, &points);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p, *n = points.normal + 3 * p;
    if (x[0] == 1)
      ck_assert(n[0] == -1 && n[1] == 0 && n[2] == 0);
    else
      ck_assert(n[0] == 0 && fabs(n[1] - x[1] + 5) < 1e-14 && fabs(n[2] - x[2] + 6) < 1e-14);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
}
END_TEST

START_TEST(wrong_shapes_are_explained)
{
  const char *const wrong[][3] = {
      {"x y t", "type = \"ball\";", "case.cfg:2: domain: the interval of t is missing: time = [ FIRST, LAST ]"},
      {"x y", "type = \"ball\"; time = [ 0, 1 ];", "domain.time: the coordinates have no t"},
      {"x y t", "type = \"ball\"; time = [ 1, 0 ];", "domain.time: two rising numbers are wanted"},
      {"x t y", "type = \"ball\"; time = [ 0, 1 ];", "t is neither the first nor the last coordinate"},
      {"t", "type = \"ball\"; time = [ 0, 1 ];", "t is the only coordinate: a shape lies in space"},
      {"x y z", "type = \"ellipse\"; radii = [ 1, 1 ];",
       "shape 'ellipse' lies in 2 dimensions, but the case has 3 coordinates of space"},
      {"x y", "type = \"torus\"; tube = 0.1;", "shape 'torus' lies in 3 dimensions"},
      {"x y z", "type = \"torus\"; tube = 1.5;", "the tube of radius 1.5 is not below the radius 1"},
      {"x y z", "type = \"torus\"; tube = 0.5; axis = [ 0, 0, 0 ];", "the axis has no direction"},
      {"x y z", "type = \"cylinder\"; from = [ 1, 1, 1 ]; to = [ 1, 1, 1 ];", "the cylinder ends where it begins"},
      {"x y", "type = \"shell\"; inner = 2.0;", "the inner radius 2 is not below the radius 1"},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 1, 1, 1, 0, 0, 1 ];",
       "the polygon cuts itself: edge[0] meets edge[2]"},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 2, 0, 1, 0, 1, 1 ];",
       "the polygon cuts itself: edge[0] meets edge[1]"},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 1, 0, 1, 0, 0, 1 ];",
       "the vertices 1 and 2 of the polygon are one"},
      {"x y", "type = \"triangle\"; vertices = [ 0, 0, 1, 1, 2, 2 ];", "the polygon has no area"},
      {"x y", "type = \"triangle\"; vertices = [ 0, 0, 1, 1 ];",
       "domain.vertices: has 4 numbers: a triangle has three corners of two coordinates"},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 1, 1, 2, 2, 5 ];", "two for each of at least three corners"},
      {"x y", "type = \"ball\"; rotate = [ 0, 0, 1 ];", "here are 3 numbers and 2 coordinates"},
      {"x y", "type = \"balls\"; centers = [ 0, 0, 1 ];", "has 3 numbers, which is no whole number of centers"},
      {"x y", "type = \"ball\"; name = \"x\";", "'x' is no name for a shape"},
      {"x y", "type = \"ball\"; name = \"walls\";", "the name 'walls' is taken"},
      {"x y", "type = \"cylinder\";", "the required key 'from' is missing"},
      {"x y", "type = \"ball\"; lower = 0.0;", "'lower' does not belong to domain type 'ball'"},
      {"x y t", "lower = [ 0, 0, 0 ]; time = [ 0, 1 ];", "has 3 values for 2 coordinates of space"},
  };
  for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
    ck_petsc_fails(FixtureLoad(wrong[k][0], wrong[k][1], &fixture), PETSC_ERR_USER_INPUT, wrong[k][2]);
}
END_TEST

/* The radius of points is uniform, whatever the dimension and the place of the ball. */
START_TEST(radii_of_balls_may_be_uniform)
{
  enum { N = 16384, BINS = 64 };
  static const char *const coordinates[] = {"x y", "x[9]"};
  for (int k = 0; k < 2; k++) {
    int bin[BINS] = {0};
    PointSet points;
    ck_petsc(FixtureLoad(coordinates[k], "type = \"ball\"; center = 1.0; radius = 2.0; radial = \"uniform-radius\";",
                         &fixture));
    draw("interior", "uniform", N, &points);
    for (int p = 0; p < N; p++) {
      double square = 0;
      for (int c = 0; c < points.dim; c++) square += pow(points.x[p * points.dim + c] - 1, 2);
      bin[(int)(BINS * sqrt(square) / 2)]++;
    }
    ck_uniform(bin, BINS);
    ck_petsc(PointSetDestroy(&points));
    FixtureFree(&fixture);
  }
  ck_petsc_fails(FixtureLoad("x y", "radial = \"volume\";", &fixture), PETSC_ERR_USER_INPUT, "'radial'");
  ck_petsc_fails(FixtureLoad("x y", "type = \"ball\"; radial = \"uniform\";", &fixture), PETSC_ERR_USER_INPUT,
                 "unknown radial distribution 'uniform'");
}
END_TEST

TEST_SUITE("points shapes", measures_have_closed_forms, normals_satisfy_the_divergence_theorem, distances_are_exact,
           interior_points_are_uniform, surface_points_are_uniform, faces_have_names, time_is_a_factor,
           wrong_shapes_are_explained, radii_of_balls_may_be_uniform)
