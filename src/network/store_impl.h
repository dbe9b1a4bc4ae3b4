#pragma once
#include "quadratic.h"

#define PAIR_COST 6.0 /* of the sum over products of two Gram matrices, in flops of a GEMM a number: measured */

/* A panel of n points is, layer by layer, Z [column][n][n_in], then G [term][column][n][n_out]. The inputs of layers
   that read the coordinates are the points in column 0, jets of their own where a column's seeds depend on the point,
   constants in the other seeded columns, and zero in all others: such a layer keeps Z of the first two kinds and G of
   the seeded columns, in this order. Where the affine part reads what the first layer does, they have one Z. A
   quadratic form has the points of column 0, and [term] of each field w [n][n_coord], where aligned [n], b
   [n][n_second] and <C_k, w z^T + z w^T> [n][n_second] (quadratic.h). */
struct NetworkStore_s {
  Network network;
  JetPlan plan;
  NetworkCompression compression; /* NULL where the plan has no coordinates but the network's */
  int n_column, n_term, n_point, panel, n_panel;
  int first;         /* trained layer */
  int n_kept, n_own; /* seeded columns with column 0, and those of them with inputs of their own at each point */
  int *columns;      /* [n_kept] of the plan */
  double *seeds;     /* [n_kept - n_own][n_coord] constants */
  double *shared;    /* [n_kept - n_own][n_input] their sums, where coordinates share inputs; else seeds */
  double *apart[2];  /* [n_kept - n_own][n_out][n_in] of the first layer and of the affine part, where each neuron has
                          constants of its own; else NULL */
  QuadraticJets quadratic; /* NULL where there is no form */
  double *scales;          /* [n_own] the inputs of the own columns as multiples of the points, or NULL */
  size_t *z_at, *g_at;     /* [NetworkAllLayers] doubles a point before Z and G of a layer */
  size_t point;            /* doubles a point */
  double *data, *storage;
};

/* One layer of one panel. */
typedef struct {
  const Layer *layer;
  int n;               /* points */
  size_t n_in, n_out;  /* of the layer */
  size_t n_column;     /* of G */
  size_t n_own;        /* of Z; column n_own + k has the constant inputs seeds[k] */
  double *z;           /* [n_own][n][n_in] */
  double *g;           /* [n_term][n_column][n][n_out] */
  size_t g_term;       /* n_column n n_out */
  const double *seeds; /* [n_column - n_own][n_in] */
  bool apart;          /* seeds [n_column - n_own][n_out][n_in]: each output has its own */
  QuadraticJets form;  /* of a quadratic form, whose adjoints z [n][n_in] and g [n_term][g_term] hold; else NULL */
} PanelLayer;

PanelLayer StorePanelLayer(NetworkStore store, int panel, int l);

/* Products of the quadratic form (store_quadratic.c), each as network.h has it for all layers. Work: numbers they need;
   Apply adds to Jv. */
size_t StoreQuadraticPoint(Network network, JetPlan plan); /* doubles of G for a term and point */
size_t StoreQuadraticWork(NetworkStore store);
size_t StoreQuadraticGramWork(NetworkStore a, NetworkStore b);
double StoreQuadraticGramFlops(NetworkStore a, NetworkStore b);
void StoreQuadraticKeep(NetworkStore store, int panel, int field, int at, int term, const double w[], const double b[]);
void StoreQuadraticApply(NetworkStore store, int panel, const double V[], double work[], double Jv[], size_t stride);
void StoreQuadraticApplyTranspose(NetworkStore store, int panel, const double w[], size_t stride, double work[],
                                  double G[]);
/* Entries [begin, begin + count) of the row of a point. */
void StoreQuadraticRow(const PanelLayer *part, int term, size_t p, size_t begin, size_t count, double row[]);
void StoreQuadraticGram(NetworkStore a, int panel_a, NetworkStore b, int panel_b, bool lower, double work[], double K[],
                        size_t ldk);
/* sums [m][n] += the form's part of a pair of terms; S [m][n] products of points, NULL for a diagonal form; work as for
   a Gram matrix */
void StoreQuadraticPairs(NetworkStore a, int panel_a, size_t e, NetworkStore b, int panel_b, size_t f, const double S[],
                         double work[], double sums[]);
PetscErrorCode StoreFindScales(NetworkStore store);
/* Sums of a pair of terms [m][n] go to their places in K; `turned` = to the transposed ones. */
void StoreAddBlock(NetworkStore a, int panel_a, size_t e, NetworkStore b, int panel_b, size_t f, bool turned,
                   const double sums[], double K[], size_t ldk);
/* Columns of a layer's G, and of its Z, where a plan has n_column and those that read the coordinates n_kept, n_own. */
static inline size_t StoreColumns(Network network, int l, int n_kept, int n_column)
{
  return network->layers[l].direct ? 1 : (size_t)(NetworkReadsInputs(network, l) ? n_kept : n_column);
}

void REAL(StoreInputs)(NetworkStore store, int panel, int at, void *sweep);
void REAL(StoreAdjoints)(NetworkStore store, int panel, int at, int term, void *sweep, const double theta[],
                         const double out_bar[]);
