/* Sums over the rows of a panel of points. */
#include <string.h>
#include "kronecker.h"
#include "pinn/kernel.h"

#define MOST_ROWS 8 /* of J that are formed at once */

size_t KroneckerPanelWork(const RowsPanel *panel)
{
  const size_t C = (size_t)panel->n_column, n_in = (size_t)panel->n_in, n_out = (size_t)panel->n_out;
  return C * (size_t)panel->n * (n_in + n_out) + PetscMax(C * C, 2 * MOST_ROWS * n_in * n_out);
}

/* out [width][width] += factor sum of v v^T over the n rows of v */
static void add_outer(size_t n, size_t width, double factor, const double v[], double out[])
{
  KernelCPU.gemm('T', 'N', width, width, n, factor, v, width, v, width, 1.0, out, width);
}

/* Is a column the same at all points, as those that seed a first layer are? */
static bool is_constant(size_t n, size_t width, const double z[])
{
  for (size_t k = 1; k < n; k++)
    if (memcmp(z, z + k * width, width * sizeof(double)) != 0) return false;
  return n > 1;
}

void KroneckerAddInputs(const RowsPanel *panel, double A[])
{
  const size_t n = (size_t)panel->n, width = (size_t)panel->n_in, C = (size_t)panel->n_column;
  for (size_t c = 0, run; c < C; c += run) {
    const double *z = panel->z + c * n * width;
    const bool constant = is_constant(n, width, z);
    for (run = 1; !constant && c + run < C && !is_constant(n, width, z + run * n * width);) run++;
    if (constant)
      add_outer(1, width, (double)n, z, A);
    else
      add_outer(run * n, width, 1.0, z, A);
  }
}

void KroneckerAddOutputs(const RowsPanel *panel, double B[])
{
  add_outer((size_t)panel->n_column * (size_t)panel->n, (size_t)panel->n_out, 1.0, panel->g, B);
}

/* One factor of rows, x, and the other, y, both [n_column][n][width]. */
typedef struct {
  size_t n, n_column, n_x, n_y;
  const double *x, *y;
} Pair;

/* out [n_y][n_y] += sum_p sum_{c,d} (x_c^T M x_d) y_c y_d^T, M [n_x][n_x] */
static void add_by_columns(const Pair *p, const double M[], double work[], double out[])
{
  const size_t C = p->n_column, n = p->n, step_x = n * p->n_x, step_y = n * p->n_y;
  double *Mx = work, *Sy = Mx + C * step_x, *S = Sy + C * step_y;
  KernelCPU.gemm('N', 'N', C * n, p->n_x, p->n_x, 1.0, p->x, p->n_x, M, p->n_x, 0.0, Mx, p->n_x);
  for (size_t k = 0; k < n; k++) {
    const double *x = p->x + k * p->n_x, *y = p->y + k * p->n_y;
    KernelCPU.gemm('N', 'T', C, C, p->n_x, 1.0, x, step_x, Mx + k * p->n_x, step_x, 0.0, S, C);
    KernelCPU.gemm('N', 'N', C, p->n_y, C, 1.0, S, C, y, step_y, 0.0, Sy + k * p->n_y, step_y);
  }
  KernelCPU.gemm('T', 'N', p->n_y, p->n_y, C * n, 1.0, p->y, p->n_y, Sy, p->n_y, 1.0, out, p->n_y);
}

/* J [n][n_y][n_x], sum_c y_c x_c^T at points [first, first + n). */
static void form_rows(const Pair *p, size_t first, size_t n, double J[])
{
  for (size_t k = 0; k < n; k++)
    KernelCPU.gemm('T', 'N', p->n_y, p->n_x, p->n_column, 1.0, p->y + (first + k) * p->n_y, p->n * p->n_y,
                   p->x + (first + k) * p->n_x, p->n * p->n_x, 0.0, J + k * p->n_y * p->n_x, p->n_x);
}

/* The same by rows. */
static void add_by_rows(const Pair *p, const double M[], double work[], double out[])
{
  const size_t size = p->n_y * p->n_x;
  double *J = work, *JM = work + MOST_ROWS * size;
  for (size_t first = 0; first < p->n; first += MOST_ROWS) {
    const size_t n = PetscMin(MOST_ROWS, p->n - first);
    form_rows(p, first, n, J);
    KernelCPU.gemm('N', 'N', n * p->n_y, p->n_x, p->n_x, 1.0, J, p->n_x, M, p->n_x, 0.0, JM, p->n_x);
    for (size_t k = 0; k < n; k++)
      KernelCPU.gemm('N', 'T', p->n_y, p->n_y, p->n_x, 1.0, JM + k * size, p->n_x, J + k * size, p->n_x, 1.0, out,
                     p->n_y);
  }
}

static void add_product(const Pair *p, const double M[], double work[], double out[])
{
  const double C = (double)p->n_column, x = (double)p->n_x, y = (double)p->n_y;
  if (C * (x * x + y * y) + C * C * (x + y) < x * y * (C + x + y))
    add_by_columns(p, M, work, out);
  else
    add_by_rows(p, M, work, out);
}

/* The pair of a panel: x its inputs and y its outputs. */
static Pair pair_of(const RowsPanel *panel)
{
  return (Pair){(size_t)panel->n, (size_t)panel->n_column, (size_t)panel->n_in, (size_t)panel->n_out, panel->z,
                panel->g};
}

void KroneckerAddRight(const RowsPanel *panel, const double A[], double work[], double B[])
{
  const Pair pair = pair_of(panel);
  add_product(&pair, A, work, B);
}

void KroneckerAddLeft(const RowsPanel *panel, const double B[], double work[], double A[])
{
  const Pair p = pair_of(panel);
  add_product(&(Pair){p.n, p.n_column, p.n_y, p.n_x, p.y, p.x}, B, work, A);
}

static void add_entries_squared(size_t size, const double J[], double S[])
{
  for (size_t k = 0; k < size; k++) S[k] += J[k] * J[k];
}

/* Inputs and outputs are turned before rows are formed. */
static void add_squares_by_columns(const Pair *p, const double K_x[], const double K_y[], double work[], double S[])
{
  const size_t rows = p->n_column * p->n, size = p->n_x * p->n_y;
  double *x = work, *y = x + rows * p->n_x, *J = y + rows * p->n_y;
  const Pair turned = {p->n, p->n_column, p->n_x, p->n_y, x, y};
  KernelCPU.gemm('N', 'T', rows, p->n_x, p->n_x, 1.0, p->x, p->n_x, K_x, p->n_x, 0.0, x, p->n_x);
  KernelCPU.gemm('N', 'T', rows, p->n_y, p->n_y, 1.0, p->y, p->n_y, K_y, p->n_y, 0.0, y, p->n_y);
  for (size_t k = 0; k < p->n; k++) {
    form_rows(&turned, k, 1, J);
    add_entries_squared(size, J, S);
  }
}

/* Rows are turned themselves. */
static void add_squares_by_rows(const Pair *p, const double K_x[], const double K_y[], double work[], double S[])
{
  const size_t size = p->n_x * p->n_y;
  double *J = work, *half = work + MOST_ROWS * size;
  for (size_t first = 0; first < p->n; first += MOST_ROWS) {
    const size_t n = PetscMin(MOST_ROWS, p->n - first);
    form_rows(p, first, n, J);
    KernelCPU.gemm('N', 'T', n * p->n_y, p->n_x, p->n_x, 1.0, J, p->n_x, K_x, p->n_x, 0.0, half, p->n_x);
    for (size_t k = 0; k < n; k++) {
      KernelCPU.gemm('N', 'N', p->n_y, p->n_x, p->n_y, 1.0, K_y, p->n_y, half + k * size, p->n_x, 0.0, J, p->n_x);
      add_entries_squared(size, J, S);
    }
  }
}

void KroneckerAddSquares(const RowsPanel *panel, const double K_A[], const double K_B[], double work[], double S[])
{
  const Pair p = pair_of(panel);
  const double C = (double)p.n_column, x = (double)p.n_x, y = (double)p.n_y;
  if (C * (x * x + y * y) < x * y * (x + y))
    add_squares_by_columns(&p, K_A, K_B, work, S);
  else
    add_squares_by_rows(&p, K_A, K_B, work, S);
}
