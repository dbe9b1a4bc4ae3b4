/* A quadratic form beside the last layer: u_f += z^T A_f z of the inputs z [n_coord], A_f full or diagonal. Its jets
   end with the second order. In a column with first derivatives along v(x), and with second derivatives sum_t k_t f(x)
   d_i d_j, all in the scale of the inputs,

     u = z^T A z [c = 0] + v^T (A + A^T) z + f(x) <C, A>,   C = sum_t k_t (e_i e_j^T + e_j e_i^T),

   so that the row of A, with adjoints g_c of the columns, is

     w z^T + z w^T + sum_k b_k C_k,   w = g_0 z / 2 + sum_c g_c v_c,   b_k = g_c f_k:

   a vector, often a multiple of z, and as few numbers as there are different sums of second derivatives. Nothing of
   the size of A is made for a point. A diagonal form has the diagonal of the same. S of compressed coordinates
   (compress.h) is the sum of squares that it stands for; columns of these coordinates alone are read by no formula,
   and the form leaves them out. Derived for this program. */
#pragma once
#include "sweep_impl.h"

/* What a plan asks of the form. */
struct QuadraticJets_s {
  Network network;
  bool aligned;       /* all v are multiples of z: */
  double *scale;      /* [n_column] these multiples, 0: none */
  int n_second;       /* sums of second derivatives: */
  int *column;        /* [n_second] of the plan */
  int *factor;        /* [n_second] place among the plan's factors, -1: none */
  int *start, *at[2]; /* [n_second + 1] of their terms; i <= j, ascending */
  double *coef;       /* k_t */
};

/* Without a compression: are v aligned, and n_second at most. */
bool QuadraticIsAligned(Network network, JetPlan plan);
int QuadraticSums(Network network, JetPlan plan);

PetscErrorCode QuadraticJetsCreate(Network network, JetPlan plan, NetworkCompression compression, QuadraticJets *jets);
PetscErrorCode QuadraticJetsDestroy(QuadraticJets *jets);

/* Parameters of one field: A [n_coord][n_coord] or its diagonal [n_coord]. */
static inline size_t QuadraticSize(Network network)
{
  return LayerSize(NetworkQuadratic(network)) / (size_t)network->n_field;
}
/* y [n][n_coord] = (A + A^T) z; or, where only z^T y is wanted, what has the same product with z for half the work. */
void REAL(QuadraticApply)(Network network, bool aligned, const Real A[], size_t n, const Real z[], Real y[]);
/* G += sum over points of w z^T + z w^T; where aligned, the same up to the order of sums for half the work */
void REAL(QuadraticOuter)(Network network, bool aligned, size_t n, const Real w[], const Real z[], Real G[]);
/* <C_k, A>, and G += factor C_k */
double REAL(QuadraticTrace)(QuadraticJets jets, int k, const Real A[]);
void REAL(QuadraticAddSum)(QuadraticJets jets, int k, double factor, Real G[]);
/* <C_k, w z^T + z w^T>, w [n_coord] or, aligned, one number as a multiple of z; and <C_k, C'_l>: of a diagonal form,
   their diagonals' products */
double QuadraticPair(QuadraticJets jets, int k, const double w[], bool aligned, const double z[]);
double QuadraticProduct(QuadraticJets jets, int k, QuadraticJets other, int l);
/* Entries [begin, begin + count) of one field's row; w [n_coord], where aligned one number, as a multiple of z;
   b [n_second] */
void QuadraticRow(QuadraticJets jets, const double w[], const double z[], const double b[], size_t begin, size_t count,
                  double row[]);

/* Reverse sweep of a step: gradient, rows J [n][ld], and what a store keeps of the points (store_quadratic.c). */
void REAL(QuadraticGradient)(REAL(Sweep) * sweep, const Real u_bar[], Real gradient[]);
void REAL(QuadraticRows)(REAL(Sweep) * sweep, const Real u_bar[], double J[], size_t ld);
/* Of a field at a point: w [n_coord], where aligned its one number as a multiple of z; b [n_second] */
void REAL(QuadraticAdjoint)(const REAL(Sweep) * sweep, int field, int p, const Real u_bar[], double w[], double b[]);
