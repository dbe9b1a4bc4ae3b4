/* Measured values: files of both kinds, their mistakes, and rows that hold them. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "case_fixture.h"

#define CASE(MEASUREMENT)                                                                                              \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"]; equations = ( { residual = \"u_t - u*u_xx\"; } );\n"     \
  "measurements = ( { file = \"values.csv\"; " MEASUREMENT " } ); };\n"                                                \
  "domain: {}; network: { hidden = [5, 4]; };\npoints: { interior = { count = 20; }; heldout = 30; };\n"
#define FILE_NAME "values.csv"

/* A folder of its own for each process. */
static char folder[] = "/tmp/pinn-measured-XXXXXX";

static void enter(void)
{
  ck_assert(mkdtemp(folder) && !chdir(folder));
}

static void leave(void)
{
  (void)unlink(FILE_NAME);
  ck_assert(!chdir("/") && !rmdir(folder));
}

static void put(const char *text)
{
  FILE *stream = fopen(FILE_NAME, "w");
  ck_assert(stream != NULL);
  fputs(text, stream);
  fclose(stream);
}

static const char three[] = "# from the laboratory\nt, \"u\", sigma, x\r\n0.5, 1.25, 0.5, 0.25\n\n1e0,-2,4 ,0.75\n"
                            "# the last one\n0, 3, 0.25, 1\n";

/* The rows of the three points by a probe. */
static void check_rows(const char *text, const char *measured, double weight, const double factor[3])
{
  static const double x[] = {0.25, 0.5, 0.75, 1.0, 1.0, 0.0}, value[] = {1.25, -2.0, 3.0};
  Case c;
  Vec theta, v;
  double r[23], Jv[23], ahead[23], behind[23], values[200], found[3], loss, rms[2], square = 0.0;
  FormulaNode node;
  Probe probe;
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  ck_assert_int_eq(rows->n_row, 23);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  CaseFillVec(0.6, 0.0, theta);
  CaseFillVec(0.6, 1.0, v);
  ck_petsc(ResidualGatherTheta(c.residual, theta, values));
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
  ck_petsc(ResidualTermRMS(c.residual, theta, loss, rms));
  ck_petsc(FormulaParse(ProblemFormula(c.problem), "test", measured, &node));
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &node, NULL, &probe));
  ck_petsc(ProbeEvaluate(probe, values, 3, x, NULL, found));
  for (int i = 0; i < 3; i++) {
    ck_near(r[20 + i], sqrt(weight / 3.0) * factor[i] * (found[i] - value[i]), 1e-13, 1e-15);
    square += (found[i] - value[i]) * (found[i] - value[i]);
  }
  ck_near(rms[1], sqrt(square / 3.0), 1e-13, 0);
  ck_petsc(ResidualStatistics(c.residual, theta, true, rms, NULL)); /* there are no other points */
  ck_near(rms[1], sqrt(square / 3.0), 1e-13, 0);
  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  ck_petsc(VecAXPY(theta, 1e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, ahead, &loss));
  ck_petsc(VecAXPY(theta, -2e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, behind, &loss));
  for (int k = 0; k < 23; k++) ck_near((ahead[k] - behind[k]) / 2e-5, Jv[k], 1e-6, 1e-8);
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(CaseDestroy(&c));
}

START_TEST(rows_hold_the_values_of_a_text)
{
  enter();
  static const double one[] = {1.0, 1.0, 1.0}, deviations[] = {2.0, 0.25, 4.0};
  put(three);
  check_rows(CASE("column = \"u\";"), "u", 1.0, one);
  check_rows(CASE("column = \"u\"; measured = \"u*u_x + t\"; weight = 5.0; deviation = \"sigma\";"), "u*u_x + t", 5.0,
             deviations);
  leave();
}
END_TEST

START_TEST(rows_hold_the_values_of_hdf5)
{
  enter();
  static const double t[] = {0.5, 1.0, 0.0}, x[] = {0.25, 0.75, 1.0}, one[] = {1.0, 1.0, 1.0};
  static const float u[] = {1.25F, -2.0F, 3.0F};
  const hsize_t n = 3;
  const hid_t file = H5Fcreate(FILE_NAME, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
              space = H5Screate_simple(1, &n, NULL);
  const char *const names[] = {"t", "x", "v"};
  const void *const values[] = {t, x, u};
  for (int k = 0; k < 3; k++) {
    const hid_t type = k < 2 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    const hid_t data = H5Dcreate2(file, names[k], type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values[k]) >= 0);
    H5Dclose(data);
  }
  H5Sclose(space);
  H5Fclose(file);
  check_rows(CASE("column = \"v\"; measured = \"u\";"), "u", 1.0, one);
  Case c;
  ck_petsc_fails(CaseCreate(CASE("column = \"u\";"), &c), PETSC_ERR_USER_INPUT, FILE_NAME " has no dataset 'u'");
  leave();
}
END_TEST

/* In slabs, values belong to the slab of their time. */
START_TEST(values_belong_to_their_slab)
{
  enter();
  static const char text[] = CASE("column = \"u\";");
  const char *names[] = {"x", "t"};
  put(three);
  for (int k = 0; k < 2; k++) {
    const double *lower, *upper, times[2] = {k ? 0.5 : 0.0, k ? 1.0 : 0.5};
    Case c = {0};
    ck_petsc(ConfigLoadText("test.cfg", text, 0, NULL, &c.config));
    ck_petsc(ProblemCreate(c.config, &c.problem));
    ck_petsc(DomainCreateSlab(c.config, ProblemFormula(c.problem), times, &c.domain));
    DomainBounds(c.domain, &lower, &upper);
    ck_petsc(NetworkCreate(c.config, 2, names, 1, lower, upper, &c.network));
    ck_petsc(ResidualCreate(PETSC_COMM_WORLD, c.config, c.problem, c.domain, c.network, &c.residual));
    ck_assert_int_eq(ResidualRows(c.residual)->n_row, k ? 21 : 22);
    ck_petsc(CaseDestroy(&c));
  }
  leave();
}
END_TEST

START_TEST(mistakes_name_their_line)
{
  enter();
  static const struct {
    const char *file, *message;
  } rows[] = {
      {"x, t, u\n0.5, 0.5, 1\n0.5, 0.5\n", "csv:3: 2 values in a line, 3 names in the first"},
      {"x, t, u\n# note\n0.5, 0.5, nan\n", "csv:3: column 'u' has 'nan', which is no finite number"},
      {"x, t, u\n0.5, 0.5, 1\n\n0.5, half, 1\n", "csv:4: column 't' has 'half', which is no finite number"},
      {"x, t, u\n0.5, 0.5, 1e999\n", "csv:2: column 'u' has '1e999'"},
      {"x, t, u\n0.5, , 1\n", "csv:2: column 't' has ''"},
      {"\n# only this\nx, u\n0.5, 1\n", "csv:3: there is no column 't' (there are: x, u)"},
      {"x, t, u\n", FILE_NAME " has no rows"},
      {"", FILE_NAME " is empty"},
      {"x, t, u\n0.5, 0.5, 1\n0.5, 1.5, 1\n", "the point in line 3 lies outside of the domain"},
  };
  Case c;
  for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
    put(rows[k].file);
    ck_petsc_fails(CaseCreate(CASE("column = \"u\";"), &c), PETSC_ERR_USER_INPUT, rows[k].message);
    ck_petsc_fails(CaseCreate(CASE("column = \"u\";"), &c), PETSC_ERR_USER_INPUT,
                   "test.cfg:2: problem.measurements[0].file: ");
  }
  put("x, t, u, s\n0.5, 0.5, 1, 0.5\n0.5, 0.5, 1, 0\n");
  ck_petsc_fails(CaseCreate(CASE("column = \"u\"; deviation = \"s\";"), &c), PETSC_ERR_USER_INPUT,
                 "the deviation in line 3 is not positive");
  ck_petsc_fails(CaseCreate(CASE("column = \"w\";"), &c), PETSC_ERR_USER_INPUT, "unknown symbol 'w'");
  ck_petsc_fails(CaseCreate(CASE("column = \"u\"; measured = \"x\";"), &c), PETSC_ERR_USER_INPUT,
                 "'x' must depend on a field");
  unlink(FILE_NAME);
  ck_petsc_fails(CaseCreate(CASE("column = \"u\";"), &c), PETSC_ERR_USER_INPUT,
                 "cannot read " FILE_NAME ": No such file");
  leave();
}
END_TEST

TEST_SUITE("residual: measured", rows_hold_the_values_of_a_text, rows_hold_the_values_of_hdf5,
           values_belong_to_their_slab, mistakes_name_their_line)
