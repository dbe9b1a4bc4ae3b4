/* A regular grid cut along the surface of a body: cells inside stay whole; those on the surface are divided into the
   simplices of Kuhn (1960), which fit together, and each is cut where its edges leave the body. What is left of a
   simplex is divided again, along the diagonals from the lowest node of a side, so that neighbors agree (Dompierre,
   Labbe, Vallet, Camarero 1999). */
#include "tiling.h"

#define HALVINGS 48
#define NEAR     1e-6 /* of an edge: a cut so close to the node inside is that node */

typedef struct {
  Tiler *tiler;
  int dim;
  const PetscInt *n;
  const double *lower, *upper;
  bool (*contains)(void *, const double x[]);
  void *context;
  size_t stride[3];
  bool *inside;       /* [nodes of the grid] */
  PetscInt *node;     /* [nodes of the grid] number in the tiling, -1 = none yet */
  PetscInt *crossing; /* [nodes of the grid][2^dim - 1 directions] the same of the cut of an edge that begins there */
  double tiny;        /* measure of a simplex that is none */
} Cut;

static void node_at(const Cut *cut, size_t index, double x[])
{
  for (int c = 0; c < cut->dim; c++) {
    const size_t n = (size_t)cut->n[c];
    const double unit = (double)(index / cut->stride[c] % n) / (double)(n - 1);
    x[c] = cut->lower[c] * (1 - unit) + cut->upper[c] * unit;
  }
}

static PetscErrorCode take_node(Cut *cut, size_t index, PetscInt *number)
{
  double x[3];
  PetscFunctionBegin;
  if (cut->node[index] < 0) {
    node_at(cut, index, x);
    PetscCall(TilerAddNode(cut->tiler, x, &cut->node[index]));
  }
  *number = cut->node[index];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the edge between two nodes of the grid, one of them inside, leaves the body: the last point found inside. */
static PetscErrorCode take_crossing(Cut *cut, size_t in, size_t out, PetscInt *number)
{
  const size_t from = PetscMin(in, out);
  double a[3], b[3], x[3], low = 0, high = 1;
  size_t step = PetscMax(in, out) - from, direction = 0;
  PetscFunctionBegin;
  for (int c = cut->dim - 1; c >= 0; c--)
    if (step >= cut->stride[c]) step -= cut->stride[c], direction |= (size_t)1 << c;
  PetscInt *known = &cut->crossing[from * (((size_t)1 << cut->dim) - 1) + direction - 1];
  node_at(cut, in, a);
  node_at(cut, out, b);
  for (int i = 0; i < HALVINGS && *known < 0; i++) {
    const double middle = 0.5 * (low + high);
    for (int c = 0; c < cut->dim; c++) x[c] = a[c] + middle * (b[c] - a[c]);
    if (cut->contains(cut->context, x))
      low = middle;
    else
      high = middle;
  }
  for (int c = 0; c < cut->dim; c++) x[c] = a[c] + low * (b[c] - a[c]);
  if (*known < 0 && low < NEAR)
    PetscCall(take_node(cut, in, known));
  else if (*known < 0)
    PetscCall(TilerAddNode(cut->tiler, x, known));
  *number = *known;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Signed and not divided by a factorial. */
static double measure(const Tiling *t, const PetscInt corner[])
{
  double e[3][3] = {{0}};
  for (int i = 0; i < t->dim; i++)
    for (int c = 0; c < t->dim; c++) e[i][c] = t->x[corner[i + 1] * t->dim + c] - t->x[corner[0] * t->dim + c];
  if (t->dim == 1) return e[0][0];
  if (t->dim == 2) return e[0][0] * e[1][1] - e[0][1] * e[1][0];
  return e[0][0] * (e[1][1] * e[2][2] - e[1][2] * e[2][1]) + e[0][1] * (e[1][2] * e[2][0] - e[1][0] * e[2][2]) +
         e[0][2] * (e[1][0] * e[2][1] - e[1][1] * e[2][0]);
}

/* A simplex of any orientation, left out where it has no volume. */
static PetscErrorCode add_simplex(Cut *cut, PetscInt a, PetscInt b, PetscInt c, PetscInt d)
{
  static const int type[] = {3, 5, 10};
  PetscInt corner[] = {a, b, c, d};
  PetscFunctionBegin;
  const double size = measure(&cut->tiler->tiling, corner);
  if (fabs(size) <= cut->tiny) PetscFunctionReturn(PETSC_SUCCESS);
  if (size < 0) corner[0] = b, corner[1] = a;
  PetscCall(TilerAddCell(cut->tiler, type[cut->dim - 1], cut->dim + 1, corner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_quadrilateral(Cut *cut, const PetscInt q[4])
{
  int low = 0;
  PetscFunctionBegin;
  for (int i = 1; i < 4; i++)
    if (q[i] < q[low]) low = i;
  const PetscInt next = q[(low + 1) % 4], across = q[(low + 2) % 4], last = q[(low + 3) % 4];
  PetscCall(add_simplex(cut, q[low], next, across, -1));
  PetscCall(add_simplex(cut, q[low], across, last, -1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Triangles 0 1 2 and 3 4 5 whose corners i and i + 3 are joined. */
static PetscErrorCode add_wedge(Cut *cut, const PetscInt w[6])
{
  PetscInt v[6];
  int low = 0;
  PetscFunctionBegin;
  for (int i = 1; i < 6; i++)
    if (w[i] < w[low]) low = i;
  for (int i = 0; i < 3; i++) {
    v[i] = w[(low % 3 + i) % 3 + (low < 3 ? 0 : 3)];
    v[i + 3] = w[(low % 3 + i) % 3 + (low < 3 ? 3 : 0)];
  }
  /* Diagonals from corner 0 leave two tetrahedra on the side away from it. */
  PetscCall(add_simplex(cut, v[0], v[3], v[4], v[5]));
  const bool first = PetscMin(v[1], v[5]) < PetscMin(v[2], v[4]);
  PetscCall(add_simplex(cut, v[0], v[1], v[2], first ? v[5] : v[4]));
  PetscCall(add_simplex(cut, v[0], first ? v[1] : v[2], v[4], v[5]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* in [n_in] and out: nodes of the grid. */
static PetscErrorCode cut_simplex(Cut *cut, int n_in, const size_t in[], const size_t out[])
{
  const int n_out = cut->dim + 1 - n_in;
  PetscInt own[4] = {-1, -1, -1, -1}, at[4][4];
  PetscFunctionBegin;
  for (int i = 0; i < n_in; i++) {
    PetscCall(take_node(cut, in[i], &own[i]));
    for (int j = 0; j < n_out; j++) PetscCall(take_crossing(cut, in[i], out[j], &at[i][j]));
  }
  if (n_out == 0)
    PetscCall(add_simplex(cut, own[0], own[1], own[2], own[3]));
  else if (n_in == 1)
    PetscCall(add_simplex(cut, own[0], at[0][0], n_out > 1 ? at[0][1] : -1, n_out > 2 ? at[0][2] : -1));
  else if (cut->dim == 2)
    PetscCall(add_quadrilateral(cut, (PetscInt[]){own[0], own[1], at[1][0], at[0][0]}));
  else if (n_in == 2)
    PetscCall(add_wedge(cut, (PetscInt[]){own[0], at[0][0], at[0][1], own[1], at[1][0], at[1][1]}));
  else
    PetscCall(add_wedge(cut, (PetscInt[]){own[0], own[1], own[2], at[0][0], at[1][0], at[2][0]}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Do the corners hold it inside, and their center? Nodes on the surface may have a notch between them. */
static bool is_inside(const Cut *cut, int n, const size_t corner[])
{
  double x[3], center[3] = {0};
  for (int i = 0; i < n; i++) {
    if (!cut->inside[corner[i]]) return false;
    node_at(cut, corner[i], x);
    for (int c = 0; c < cut->dim; c++) center[c] += x[c] / n;
  }
  return cut->contains(cut->context, center);
}

/* The simplices of a cell: one for each order in which a path takes the axes from its first corner to the last. */
static PetscErrorCode cut_cell(Cut *cut, size_t corner)
{
  static const int order[6][3] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  static const int n_order[] = {1, 2, 6};
  PetscFunctionBegin;
  for (int k = 0; k < n_order[cut->dim - 1]; k++) {
    size_t vertex[4] = {corner}, in[4], out[4];
    int n_in = 0, n_out = 0;
    for (int i = 0; i < cut->dim; i++) vertex[i + 1] = vertex[i] + cut->stride[order[k][i]];
    for (int i = 0; i <= cut->dim; i++) {
      if (cut->inside[vertex[i]])
        in[n_in++] = vertex[i];
      else
        out[n_out++] = vertex[i];
    }
    if (n_in == 0 || (n_out == 0 && !is_inside(cut, n_in, in))) continue;
    PetscCall(cut_simplex(cut, n_in, in, out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_cell(Cut *cut, size_t first)
{
  static const int type[] = {3, 9, 12}, around[] = {0, 1, 3, 2, 4, 5, 7, 6}; /* VTK goes round a face */
  const int n = 1 << cut->dim;
  size_t corner[8];
  PetscInt nodes[8];
  int n_inside = 0;
  PetscFunctionBegin;
  for (int i = 0; i < n; i++) {
    corner[i] = first;
    for (int c = 0; c < cut->dim; c++)
      if (around[i] >> c & 1) corner[i] += cut->stride[c];
    n_inside += cut->inside[corner[i]];
  }
  if (n_inside < n && n_inside) PetscCall(cut_cell(cut, first));
  if (n_inside < n || !is_inside(cut, n, corner)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < n; i++) PetscCall(take_node(cut, corner[i], &nodes[i]));
  PetscCall(TilerAddCell(cut->tiler, type[cut->dim - 1], n, nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TilerCut(Tiler *tiler, const PetscInt n[], const double lower[], const double upper[],
                        bool (*contains)(void *, const double x[]), void *context)
{
  Cut cut = {tiler, tiler->tiling.dim, n, lower, upper, contains, context, .tiny = 1e-12};
  size_t count = 1;
  PetscFunctionBegin;
  for (int c = 0; c < cut.dim; c++) {
    cut.stride[c] = count;
    count *= (size_t)n[c];
    cut.tiny *= (upper[c] - lower[c]) / (double)(n[c] - 1);
  }
  const size_t edges = count * (((size_t)1 << cut.dim) - 1);
  PetscCall(PetscMalloc3(count, &cut.inside, count, &cut.node, edges, &cut.crossing));
#pragma omp parallel for schedule(static) if (count > 1024)
  for (size_t i = 0; i < count; i++) {
    double x[3];
    node_at(&cut, i, x);
    cut.inside[i] = contains(context, x);
    cut.node[i] = -1;
  }
  for (size_t i = 0; i < edges; i++) cut.crossing[i] = -1;
  for (size_t i = 0; i < count; i++) {
    bool last = false;
    for (int c = 0; c < cut.dim; c++) last = last || i / cut.stride[c] % (size_t)n[c] == (size_t)n[c] - 1;
    if (!last) PetscCall(add_cell(&cut, i));
  }
  PetscCall(PetscFree3(cut.inside, cut.node, cut.crossing));
  PetscFunctionReturn(PETSC_SUCCESS);
}
