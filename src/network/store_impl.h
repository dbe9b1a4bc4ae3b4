#pragma once
#include "sweep_impl.h"

/* A panel of n points is, layer by layer, Z [column][n][n_in], then G [term][column][n][n_out]. The first layer's
   inputs are the points in column 0 and constants in the columns that they seed, zero in the others: it keeps the
   points, and G of those columns only. Where seeds depend on the point, it keeps the inputs of all those columns. */
struct NetworkStore_s {
  Network network;
  JetPlan plan;
  NetworkCompression compression; /* NULL where the plan has no coordinates but the network's */
  int n_column, n_term, n_point, panel, n_panel;
  int first;           /* trained layer */
  int n_seeded;        /* 0 where the first layer is frozen */
  bool varies;         /* some seeds depend on the point */
  int *columns;        /* [n_column] kept ones of the first layer: 0 and the seeded */
  double *seeds;       /* [n_seeded][n_coord] */
  size_t *z_at, *g_at; /* [n_layer] doubles a point before Z and G of a layer */
  size_t point;        /* doubles a point */
  double *data, *storage;
};

/* One layer of one panel. */
typedef struct {
  const Layer *layer;
  int n;              /* points */
  size_t n_in, n_out; /* of the layer */
  size_t n_column;    /* kept */
  double *z;          /* [n_column][n][n_in]; where seeded, column 0 alone */
  double *g;          /* [n_term][n_column][n][n_out] */
  size_t g_term;      /* n_column n n_out */
  bool seeded;        /* inputs of columns but 0 are store->seeds */
} PanelLayer;

PanelLayer StorePanelLayer(NetworkStore store, int panel, int l);

void REAL(StoreInputs)(NetworkStore store, int panel, int at, void *sweep);
void REAL(StoreAdjoints)(NetworkStore store, int panel, int at, int term, void *sweep, const double theta[],
                         const double out_bar[]);
