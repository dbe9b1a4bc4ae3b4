/* The seeds of coordinates that stand for others: derivatives by them of s = (W x, A x), the pre-activations of the
   first layer and, where there is one, the affine part; and what the sweeps take from them. A group's seeds are made by
   one of the kinds of a plan's groups, each a table row with its file (compress.c, apart.c, gather.c, project.c).
   Weights come as `values`, laid out like theta, frozen ones aside. */
#pragma once
#include "network_impl.h"

/* Columns of W, or of W and A, with their C: one a coordinate, or one an input where only the first layer reads them
   and coordinates share inputs. */
typedef struct {
  int n, *input, *coord; /* [n]; coord: of A */
  double *weight;        /* [n] coefficient in S times the square of the input's stretch */
} SeedColumns;

/* One group of a plan. */
typedef struct {
  const struct SeedOps_s *ops;
  JetReduction reduction;
  int first, width;   /* columns of T in a pass */
  SeedColumns each;   /* of a compressed S: by coordinate */
  SeedColumns merged; /* by input; shows `each` where nothing is merged */
  double *directions; /* [width][n of each] of random directions: what meets the columns */
  int n, arity;       /* of samples: terms, coordinates of one */
  int *coord;         /* [n][arity] */
  double *coef;       /* [n] */
  int *place;         /* [n_pass][width] the coordinate of a seed, and */
  double *scale;      /* its factor */
} SeedGroup;

/* A sweep's share. */
typedef struct {
  double *bar; /* [n_seed][h] adjoint of T */
  double *scratch;
} SeedSlot;

struct NetworkCompression_s {
  Network network;
  size_t h;
  int n_group, n_seed, n_slot, n_thread;
  int n_pass, n_pass_seed; /* passes over the plan, each with seeds of its own: n_seed in all */
  SeedGroup *groups;
  double *seeds, *dots; /* [n_seed][h] T, T_dot */
  SeedSlot *slots;
  struct Squares_s *squares; /* of compressed groups; NULL where there are none */
};

typedef struct SeedOps_s {
  PetscErrorCode (*create)(NetworkCompression c, const JetGroup *from, SeedGroup *group);
  PetscErrorCode (*destroy)(SeedGroup *group);
  /* T, and T_dot along v, of a group */
  void (*update)(NetworkCompression c, const SeedGroup *group, const double theta[]);
  void (*tangent)(NetworkCompression c, const SeedGroup *group, const double theta[], const double v[]);
  /* The weights' adjoint by that of T, bar [n_seed][h]: of one layer that reads the coordinates, W_bar +=, by one
     thread with the scratch of a slot; of all, gradient +=, by all threads */
  void (*add_row)(NetworkCompression c, const SeedGroup *group, const Layer *layer, const double theta[],
                  const double bar[], double *scratch, double W_bar[]);
  void (*reverse)(NetworkCompression c, const SeedGroup *group, const double theta[], const double bar[],
                  double gradient[]);
  /* adds the directions of the n seeds from `seed` on, each with its factor, to directions [n][n_coord]; NULL where
     neurons have directions of their own */
  void (*directions)(NetworkCompression c, const SeedGroup *group, const double theta[], int seed, int n,
                     const double factor[], double directions[]);
} SeedOps;
extern const SeedOps SeedCompress, SeedApart, SeedGather, SeedProject;

/* Work space of compressed groups; after all groups are there. Changed: have weights changed since the last call, or
   never been there? Scratch: numbers of a slot's, 0 without compressed groups. */
PetscErrorCode SquaresCreate(NetworkCompression c);
PetscErrorCode SquaresDestroy(NetworkCompression c);
double SquaresDoubles(const NetworkCompression c);
bool SquaresChanged(NetworkCompression c, const double theta[]);
size_t SquaresScratch(const NetworkCompression c);

/* Row j of W or A within `values`. */
static inline const double *SeedRow(const NetworkCompression c, const double values[], size_t j, bool *affine)
{
  const Layer *layer = &c->network->layers[0];
  *affine = j >= (size_t)layer->n_out;
  if (!*affine) return (layer->frozen ? c->network->frozen : values) + layer->offset + j * (size_t)layer->n_in;
  const Layer *beside = NetworkAffine(c->network);
  return values + beside->offset + (j - (size_t)layer->n_out) * (size_t)beside->n_in;
}
/* The input of the first layer that a coordinate enters. */
static inline int SeedInput(const NetworkCompression c, int coord)
{
  return c->network->input_of ? c->network->input_of[coord] : coord;
}

/* A place for one sweep's adjoint of the seeds: bar [n_seed][h] (h = NetworkFirstWidth: rows of the first layer's
   weights, then those of the affine part's), zero, kept until NetworkCompressionReverse adds it up.
   Not thread-safe. */
PetscErrorCode CompressionSlot(NetworkCompression compression, int *slot, double **bar);
/* Seeds of the coordinates n_coord, n_coord + 1 ... or their tangents in a pass: [..][h]; borrowed. Where they begin
   among all. */
const double *CompressionSeeds(NetworkCompression compression, bool dots, int pass);
size_t CompressionPass(NetworkCompression compression, int pass);
/* The directions of the inputs that n consecutive seeds stand for, seed = W direction, each times its factor:
   directions [n][n_coord] are overwritten. By all threads. With directions held fixed, all first derivatives by W are
   exact. */
void CompressionDirections(NetworkCompression compression, const double theta[], int seed, int n, const double factor[],
                           double directions[]);
/* The same of one seed where neurons have directions of their own (apart.c): seed_j = w_j . X_j, X [n_out][n_in] of the
   first layer. Are there such? */
void CompressionDirectionsApart(NetworkCompression compression, const double theta[], int seed, double factor,
                                double X[]);
bool CompressionIsApart(const NetworkCompression compression);
/* W_bar [n_out][n_in] of one of the layers that read the coordinates += its weights' adjoint by that of the seeds in
   the slot, of which the layer's share is set to zero. Threads may call it at once, each with its slot. Cost of
   compressed groups: 2 d h n_out. */
void CompressionAddRow(NetworkCompression compression, int slot, const Layer *layer, const double theta[],
                       double W_bar[]);
