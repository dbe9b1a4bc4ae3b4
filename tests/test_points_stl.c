/* Surfaces from STL files against the solids that they are: an L-shaped prism made of rectangles, whose distances have
   a closed form, a cube with a cavity; and files that are broken. */
#include <stdint.h>
#include <unistd.h>
#include "../src/points/points_impl.h"
#include "points_fixture.h"

static Fixture fixture;
static char path[64];

/* The prism: [0, 2]^2 without [1, 2]^2, times [0, 1]. Rectangles have corner, sides along two axes, outward normal. */
#define N_RECTANGLE 12
static const struct {
  double at[3], size[3], normal[3];
} rectangles[N_RECTANGLE] = {
    {{0, 0, 0}, {0, 2, 1}, {-1, 0, 0}}, {{0, 0, 0}, {2, 0, 1}, {0, -1, 0}}, {{2, 0, 0}, {0, 1, 1}, {1, 0, 0}},
    {{1, 1, 0}, {0, 1, 1}, {1, 0, 0}},  {{1, 1, 0}, {1, 0, 1}, {0, 1, 0}},  {{0, 2, 0}, {1, 0, 1}, {0, 1, 0}},
    {{0, 0, 0}, {1, 1, 0}, {0, 0, -1}}, {{1, 0, 0}, {1, 1, 0}, {0, 0, -1}}, {{0, 1, 0}, {1, 1, 0}, {0, 0, -1}},
    {{0, 0, 1}, {1, 1, 0}, {0, 0, 1}},  {{1, 0, 1}, {1, 1, 0}, {0, 0, 1}},  {{0, 1, 1}, {1, 1, 0}, {0, 0, 1}},
};
#define AREA   14.0
#define VOLUME 3.0

static bool in_prism(const double x[3])
{
  return x[2] > 0 && x[2] < 1 && x[0] > 0 && x[1] > 0 && x[0] < 2 && x[1] < 2 && (x[0] < 1 || x[1] < 1);
}

static double to_prism(const double x[3])
{
  double nearest = INFINITY;
  for (int k = 0; k < N_RECTANGLE; k++) {
    double square = 0;
    for (int c = 0; c < 3; c++) {
      const double low = rectangles[k].at[c], high = low + rectangles[k].size[c];
      square += PetscSqr(fmax(fmax(low - x[c], x[c] - high), 0));
    }
    nearest = fmin(nearest, sqrt(square));
  }
  return in_prism(x) ? -nearest : nearest;
}

/* Triangles; rectangles are cut so that their vertices meet. */
typedef struct {
  int n;
  double corner[256][9];
} Facets;

/* From at along e and f, which turn about the outward normal, or swap. */
static void add_square(const double at[3], const double e[3], const double f[3], bool swap, Facets *facets)
{
  for (int half = 0; half < 2; half++) {
    double *corner = facets->corner[facets->n++];
    for (int i = 0; i < 3; i++) {
      const int place = swap ? 2 - i : i;
      for (int c = 0; c < 3; c++)
        corner[3 * i + c] =
            at[c] + (place == 1 || (place == 2 && !half) ? e[c] : 0) + (place == 2 || (place == 1 && half) ? f[c] : 0);
    }
  }
}

/* In squares of side h, first to last rectangle. */
static void add_rectangles(int first, int last, double h, Facets *facets)
{
  for (int k = first; k <= last; k++) {
    double e[3] = {0}, f[3] = {0};
    int axes[2], n = 0;
    for (int c = 0; c < 3; c++)
      if (rectangles[k].size[c] > 0) axes[n++] = c;
    e[axes[0]] = h, f[axes[1]] = h;
    const int third = 3 - axes[0] - axes[1];
    const double turn = axes[0] == 0 && axes[1] == 2 ? -1 : 1; /* of e x f */
    for (double a = 0; a < rectangles[k].size[axes[0]] - h / 2; a += h)
      for (double b = 0; b < rectangles[k].size[axes[1]] - h / 2; b += h) {
        double at[3];
        memcpy(at, rectangles[k].at, sizeof(at));
        at[axes[0]] += a, at[axes[1]] += b;
        add_square(at, e, f, turn * rectangles[k].normal[third] < 0, facets);
      }
  }
}

static void add_cube(double lower, double upper, bool inwards, Facets *facets)
{
  for (int axis = 0; axis < 3; axis++)
    for (int side = 0; side < 2; side++) {
      double at[3] = {lower, lower, lower}, e[3] = {0}, f[3] = {0};
      at[axis] = side ? upper : lower;
      e[(axis + 1) % 3] = f[(axis + 2) % 3] = upper - lower;
      add_square(at, e, f, (side == 0) != inwards, facets);
    }
}

static FILE *create(void)
{
  snprintf(path, sizeof(path), "/tmp/pinn-stl-XXXXXX");
  const int descriptor = mkstemp(path);
  ck_assert(descriptor >= 0);
  return fdopen(descriptor, "wb");
}

static void put_text(FILE *file, const char *name, int first, int n, const Facets *facets)
{
  fprintf(file, "solid %s\n", name);
  for (int k = first; k < first + n; k++) {
    fprintf(file, "  facet normal 0 0 0\n    outer loop\n");
    for (int i = 0; i < 3; i++)
      fprintf(file, "      vertex %.9g %.9g %.9g\n", facets->corner[k][3 * i], facets->corner[k][3 * i + 1],
              facets->corner[k][3 * i + 2]);
    fprintf(file, "    endloop\n  endfacet\n");
  }
  fprintf(file, "endsolid %s\n", name);
}

static void write_text(const Facets *facets)
{
  FILE *file = create();
  put_text(file, "a prism", 0, facets->n, facets);
  fclose(file);
}

static void write_binary(const Facets *facets)
{
  static const char header[80] = "solid in name only";
  const uint32_t n = (uint32_t)facets->n;
  FILE *file = create();
  fwrite(header, 1, 80, file);
  fwrite(&n, 4, 1, file);
  for (int k = 0; k < facets->n; k++) {
    float record[12] = {0};
    for (int i = 0; i < 9; i++) record[3 + i] = (float)facets->corner[k][i];
    fwrite(record, 4, 12, file);
    fwrite("\0\0", 1, 2, file);
  }
  fclose(file);
}

/* rest: more of the domain's group, or all of it with the file at "%s". */
static void load(const char *domain)
{
  char text[1024];
  snprintf(text, sizeof(text), domain, path);
  ck_petsc(FixtureLoad("x y z", text, &fixture));
}

#define WHOLE "type = \"stl\"; file = \"%s\";"

static void finish(void)
{
  FixtureFree(&fixture);
  unlink(path);
}

static void draw(const char *on, PetscInt count, PointSet *points)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, {5, RANDOM_TEST, 0, 0}};
  Region region;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  ck_petsc(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  ck_petsc(RegionDestroy(&region));
}

static double measure(const char *on, double *error)
{
  Region region;
  double value;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  RegionMeasure(region, &value, error);
  ck_petsc(RegionDestroy(&region));
  return value;
}

/* Random points, and those of a lattice with the planes, edges and corners of the surface in it. */
START_TEST(distances_and_signs_are_those_of_the_prism)
{
  const RandomKey key = {7, RANDOM_TEST, 1, 0};
  for (int binary = 0; binary < 2; binary++) {
    Facets facets = {0};
    double volume, error;
    add_rectangles(0, N_RECTANGLE - 1, binary ? 1 : 0.5, &facets);
    if (binary)
      write_binary(&facets);
    else
      write_text(&facets);
    load(WHOLE);
    DomainMeasure(fixture.domain, &volume, &error);
    ck_near(volume, VOLUME, 1e-14, 0);
    ck_assert(error == 0);
    ck_near(measure("walls", &error), AREA, 1e-14, 0);
    for (int i = 0; i < 2000; i++) {
      double x[3];
      for (int c = 0; c < 3; c++) x[c] = 4 * RandomUniform(key, (uint64_t)(3 * i + c)) - 1;
      ck_near(DomainDistance(fixture.domain, x), to_prism(x), 1e-13, 1e-15);
    }
    for (int i = 0; i < 13 * 13 * 9; i++) {
      const double x[3] = {(i % 13 - 2) / 4.0, (i / 13 % 13 - 2) / 4.0, (i / 169 - 2) / 4.0};
      const double distance = to_prism(x);
      ck_near(DomainDistance(fixture.domain, x), distance, 1e-13, 1e-15);
      ck_assert_int_eq(DomainContains(fixture.domain, x), distance <= 0);
    }
    finish();
  }
}
END_TEST

/* Each rectangle gets its share of the points, with its normal. */
START_TEST(points_of_the_surface_are_uniform)
{
  Facets facets = {0};
  PointSet points;
  int count[N_RECTANGLE][4] = {{0}}, total = 0;
  double chi_square = 0;
  add_rectangles(0, N_RECTANGLE - 1, 0.5, &facets);
  write_text(&facets);
  load(WHOLE);
  draw("surface", 16000, &points); /* the text's only solid has another name */
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p, *normal = points.normal + 3 * p;
    for (int k = 0; k < N_RECTANGLE; k++) {
      bool on = true;
      int quarter = 0, axis = 0;
      for (int c = 0; c < 3; c++) {
        const double from = x[c] - rectangles[k].at[c], size = rectangles[k].size[c];
        on = on && from > -1e-14 && from < size + 1e-14;
        if (size > 0) quarter |= (from > size / 2) << axis++;
      }
      if (!on) continue;
      count[k][quarter]++, total++;
      for (int c = 0; c < 3; c++) ck_near(normal[c], rectangles[k].normal[c], 1e-14, 1e-14);
      break;
    }
  }
  ck_assert_int_eq(total, points.n);
  for (int k = 0; k < N_RECTANGLE; k++) {
    double area = 1;
    for (int c = 0; c < 3; c++) area *= rectangles[k].size[c] > 0 ? rectangles[k].size[c] : 1;
    for (int q = 0; q < 4; q++) {
      const double mean = area / AREA / 4 * points.n;
      chi_square += PetscSqr(count[k][q] - mean) / mean;
    }
  }
  ck_assert(gsl_cdf_chisq_Q(chi_square, 4 * N_RECTANGLE - 1) > 1e-4);
  ck_petsc(PointSetDestroy(&points));
  finish();
}
END_TEST

/* Solids of a text are faces; a flat one is also a plane. */
START_TEST(solids_of_a_text_are_faces)
{
  Facets facets = {0};
  double error;
  int low;
  add_rectangles(6, 8, 1, &facets);
  low = facets.n;
  add_rectangles(0, 5, 1, &facets);
  add_rectangles(9, 11, 1, &facets);
  FILE *file = create();
  put_text(file, "bottom", 0, low, &facets);
  put_text(file, "other side", low, facets.n - low, &facets);
  fclose(file);
  load("name = \"part\"; scale = 2.0; translate = [ 0.0, 0.0, 1.0 ]; " WHOLE);
  ck_near(measure("part.bottom", &error), 12, 1e-14, 0);
  ck_near(measure("part.other_side", &error), 4 * (AREA - 3), 1e-14, 0);
  ck_near(measure("z = 1", &error), 12, 1e-14, 0);
  ck_near(DomainDistance(fixture.domain, (double[]){1, 1, 1.5}), -0.5, 1e-14, 0);
  ck_near(DomainDistance(fixture.domain, (double[]){1, 1, 0}), 1, 1e-14, 0);
  finish();
}
END_TEST

/* A cavity, and a ball taken away. */
START_TEST(surfaces_combine_with_other_shapes)
{
  Facets facets = {0};
  double volume, error;
  add_cube(-1, 1, false, &facets);
  add_cube(-0.5, 0.5, true, &facets);
  write_binary(&facets);
  load(WHOLE);
  DomainMeasure(fixture.domain, &volume, &error);
  ck_near(volume, 7, 1e-14, 0);
  ck_assert(!DomainContains(fixture.domain, (double[]){0.1, 0.2, 0.3}));
  ck_assert(DomainContains(fixture.domain, (double[]){0.7, 0.2, 0.3}));
  ck_near(DomainDistance(fixture.domain, (double[]){0, 0, 0}), 0.5, 1e-14, 0);
  FixtureFree(&fixture);
  load("type = \"difference\"; of = ( { type = \"ball\"; radius = 3.0; }, { name = \"part\"; " WHOLE " } );");
  DomainMeasure(fixture.domain, &volume, &error);
  ck_near(volume, 36 * PETSC_PI - 7, 1e-14, 0);
  ck_assert(DomainContains(fixture.domain, (double[]){0.1, 0.2, 0.3}));
  ck_near(measure("part", &error), 24 + 6, 1e-14, 0);
  PointSet points;
  draw("part", 400, &points);
  for (int p = 0; p < points.n; p++) {
    const double *x = points.x + 3 * p, *normal = points.normal + 3 * p;
    const double most = fmax(fabs(x[0]), fmax(fabs(x[1]), fabs(x[2])));
    const double outer = most > 0.75 ? 1 : -1; /* out of the ball without the part: into the part */
    ck_near(most, most > 0.75 ? 1 : 0.5, 1e-14, 0);
    for (int c = 0; c < 3; c++) ck_near(normal[c], fabs(x[c]) == most ? -outer * (x[c] > 0 ? 1 : -1) : 0, 0, 1e-13);
  }
  ck_petsc(PointSetDestroy(&points));
  FixtureFree(&fixture);
  load("type = \"difference\"; of = ( { " WHOLE
       " }, { type = \"ball\"; center = [ 1.0, 1.0, 1.0 ]; radius = 0.4; } );");
  DomainMeasure(fixture.domain, &volume, &error);
  ck_near(volume, 7 - 0.064 * 4 * PETSC_PI / 3 / 8, 0, 4 * error * volume + 1e-3);
  finish();
}
END_TEST

/* Facets that all look inwards are turned. */
START_TEST(a_surface_inside_out_is_turned)
{
  Facets facets = {0};
  double volume, error;
  PointSet points;
  add_cube(0, 1, true, &facets);
  write_text(&facets);
  load(WHOLE);
  DomainMeasure(fixture.domain, &volume, &error);
  ck_near(volume, 1, 1e-14, 0);
  draw("walls", 100, &points);
  for (int p = 0; p < points.n; p++) {
    double flux = 0;
    for (int c = 0; c < 3; c++) flux += points.normal[3 * p + c] * (points.x[3 * p + c] - 0.5);
    ck_near(flux, 0.5, 1e-14, 0);
  }
  ck_petsc(PointSetDestroy(&points));
  finish();
}
END_TEST

static void refused(const char *message)
{
  char text[256];
  snprintf(text, sizeof(text), WHOLE, path);
  ck_petsc_fails(FixtureLoad("x y z", text, &fixture), PETSC_ERR_USER_INPUT, message);
  ck_assert_ptr_nonnull(strstr(TestErrorText(), "case.cfg:2"));
  finish();
}

static void write_bytes(size_t n, const char *bytes)
{
  FILE *file = create();
  fwrite(bytes, 1, n, file);
  fclose(file);
}

START_TEST(broken_files_are_refused)
{
  Facets facets = {0}, broken;
  add_cube(0, 1, false, &facets);
  broken = facets, broken.n--;
  write_text(&broken);
  refused("is open: an edge of facet");
  broken = facets, broken.corner[4][2] = NAN;
  write_binary(&broken);
  refused("facet 5 of surface");
  write_text(&broken);
  refused("has a corner that is not a finite number");
  broken = facets;
  for (int c = 0; c < 3; c++) {
    broken.corner[2][c] = facets.corner[2][3 + c];
    broken.corner[2][3 + c] = facets.corner[2][c];
  }
  write_binary(&broken);
  refused("are turned against each other");
  broken = facets;
  for (int c = 0; c < 3; c++) broken.corner[7][c] = broken.corner[7][3 + c];
  write_text(&broken);
  refused("facet 8 of surface");
  write_binary(&facets);
  ck_assert_int_eq(truncate(path, 84 + 50 * 11), 0);
  refused("has 634 bytes, but"); /* begins with solid, but is no text */
  write_bytes(0, "");
  refused("is no STL file");
  write_bytes(30, "nothing that anybody calls STL");
  refused("neither begins with 'solid' nor has the 84 bytes");
  write_bytes(24, "solid one\nendsolid one\n\n");
  refused("has no facets");
  write_bytes(40, "solid one\nfacet normal 0 0 1 outer lop\n ");
  refused("facet 1 of surface");
  write_bytes(20, "solid one\nvertex 1\n ");
  refused("where 'facet' or 'endsolid' is wanted");
  snprintf(path, sizeof(path), "no.stl");
  refused("cannot read surface");
  write_text(&facets);
  char text[256];
  snprintf(text, sizeof(text), WHOLE, path);
  ck_petsc_fails(FixtureLoad("x y", text, &fixture), PETSC_ERR_USER_INPUT, "shape 'stl' lies in 3 dimensions");
  finish();
}
END_TEST

TEST_SUITE("points stl", distances_and_signs_are_those_of_the_prism, points_of_the_surface_are_uniform,
           solids_of_a_text_are_faces, surfaces_combine_with_other_shapes, a_surface_inside_out_is_turned,
           broken_files_are_refused)
