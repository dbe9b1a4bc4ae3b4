#include <math.h>
#include <stdlib.h>
#include "pinn/scaled_rows.h"

typedef struct {
  struct Rows_s rows; /* the scaled ones; first, so that a Rows is a ScaledRows */
  Rows inner;
  RowsOps ops;
  double *factors; /* D^{-1/2} of each layer by the factors of its outputs [n_out] and then its inputs [n_in] */
  size_t *places;  /* [n_layer] of a layer's factors */
  double *scaling; /* [n_param] D^{-1/2} */
  Vec all, product;
} ScaledRows;

static PetscErrorCode evaluate(void *self, Vec theta, double r[], double *loss)
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(s->inner->ops->evaluate(s->inner->self, theta, r, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode linearize(void *self, Vec theta, double r[], double *loss)
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(RowsLinearize(s->inner, theta, r, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gradient(void *self, Vec theta, double *loss, Vec y)
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(s->inner->ops->gradient(s->inner->self, theta, loss, y));
  PetscCall(VecPointwiseMult(y, y, s->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode apply(void *self, Vec theta, Vec v, double Jv[])
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(s->product, v, s->all));
  PetscCall(s->inner->ops->apply(s->inner->self, theta, s->product, Jv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode apply_transpose(void *self, Vec theta, const double w[], Vec y)
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(s->inner->ops->apply_transpose(s->inner->self, theta, w, y));
  PetscCall(VecPointwiseMult(y, y, s->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode jacobian(void *self, Vec theta, size_t begin, size_t count, double r[], double J[], size_t ld)
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(s->inner->ops->jacobian(s->inner->self, theta, begin, count, r, J, ld));
  for (size_t i = 0; i < (size_t)s->inner->n_row; i++)
    for (size_t k = 0; k < count; k++) J[i * ld + k] *= s->scaling[begin + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* scaling times what the caller asks for besides, [n_param] for him to free */
static PetscErrorCode both(const ScaledRows *s, const double scaling[], double **product)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->inner->n_param, product));
  for (size_t k = 0; k < s->inner->n_param; k++) (*product)[k] = s->scaling[k] * (scaling ? scaling[k] : 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gram(void *self, Vec theta, const double scaling[], double K[], size_t ld)
{
  const ScaledRows *s = self;
  double *product;
  PetscFunctionBegin;
  PetscCall(both(s, scaling, &product));
  PetscCall(RowsGram(s->inner, theta, product, K, ld));
  PetscCall(PetscFree(product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gram_layer(void *self, Vec theta, int layer, const double scaling[], double K[], size_t ld)
{
  const ScaledRows *s = self;
  double *product;
  PetscFunctionBegin;
  PetscCall(both(s, scaling, &product));
  PetscCall(RowsGramLayer(s->inner, theta, layer, product, K, ld));
  PetscCall(PetscFree(product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode normal(void *self, Vec theta, double N[], size_t ld, double b[])
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(RowsNormal(s->inner, theta, N, ld, b));
  for (size_t i = 0; i < s->inner->n_param; i++) {
    b[i] *= s->scaling[i];
    for (size_t k = 0; k <= i; k++) N[i * ld + k] *= s->scaling[i] * s->scaling[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode diagonal(void *self, Vec theta, double d[])
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(RowsDiagonal(s->inner, theta, d));
  for (size_t k = 0; k < s->inner->n_param; k++) d[k] *= s->scaling[k] * s->scaling[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode symbol(void *self, Vec theta, double d[])
{
  const ScaledRows *s = self;
  PetscFunctionBegin;
  PetscCall(s->inner->ops->symbol(s->inner->self, theta, d));
  for (size_t k = 0; k < s->inner->n_param; k++) d[k] *= s->scaling[k] * s->scaling[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Panels with z and g scaled, a copy for each thread. */
typedef struct {
  const ScaledRows *s;
  RowsPanelFn fn;
  void *context;
  double **copies; /* [n_thread] */
  size_t *sizes;   /* [n_thread] */
} Visit;

static void scale(size_t n, size_t width, const double factors[], const double from[], double to[])
{
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < width; k++) to[i * width + k] = from[i * width + k] * factors[k];
}

static void visit_panel(void *context, int thread, const RowsPanel *panel)
{
  const Visit *visit = context;
  const size_t n = (size_t)panel->n_column * (size_t)panel->n;
  const size_t n_in = (size_t)panel->n_in, n_out = (size_t)panel->n_out, need = n * (n_in + n_out);
  const double *factors = visit->s->factors + visit->s->places[panel->layer];
  RowsPanel own = *panel;
  if (need > visit->sizes[thread]) {
    free(visit->copies[thread]);
    visit->copies[thread] = malloc(need * sizeof(double));
    visit->sizes[thread] = need;
  }
  if (!visit->copies[thread]) return;
  double *z = visit->copies[thread], *g = z + n * n_in;
  scale(n, n_out, factors, panel->g, g);
  scale(n, n_in, factors + n_out, panel->z, z);
  own.z = z;
  own.g = g;
  visit->fn(visit->context, thread, &own);
}

static PetscErrorCode visit_rows(void *self, Vec theta, int layer, RowsPanelFn fn, void *context)
{
  const ScaledRows *s = self;
  const int n_thread = RowsThreads(s->inner);
  Visit visit = {.s = s, .fn = fn, .context = context};
  bool failed = false;
  PetscFunctionBegin;
  PetscCall(PetscCalloc2(n_thread, &visit.copies, n_thread, &visit.sizes));
  PetscCall(RowsVisit(s->inner, theta, layer, visit_panel, &visit));
  for (int thread = 0; thread < n_thread; thread++) {
    failed = failed || (visit.sizes[thread] && !visit.copies[thread]);
    free(visit.copies[thread]);
  }
  PetscCall(PetscFree2(visit.copies, visit.sizes));
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for scaled rows");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parts of the inner rows that may change. */
static void take_over(ScaledRows *s)
{
  s->rows = *s->inner;
  s->rows.ops = &s->ops;
  s->rows.self = s;
  s->rows.unscaled = s->inner;
  s->rows.scaling = s->scaling;
}

/* scaling from the layers' factors */
static PetscErrorCode fill(ScaledRows *s)
{
  double *V;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->inner->n_param, &V));
  for (int l = 0; l < RowsLayers(s->inner); l++) {
    const RowsLayer layer = RowsLayerAt(s->inner, l);
    const double *outputs = s->factors + s->places[l], *inputs = outputs + layer.n_out;
    for (PetscInt j = 0; j < layer.n_out; j++)
      for (PetscInt i = 0; i < layer.n_in; i++) V[j * layer.n_in + i] = outputs[j] * inputs[i];
    RowsLayerSet(&layer, V, s->scaling);
  }
  PetscCall(PetscFree(V));
  PetscCall(FullVecPut(s->scaling, s->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScaledRowsCreate(Rows rows, Rows *scaled)
{
  ScaledRows *s;
  size_t n_factor = 0;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->inner = rows;
  s->ops = (RowsOps){evaluate,
                     gradient,
                     apply,
                     apply_transpose,
                     jacobian,
                     .linearize = linearize,
                     .gram = gram,
                     .gram_layer = gram_layer,
                     .normal = normal,
                     .diagonal = diagonal,
                     .visit = rows->ops->visit ? visit_rows : NULL,
                     .symbol = rows->ops->symbol ? symbol : NULL};
  PetscCall(PetscMalloc2(RowsLayers(rows), &s->places, rows->n_param, &s->scaling));
  take_over(s);
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    s->places[l] = n_factor;
    n_factor += (size_t)(layer.n_out + layer.n_in);
  }
  PetscCall(PetscMalloc1(n_factor, &s->factors));
  for (size_t k = 0; k < n_factor; k++) s->factors[k] = 1.0;
  PetscCall(RowsCreateVec(rows, &s->all));
  PetscCall(VecDuplicate(s->all, &s->product));
  PetscCall(fill(s));
  *scaled = &s->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScaledRowsDestroy(Rows *scaled)
{
  ScaledRows *s = *scaled ? (*scaled)->self : NULL;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(s->places, s->scaling));
  PetscCall(PetscFree(s->factors));
  PetscCall(VecDestroy(&s->all));
  PetscCall(VecDestroy(&s->product));
  PetscCall(PetscFree(s));
  *scaled = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* log S_ji = b_j + a_i - their mean, so that S is the product of what is written to factors. */
static void fit(PetscInt n_out, PetscInt n_in, const double S[], double factors[])
{
  double mean = 0.0;
  for (PetscInt k = 0; k < n_out + n_in; k++) factors[k] = 0.0;
  for (PetscInt j = 0; j < n_out; j++)
    for (PetscInt i = 0; i < n_in; i++) {
      const double value = log(S[j * n_in + i]);
      factors[j] += value / (double)n_in;
      factors[n_out + i] += value / (double)n_out;
      mean += value / ((double)n_in * (double)n_out);
    }
  for (PetscInt k = 0; k < n_out + n_in; k++) factors[k] = exp(factors[k] - 0.5 * mean);
}

PetscErrorCode ScaledRowsSetPoint(Rows scaled, Vec theta, double evenness)
{
  ScaledRows *s = scaled->self;
  double *d, *S;
  PetscFunctionBegin;
  take_over(s);
  PetscCall(PetscMalloc2(s->inner->n_param, &d, s->inner->n_param, &S));
  PetscCall(RowsDiagonal(s->inner, theta, d));
  RowsScaling(s->inner->n_param, evenness, d, d);
  for (int l = 0; l < RowsLayers(s->inner); l++) {
    const RowsLayer layer = RowsLayerAt(s->inner, l);
    RowsLayerGet(&layer, d, S);
    fit(layer.n_out, layer.n_in, S, s->factors + s->places[l]);
  }
  PetscCall(PetscFree2(d, S));
  PetscCall(fill(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

Vec ScaledRowsScaling(Rows scaled)
{
  return ((ScaledRows *)scaled->self)->all;
}
