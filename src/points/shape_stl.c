/* What a closed surface of triangles holds, from an STL file. Its faces are the file's solids: of most files one. A
   cube coordinate chooses a facet by its area, and what is left of it serves within. */
#include <stdio.h>
#include <string.h>
#include "pinn/file.h"
#include "shape.h"
#include "stl.h"

typedef struct {
  Surface surface;
  int *first;    /* [n_face + 1] where the facets of each face begin in member */
  int *member;   /* [n] */
  double *up_to; /* [n] sums of areas within the face */
} Solid;

static PetscErrorCode sort_faces(Solid *solid)
{
  const Surface *s = &solid->surface;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(s->n_face + 1, &solid->first));
  PetscCall(PetscMalloc1(s->n, &solid->member));
  PetscCall(PetscMalloc1(s->n, &solid->up_to));
  for (int f = 0, n = 0; f < s->n_face; f++) {
    double total = 0;
    for (int k = 0; k < s->n; k++) {
      if (s->face[k] != f) continue;
      solid->member[n] = k;
      solid->up_to[n++] = total += s->area[k];
    }
    solid->first[f + 1] = n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode stl_create(Shape shape, Config config, const char *path)
{
  const char *file, *where = ConfigWhere(config, ConfigPath("%s.file", path));
  Solid *solid;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, ConfigPath("%s.file", path), &file));
  PetscCall(PetscNew(&solid));
  shape->data = solid;
  Surface *s = &solid->surface;
  PetscCall(SurfaceRead(where, PathBeside(ConfigFile(config), file), s));
  PetscCall(SurfaceIndex(s));
  PetscCall(sort_faces(solid));
  PetscCall(ShapeSetFaces(shape, s->n_face, 2));
  for (int f = 0; f < s->n_face; f++) {
    PinnUserCheck(solid->first[f + 1] > solid->first[f], "%s: the solid '%s' of surface '%s' has no facets", where,
                  s->name[f], file);
    PinnUserCheck(!strpbrk(s->name[f], "|&=."), "%s: the solid '%s' of surface '%s' has |, &, = or . in its name",
                  where, s->name[f], file);
    snprintf(shape->face[f].name, sizeof(shape->face[f].name), "%s", s->name[f]);
    shape->face[f].chosen = true;
    shape->face[f].log_measure = log(solid->up_to[solid->first[f + 1] - 1]);
  }
  for (int c = 0; c < 3; c++) shape->lower[c] = s->lower[c], shape->upper[c] = s->upper[c];
  shape->log_measure = log(s->volume);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode stl_destroy(Shape shape)
{
  Solid *solid = shape->data;
  PetscFunctionBegin;
  if (!solid) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SurfaceFree(&solid->surface));
  PetscCall(PetscFree(solid->first));
  PetscCall(PetscFree(solid->member));
  PetscCall(PetscFree(solid->up_to));
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double stl_distance(Shape shape, const double x[])
{
  const Surface *s = &((Solid *)shape->data)->surface;
  const double distance = SurfaceDistance(s, -1, x, NULL);
  return SurfaceWinding(s, x) > 0 ? -distance : distance;
}

/* Of the nearest facet of the face. */
static void stl_normal(Shape shape, int face, const double x[], double normal[])
{
  const Surface *s = &((Solid *)shape->data)->surface;
  int facet = 0;
  (void)SurfaceDistance(s, face, x, &facet);
  memcpy(normal, s->normal + 3 * (size_t)facet, 3 * sizeof(double));
}

static void stl_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Solid *solid = shape->data;
  const Surface *s = &solid->surface;
  const int begin = solid->first[face], last = solid->first[face + 1] - 1;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit, goal = u[0] * solid->up_to[last];
    int low = begin, high = last;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (solid->up_to[middle] > goal)
        high = middle;
      else
        low = middle + 1;
    }
    const double before = low > begin ? solid->up_to[low - 1] : 0;
    const double part = fmin(fmax((goal - before) / (solid->up_to[low] - before), 0), 1), root = sqrt(part);
    const int *corner = s->corner + 3 * (size_t)solid->member[low];
    const double *a = s->x + 3 * (size_t)corner[0], *b = s->x + 3 * (size_t)corner[1],
                 *c = s->x + 3 * (size_t)corner[2];
    for (int k = 0; k < 3; k++)
      x[(size_t)p * ld + (size_t)k] = (1 - root) * a[k] + root * ((1 - u[1]) * b[k] + u[1] * c[k]);
  }
}

static bool stl_flat(Shape shape, int face)
{
  const Solid *solid = shape->data;
  const Surface *s = &solid->surface;
  const int *member = solid->member + solid->first[face], n = solid->first[face + 1] - solid->first[face];
  const double *normal = s->normal + 3 * (size_t)member[0], *a = s->x + 3 * (size_t)s->corner[3 * member[0]];
  double size = 0;
  for (int c = 0; c < 3; c++) size = fmax(size, s->upper[c] - s->lower[c]);
  for (int k = 0; k < 3 * n; k++) {
    const double *x = s->x + 3 * (size_t)s->corner[3 * member[k / 3] + k % 3];
    double height = 0;
    for (int c = 0; c < 3; c++) height += normal[c] * (x[c] - a[c]);
    if (fabs(height) > ROUNDING * size) return false;
  }
  return true;
}

const ShapeOps ShapeOps_STL = {
    .min_dim = 3,
    .max_dim = 3,
    .create = stl_create,
    .destroy = stl_destroy,
    .distance = stl_distance,
    .normal = stl_normal,
    .map_face = stl_map_face,
    .flat = stl_flat,
};
