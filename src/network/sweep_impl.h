/* One sweep in one floating-point type. Its sources are compiled for both (kernel/real.h), precision.c chooses.
   Points, parameters, gradients and outputs are double on all sides. */
#pragma once
#include "compress.h"
#include "../kernel/real.h"

/* What the public functions of a sweep do, in one floating-point type; `sweep` is a Sweep or a Sweep_Single. */
typedef struct {
  PetscErrorCode (*create)(Network network, JetPlan plan, JetTables tables, NetworkCompression compression,
                           int max_point, void **sweep);
  PetscErrorCode (*destroy)(void **sweep);
  void (*set_pass)(void *sweep, int pass);
  void (*forward)(void *sweep, const double theta[], int n, const double x[], double out[]);
  void (*reverse)(void *sweep, const double theta[], const double out_bar[], double gradient[]);
  void (*tangent)(void *sweep, const double theta[], const double v[], double out_dot[]);
  void (*rows)(void *sweep, const double theta[], const double out_bar[], size_t begin, size_t count, double J[],
               size_t ld);
  void (*store_inputs)(NetworkStore store, int panel, int at, void *sweep);
  void (*store_adjoints)(NetworkStore store, int panel, int at, int term, void *sweep, const double theta[],
                         const double out_bar[]);
} SweepOps;
extern const SweepOps SweepInReal, SweepInReal_Single;

/* Makes `sweep` hold what a forward sweep in double has left in its nodes and derivatives. */
void SweepTake_Single(void *sweep, int n, const double input[], double *const value[], double *const derivative[]);

typedef struct QuadraticJets_s *QuadraticJets;

typedef struct {
  Network network;
  JetPlan plan;
  JetTables tables; /* borrowed; NULL where the plan has no factors */
  int n_column, n;  /* n: points of the last forward sweep */
  Real *input;      /* [n][n_coord] mapped points */
  Real *shared;     /* [n][n_input] their sums, where coordinates share inputs */
  Real **value;     /* [n_node] [column][n][width] */
  Real **d;         /* [n_step] of activations: f'(u) */
  Real **dot;       /* [n_node] of a tangent sweep */
  const Real **bar; /* [n_node] of a reverse sweep */
  Real *direct;     /* [max_point][n] adjoints of direct layers */
  Real *ones;       /* [max_point] sums over points */
  Real *seeds;      /* [max_point][n_coord] of one column, where they depend on the point */
  Real *column;     /* [widest] of one that does not */
  Real *scale;      /* [n_column] of columns whose seeds are so many times the coordinates, else 0 */
  Real *origin;     /* [n_input] the coordinates less the inputs, in the inputs' scale; NULL where all are 0 */
  Real **work;      /* [n_slot]: [column][n][widest] */
  Real *storage;
  Real *output;            /* float only: [column][n][n_field] */
  Real *narrowed[2];       /* float only: a layer's parameters and a direction's, or its gradient */
  QuadraticJets quadratic; /* NULL where there is no form */
  Real *form;              /* [max_point][n_coord] products of its */
  double *form_point[3];   /* [n_coord] a point, w and b of it */
  NetworkCompression compression;
  int slot;                     /* of the compression */
  int pass;                     /* over its seeds */
  double *seed_bars, *seed_bar; /* [n_seed][compressed width], owned by the compression; those of the pass */
} REAL(Sweep);

/* First-order parts of a column. */
typedef struct {
  int n;
  const int *coord;
  const double *factor;
} Seeds;

static inline Seeds SweepSeeds(const REAL(Sweep) * sweep, int column)
{
  Seeds seeds = {0, NULL, NULL};
  (void)JetPlanSeeds(sweep->plan, column, &seeds.n, &seeds.coord, &seeds.factor); /* cannot fail for a column it has */
  return seeds;
}

/* The seeds of a column at a point without their own coordinates, and the number that a seed is of an input. */
static inline const double *SweepSeedFactors(const REAL(Sweep) * sweep, const Seeds *seeds, int column, int p)
{
  return sweep->tables ? JetTablesSeeds(sweep->tables, column, p) : seeds->factor;
}
static inline double SweepSeed(const REAL(Sweep) * sweep, int coord, double factor, bool own, int p)
{
  const Network network = sweep->network;
  const double stretch = network->stretch[coord];
  if (!own) return factor * stretch;
  return factor *
         ((double)sweep->input[(size_t)p * (size_t)network->n_coord + (size_t)coord] + network->shift[coord] * stretch);
}

/* The plan's tables for jets of `width` neurons a point. */
static inline const KernelTables *SweepTables(const REAL(Sweep) * sweep, size_t width)
{
  return sweep->tables ? JetTablesAt(sweep->tables, width) : JetPlanTables(sweep->plan);
}

/* [n] values as Real: themselves, or narrowed into `buffer`. */
static inline const Real *SweepNarrow(const double values[], size_t n, Real buffer[])
{
#ifdef PINN_SINGLE
  for (size_t k = 0; k < n; k++) buffer[k] = (Real)values[k];
  return buffer;
#else
  (void)n, (void)buffer;
  return values;
#endif
}

/* A layer's weights [n_out][n_in] and biases [n_out], until the next call. */
static inline const Real *SweepWeights(const REAL(Sweep) * sweep, const Layer *layer, const double theta[])
{
  return SweepNarrow(NetworkWeights(sweep->network, layer, theta), LayerSize(layer), sweep->narrowed[0]);
}

/* Numbers of a layer that reads the coordinates that are narrowed at a time: mostly all, but of a million inputs they
   would be one more copy. */
#define SWEEP_NARROWED (1 << 20)
static inline size_t SweepNarrowed(const Layer *layer)
{
  const size_t n_out = (size_t)layer->n_out, least = n_out * (SWEEP_NARROWED / n_out + 1);
  return least < LayerSize(layer) ? least : LayerSize(layer);
}

/* The inputs [n][n_in] of a layer that reads the coordinates. */
static inline const Real *SweepInputs(const REAL(Sweep) * sweep, const Layer *layer)
{
  return layer->input_of ? sweep->shared : sweep->input;
}
static inline size_t SweepInputOf(const Layer *layer, int coord)
{
  return (size_t)(layer->input_of ? layer->input_of[coord] : coord);
}

/* Their jets in a column whose seeds depend on the point: [n][n_in], until the next call. */
const Real *REAL(SweepSeedsAtPoints)(REAL(Sweep) * sweep, const Layer *layer, int column);

/* Layers that read the coordinates: u, or what is added to u where beta is 1; and the gradient +=. */
void REAL(SweepInputLayer)(REAL(Sweep) * sweep, const Layer *layer, const double weights[], bool tangent, Real beta,
                           Real u[]);
void REAL(SweepInputGradient)(REAL(Sweep) * sweep, const Layer *layer, const Real u_bar[], double gradient[]);
/* The inputs as they are mapped, from points. */
void REAL(SweepSetInputs)(REAL(Sweep) * sweep, int n, const double x[]);
void REAL(SweepShareInputs)(REAL(Sweep) * sweep);
/* Columns that are multiples of the first one: scale and origin. */
PetscErrorCode REAL(SweepFindScaled)(REAL(Sweep) * sweep);

/* What a reverse sweep does at each trained layer, from the outputs on: u_bar is the adjoint of the pre-activation
   [column][n][n_out], of direct layers the rows themselves [n][n_out]; until it returns. */
typedef void (*REAL(LayerVisit))(void *context, REAL(Sweep) * sweep, int layer, const Real u_bar[]);
/* Layers that end at or before `begin` of theta are not swept. */
void REAL(SweepBackward)(REAL(Sweep) * sweep, const double theta[], const double out_bar[], size_t begin,
                         REAL(LayerVisit) visit, void *context);

/* One kind of step in the three sweeps. Forward: the value of `to`. Reverse: calls `visit` at its own layer, and where
   `deeper` adds to the adjoints of what it reads. Tangent: that of `to`, along v. */
typedef struct {
  void (*forward)(REAL(Sweep) * sweep, int k, const double theta[]);
  void (*reverse)(REAL(Sweep) * sweep, int k, const double theta[], bool deeper, REAL(LayerVisit) visit, void *context);
  void (*tangent)(REAL(Sweep) * sweep, int k, const double theta[], const double v[]);
} REAL(StepOps);
extern const REAL(StepOps) *const REAL(StepTable)[N_STEP];
extern const REAL(StepOps) REAL(StepScale), REAL(StepSkip), REAL(StepMultiply), REAL(StepAdd), REAL(StepSlice),
    REAL(StepPlace), REAL(StepQuadratic);

/* Does a sweep's step read a node whose tangent and adjoint there are? */
static inline bool SweepTrains(const REAL(Sweep) * sweep, int node)
{
  return node >= 0 && sweep->network->nodes[node].trained;
}
/* Numbers of a node's jets in the sweep. */
static inline size_t SweepSize(const REAL(Sweep) * sweep, int node)
{
  return (size_t)sweep->n_column * (size_t)sweep->n * (size_t)sweep->network->nodes[node].width;
}
/* Where the adjoint of a node that a step reads is written or, where another step has begun it, added to. */
static inline Real *SweepBar(const REAL(Sweep) * sweep, int node)
{
  return sweep->work[sweep->network->nodes[node].adjoint];
}

/* Adds a column's adjoint at n points, u_bar [n][n_out] of a layer that reads the coordinates, to that of a compressed
   one. */
void REAL(SweepSeedAdjoint)(REAL(Sweep) * sweep, const Layer *layer, int coord, double factor, int n,
                            const Real u_bar[]);
void REAL(SweepRows)(void *sweep, const double theta[], const double out_bar[], size_t begin, size_t count, double J[],
                     size_t ld);
