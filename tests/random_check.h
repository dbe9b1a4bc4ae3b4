/* A goodness-of-fit test. */
#pragma once
#include <gsl/gsl_cdf.h>
#include "harness.h"

/* Fails where n counts that are expected to be equal differ more than chance (chi-square), or less than chance. */
static inline void ck_uniform(const int bin[], int n)
{
  double total = 0, chi_square = 0;
  for (int b = 0; b < n; b++) total += bin[b];
  for (int b = 0; b < n; b++) chi_square += pow(bin[b] - total / n, 2) / (total / n);
  const double p = gsl_cdf_chisq_Q(chi_square, n - 1);
  ck_assert_msg(p > 1e-4 && p < 1 - 1e-4, "chi-square %g of %d bins has probability %g", chi_square, n, p);
}
