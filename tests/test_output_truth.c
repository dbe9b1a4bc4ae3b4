/* verify.points: where they lie, errors against their values, and mistakes. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "case_fixture.h"
#include "pinn/output.h"

static const char head[] =
    "problem: { coordinates = [\"x[5]\", \"t\"]; fields = [\"u\", \"v\"];\n"
    "  transform: { u = \"1 + x[2] + 2*t + net\"; v = \"3 - t + net\"; };\n"
    "  equations = ( { residual = \"laplacian(u) + v\"; } ); };\n"
    "domain: { type = \"ball\"; center = [1.0, 2.0, 3.0, 4.0, 5.0]; radius = 1.0; time = [0.0, 2.0]; };\n"
    "points: { interior = { sampler = \"uniform\"; count = 8; }; };\nnetwork: { hidden = [3]; };\n";

static void create(const char *verify, Case *c)
{
  char text[2048];
  snprintf(text, sizeof(text), "%sverify: { %s };", head, verify);
  ck_petsc(CaseCreate(text, c));
}

START_TEST(points_lie_at_the_center_but_for_what_is_fixed)
{
  const double x[] = {1, 2, 3, 4, 5, 1, 1, 2, 3.5, 4, 5, 0};
  Reference r;
  char name[64];
  Case c;
  create("points = ( { values = [6.0, 2.0]; }, { fixed = [\"t\", \"x[2]\"]; at = [0.0, 3.5]; values = [9.0, 1.0]; } );",
         &c);
  ck_petsc(TruthRead(PETSC_COMM_SELF, c.config, c.problem, c.domain, &r, name, sizeof(name)));
  ck_assert_int_eq(r.n, 2);
  ck_assert_int_eq(r.dim, 6);
  ck_assert_mem_eq(r.points, x, sizeof(x));
  ck_assert(r.fields[0][0] == 6 && r.fields[0][1] == 9 && r.fields[1][0] == 2 && r.fields[1][1] == 1);
  ck_assert_str_eq(name, "verify.points, 2 points");
  ck_petsc(ReferenceDestroy(&r, 2));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* At the two points of above u is 6 and 4.5, v is 2 and 3. */
START_TEST(errors_are_those_at_the_points)
{
  double l2[2];
  Verifier verifier;
  Vec theta;
  Case c;
  create("points = ( { values = [6.0, 2.0]; }, { fixed = [\"t\", \"x[2]\"]; at = [0.0, 3.5]; values = [8.0, 1.0]; } );",
         &c);
  ck_petsc(VerifierCreate(PETSC_COMM_SELF, c.config, c.problem, c.domain, c.domain, c.network, c.residual, &verifier));
  ck_assert(VerifierHasTruth(verifier));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecSet(theta, 0.0)); /* and so is the network */
  ck_petsc(VerifierErrors(verifier, theta, l2));
  ck_assert_double_eq_tol(l2[0], 3.5 / 10, 1e-14);
  ck_assert_double_eq_tol(l2[1], 2 / sqrt(5), 1e-14);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VerifierDestroy(&verifier));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes_are_told)
{
  static const struct {
    const char *verify, *word;
  } wrong[] = {
      {"points = ( { values = [1.0]; } );", "1 numbers for 2 fields"},
      {"points = ( { fixed = \"y\"; at = 1.0; values = [1.0, 2.0]; } );", "'y' is not a coordinate"},
      {"points = ( { fixed = \"t\"; values = [1.0, 2.0]; } );", "1 coordinates are fixed at 0 values"},
      {"points = ( { fixed = \"t\"; at = 3.0; values = [1.0, 2.0]; } );", "not in the domain"},
      {"points = ( { values = [1.0, 2.0]; } ); reference = \"a.h5\";", "verify.reference gives the truth already"},
      {"points = ( { values = [1.0, 2.0]; } ); baselines = true;", "no baselines at single points"},
  };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    Verifier verifier;
    Case c;
    create(wrong[i].verify, &c);
    ck_petsc_fails(
        VerifierCreate(PETSC_COMM_SELF, c.config, c.problem, c.domain, c.domain, c.network, c.residual, &verifier),
        PETSC_ERR_USER_INPUT, wrong[i].word);
    ck_petsc(VerifierDestroy(&verifier));
    ck_petsc(CaseDestroy(&c));
  }
}
END_TEST

TEST_SUITE("output truth", points_lie_at_the_center_but_for_what_is_fixed, errors_are_those_at_the_points,
           mistakes_are_told)
