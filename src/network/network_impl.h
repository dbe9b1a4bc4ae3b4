#pragma once
#include "pinn/network.h"
#include "pinn/random.h"

/* What a row of ActivationTable points to. */
typedef struct {
  KernelSeries series;
  KernelSeries_Single series_Single;
  bool periodic; /* f(x + 2 pi) = f(x): the only kind that makes features of a periodic coordinate */
} Activation;

typedef struct NetworkType_s NetworkType;

/* What a row of PrecisionTable points to: the types of the forward sweep and of the three that follow it. */
typedef struct {
  bool forward_single, adjoint_single;
} Precision;

/* One dense layer: pre-activation = W z + b. */
typedef struct {
  int n_in, n_out;
  bool frozen;   /* weights in Network.frozen, else in theta */
  size_t offset; /* of W [n_out][n_in], then b [n_out] where it has biases */
  bool unbiased; /* has none */
  const int
      *input_of; /* [n_coord] of the first layer where coordinates share inputs, which are their sums; else NULL */
} Layer;

struct Network_s {
  const NetworkType *type;
  const Activation *activation;
  const Precision *precision;
  int n_coord, n_input, n_field, n_layer;
  /* n_input: of the first layer, n_coord unless coordinates share some */
  bool affine;              /* the outputs have A x beside the last layer; A is layers[n_layer] */
  int *input_of;            /* [n_coord] what layers[0].input_of shows, or NULL */
  Layer *layers;            /* [n_layer + affine]; layers[n_layer - 1] is linear */
  double *shift, *stretch;  /* [n_coord] input = (x - shift) * stretch */
  double *lower, *upper;    /* [n_coord] */
  size_t n_param, n_frozen; /* of the layers */
  int n_extra;              /* parameters of others behind them in theta */
  double *extra;            /* [n_extra] what they begin with */
  double wide;              /* least input weights of a first layer that threads share; 0 = the default */
  double *frozen;
  uint32_t seed;
  double *scales; /* [n_coord] random features */
  bool *periodic; /* [n_coord] random features */
  bool search_scales;
  char description[256];
};

/* What a row of NetworkTable points to. */
struct NetworkType_s {
  PetscErrorCode (*create)(Network network, Config config,
                           const char *const coordinates[]); /* layers and own settings */
  void (*initialize)(Network network, double theta[]);
};

/* Sets up `n_hidden` hidden layers, `frozen` where they are, the affine part where network->affine, and the linear
   layer; the first reads network->n_input inputs. */
PetscErrorCode NetworkSetLayers(Network network, Config config, const char *key, int n_hidden, const PetscInt hidden[],
                                bool frozen);
static inline size_t LayerSize(const Layer *layer)
{
  return ((size_t)layer->n_in + (layer->unbiased ? 0 : 1)) * (size_t)layer->n_out;
}
/* The affine part, or NULL. */
static inline const Layer *NetworkAffine(Network network)
{
  return network->affine ? &network->layers[network->n_layer] : NULL;
}
/* Does a layer read the coordinates? */
static inline bool NetworkReadsInputs(Network network, int l)
{
  return l == 0 || l == network->n_layer;
}
/* Reads network.block: n_input and input_of. Errors: blocks longer than any vector coordinate. */
PetscErrorCode NetworkShareInputs(Network network, Config config, const char *const coordinates[]);
/* Weights of a layer within theta or the frozen ones. */
static inline const double *NetworkWeights(Network network, const Layer *layer, const double theta[])
{
  return (layer->frozen ? network->frozen : theta) + layer->offset;
}
int NetworkWidest(Network network); /* the largest n_out */
/* Numbers a sweep holds a point and column: Z and D of hidden layers, and two adjoints. */
size_t NetworkJetNumbers(Network network);
/* Normal weights of variance 2 / (n_in + n_out) (Glorot and Bengio 2010), zero biases. */
void NetworkDrawGlorot(Network network, int layer, double weights[]);

extern const NetworkType NetworkMLP, NetworkRandomFeatures;
