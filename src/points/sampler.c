/* The table of samplers, and what tensor products of nodes have in common. */
#include <stdio.h>
#include <string.h>
#include "points_impl.h"

#define MAX_TENSOR 100000000 /* points of a tensor product */
#define MAX_EXCESS 8         /* times the count that the smallest tensor product may take */

extern const SamplerOps SamplerOps_Grid, SamplerOps_Uniform, SamplerOps_LatinHypercube, SamplerOps_Sobol,
    SamplerOps_Halton, SamplerOps_Midpoints, SamplerOps_Chebyshev, SamplerOps_GaussLegendre;

static const Choice rows[] = {
    {"sobol", "low-discrepancy sequence, shifted at random; up to 40 coordinates", &SamplerOps_Sobol},
    {"halton", "low-discrepancy sequence, shifted at random; up to 1229 coordinates", &SamplerOps_Halton},
    {"latin-hypercube", "random, one point in each of `count` slices of every coordinate", &SamplerOps_LatinHypercube},
    {"uniform", "independent and uniform", &SamplerOps_Uniform},
    {"grid", "equidistant nodes; the boundary belongs to conditions, not to the interior", &SamplerOps_Grid},
    {"midpoints", "of equal parts of each coordinate: the nodes for periodic ones", &SamplerOps_Midpoints},
    {"chebyshev", "tensor product of Gauss-Chebyshev nodes", &SamplerOps_Chebyshev},
    {"gauss-legendre", "tensor product of Gauss-Legendre nodes", &SamplerOps_GaussLegendre},
    {NULL, NULL, NULL},
};
const ChoiceTable SamplerTable = {"sampler", "how points are placed", rows};

static bool is_possible(const SamplerOps *ops, int dim)
{
  return ops->draw && (!ops->max_dim || dim <= ops->max_dim);
}

/* "sobol, halton": the samplers that take any count in this dimension. */
static void alternatives(int dim, char text[], size_t size)
{
  size_t used = 0;
  for (const Choice *row = rows; row->name && used < size; row++)
    if (is_possible(row->data, dim))
      used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", row->name);
}

/* The number a coordinate whose dim-th power is nearest to count; one point only where one is asked for. */
static PetscInt tensor_side(PetscInt count, int dim)
{
  const double low = floor(pow((double)count, 1.0 / dim));
  const bool up = pow(low + 1, dim) - (double)count < (double)count - pow(low, dim);
  const PetscInt side = (PetscInt)low + up;
  return side < 2 && count > 1 ? 2 : side;
}

static PetscErrorCode tensor_count(const Sampling *sampling, const char *where, const Piece *piece, PetscInt share,
                                   PetscInt *count)
{
  const char *name = sampling->sampler->name;
  const int dim = piece->n_cube, n_count = sampling->n_count;
  char others[128];
  double product = 1;

  PetscFunctionBegin;
  alternatives(dim, others, sizeof(others));
  if (piece->rejects) share = (PetscInt)fmin(ceil((double)share / piece->fraction), MAX_TENSOR);
  if (n_count > 1) {
    PinnUserCheck(n_count == dim, "%s: %d counts where %d coordinate%s free: give one in all or one for each", where,
                  n_count, dim, dim == 1 ? " is" : "s are");
    for (int c = 0; c < dim; c++) product *= (double)sampling->count[c];
  } else {
    product = pow((double)tensor_side(share, dim), dim);
    PinnUserCheck(product <= MAX_EXCESS * (double)share,
                  "%s: sampler '%s' needs at least 2^%d = %lg points, far more than %" PetscInt_FMT "; use one of %s",
                  where, name, dim, product, share, others);
  }
  PinnUserCheck(product <= MAX_TENSOR,
                "%s: sampler '%s' would place %lg points, at most %d are possible; use one of %s", where, name, product,
                MAX_TENSOR, others);
  *count = (PetscInt)product;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SamplerCount(const Sampling *sampling, const char *sampler_where, const char *count_where,
                            const Piece *piece, PetscInt share, PetscInt *count)
{
  const SamplerOps *ops = sampling->sampler->data;
  const char *name = sampling->sampler->name;
  const int dim = piece->n_cube;
  char others[128];

  PetscFunctionBegin;
  *count = piece->dim ? share : 1;
  if (!piece->dim) PetscFunctionReturn(PETSC_SUCCESS);
  if (ops->nodes) {
    alternatives(dim, others, sizeof(others));
    PinnUserCheck(!piece->thinned && (!piece->rejects || ops->gaps),
                  "%s: sampler '%s' needs a box, or a shape with a smooth map onto it; use one of %s%s", sampler_where,
                  name, others, piece->thinned ? "" : ", grid");
    PetscCall(tensor_count(sampling, count_where, piece, share, count));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PinnUserCheck(sampling->n_count == 1, "%s: sampler '%s' takes one count, not one for each coordinate", count_where,
                name);
  alternatives(dim, others, sizeof(others));
  PinnUserCheck(is_possible(ops, dim),
                "%s: sampler '%s' fills at most %d coordinates, here there are %d; use one of %s", sampler_where, name,
                ops->max_dim, dim, others);
  PinnUserCheck(!ops->max_count || share <= ops->max_count,
                "%s: sampler '%s' has %" PetscInt_FMT " points, not %" PetscInt_FMT, count_where, name, ops->max_count,
                share);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First coordinate fastest. */
static PetscErrorCode draw_tensor(const Draw *draw, double unit[])
{
  const SamplerOps *ops = draw->sampling->sampler->data;
  const bool given = draw->sampling->n_count > 1;
  const PetscInt equal = given ? 0 : tensor_side(draw->count, draw->dim);

  PetscFunctionBegin;
  PetscInt stride = 1;
  for (int c = 0; c < draw->dim; c++) {
    const PetscInt side = given ? draw->sampling->count[c] : equal;
    double *node;
    PetscCall(PetscMalloc1(side, &node));
    PetscCall(ops->nodes(draw->grid, side, node));
    for (int p = 0; p < draw->n; p++)
      unit[(size_t)p * (size_t)draw->dim + (size_t)c] = node[(draw->first + p) / stride % side];
    stride *= side;
    PetscCall(PetscFree(node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SamplerDraw(const Draw *draw, double unit[])
{
  const SamplerOps *ops = draw->sampling->sampler->data;

  PetscFunctionBegin;
  if (!draw->dim) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ops->nodes ? draw_tensor(draw, unit) : ops->draw(draw, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SamplerWeights(const Sampling *sampling, const char *where, const Piece *piece, PetscInt count,
                              double weights[])
{
  const SamplerOps *ops = sampling->sampler->data;
  const bool given = sampling->n_count > 1;
  const PetscInt equal = given ? 0 : tensor_side(count, piece->n_cube);
  char others[128];

  PetscFunctionBegin;
  for (PetscInt p = 0; p < count; p++) weights[p] = ops->nodes && piece->dim ? 1.0 : 1.0 / (double)count;
  if (!ops->nodes || !piece->dim) PetscFunctionReturn(PETSC_SUCCESS);
  alternatives(piece->n_cube, others, sizeof(others));
  PinnUserCheck(ops->weights, "%s: the nodes of sampler '%s' have no weights for integrals; use gauss-legendre, %s",
                where, sampling->sampler->name, others);
  PetscInt stride = 1;
  for (int c = 0; c < piece->n_cube; c++) {
    const PetscInt side = given ? sampling->count[c] : equal;
    double *own;
    PetscCall(PetscMalloc1(side, &own));
    PetscCall(ops->weights(side, own));
    for (PetscInt p = 0; p < count; p++) weights[p] *= own[p / stride % side];
    stride *= side;
    PetscCall(PetscFree(own));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
