/* Slots for sampled terms. Terms of an operator of one shape, equal up to the names of their coordinates, and of one
   sign are a stratum; m slots of that shape stand for its K terms, times K / m. What coefficients differ by goes into
   the seeds: those of a term of order p times |c|^(1/p) are |c| times the term. Coordinates that all terms of a stratum
   have in one place stay as they are, and so do terms of first order, and strata of fewer than m terms. Strata of
   different operators whose terms are the same share slots. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "jet_impl.h"

#define TOLERANCE 1e-13 /* of quotients of coefficients, which are products of the user's numbers */

/* A term that may be sampled; its coordinates by falling multiplicity, then ascending. */
typedef struct {
  int op, term, factor;
  double coef;
  JetIndex index;
} Candidate;

/* The candidates [begin, begin + n) of one shape and sign. */
typedef struct {
  int begin, n;
  int n_run, power[KERNEL_MAX_ORDER],
      fixed[KERNEL_MAX_ORDER]; /* of a run: fixed = its coordinate, -1 where it varies */
  int like;                    /* the stratum whose slots it has: itself or an earlier one */
  double ratio;                /* of its coefficients to that one's */
  int factor;                  /* of all its terms */
  bool factors;                /* they differ */
  int group;                   /* of draw 0 */
} Stratum;

typedef struct {
  int n_coord, n_op, draws, slots, passes;
  const JetOperator *ops;
  int n_candidate, n_stratum;
  Candidate *candidates;
  Stratum *strata;
  int n_group;
  JetGroup *groups;
} Sampling;

static JetIndex by_multiplicity(const JetIndex *a)
{
  JetIndex sorted = {.order = 0};
  for (int length = a->order; length > 0; length--)
    for (int k = 0, run; k < a->order; k += run) {
      run = JetRunLength(a, k);
      for (int i = 0; i < run && run == length; i++) sorted.coord[sorted.order++] = a->coord[k];
    }
  return sorted;
}

static int compare_shape(const Candidate *a, const Candidate *b)
{
  if (a->op != b->op) return a->op < b->op ? -1 : 1;
  if (a->index.order != b->index.order) return a->index.order < b->index.order ? -1 : 1;
  for (int k = 0, run; k < a->index.order; k += run) {
    const int other = JetRunLength(&b->index, k);
    run = JetRunLength(&a->index, k);
    if (run != other) return run < other ? -1 : 1;
  }
  return (a->coef > 0.0) - (b->coef > 0.0);
}

static int compare_candidates(const void *a, const void *b)
{
  const Candidate *left = a, *right = b;
  const int order = compare_shape(left, right);
  if (order) return order;
  const int index = JetIndexCompare(&left->index, &right->index);
  return index ? index : (left->factor > right->factor) - (left->factor < right->factor);
}

static PetscErrorCode collect_candidates(Sampling *s)
{
  int n = 0;
  PetscFunctionBegin;
  for (int o = 0; o < s->n_op; o++) n += s->ops[o].n;
  PetscCall(PetscMalloc1(n, &s->candidates));
  for (int o = 0; o < s->n_op; o++) {
    const JetOperator *op = &s->ops[o];
    for (int t = 0; t < op->n && op->n > 1; t++)
      if (op->index[t].order > 1)
        s->candidates[s->n_candidate++] =
            (Candidate){o, t, JetFactor(op, t), op->coef[t], by_multiplicity(&op->index[t])};
  }
  if (s->n_candidate) qsort(s->candidates, (size_t)s->n_candidate, sizeof(*s->candidates), compare_candidates);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its runs, and what all terms have in common; false where nothing varies. */
static bool read_stratum(const Sampling *s, Stratum *stratum)
{
  const Candidate *first = &s->candidates[stratum->begin];
  bool varies = false;
  stratum->factor = first->factor;
  for (int i = 1; i < stratum->n; i++) stratum->factors |= first[i].factor != first->factor;
  for (int k = 0, run; k < first->index.order; k += run) {
    run = JetRunLength(&first->index, k);
    int fixed = first->index.coord[k];
    for (int i = 1; i < stratum->n && fixed >= 0; i++)
      if (first[i].index.coord[k] != fixed) fixed = -1;
    stratum->power[stratum->n_run] = run;
    stratum->fixed[stratum->n_run++] = fixed;
    varies |= fixed < 0;
  }
  return varies;
}

static bool same_terms(const Sampling *s, const Stratum *a, const Stratum *b, double *ratio)
{
  const Candidate *x = &s->candidates[a->begin], *y = &s->candidates[b->begin];
  *ratio = x->coef / y->coef;
  if (a->n != b->n || a->n_run != b->n_run || a->factors != b->factors) return false;
  for (int i = 0; i < a->n; i++) {
    if (JetIndexCompare(&x[i].index, &y[i].index) || (a->factors && x[i].factor != y[i].factor)) return false;
    if (!(fabs(x[i].coef - *ratio * y[i].coef) <= TOLERANCE * fabs(x[i].coef))) return false;
  }
  return true;
}

static PetscErrorCode collect_strata(Sampling *s)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->n_candidate, &s->strata));
  for (int i = 0, end; i < s->n_candidate; i = end) {
    Stratum stratum = {.begin = i, .like = s->n_stratum, .ratio = 1.0, .group = -1};
    for (end = i + 1; end < s->n_candidate && !compare_shape(&s->candidates[i], &s->candidates[end]);) end++;
    stratum.n = end - i;
    if (stratum.n < PetscMax(2, s->slots * s->passes) || !read_stratum(s, &stratum)) continue;
    for (int k = 0; k < s->n_stratum && stratum.like == s->n_stratum; k++)
      if (s->strata[k].like == k && same_terms(s, &stratum, &s->strata[k], &stratum.ratio)) stratum.like = k;
    if (stratum.like == s->n_stratum) stratum.ratio = 1.0;
    s->strata[s->n_stratum++] = stratum;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The group of one draw, but for the numbers of its coordinates and factors. */
static PetscErrorCode create_group(const Sampling *s, const Stratum *stratum, JetGroup *group)
{
  const Candidate *first = &s->candidates[stratum->begin];
  int varying = 0;
  PetscFunctionBegin;
  *group = (JetGroup){
      JET_SAMPLE,        .n = stratum->n, .slots = s->slots, .passes = s->passes, .order = first->index.order,
      .first_factor = -1};
  for (int r = 0; r < stratum->n_run; r++) {
    group->arity += stratum->fixed[r] < 0;
    varying += stratum->fixed[r] < 0 ? stratum->power[r] : 0;
  }
  group->width = group->slots * group->arity;
  PetscCall(PetscMalloc2(stratum->n * group->arity, &group->coord, stratum->n, &group->coef));
  if (stratum->factors) PetscCall(PetscMalloc1(stratum->n, &group->factor));
  for (int i = 0; i < stratum->n; i++) {
    int *coord = group->coord + (size_t)i * (size_t)group->arity;
    for (int r = 0, k = 0; r < stratum->n_run; k += stratum->power[r++])
      if (stratum->fixed[r] < 0) *coord++ = first[i].index.coord[k];
    group->coef[i] = pow(first[i].coef / first->coef, 1.0 / varying);
    if (stratum->factors) group->factor[i] = first[i].factor;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_groups(Sampling *s)
{
  int next = s->n_coord, next_factor = JET_SLOT_FACTOR;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->n_stratum * s->draws, &s->groups));
  for (int k = 0; k < s->n_stratum; k++) {
    if (s->strata[k].like != k) continue;
    s->strata[k].group = s->n_group;
    for (int draw = 0; draw < s->draws; draw++) {
      JetGroup *group = &s->groups[s->n_group++];
      PetscCall(create_group(s, &s->strata[k], group));
      group->draw = draw;
      group->first = next;
      next += group->width;
      if (!group->factor) continue;
      group->first_factor = next_factor;
      next_factor += group->slots;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The slots in place of a stratum's terms. */
static PetscErrorCode add_slots(const Sampling *s, const Stratum *stratum, int draw, JetTerms *terms)
{
  const JetGroup *group = &s->groups[s->strata[stratum->like].group + draw];
  const double coef =
      s->candidates[s->strata[stratum->like].begin].coef * stratum->ratio * group->n / (group->slots * group->passes);
  PetscFunctionBegin;
  for (int slot = 0; slot < group->slots; slot++) {
    JetIndex index = {.order = 0};
    for (int r = 0, next = group->first + slot * group->arity; r < stratum->n_run; r++) {
      const int coord = stratum->fixed[r] < 0 ? next++ : stratum->fixed[r];
      for (int i = 0; i < stratum->power[r]; i++) index.coord[index.order++] = coord;
    }
    PetscCall(JetTermsAdd(terms, &index, coef, stratum->factors ? group->first_factor + slot : stratum->factor));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Operators of one draw: [n_op] */
static PetscErrorCode reduce_operators(const Sampling *s, int draw, JetOperator reduced[])
{
  JetTerms *terms;
  bool **sampled;
  double *share; /* of what stays exact */
  PetscFunctionBegin;
  PetscCall(PetscCalloc3(s->n_op, &terms, s->n_op, &sampled, s->n_op, &share));
  for (int o = 0; o < s->n_op; o++) PetscCall(PetscCalloc1(s->ops[o].n, &sampled[o]));
  for (int o = 0; o < s->n_op; o++) share[o] = 1.0;
  for (int k = 0; k < s->n_stratum; k++) {
    const Candidate *first = &s->candidates[s->strata[k].begin];
    for (int i = 0; i < s->strata[k].n; i++) sampled[first[i].op][first[i].term] = true;
    share[first->op] = 1.0 / s->passes;
    PetscCall(add_slots(s, &s->strata[k], draw, &terms[first->op]));
  }
  for (int o = 0; o < s->n_op; o++) {
    const JetOperator *op = &s->ops[o];
    for (int t = 0; t < op->n; t++)
      if (!sampled[o][t]) PetscCall(JetTermsAdd(&terms[o], &op->index[t], share[o] * op->coef[t], JetFactor(op, t)));
    PetscCall(JetTermsFinish(&terms[o], &reduced[o]));
    PetscCall(PetscFree(sampled[o]));
  }
  PetscCall(PetscFree3(terms, sampled, share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetReduceBySampling(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                   int *n_group, JetGroup **groups, JetOperator reduced[])
{
  Sampling s = {.n_coord = n_coord,
                .n_op = n,
                .draws = PetscMax(1, reducer->draws),
                .slots = reducer->slots,
                .passes = PetscMax(1, reducer->passes),
                .ops = operators};
  PetscFunctionBegin;
  PetscCall(collect_candidates(&s));
  PetscCall(collect_strata(&s));
  PetscCall(create_groups(&s));
  for (int draw = 0; draw < s.draws; draw++) PetscCall(reduce_operators(&s, draw, reduced + draw * n));
  *n_group = s.n_group;
  *groups = s.groups;
  PetscCall(PetscFree(s.candidates));
  PetscCall(PetscFree(s.strata));
  PetscFunctionReturn(PETSC_SUCCESS);
}
