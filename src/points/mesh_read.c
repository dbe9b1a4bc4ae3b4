/* Reading through DMPlex. What PETSc has to say about a bad file becomes the end of one sentence; the names of physical
   groups and the marks of completeness, which it does not give, are taken from the text of a Gmsh file. */
#include <limits.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "mesh.h"

#define MAX_MESH (1u << 30)

typedef struct {
  const char *where, *file;
  char *text; /* the file, with a zero after it */
  size_t length;
  bool gmsh;
  DM dm;
  PetscInt v0, v1; /* vertices among the points of dm */
  Mesh *mesh;
} Reader;

static PetscErrorCode read_text(Reader *r)
{
  PetscFunctionBegin;
  FILE *stream = fopen(r->file, "rb");
  PinnUserCheck(stream, "%s: cannot read mesh '%s': %s", r->where, r->file, strerror(errno));
  const bool sized = !fseek(stream, 0, SEEK_END);
  const long size = sized ? ftell(stream) : -1;
  if (size < 0 || size > (long)MAX_MESH) fclose(stream);
  PinnUserCheck(size >= 0 && size <= (long)MAX_MESH, "%s: cannot read mesh '%s': it is no file of at most 1 GB",
                r->where, r->file);
  rewind(stream);
  PetscCall(PetscCalloc1((size_t)size + 1, &r->text));
  r->length = fread(r->text, 1, (size_t)size, stream);
  fclose(stream);
  r->gmsh = r->length > 11 && !memcmp(r->text, "$MeshFormat", 11);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *find_section(const Reader *r, const char *name)
{
  return memmem(r->text, r->length, name, strlen(name));
}

/* A file that was cut off would be read beyond its end. */
static PetscErrorCode check_complete(const Reader *r)
{
  static const char *const ends[] = {"$EndMeshFormat", "$EndNodes", "$EndElements"};

  PetscFunctionBegin;
  for (int k = 0; k < 3 && r->gmsh; k++)
    PinnUserCheck(find_section(r, ends[k]), "%s: mesh '%s' is truncated: it has no %s", r->where, r->file, ends[k]);
  PinnUserCheck(r->gmsh || !strstr(r->file, ".msh"),
                "%s: mesh '%s' is no Gmsh file: it does not begin with $MeshFormat", r->where, r->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "4.1 0 8" after $MeshFormat: 0 is text. */
static bool is_text(const Reader *r)
{
  double version;
  int binary;
  return sscanf(r->text + 11, "%lf %d", &version, &binary) == 2 && !binary;
}

static PetscErrorCode keep_first(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                 PetscErrorType type, const char *message, void *context)
{
  char *text = context;
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL && message && !text[0]) snprintf(text, 256, "%s", message);
  return code;
}

static PetscErrorCode load(Reader *r)
{
  char text[256] = "";

  PetscFunctionBegin;
  PetscCall(PetscPushErrorHandler(keep_first, text));
  const PetscErrorCode code = DMPlexCreateFromFile(PETSC_COMM_SELF, r->file, "mesh", PETSC_TRUE, &r->dm);
  PetscCall(PetscPopErrorHandler());
  text[strcspn(text, "\n")] = 0;
  if (code) r->dm = NULL; /* half made: PETSc refuses to destroy it */
  PinnUserCheck(!code, "%s: cannot read mesh '%s': %s", r->where, r->file, text[0] ? text : "its content is broken");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The name of a physical group, into name; false where the file has none. */
static bool physical_name(const Reader *r, int dim, int tag, char name[128])
{
  const char *line = find_section(r, "$PhysicalNames"), *end = find_section(r, "$EndPhysicalNames");
  while (line && end && (line = strchr(line, '\n')) != NULL && ++line < end) {
    int d, t;
    if (sscanf(line, "%d %d \"%127[^\"\n]\"", &d, &t, name) == 3 && d == dim && t == tag) return true;
  }
  return false;
}

/* The group of a point of dm, added where it is new; -1 = none. */
static PetscErrorCode find_group(Reader *r, bool cells, PetscInt point, int *group)
{
  Mesh *mesh = r->mesh;
  PetscInt tag;
  DMLabel label;
  char name[128];

  PetscFunctionBegin;
  *group = -1;
  PetscCall(DMGetLabel(r->dm, cells ? "Cell Sets" : "Face Sets", &label));
  if (!label) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DMLabelGetValue(label, point, &tag));
  if (tag < 0 || (r->gmsh && tag == 0)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int g = 0; g < mesh->n_group && *group < 0; g++)
    if (mesh->group[g].cells == cells && mesh->group[g].tag == tag) *group = g;
  if (*group >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  const int dim = mesh->dim - !cells;
  const bool named = physical_name(r, dim, (int)tag, name);
  PinnUserCheck(named || !r->gmsh,
                "%s: physical group %d of mesh '%s' has no name: write Physical %s(\"NAME\", %d) in its .geo", r->where,
                (int)tag, r->file,
                dim == 1   ? "Curve"
                : dim == 2 ? "Surface"
                           : "Volume",
                (int)tag);
  if (!named) snprintf(name, sizeof(name), "%s%d", cells ? "cells" : "facets", (int)tag);
  PetscCall(PetscRealloc((size_t)(mesh->n_group + 1) * sizeof(MeshGroup), &mesh->group));
  mesh->group[mesh->n_group] = (MeshGroup){NULL, cells, (int)tag};
  PetscCall(PetscStrallocpy(name, &mesh->group[mesh->n_group].name));
  *group = mesh->n_group++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vertices in the order of DMPlex; n = 0 where there are more than 8. */
static PetscErrorCode get_vertices(const Reader *r, PetscInt point, int *n, int vertex[8])
{
  PetscInt n_closure, *closure = NULL;

  PetscFunctionBegin;
  *n = 0;
  PetscCall(DMPlexGetTransitiveClosure(r->dm, point, PETSC_TRUE, &n_closure, &closure));
  for (PetscInt k = 0; k < n_closure; k++)
    if (closure[2 * k] >= r->v0 && closure[2 * k] < r->v1 && (*n)++ < 8) vertex[*n - 1] = (int)(closure[2 * k] - r->v0);
  PetscCall(DMPlexRestoreTransitiveClosure(r->dm, point, PETSC_TRUE, &n_closure, &closure));
  if (*n > 8) *n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How a cell is cut; hexahedra and prisms of DMPlex run around their top the other way. */
static int cut(DMPolytopeType type, const int (**parts)[4])
{
  static const int whole[][4] = {{0, 1, 2, 3}}, quadrilateral[][4] = {{0, 1, 2, 0}, {0, 2, 3, 0}},
                   hexahedron[][4] = {{0, 1, 2, 6}, {0, 2, 3, 6}, {0, 3, 5, 6},
                                      {0, 5, 4, 6}, {0, 4, 7, 6}, {0, 7, 1, 6}},
                   prism[][4] = {{0, 1, 2, 4}, {0, 1, 4, 5}, {0, 5, 4, 3}}, pyramid[][4] = {{0, 1, 2, 4}, {0, 2, 3, 4}};
  switch (type) {
  case DM_POLYTOPE_SEGMENT:
  case DM_POLYTOPE_TRIANGLE:
  case DM_POLYTOPE_TETRAHEDRON:
    *parts = whole;
    return 1;
  case DM_POLYTOPE_QUADRILATERAL:
    *parts = quadrilateral;
    return 2;
  case DM_POLYTOPE_HEXAHEDRON:
    *parts = hexahedron;
    return 6;
  case DM_POLYTOPE_TRI_PRISM:
    *parts = prism;
    return 3;
  case DM_POLYTOPE_PYRAMID:
    *parts = pyramid;
    return 2;
  default:
    return 0;
  }
}

static const double *vertex_of(const Mesh *mesh, int v)
{
  return mesh->x + (size_t)v * (size_t)mesh->dim;
}

static double signed_measure(const Mesh *mesh, const int v[])
{
  const double *a = vertex_of(mesh, v[0]), *b = vertex_of(mesh, v[1]), *c = vertex_of(mesh, v[2]);
  double e[3] = {0}, f[3] = {0}, g[3] = {0};
  const double *d = mesh->dim == 3 ? vertex_of(mesh, v[3]) : a;
  for (int k = 0; k < mesh->dim; k++) e[k] = b[k] - a[k], f[k] = c[k] - a[k], g[k] = d[k] - a[k];
  if (mesh->dim == 2) return 0.5 * (e[0] * f[1] - e[1] * f[0]);
  return (e[0] * (f[1] * g[2] - f[2] * g[1]) + e[1] * (f[2] * g[0] - f[0] * g[2]) +
          e[2] * (f[0] * g[1] - f[1] * g[0])) /
         6;
}

/* Area of a facet and its unit normal, of either sign. */
static double facet_normal(const Mesh *mesh, const int v[], double normal[3])
{
  const double *a = vertex_of(mesh, v[0]), *b = vertex_of(mesh, v[1]);
  double length = 0;
  if (mesh->dim == 2) {
    normal[0] = b[1] - a[1], normal[1] = a[0] - b[0];
  } else {
    const double *c = vertex_of(mesh, v[2]);
    for (int k = 0; k < 3; k++) {
      const int p = (k + 1) % 3, q = (k + 2) % 3;
      normal[k] = 0.5 * ((b[p] - a[p]) * (c[q] - a[q]) - (b[q] - a[q]) * (c[p] - a[p]));
    }
  }
  for (int k = 0; k < mesh->dim; k++) length = hypot(length, normal[k]);
  for (int k = 0; k < mesh->dim; k++) normal[k] /= length;
  return length;
}

static PetscErrorCode append(Mesh *mesh, Simplices *list, const int v[], int group)
{
  PetscFunctionBegin;
  if (list->n == list->capacity) {
    const size_t n = (size_t)(list->capacity = 2 * list->capacity + 64);
    PetscCall(PetscRealloc(n * (size_t)list->corners * sizeof(int), &list->vertex));
    PetscCall(PetscRealloc(n * sizeof(int), &list->group));
    PetscCall(PetscRealloc(n * sizeof(double), &list->measure));
    PetscCall(PetscRealloc(n * (size_t)mesh->dim * sizeof(double), &list->normal));
    PetscCall(PetscRealloc(n * sizeof(bool), &list->outer));
    PetscCall(PetscRealloc(n * sizeof(bool), &list->apart));
  }
  PetscCall(PetscArraycpy(list->vertex + (size_t)list->n * (size_t)list->corners, v, list->corners));
  list->group[list->n] = group;
  list->outer[list->n++] = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_cell(Reader *r, PetscInt cell, PetscInt number)
{
  Mesh *mesh = r->mesh;
  DMPolytopeType type;
  const int(*parts)[4];
  int n, vertex[8], group, sign = 0;
  double size = 0;

  PetscFunctionBegin;
  PetscCall(DMPlexGetCellType(r->dm, cell, &type));
  PetscCall(get_vertices(r, cell, &n, vertex));
  PetscCall(find_group(r, true, cell, &group));
  const int n_part = cut(type, &parts);
  PinnUserCheck(n_part, "%s: cell %d of mesh '%s' is of a kind that is not supported", r->where, (int)number, r->file);
  PinnUserCheck(n == DMPolytopeTypeGetNumVertices(type), "%s: cell %d of mesh '%s' has a vertex twice", r->where,
                (int)number, r->file);
  for (int k = 1; k < n; k++)
    for (int c = 0; c < mesh->dim; c++)
      size = fmax(size, fabs(vertex_of(mesh, vertex[k])[c] - vertex_of(mesh, vertex[0])[c]));
  for (int k = 0; k < n_part; k++) {
    int v[4] = {0};
    for (int i = 0; i <= mesh->dim; i++) v[i] = vertex[parts[k][i]];
    const double measure = signed_measure(mesh, v);
    const bool flat = !(fabs(measure) > 1e-12 * pow(size, mesh->dim));
    PinnUserCheck(!flat && (!sign || sign == (measure > 0 ? 1 : -1)), "%s: cell %d of mesh '%s' is inverted: %s",
                  r->where, (int)number, r->file, flat ? "it has no volume" : "its faces cross");
    sign = measure > 0 ? 1 : -1;
    PetscCall(append(mesh, &mesh->cells, v, group));
    mesh->cells.measure[mesh->cells.n - 1] = fabs(measure);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (centroid of a cell - a point of the facet) . normal */
static PetscErrorCode side_of(const Reader *r, PetscInt cell, const double a[], const double normal[], double *side)
{
  int n, vertex[8];

  PetscFunctionBegin;
  PetscCall(get_vertices(r, cell, &n, vertex));
  *side = 0;
  for (int k = 0; k < n; k++)
    for (int c = 0; c < r->mesh->dim; c++) *side += (vertex_of(r->mesh, vertex[k])[c] - a[c]) * normal[c] / n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the two cells of a facet inside, the one whose group has the smaller number: its normal points out of that. Are
   they of two groups? */
static PetscErrorCode first_side(Reader *r, const PetscInt support[], PetscInt *first, bool *apart)
{
  int group[2], tag[2];

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++) {
    PetscCall(find_group(r, true, support[s], &group[s]));
    tag[s] = group[s] < 0 ? INT_MAX : r->mesh->group[group[s]].tag;
  }
  *apart = group[0] != group[1];
  *first = support[tag[1] < tag[0]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_facet(Reader *r, PetscInt facet, PetscInt c0)
{
  Mesh *mesh = r->mesh;
  Simplices *list = &mesh->facets;
  DMPolytopeType type;
  const PetscInt *support;
  const int(*parts)[4];
  PetscInt n_support;
  int n, vertex[8], group;
  double sides[2] = {0}, normal[3];

  PetscFunctionBegin;
  PetscCall(DMPlexGetSupportSize(r->dm, facet, &n_support));
  PetscCall(DMPlexGetSupport(r->dm, facet, &support));
  PetscCall(DMPlexGetCellType(r->dm, facet, &type));
  PetscCall(get_vertices(r, facet, &n, vertex));
  PetscCall(find_group(r, false, facet, &group));
  PinnUserCheck(n_support > 0 && n_support < 3, "%s: mesh '%s' has a facet between %d cells", r->where, r->file,
                (int)n_support);
  facet_normal(mesh, vertex, normal);
  for (int s = 0; s < n_support; s++) PetscCall(side_of(r, support[s], vertex_of(mesh, vertex[0]), normal, &sides[s]));
  PinnUserCheck(n_support == 1 || sides[0] * sides[1] < 0,
                "%s: mesh '%s' has an inverted cell: cells %d and %d lie on the same side of the facet between them",
                r->where, r->file, (int)(support[0] - c0) + 1, (int)(support[1] - c0) + 1);
  if (n_support > 1 && group < 0) PetscFunctionReturn(PETSC_SUCCESS);
  const int n_part = cut(type, &parts);
  PetscInt inside = support[0];
  bool apart = false;
  if (n_support > 1) PetscCall(first_side(r, support, &inside, &apart));
  for (int k = 0; k < n_part; k++) {
    int v[3] = {0};
    for (int i = 0; i < mesh->dim; i++) v[i] = vertex[parts[k][i]];
    PetscCall(append(mesh, list, v, group));
    double *outward = list->normal + (size_t)(list->n - 1) * (size_t)mesh->dim;
    list->measure[list->n - 1] = facet_normal(mesh, v, normal);
    list->outer[list->n - 1] = n_support == 1;
    list->apart[list->n - 1] = apart;
    PetscCall(side_of(r, inside, vertex_of(mesh, v[0]), normal, &sides[0]));
    for (int c = 0; c < mesh->dim; c++) outward[c] = sides[0] < 0 ? normal[c] : -normal[c];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_vertices(Reader *r)
{
  Mesh *mesh = r->mesh;
  PetscInt dim, embedding;
  PetscSection section;
  Vec coordinates;
  const PetscScalar *x;

  PetscFunctionBegin;
  PetscCall(DMGetDimension(r->dm, &dim));
  PetscCall(DMGetCoordinateDim(r->dm, &embedding));
  PinnUserCheck(dim == mesh->dim, "%s: mesh '%s' has %d dimension%s, but the case has %d coordinate%s of space",
                r->where, r->file, (int)dim, dim > 1 ? "s" : "", mesh->dim, mesh->dim > 1 ? "s" : "");
  PetscCall(DMPlexGetDepthStratum(r->dm, 0, &r->v0, &r->v1));
  PetscCall(DMGetCoordinateSection(r->dm, &section));
  PetscCall(DMGetCoordinatesLocal(r->dm, &coordinates));
  PetscCall(VecGetArrayRead(coordinates, &x));
  PetscCall(PetscMalloc1((size_t)(r->v1 - r->v0) * (size_t)mesh->dim, &mesh->x));
  for (int c = 0; c < mesh->dim; c++) mesh->lower[c] = INFINITY, mesh->upper[c] = -INFINITY;
  for (PetscInt v = r->v0; v < r->v1; v++) {
    PetscInt offset;
    PetscCall(PetscSectionGetOffset(section, v, &offset));
    for (int c = 0; c < mesh->dim; c++) {
      const double value = x[offset + c];
      PinnUserCheck(value > -INFINITY && value < INFINITY, "%s: mesh '%s' has a vertex at infinity", r->where, r->file);
      mesh->x[(size_t)(v - r->v0) * (size_t)mesh->dim + (size_t)c] = value;
      mesh->lower[c] = fmin(mesh->lower[c], value);
      mesh->upper[c] = fmax(mesh->upper[c], value);
    }
    for (PetscInt c = mesh->dim; c < embedding; c++)
      PinnUserCheck(x[offset + c] == x[c],
                    "%s: mesh '%s' is a curved surface, but the case has %d coordinates of space", r->where, r->file,
                    mesh->dim);
  }
  PetscCall(VecRestoreArrayRead(coordinates, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_mesh(Reader *r)
{
  PetscInt c0, c1, f0, f1;

  PetscFunctionBegin;
  PetscCall(read_text(r));
  PetscCall(check_complete(r));
  if (r->gmsh && is_text(r)) PetscCall(MeshCheckText(r->where, r->file, r->text));
  PetscCall(load(r));
  PetscCall(read_vertices(r));
  PetscCall(DMPlexGetHeightStratum(r->dm, 0, &c0, &c1));
  PetscCall(DMPlexGetHeightStratum(r->dm, 1, &f0, &f1));
  PinnUserCheck(c1 > c0, "%s: mesh '%s' has no cells", r->where, r->file);
  r->mesh->n_cell = (int)(c1 - c0);
  for (PetscInt c = c0; c < c1; c++) PetscCall(add_cell(r, c, c - c0 + 1));
  for (PetscInt f = f0; f < f1; f++) PetscCall(add_facet(r, f, c0));
  PetscCall(MeshKeepCells(r->dm, r->mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeshRead(const char *where, const char *file, int dim, Mesh *mesh)
{
  Reader r = {.where = where, .file = file, .mesh = mesh};

  PetscFunctionBegin;
  *mesh = (Mesh){.dim = dim, .cells.corners = dim + 1, .facets.corners = dim};
  PinnUserCheck(dim == 2 || dim == 3, "%s: a mesh lies in two or three dimensions, but the case has %d of space", where,
                dim);
  const PetscErrorCode code = read_mesh(&r);
  PetscCall(DMDestroy(&r.dm));
  PetscCall(PetscFree(r.text));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeshFree(Mesh *mesh)
{
  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    Simplices *list = k ? &mesh->facets : &mesh->cells;
    PetscCall(PetscFree(list->vertex));
    PetscCall(PetscFree(list->group));
    PetscCall(PetscFree(list->measure));
    PetscCall(PetscFree(list->normal));
    PetscCall(PetscFree(list->outer));
    PetscCall(PetscFree(list->apart));
  }
  for (int g = 0; g < mesh->n_group; g++) PetscCall(PetscFree(mesh->group[g].name));
  PetscCall(PetscFree(mesh->group));
  PetscCall(PetscFree(mesh->x));
  PetscCall(PetscFree(mesh->first));
  PetscCall(PetscFree(mesh->member));
  PetscCall(TilingDestroy(&mesh->whole.tiling));
  PetscFunctionReturn(PETSC_SUCCESS);
}
