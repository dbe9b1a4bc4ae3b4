#pragma once
#include <string.h>
#include "pinn/network.h"
#include "pinn/random.h"

/* What a row of ActivationTable points to. */
typedef struct {
  KernelSeries series;
  KernelSeries_Single series_Single;
  bool periodic; /* f(x + 2 pi) = f(x): the only kind that makes features of a periodic coordinate */
} Activation;

/* What a row of FeatureLawTable points to. Draws: W [features][n_coord] and b [features], as they are without the
   whole frequencies of periodic coordinates. */
typedef struct {
  PetscErrorCode (*check)(Network network, Config config, int features); /* optional: settings that do not fit */
  void (*draw)(Network network, int features, double W[], double b[]);
} FeatureLaw;

typedef struct NetworkType_s NetworkType;

/* What a row of PrecisionTable points to: the types of the forward sweep and of the three that follow it. */
typedef struct {
  bool forward_single, adjoint_single;
} Precision;

/* What a row of QuadraticTable points to. */
typedef struct {
  bool full; /* A is any symmetric matrix; else a diagonal one */
} QuadraticForm;

typedef struct Layer_s Layer;
/* First weights and biases of layer l [LayerSize]. */
typedef void (*LayerDraw)(Network network, int l, double weights[]);

/* Parameters of one step: of a dense layer, pre-activation = W z + b; or `direct` ones, which multiply no neurons but
   enter jets in another way: a row of J holds them as they are, and that is what W z + b has with the one input 1. */
struct Layer_s {
  int n_in, n_out;
  bool frozen;   /* weights in Network.frozen, else in theta */
  bool direct;   /* n_in = 1, unbiased */
  bool last;     /* gives outputs that are linear in it */
  bool unbiased; /* has no biases */
  size_t offset; /* of W [n_out][n_in], then b [n_out] where it has biases */
  const int
      *input_of; /* [n_coord] of the first layer where coordinates share inputs, which are their sums; else NULL */
  LayerDraw draw;
  double law[2];  /* numbers for `draw` */
  double *scales; /* [n_coord], likewise; owned */
  int factors;    /* the direct layer whose first n_out numbers multiply the rows of W, else -1 */
  int from;       /* the node that is its input, -1: the coordinates, or none */
};

/* A network is a list of steps between nodes, which hold jets of so many neurons. */
typedef enum {
  STEP_READ,      /* to = W x + b, the one layer that reads the coordinates */
  STEP_DENSE,     /* to = W from + b */
  STEP_ACTIVATE,  /* to = f(factor from) */
  STEP_SCALE,     /* to = s from + b, neuron by neuron: a direct layer (s, b) */
  STEP_SKIP,      /* to = a from + (1 - a) beside, with one number a: a direct layer */
  STEP_MULTIPLY,  /* to = from beside */
  STEP_ADD,       /* to = from + factor beside */
  STEP_SLICE,     /* to = the neurons [at, at + width of to) of from */
  STEP_PLACE,     /* the neurons [at, at + width of from) of to = from */
  STEP_AFFINE,    /* to += A x: the other one */
  STEP_QUADRATIC, /* to += x^T A x (quadratic.h) */
  N_STEP
} StepKind;

typedef struct {
  StepKind kind;
  int to, from, beside; /* nodes, -1: none */
  int layer;            /* -1: none */
  int at;
  double factor;
  const Activation *activation;
  /* by NetworkFinish */
  bool in_place; /* `from` is read by nothing else: f' takes its place */
  bool joins[2]; /* another step has begun the adjoint of from, of beside */
  bool first;    /* no step before it writes to the same node */
  size_t reach;  /* parameters of this step and those before it end here, 0: nothing trained */
} Step;

typedef struct {
  int width;
  bool trained;         /* depends on theta */
  bool stored;          /* has an array of its own */
  int adjoint, tangent; /* its places in the work space of a reverse and of a tangent sweep */
} Node;

struct Network_s {
  const NetworkType *type;
  const Activation *activation; /* of random features */
  const Precision *precision;
  int n_coord, n_input, n_field, n_layer;
  /* n_input: of the first layer, n_coord unless coordinates share some */
  bool affine;                    /* the outputs have A x beside the last layer; A is layers[n_layer] */
  const QuadraticForm *quadratic; /* NULL, or they have a quadratic form, of the layer after these */
  int *input_of;                  /* [n_coord] what layers[0].input_of shows, or NULL */
  Layer *layers;                  /* [NetworkAllLayers]; frozen ones come first, those that give the outputs last */
  Node *nodes;                    /* [n_node]; the first is the output */
  Step *steps;                    /* [n_step] */
  int n_node, n_step, most_layers, most_nodes, most_steps;
  int plain, embedded;      /* nodes of the coordinates, and of these with periodic ones embedded; -1: none reads it */
  int n_slot;               /* places in the work space of a sweep */
  double *shift, *stretch;  /* [n_coord] input = (x - shift) * stretch */
  double *lower, *upper;    /* [n_coord] */
  size_t n_param, n_frozen; /* of the layers */
  int n_extra;              /* parameters of others behind them in theta */
  double *extra;            /* [n_extra] what they begin with */
  double wide;              /* least input weights of a first layer that threads share; 0 = the default */
  double *frozen;
  uint32_t seed;
  double *scales;        /* [n_coord] of features */
  double *wave;          /* [n_coord] work of the law "product" */
  bool *periodic;        /* [n_coord] */
  const FeatureLaw *law; /* of random features */
  int harmonics;         /* of periodic coordinates in NetworkCoordinates */
  bool draws_again;      /* NetworkSetScales */
  bool search_scales;
  char description[256];
};

/* What types read of a group of the case, "network" or "network.of[1]", and the fields [first, first + n) that they
   make. */
typedef struct {
  Config config;
  const char *group;
  const char *const *coordinates; /* [n_coord] names */
  int first_field, n_field;
} NetworkGroup;

/* What a row of NetworkTable points to: adds layers, nodes and steps, reads settings of its own. */
struct NetworkType_s {
  PetscErrorCode (*create)(Network network, const NetworkGroup *group);
  const char *size_key;  /* the setting that its size depends on */
  bool names_activation; /* does its description? */
};
/* The row of one group, created, with its line in the description. */
PetscErrorCode NetworkCreateGroup(Network network, const NetworkGroup *group);

/* "network.of[1].KEY" of a group, until the 8th call from now. */
#define GroupKey(group, key) ConfigPath("%s." key, (group)->group)

/* Building (graph.c). Each step adds its layer and its node, and gives the node's number. */
PetscErrorCode NetworkAddLayer(Network network, Layer layer, int *number);
PetscErrorCode NetworkAddNode(Network network, int width, int *node);
PetscErrorCode NetworkAddStep(Network network, Step step);
/* W from + b; of the coordinates themselves where from is NETWORK_INPUTS, which one layer may read. */
#define NETWORK_INPUTS (-2)
PetscErrorCode NetworkDense(Network network, int from, Layer layer, int *node);
PetscErrorCode NetworkActivate(Network network, int from, double factor, const Activation *activation, int *node);
PetscErrorCode NetworkMultiply(Network network, int from, int beside, int *node);
PetscErrorCode NetworkAdd(Network network, int from, double factor, int beside, int *node);
PetscErrorCode NetworkSlice(Network network, int from, int at, int width, int *node);
PetscErrorCode NetworkPlace(Network network, int from, int at, int to);
PetscErrorCode NetworkSkip(Network network, int from, int beside, int *node);
/* s(W from + b) of `width` neurons, s the group's activation, with factors of W's rows where the group says so
   (network.factorize). */
PetscErrorCode NetworkHidden(Network network, const NetworkGroup *group, int from, int width, int *node);
/* Hidden layers one after the other, and the linear layer to the group's outputs. */
PetscErrorCode NetworkHiddenLayers(Network network, const NetworkGroup *group, int from, int n, const PetscInt hidden[],
                                   int *node);
PetscErrorCode NetworkOutputs(Network network, const NetworkGroup *group, int from);
/* Nodes of the mapped coordinates, shared by all who ask: as they are; and with periodic ones as cos and sin of whole
   waves, coordinate i at [begin[2 i], begin[2 i + 1]) (begin may be NULL). */
PetscErrorCode NetworkPlain(Network network, int *node);
PetscErrorCode NetworkEmbedded(Network network, int *node, int begin[]);
/* Where a type reads the same, once: NETWORK_INPUTS where that will do. */
PetscErrorCode NetworkPlainOnce(Network network, const NetworkGroup *group, int *node);
PetscErrorCode NetworkEmbeddedOnce(Network network, const NetworkGroup *group, int *node);
/* a U + (1 - a) V, from U - V and V (modified_mlp.c); network.hidden of one width. */
PetscErrorCode NetworkGated(Network network, int activated, int difference, int second, int *node);
PetscErrorCode NetworkEqualWidths(const NetworkGroup *group, int *n, const PetscInt **widths);
/* cos and sin of `count` random frequencies (fourier.c). */
PetscErrorCode NetworkFourierFeatures(Network network, const NetworkGroup *group, int count, int *node);
/* Order, offsets and memory of what has been added, frozen weights drawn. */
PetscErrorCode NetworkFinish(Network network, Config config, const char *key);

static inline size_t LayerSize(const Layer *layer)
{
  return ((size_t)layer->n_in + (layer->unbiased ? 0 : 1)) * (size_t)layer->n_out;
}
/* The layers, and what is beside them. */
static inline int NetworkAllLayers(Network network)
{
  return network->n_layer + network->affine + (network->quadratic != NULL);
}
/* The affine part, or NULL. */
static inline const Layer *NetworkAffine(Network network)
{
  return network->affine ? &network->layers[network->n_layer] : NULL;
}
/* Is it the layer of the quadratic form? The form's own, or NULL. */
static inline bool NetworkIsQuadratic(Network network, int l)
{
  return network->quadratic && l == network->n_layer + network->affine;
}
static inline const Layer *NetworkQuadratic(Network network)
{
  return network->quadratic ? &network->layers[network->n_layer + network->affine] : NULL;
}
/* Does a layer read the coordinates, linearly? */
static inline bool NetworkReadsInputs(Network network, int l)
{
  return l == 0 || (network->affine && l == network->n_layer);
}
/* Reads network.normalize, network.block: shift, stretch, n_input and input_of. Errors: blocks longer than any vector
   coordinate. */
PetscErrorCode NetworkNormalize(Network network, const NetworkGroup *group);
PetscErrorCode NetworkShareInputs(Network network, const NetworkGroup *group);
/* W [features][n_coord] and b [features] of random features, by their law, with whole frequencies of periodic ones. */
void NetworkDrawFeatures(Network network, int features, double W[], double b[]);
/* Reads network.periodic. */
PetscErrorCode NetworkReadPeriodic(Network network, const NetworkGroup *group);
/* Of the network that has been built: network.harmonics where nothing reads them. */
PetscErrorCode NetworkCheckHarmonics(Network network, Config config);
/* Reads network.scale: scales [n_coord], to be freed by the caller. */
PetscErrorCode NetworkReadScales(Network network, const NetworkGroup *group, double **scales);
/* Is a group all of the case's network? */
static inline bool GroupIsWhole(const NetworkGroup *group)
{
  return !strcmp(group->group, "network");
}
/* " 2-32-32-1"; and more words of the description. */
void NetworkDescribeWidths(Network network, const NetworkGroup *group, int n, const PetscInt hidden[]);
void NetworkDescribeMore(Network network, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Weights of a layer within theta or the frozen ones. */
static inline const double *NetworkWeights(Network network, const Layer *layer, const double theta[])
{
  return (layer->frozen ? network->frozen : theta) + layer->offset;
}
/* Is it dense layers with activations between them, each read by the next, and at most an affine part and a quadratic
   form beside them?
   Then layer l is step 2 l, its activation the next one. */
bool NetworkIsChain(Network network);
int NetworkWidest(Network network); /* neurons of a node */
/* Numbers a sweep holds a point and column: nodes, derivatives of activations, and adjoints. */
size_t NetworkJetNumbers(Network network);
/* Draws: normal of variance 2 / (n_in + n_out) (Glorot and Bengio 2010) with zero biases; zero; uniform in
   +-law[0] with biases in +-1/sqrt(n_in); exp of normal, mean law[0] and deviation law[1], with zero biases (direct);
   normal with scales[i] for coordinate i. */
void NetworkDrawGlorot(Network network, int l, double weights[]);
void NetworkDrawZero(Network network, int l, double weights[]);
void NetworkDrawUniform(Network network, int l, double weights[]);
void NetworkDrawFactors(Network network, int l, double weights[]);
void NetworkDrawFrequencies(Network network, int l, double weights[]);

extern const NetworkType NetworkMLP, NetworkRandomFeatures, NetworkFourier, NetworkSiren, NetworkModifiedMLP,
    NetworkPirate, NetworkSeparable, NetworkFields;
