/* Which cell holds a point, through a regular grid of buckets; how far the boundary is. */
#include "mesh.h"

static const double *corner(const Mesh *mesh, const Simplices *list, int k, int i)
{
  return mesh->x + (size_t)list->vertex[k * list->corners + i] * (size_t)mesh->dim;
}

static int bucket_of(const Mesh *mesh, int c, double x)
{
  const int b = (int)floor((x - mesh->lower[c]) / (mesh->upper[c] - mesh->lower[c]) * mesh->n_bucket[c]);
  return PetscMin(PetscMax(b, 0), mesh->n_bucket[c] - 1);
}

/* The range of buckets under the box of a cell. */
static void bucket_range(const Mesh *mesh, int k, int low[3], int high[3])
{
  for (int c = 0; c < 3; c++) low[c] = high[c] = 0;
  for (int c = 0; c < mesh->dim; c++) {
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < mesh->cells.corners; i++) {
      least = fmin(least, corner(mesh, &mesh->cells, k, i)[c]);
      most = fmax(most, corner(mesh, &mesh->cells, k, i)[c]);
    }
    const double slack = 1e-9 * (mesh->upper[c] - mesh->lower[c]);
    low[c] = bucket_of(mesh, c, least - slack);
    high[c] = bucket_of(mesh, c, most + slack);
  }
}

PetscErrorCode MeshIndex(Mesh *mesh)
{
  int n = 1, low[3], high[3];

  PetscFunctionBegin;
  for (int c = 0; c < 3; c++) {
    mesh->n_bucket[c] = c < mesh->dim ? PetscMax((int)pow(mesh->cells.n, 1.0 / mesh->dim), 1) : 1;
    n *= mesh->n_bucket[c];
  }
  PetscCall(PetscCalloc1(n + 1, &mesh->first));
  for (int pass = 0; pass < 2; pass++) {
    for (int k = 0; k < mesh->cells.n; k++) {
      bucket_range(mesh, k, low, high);
      for (int c = low[2]; c <= high[2]; c++)
        for (int b = low[1]; b <= high[1]; b++)
          for (int a = low[0]; a <= high[0]; a++) {
            const int bucket = (c * mesh->n_bucket[1] + b) * mesh->n_bucket[0] + a;
            if (pass)
              mesh->member[mesh->first[bucket]++] = k;
            else
              mesh->first[bucket + 1]++;
          }
    }
    for (int b = 0; b < n && !pass; b++) mesh->first[b + 1] += mesh->first[b];
    if (!pass) PetscCall(PetscMalloc1(mesh->first[n], &mesh->member));
  }
  for (int b = n; b > 0; b--) mesh->first[b] = mesh->first[b - 1]; /* the second pass has moved each to its end */
  mesh->first[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double determinant(int dim, double e[3][3])
{
  if (dim == 2) return e[0][0] * e[1][1] - e[0][1] * e[1][0];
  return e[0][0] * (e[1][1] * e[2][2] - e[1][2] * e[2][1]) + e[0][1] * (e[1][2] * e[2][0] - e[1][0] * e[2][2]) +
         e[0][2] * (e[1][0] * e[2][1] - e[1][1] * e[2][0]);
}

/* Barycentric coordinates by Cramer's rule. */
static bool in_cell(const Mesh *mesh, int k, const double x[])
{
  const double *a = corner(mesh, &mesh->cells, k, 0);
  double e[3][3], sum = 0;
  for (int i = 0; i < mesh->dim; i++)
    for (int c = 0; c < mesh->dim; c++) e[i][c] = corner(mesh, &mesh->cells, k, i + 1)[c] - a[c];
  const double whole = determinant(mesh->dim, e);
  for (int i = 0; i < mesh->dim; i++) {
    double kept[3];
    for (int c = 0; c < mesh->dim; c++) kept[c] = e[i][c], e[i][c] = x[c] - a[c];
    const double part = determinant(mesh->dim, e) / whole;
    for (int c = 0; c < mesh->dim; c++) e[i][c] = kept[c];
    if (!(part >= -1e-10)) return false;
    sum += part;
  }
  return sum <= 1 + 1e-10;
}

bool MeshContains(const Mesh *mesh, int group, const double x[])
{
  int bucket = 0;
  for (int c = mesh->dim - 1; c >= 0; c--) {
    const double slack = 1e-10 * (mesh->upper[c] - mesh->lower[c]);
    if (!(x[c] >= mesh->lower[c] - slack && x[c] <= mesh->upper[c] + slack)) return false;
    bucket = bucket * mesh->n_bucket[c] + bucket_of(mesh, c, x[c]);
  }
  for (int m = mesh->first[bucket]; m < mesh->first[bucket + 1]; m++)
    if ((group < 0 || mesh->cells.group[mesh->member[m]] == group) && in_cell(mesh, mesh->member[m], x)) return true;
  return false;
}

static double dot(int dim, const double a[], const double b[])
{
  double sum = 0;
  for (int c = 0; c < dim; c++) sum += a[c] * b[c];
  return sum;
}

static double to_segment(int dim, const double a[], const double b[], const double x[])
{
  double e[3], d[3];
  for (int c = 0; c < dim; c++) e[c] = b[c] - a[c], d[c] = x[c] - a[c];
  const double along = fmin(fmax(dot(dim, e, d) / dot(dim, e, e), 0), 1);
  for (int c = 0; c < dim; c++) d[c] -= along * e[c];
  return sqrt(dot(dim, d, d));
}

/* Over the triangle the distance to its plane, beside it that to its sides. */
static double to_triangle(const double a[], const double b[], const double p[], const double normal[], const double x[])
{
  const double *v[3] = {a, b, p};
  const double d[3] = {x[0] - a[0], x[1] - a[1], x[2] - a[2]};
  int left = 0;
  for (int i = 0; i < 3; i++) {
    const double *s = v[i], *t = v[(i + 1) % 3];
    double turn = 0;
    for (int k = 0; k < 3; k++) {
      const int m = (k + 1) % 3, n = (k + 2) % 3;
      turn += normal[k] * ((t[m] - s[m]) * (x[n] - s[n]) - (t[n] - s[n]) * (x[m] - s[m]));
    }
    left += turn > 0 ? 1 : turn < 0 ? -1 : 0;
  }
  if (left == 3 || left == -3) return fabs(dot(3, d, normal));
  return fmin(to_segment(3, a, b, x), fmin(to_segment(3, b, p, x), to_segment(3, p, a, x)));
}

static double to_facet(const Mesh *mesh, int k, const double x[])
{
  const Simplices *list = &mesh->facets;
  const double *a = corner(mesh, list, k, 0), *b = corner(mesh, list, k, 1);
  if (mesh->dim == 2) return to_segment(2, a, b, x);
  return to_triangle(a, b, corner(mesh, list, k, 2), list->normal + 3 * (size_t)k, x);
}

double MeshDistance(const Mesh *mesh, const double x[])
{
  double nearest = INFINITY;
  for (int k = 0; k < mesh->facets.n; k++)
    if (mesh->facets.outer[k]) nearest = fmin(nearest, to_facet(mesh, k, x));
  return nearest;
}

int MeshNearestFacet(const Mesh *mesh, int n, const int facets[], const double x[])
{
  double nearest = INFINITY;
  int found = facets[0];
  for (int k = 0; k < n; k++) {
    const double distance = to_facet(mesh, facets[k], x);
    if (distance < nearest) nearest = distance, found = facets[k];
  }
  return found;
}
