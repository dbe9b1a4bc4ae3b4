/* What every test file uses: it defines TestSuite(), harness.c has main(). */
#pragma once
#include <check.h>
#include <math.h>
#include "pinn/error.h"

Suite *TestSuite(void);

/* A call that must succeed; a call that must fail with a code and a text that contains `part`. */
#define ck_petsc(call) ck_assert_int_eq((call), 0)
#define ck_petsc_fails(call, code, part)                                                                               \
  do {                                                                                                                 \
    PetscPushErrorHandler(TestSilentHandler, NULL);                                                                    \
    PetscErrorCode failed_ = (call);                                                                                   \
    PetscPopErrorHandler();                                                                                            \
    ck_assert_int_eq(failed_, (code));                                                                                 \
    ck_assert_msg(strstr(TestErrorText(), (part)) != NULL, "'%s' does not contain '%s'", TestErrorText(), (part));     \
  } while (0)

/* |a - b| <= rtol * max(|a|, |b|) + atol, printing both. */
#define ck_near(a, b, rtol, atol)                                                                                      \
  do {                                                                                                                 \
    const double a_ = (a), b_ = (b);                                                                                   \
    ck_assert_msg(fabs(a_ - b_) <= (rtol)*fmax(fabs(a_), fabs(b_)) + (atol), "%s = %.17g, %s = %.17g (difference %g)", \
                  #a, a_, #b, b_, a_ - b_);                                                                            \
  } while (0)

PetscErrorCode TestSilentHandler(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                 PetscErrorType type, const char *text, void *context);
const char *TestErrorText(void);

/* A Suite of one TCase from an array of tests; timeout in seconds for each test. */
Suite *TestSuiteOf(const char *name, size_t n, const TTest *const tests[], double timeout);
#define TEST_SUITE(name, ...)                                                                                          \
  Suite *TestSuite(void)                                                                                               \
  {                                                                                                                    \
    const TTest *const list[] = {__VA_ARGS__};                                                                         \
    return TestSuiteOf(name, sizeof(list) / sizeof(list[0]), list, 120.0);                                             \
  }
