/* Twenty iterations of the stages that a device has, there and on the CPU. */
#include "case_fixture.h"
#include "device_fixture.h"
#include "pinn/optimizer.h"

#define CASE                                                                                                           \
  "problem: { coordinates = [ \"x\", \"t\" ]; fields = [ \"u\" ];\n"                                                   \
  "  equations = ( { residual = \"u_t + u*u_x - 0.05*u_xx\"; } );\n"                                                   \
  "  conditions = ( { on = \"t = 0\"; residual = \"u + sin(pi*x)\"; weight = 10.0; },\n"                               \
  "                 { on = \"x = -1 | x = 1\"; residual = \"u\"; } ); };\n"                                            \
  "domain: { type = \"box\"; lower = [ -1.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };\n"                                        \
  "points: { interior = { count = 120; }; conditions = { count = 30; }; };\nnetwork: { hidden = [ 8, 8 ]; };\n"

/* Bases of eigenvectors, and searches in single precision, see rounding: twenty steps of soap carry the last bit of
   theta to its fifth digit, on one processor. */
static const struct {
  const char *text;
  double near;
  bool single;
} stages[] = {
    {"solver = ( { type = \"adam\"; iterations = 20; learning_rate = 1e-2; } );\n", 1e-11, true},
    {"solver = ( { type = \"adam\"; iterations = 20; learning_rate = 1e-2; single_state = true; } );\n", 1e-11, true},
    {"solver = ( { type = \"lbfgs\"; iterations = 20; } );\n", 1e-11, false},
    {"solver = ( { type = \"soap\"; iterations = 20; learning_rate = 1e-2; } );\n", 1e-3, false},
    {"solver = ( { type = \"shampoo\"; iterations = 20; learning_rate = 1e-2; } );\n", 1e-3, false},
    {"solver = ( { type = \"fosi\"; iterations = 20; } );\n", 1e-9, false}, /* Lanczos vectors see rounding */
    {"solver = ( { type = \"mfac\"; iterations = 20; } );\n", 1e-11, false},
    {"solver = ( { type = \"ssbroyden\"; iterations = 20; } );\n", 1e-11, false},
    {"solver = ( { type = \"spring\"; iterations = 20; damping = 1e-3; } );\n", 1e-11, false},
    {"solver = ( { type = \"gauss-newton\"; iterations = 20; damping = 1e-2; method = \"kernel\"; } );\n", 1e-9, false},
    {"solver = ( { type = \"gauss-newton\"; iterations = 20; method = \"qr\"; } );\n", 1e-7, false},
    {"solver = ( { type = \"gauss-newton\"; iterations = 20; method = \"svd\"; } );\n", 1e-7, false},
    {"solver = ( { type = \"gauss-newton\"; iterations = 12; method = \"normal\"; damping = 1e-3; } );\n", 1e-7, false},
    {"solver = ( { type = \"gauss-newton\"; iterations = 40; } );\n", 1e-6, false},
    {"solver = ( { type = \"gauss-newton-krylov\"; iterations = 5; } );\n", 1e-9, false},
    {"solver = ( { type = \"least-squares\"; } );\n", 1e-8, false},
    {"solver = ( { type = \"kfac\"; iterations = 20; } );\n", 1e-9, false},
    {"solver = ( { type = \"kfac-star\"; iterations = 20; } );\n", 1e-9, false},
    {"solver = ( { type = \"ssbfgs\"; iterations = 20; } );\n", 1e-11, false},
    {"solver = ( { type = \"gauss-newton-sketched\"; iterations = 10; } );\n", 1e-9, false},
};
enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

/* theta [n] after the stage; NULL = the CPU. */
static void solve(const char *stage, const char *precision, const Device *device, double theta[], size_t *n)
{
  char text[2048];
  OptimizerReason reason;
  Optimizer optimizer;
  const double *values;
  double *start;
  Case c;
  Vec vec;
  snprintf(text, sizeof(text), "%s%sprecision = \"%s\";\n", CASE, stage, precision);
  ck_petsc(CaseCreate(text, &c));
  if (device) ck_petsc(ResidualSetDevice(c.residual, device));
  ck_petsc(ResidualCreateTheta(c.residual, &vec));
  ck_petsc(VecGetArray(vec, &start));
  NetworkInitialize(c.network, start);
  ck_petsc(VecRestoreArray(vec, &start));
  ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
  ck_petsc(OptimizerSolve(optimizer, vec, &reason));
  *n = NetworkParameters(c.network);
  ck_petsc(VecGetArrayRead(vec, &values));
  for (size_t k = 0; k < *n; k++) theta[k] = values[k];
  ck_petsc(VecRestoreArrayRead(vec, &values));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&vec));
  ck_petsc(CaseDestroy(&c));
}

START_TEST(twenty_iterations_agree)
{
  const Device *device = TestDevice();
  double cpu[512], other[512];
  size_t n;
  if (!device) return;
  for (int single = 0; single < 2; single++) {
    const char *precision = single ? "single" : "double";
    if (single && !stages[_i].single) break;
    solve(stages[_i].text, precision, NULL, cpu, &n);
    solve(stages[_i].text, precision, device, other, &n);
    double moved = 0, largest = 0;
    for (size_t k = 0; k < n; k++) largest = fmax(largest, fabs(cpu[k])), moved = fmax(moved, fabs(cpu[k] - other[k]));
    ck_near(moved, 0, 0, (single ? 1e-5 : stages[_i].near) * largest);
  }
}
END_TEST

static size_t moved;

static void put_and_count(void *to, const void *from, size_t bytes)
{
  moved += bytes;
  TestDevice()->put(to, from, bytes);
}

static void get_and_count(void *to, const void *from, size_t bytes)
{
  moved += bytes;
  TestDevice()->get(to, from, bytes);
}

/* Bytes between host and device that twenty more iterations take. */
static size_t bytes_of_twenty(const char *stage)
{
  static Device counting;
  double theta[512];
  size_t n, after[2];
  counting = *TestDevice();
  counting.put = put_and_count, counting.get = get_and_count;
  for (int k = 0; k < 2; k++) {
    char text[256];
    snprintf(text, sizeof(text), stage, 20 * (k + 1));
    moved = 0;
    solve(text, "double", &counting, theta, &n);
    after[k] = moved;
  }
  return after[1] - after[0];
}

/* Theta, gradient and moments stay: an iteration moves two sums of three squares and a norm, not 105 parameters. */
START_TEST(iterations_move_nothing_but_sums)
{
  if (!TestDevice()) return;
  ck_assert_uint_le(bytes_of_twenty("solver = ( { type = \"adam\"; iterations = %d; } );\n"), 20 * 5 * sizeof(double));
  ck_assert_uint_le(bytes_of_twenty("solver = ( { type = \"adam\"; iterations = %d; single_state = true; } );\n"),
                    20 * 5 * sizeof(double));
}
END_TEST

/* Of the kernel steps, rows come and go, 180 of them, but neither their kernel nor anything of the parameters. */
START_TEST(kernel_steps_move_rows_alone)
{
  if (!TestDevice()) return;
  ck_assert_uint_le(bytes_of_twenty("solver = ( { type = \"spring\"; iterations = %d; damping = 1e-3; } );\n"),
                    20 * (8 * 180 + 10) * sizeof(double));
}
END_TEST

static size_t hardly_any(void)
{
  return 100000;
}

/* Two kernels of 180 rows are 518 kB, [J r] twice and its triangle 0.4 MB. */
START_TEST(what_does_not_fit_is_said_before_it_starts)
{
  static const char *const types[] = {"spring", "least-squares", "gauss-newton"};
  static Device small;
  if (!TestDevice()) return;
  for (int k = 0; k < 3; k++) {
    char text[2048];
    Optimizer optimizer;
    Case c;
    small = *TestDevice();
    snprintf(text, sizeof(text), "%ssolver = ( { type = \"%s\"; } );\n", CASE, types[k]);
    ck_petsc(CaseCreate(text, &c));
    ck_petsc(ResidualSetDevice(c.residual, &small));
    small.free_bytes = hardly_any;
    if (k == 1)
      ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer)); /* nine columns */
    else
      ck_petsc_fails(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer), PETSC_ERR_USER_INPUT,
                     "of the device, which has 0 MB left");
    ck_petsc(OptimizerDestroy(&optimizer));
    ck_petsc(CaseDestroy(&c));
  }
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("optimizer_cuda");
  TCase *tcase = tcase_create("optimizer_cuda");
  tcase_set_timeout(tcase, 120.0);
  tcase_add_loop_test(tcase, twenty_iterations_agree, 0, STAGES);
  tcase_add_test(tcase, iterations_move_nothing_but_sums);
  tcase_add_test(tcase, kernel_steps_move_rows_alone);
  tcase_add_test(tcase, what_does_not_fit_is_said_before_it_starts);
  suite_add_tcase(suite, tcase);
  return suite;
}
