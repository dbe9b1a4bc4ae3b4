/* Reference files: the shipped ones, permuted coordinates, and files that were made to be refused. */
#include "harness.h"
#include <sys/wait.h>
#include "../src/output/output_impl.h"
#include "output_fixture.h"

#define SELF PETSC_COMM_SELF
static const char *const xt[] = {"x", "t"}, *const tx[] = {"t", "x"}, *const uv[] = {"u", "v"};

START_TEST(shipped_references_are_what_they_say)
{
  Reference r;
  ck_petsc(ReferenceRead(SELF, "here", "configs/data/burgers.h5", 2, xt, 1, uv, &r));
  ck_assert_int_eq(r.n, 257 * 101);
  ck_assert_int_eq(r.dim, 2);
  for (PetscInt i = 0; i < r.n; i++) {
    const double x = r.points[2 * i], t = r.points[2 * i + 1];
    ck_assert(x >= -1 && x <= 1 && t >= 0 && t <= 1);
    if (t == 0) ck_near(r.fields[0][i], -sin(PETSC_PI * x), 0, 1e-14);
    if (fabs(x) == 1) ck_near(r.fields[0][i], 0, 0, 1e-12);
  }
  ck_petsc(ReferenceDestroy(&r, 1));
  ck_petsc(ReferenceRead(SELF, "here", "configs/data/allen_cahn.h5", 2, xt, 1, uv, &r));
  for (PetscInt i = 0; i < r.n; i++) {
    const double x = r.points[2 * i];
    if (r.points[2 * i + 1] == 0)
      ck_near(r.fields[0][i], x * x * cos(PETSC_PI * x), 0, 2e-4); /* resolved but for the kink at the ends */
  }
  ck_petsc(ReferenceDestroy(&r, 1));
  ck_petsc(ReferenceRead(SELF, "here", "configs/data/kdv.h5", 2, xt, 1, uv, &r));
  for (PetscInt i = 0; i < r.n; i++)
    if (r.points[2 * i + 1] == 0) ck_near(r.fields[0][i], cos(PETSC_PI * r.points[2 * i]), 0, 1e-12);
  ck_petsc(ReferenceDestroy(&r, 1));
}
END_TEST

START_TEST(coordinates_come_in_the_problems_order)
{
  Reference a, b;
  ck_petsc(ReferenceRead(SELF, "here", "configs/data/burgers.h5", 2, xt, 2, uv, &a));
  ck_petsc(ReferenceRead(SELF, "here", "configs/data/burgers.h5", 2, tx, 2, uv, &b));
  for (PetscInt i = 0; i < a.n; i++)
    ck_assert(a.points[2 * i] == b.points[2 * i + 1] && a.points[2 * i + 1] == b.points[2 * i]);
  ck_assert_mem_eq(a.fields[0], b.fields[0], (size_t)a.n * sizeof(double));
  ck_assert_ptr_null(a.fields[1]);
  ck_petsc(ReferenceDestroy(&a, 2));
  ck_petsc(ReferenceDestroy(&b, 2));
}
END_TEST

/* Files to be refused, one deviation each from a good one of four points in (y, x, t). */
typedef enum {
  GOOD,
  NO_POINTS,
  NO_FIELD,
  NO_ATTRIBUTE,
  FLAT_POINTS,
  TWO_COLUMNS,
  SHORT_FIELD,
  NAN_POINT,
  INF_FIELD,
  TEXT_POINTS,
  UNKNOWN_COORDINATE,
  TWICE,
  TWO_NAMES,
  NUMBER_ATTRIBUTE,
  HUGE_CLAIM,
  EMPTY,
  GROUP_FIELD,
  N_DEVIATION
} Deviation;

static PetscErrorCode fill(hid_t file, const char *path, void *context)
{
  const Deviation d = *(const Deviation *)context;
  double x[] = {10, 0, 0.5, 11, 1, 0.5, 12, 2, 0.5, 13, 3, 0.5}, u[] = {1, 2, 3, 4};
  const hsize_t points[] = {d == EMPTY ? 0 : 4, d == TWO_COLUMNS ? 2 : 3}, flat = 12,
                n = d == SHORT_FIELD ? 3
                    : d == EMPTY     ? 0
                                     : 4;
  const hid_t real = H5T_NATIVE_DOUBLE;

  PetscFunctionBegin;
  if (d == NAN_POINT) x[7] = NAN;
  if (d == INF_FIELD) u[2] = INFINITY;
  if (d == HUGE_CLAIM) { /* never written: no space in the file */
    const hsize_t claim[] = {(hsize_t)1 << 29, 3}, chunk[] = {1024, 3};
    const hid_t space = H5Screate_simple(2, claim, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(create, 2, chunk);
    H5Dclose(H5Dcreate2(file, "points", real, space, H5P_DEFAULT, create, H5P_DEFAULT));
  } else if (d == TEXT_POINTS)
    PetscCall(HDF5PutText(file, path, "points", "0 0 0"));
  else if (d == FLAT_POINTS)
    PetscCall(HDF5Put(file, path, "points", real, real, 1, &flat, x));
  else if (d != NO_POINTS)
    PetscCall(HDF5Put(file, path, "points", real, real, 2, points, x));
  if (d == GROUP_FIELD)
    H5Gclose(H5Gcreate2(file, "u", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  else
    PetscCall(HDF5Put(file, path, d == NO_FIELD ? "w" : "u", H5T_NATIVE_FLOAT, real, 1, &n, u));
  if (d == NUMBER_ATTRIBUTE)
    PetscCall(HDF5PutAttribute(file, path, "coordinates", real, 0, x));
  else if (d != NO_ATTRIBUTE)
    PetscCall(HDF5PutTextAttribute(file, path, "coordinates",
                                   d == UNKNOWN_COORDINATE ? "y,x,s"
                                   : d == TWICE            ? "y,x,x"
                                   : d == TWO_NAMES        ? "y,x"
                                                           : "y, x,t"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(mistakes_are_told_in_a_sentence)
{
  static const char *const xyt[] = {"x", "y", "t"};
  static const char *const say[N_DEVIATION] = {
      [NO_POINTS] = "r.h5 has no dataset /points",
      [NO_FIELD] = "r.h5 has none of the problem's fields: no dataset /u",
      [NO_ATTRIBUTE] = "r.h5 has no attribute 'coordinates'",
      [FLAT_POINTS] = "r.h5: /points has 1 dimensions instead of 2",
      [TWO_COLUMNS] = "r.h5: /points has 2 columns, the problem has 3 coordinates",
      [SHORT_FIELD] = "r.h5: /u has 3 values for 4 points",
      [NAN_POINT] = "r.h5: /points has a NaN in row 2",
      [INF_FIELD] = "r.h5: /u has an infinity in row 2",
      [TEXT_POINTS] = "r.h5: /points does not hold numbers",
      [UNKNOWN_COORDINATE] = "r.h5 has the coordinate 's', which the problem has not",
      [TWICE] = "r.h5 names the coordinate 'x' twice",
      [TWO_NAMES] = "r.h5 names 2 coordinates, the problem has 3",
      [NUMBER_ATTRIBUTE] = "r.h5: attribute 'coordinates' is not a text",
      [HUGE_CLAIM] = "r.h5: /points claims more values than the file can hold",
      [EMPTY] = "r.h5: /points has 0 rows",
      [GROUP_FIELD] = "r.h5: ",
  };
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "r.h5");
  Reference r;
  for (Deviation d = GOOD; d < N_DEVIATION; d++) {
    ck_petsc(HDF5Write(SELF, path, fill, &d));
    if (d == GOOD) {
      ck_petsc(ReferenceRead(SELF, "here", path, 3, xyt, 2, uv, &r));
      ck_assert_int_eq(r.n, 4);
      ck_assert(r.points[6] == 2 && r.points[7] == 12 && r.points[8] == 0.5 && r.fields[0][2] == 3);
      ck_petsc(ReferenceDestroy(&r, 2));
      continue;
    }
    ck_petsc_fails(ReferenceRead(SELF, "a.cfg:7: verify.reference", path, 3, xyt, 2, uv, &r), PETSC_ERR_USER_INPUT,
                   say[d]);
    ck_assert_msg(strncmp(TestErrorText(), "a.cfg:7: verify.reference: ", 27) == 0, "%s", TestErrorText());
    ck_assert_ptr_null(r.fields);
  }
  fixture_remove(base);
}
END_TEST

START_TEST(files_that_are_no_references)
{
  const char *base = fixture_directory();
  Reference r;
  ck_petsc_fails(ReferenceRead(SELF, "here", fixture_path(base, "no.h5"), 2, xt, 1, uv, &r), PETSC_ERR_USER_INPUT,
                 "no.h5: No such file or directory");
  ck_petsc_fails(ReferenceRead(SELF, "here", base, 2, xt, 1, uv, &r), PETSC_ERR_USER_INPUT, "not a file");
  ck_petsc_fails(ReferenceRead(SELF, "here", "Makefile", 2, xt, 1, uv, &r), PETSC_ERR_USER_INPUT,
                 "here: Makefile is not an HDF5 file");
  size_t size;
  char *bytes = fixture_read("configs/data/burgers.h5", &size);
  const char *path = fixture_path(base, "cut.h5");
  for (size_t length = 0; length < size; length += length < 3000 ? 97 : 7919) {
    fixture_write(path, bytes, length);
    ck_petsc_fails(ReferenceRead(SELF, "here", path, 2, xt, 1, uv, &r), PETSC_ERR_USER_INPUT, "cut.h5");
  }
  free(bytes);
  fixture_remove(base);
}
END_TEST

/* Reads a file in a process of its own: 0 = it was read or refused; else it crashed. */
static int read_apart(const char *path)
{
  const pid_t child = fork();
  int status;
  if (child == 0) {
    Reference r;
    alarm(20);
    PetscPushErrorHandler(TestSilentHandler, NULL);
    const PetscErrorCode code = ReferenceRead(SELF, "here", path, 2, xt, 1, uv, &r);
    if (code == 0) ReferenceDestroy(&r, 1);
    _exit(code == 0 || code == PETSC_ERR_USER_INPUT ? 0 : 1);
  }
  waitpid(child, &status, 0);
  return status;
}

START_TEST(flipped_bytes_do_not_crash_it)
{
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "fuzz.h5");
  size_t size;
  char *bytes = fixture_read("configs/data/burgers.h5", &size);
  srand(2);
  for (int i = 0; i < 600; i++) {
    /* The structures of the file lie at its beginning, for the most part. */
    const size_t at = (size_t)rand() % (i % 4 ? 4096 : size);
    const char mask = (char)(1 + rand() % 255);
    bytes[at] ^= mask;
    fixture_write(path, bytes, size);
    const int status = read_apart(path);
    ck_assert_msg(status == 0, "byte %zu ^ %d: status %d", at, mask, status);
    bytes[at] ^= mask;
  }
  free(bytes);
  fixture_remove(base);
}
END_TEST

TEST_SUITE("output reference", shipped_references_are_what_they_say, coordinates_come_in_the_problems_order,
           mistakes_are_told_in_a_sentence, files_that_are_no_references, flipped_bytes_do_not_crash_it)
