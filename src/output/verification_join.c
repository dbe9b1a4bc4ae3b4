/* The verification of an interval of time from those of its slabs. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "output_impl.h"

PetscErrorCode VerificationAllocate(Verification *v)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc6(v->n_field, &v->l2_error, v->n_field, &v->max_error, v->n_field, &v->constant_error,
                         v->n_field, &v->affine_error, v->n_field, &v->nonaffine_error, v->n_field, &v->sums));
  PetscCall(PetscCalloc4(v->n_term, &v->term_rms, v->n_term, &v->term_max, v->n_term, &v->heldout_term_rms, v->n_term,
                         &v->heldout_term_max));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VerificationDestroy(Verification *v)
{
  PetscFunctionBegin;
  PetscCall(PetscFree6(v->l2_error, v->max_error, v->constant_error, v->affine_error, v->nonaffine_error, v->sums));
  PetscCall(PetscFree4(v->term_rms, v->term_max, v->heldout_term_rms, v->heldout_term_max));
  PetscCall(PetscFree2(v->slab_end, v->slab_error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void join_term(int n, const Verification parts[], int e, Verification *whole)
{
  double square = 0.0, heldout = 0.0;
  int count = 0;
  for (int k = 0; k < n; k++) {
    if (VerificationLacks(&parts[k], e)) continue;
    count++;
    square += parts[k].term_rms[e] * parts[k].term_rms[e];
    heldout += parts[k].heldout_term_rms[e] * parts[k].heldout_term_rms[e];
    whole->term_max[e] = fmax(whole->term_max[e], parts[k].term_max[e]);
    whole->heldout_term_max[e] = fmax(whole->heldout_term_max[e], parts[k].heldout_term_max[e]);
  }
  whole->term_rms[e] = sqrt(square / count);
  whole->heldout_term_rms[e] = sqrt(heldout / count);
}

static void join_field(int n, const Verification parts[], int f, Verification *whole)
{
  FieldSums *sums = &whole->sums[f];
  for (int k = 0; k < n; k++) {
    const FieldSums *part = &parts[k].sums[f];
    sums->count += part->count;
    sums->error2 += part->error2;
    sums->truth2 += part->truth2;
    if (part->count > 0.0) sums->constant2 += part->constant2, sums->affine2 += part->affine2;
    if (!(part->error_max <= sums->error_max)) sums->error_max = part->error_max;
    sums->truth_max = fmax(sums->truth_max, part->truth_max);
    whole->slab_error[(size_t)k * (size_t)whole->n_field + (size_t)f] = parts[k].l2_error[f];
  }
  VerificationErrors(whole, f);
}

PetscErrorCode VerificationJoin(int n, const Verification parts[], const double ends[], Verification *whole)
{
  PetscFunctionBegin;
  *whole = (Verification){.n_field = parts->n_field,
                          .n_equation = parts->n_equation,
                          .n_term = parts->n_term,
                          .has_truth = parts->has_truth,
                          .truth = parts->truth,
                          .affine = parts->affine,
                          .n_slab = n};
  PetscCall(VerificationAllocate(whole));
  PetscCall(PetscMalloc2(n, &whole->slab_end, n * whole->n_field, &whole->slab_error));
  PetscCall(PetscArraycpy(whole->slab_end, ends, n));
  for (int e = 0; e < whole->n_term; e++) join_term(n, parts, e, whole);
  for (int f = 0; f < whole->n_field; f++) join_field(n, parts, f, whole);
  whole->residual_rms = VerificationInterior(whole->n_equation, whole->term_rms);
  whole->heldout_rms = VerificationInterior(whole->n_equation, whole->heldout_term_rms);
  for (int k = 0; k < n; k++)
    for (int w = 0; w < parts[k].n_warning && whole->n_warning < VERIFICATION_WARNINGS; w++)
      snprintf(whole->warning[whole->n_warning++], sizeof(whole->warning[0]), "slab %d: %.230s", k + 1,
               parts[k].warning[w]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
