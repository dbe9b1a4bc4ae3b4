/* A mesh as a domain. Its parts are the physical groups of cells and facets, and the facets of the boundary that have
   none. Points: the first coordinate of the cube chooses a simplex by its measure, and what is left of it serves as a
   coordinate inside, so that low-discrepancy points stay even over the cells. */
#include <stdio.h>
#include <string.h>
#include "mesh.h"
#include "pinn/file.h"
#include "product.h"

typedef struct {
  const Simplices *list;
  int n;
  int *simplex;  /* [n] */
  double *up_to; /* [n] sums of measures */
} Members;

typedef struct {
  Mesh mesh;
  int n_part;
  Members *members; /* [n_part] */
} Body;

static PetscErrorCode body_destroy(void *data)
{
  Body *body = data;

  PetscFunctionBegin;
  for (int k = 0; k < body->n_part; k++) PetscCall(PetscFree2(body->members[k].simplex, body->members[k].up_to));
  PetscCall(PetscFree(body->members));
  PetscCall(MeshFree(&body->mesh));
  PetscCall(PetscFree(body));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool body_contains(void *data, const double x[])
{
  const Body *body = data;
  return MeshContains(&body->mesh, -1, x);
}

static double body_distance(void *data, const double x[])
{
  const Body *body = data;
  const double distance = MeshDistance(&body->mesh, x);
  return MeshContains(&body->mesh, -1, x) ? -distance : distance;
}

/* A point of a simplex from a point of the unit cube: sorted coordinates are uniform barycentric gaps. */
static void map_simplex(const Mesh *mesh, const Simplices *list, int k, double u[], double x[])
{
  const int m = list->corners - 1;
  for (int i = 1; i < m; i++)
    for (int j = i; j > 0 && u[j - 1] > u[j]; j--) {
      const double swap = u[j];
      u[j] = u[j - 1], u[j - 1] = swap;
    }
  for (int c = 0; c < mesh->dim; c++) x[c] = 0;
  for (int i = 0; i <= m; i++) {
    const double weight = (i < m ? u[i] : 1) - (i ? u[i - 1] : 0);
    const double *corner = mesh->x + (size_t)list->vertex[k * list->corners + i] * (size_t)mesh->dim;
    for (int c = 0; c < mesh->dim; c++) x[c] += weight * corner[c];
  }
}

static void body_map(void *data, int part, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Body *body = data;
  const Members *members = &body->members[part];
  const double total = members->up_to[members->n - 1];

  for (int p = 0; p < n; p++) {
    double u[3];
    int low = 0, high = members->n - 1;
    memcpy(u, unit + (size_t)p * ld_unit, (size_t)(members->list->corners - 1) * sizeof(double));
    const double goal = u[0] * total;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (members->up_to[middle] > goal)
        high = middle;
      else
        low = middle + 1;
    }
    const double before = low ? members->up_to[low - 1] : 0;
    u[0] = fmin(fmax((goal - before) / (members->up_to[low] - before), 0), 1);
    map_simplex(&body->mesh, members->list, members->simplex[low], u, x + (size_t)p * ld);
  }
}

/* Of the nearest facet of the part. */
static void body_normal(void *data, int part, const double x[], double normal[])
{
  const Body *body = data;
  const Members *members = &body->members[part];
  const int nearest = MeshNearestFacet(&body->mesh, members->n, members->simplex, x);
  memcpy(normal, members->list->normal + (size_t)nearest * (size_t)body->mesh.dim,
         (size_t)body->mesh.dim * sizeof(double));
}

/* Groups follow the interior. */
static bool body_within(void *data, int part, const double x[])
{
  const Body *body = data;
  return MeshContains(&body->mesh, part - 1, x);
}

static PetscInt body_vertices(void *data)
{
  return ((Body *)data)->mesh.whole.tiling.n_node;
}

static PetscErrorCode body_tile(void *data, Tiler *tiler)
{
  PetscFunctionBegin;
  PetscCall(TilerCopy(&((Body *)data)->mesh.whole, tiler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const BodyOps MeshOps = {
    .destroy = body_destroy,
    .contains = body_contains,
    .distance = body_distance,
    .map = body_map,
    .normal = body_normal,
    .within = body_within,
    .vertices = body_vertices,
    .tile = body_tile,
};

/* The coordinate that is the same at all corners of a part, or -1. */
static int find_plane(const Mesh *mesh, const Members *members, double *value)
{
  for (int c = 0; c < mesh->dim; c++) {
    double low = INFINITY, high = -INFINITY;
    for (int k = 0; k < members->n; k++)
      for (int i = 0; i < members->list->corners; i++) {
        const int v = members->list->vertex[members->simplex[k] * members->list->corners + i];
        low = fmin(low, mesh->x[v * mesh->dim + c]);
        high = fmax(high, mesh->x[v * mesh->dim + c]);
      }
    *value = low;
    if (high - low <= ROUNDING * (mesh->upper[c] - mesh->lower[c])) return c;
  }
  return -1;
}

/* The part of the simplices of one group; group = -1: of all cells, or of outer facets without a group. */
static PetscErrorCode add_part(Domain domain, bool cells, int group, const char *name)
{
  Product product = domain->data;
  Body *body = product->body;
  const Mesh *mesh = &body->mesh;
  const Simplices *list = cells ? &mesh->cells : &mesh->facets;
  const int k = body->n_part;
  Members *members = &body->members[k];
  double total = 0;
  bool outer = !cells, apart = !cells;

  PetscFunctionBegin;
  members->list = list;
  PetscCall(PetscMalloc2(list->n, &members->simplex, list->n, &members->up_to));
  for (int s = 0; s < list->n; s++) {
    const bool loose = group < 0 && (cells || (list->group[s] < 0 && list->outer[s]));
    if (!loose && (group < 0 || list->group[s] != group)) continue;
    members->simplex[members->n] = s;
    members->up_to[members->n++] = total += list->measure[s];
    outer = outer && list->outer[s];
    apart = apart && list->apart[s];
  }
  body->n_part++; /* owns the members from here on */
  if (!members->n) {
    body->n_part--;
    PetscCall(PetscFree2(members->simplex, members->up_to));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Part *part = &product->part[product->n_part++];
  *part = (Part){.dim = mesh->dim - !cells,
                 .face = outer,
                 .cut = apart,
                 .n_cube = mesh->dim - !cells,
                 .grid = GRID_CENTERED,
                 .thinned = true,
                 .log_proposal = log(total),
                 .log_measure = log(total),
                 .plane = -1};
  if (!cells) part->plane = find_plane(mesh, members, &part->value);
  PetscCall(PetscStrallocpy(name, &part->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_parts(Domain domain, const char *where)
{
  Product product = domain->data;
  Body *body = product->body;
  const Mesh *mesh = &body->mesh;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(mesh->n_group + 2, &product->part));
  PetscCall(PetscCalloc1(mesh->n_group + 2, &body->members));
  PetscCall(add_part(domain, true, -1, "interior"));
  for (int g = 0; g < mesh->n_group; g++) PetscCall(add_part(domain, mesh->group[g].cells, g, mesh->group[g].name));
  PetscCall(add_part(domain, false, -1, "facets without a physical group"));
  PetscCall(ProductAddBasicWords(domain));
  for (int g = 0; g < mesh->n_group; g++) {
    const char *name = mesh->group[g].name;
    PinnUserCheck(!strpbrk(name, "|&=") && FormulaFindCoordinate(domain->formula, name) < 0,
                  "%s: the physical group '%s' of the mesh must not have the name of a coordinate, or |, & or =", where,
                  name);
    PetscCall(ProductAddWord(domain, where, name, 1, (int[]){1 + g}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode describe(Domain domain, const char *file)
{
  const Product product = domain->data;
  const Body *body = product->body;
  char text[512];

  PetscFunctionBegin;
  size_t used = (size_t)snprintf(text, sizeof(text), "mesh %.300s of %d cells, %s %.6lg", file, body->mesh.n_cell,
                                 body->mesh.dim == 2 ? "area" : "volume", exp(product->part[0].log_measure));
  if (domain->t >= 0)
    snprintf(text + used, sizeof(text) - used, ", t in [%lg, %lg]", domain->lower[domain->t], domain->upper[domain->t]);
  PetscCall(PetscStrallocpy(text, &domain->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode mesh_create(Domain domain, Config config)
{
  const char *file, *where = ConfigWhere(config, "domain.file");
  Product product;
  Body *body;

  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "domain.file", &file));
  PetscCall(ProductCreate(domain, config, &product));
  PetscCall(PetscNew(&body));
  product->ops = &MeshOps;
  product->body = body;
  PetscCall(MeshRead(where, PathBeside(ConfigFile(config), file), product->n_space, &body->mesh));
  PetscCall(MeshIndex(&body->mesh));
  PetscCall(PetscArraycpy(domain->lower + product->first, body->mesh.lower, product->n_space));
  PetscCall(PetscArraycpy(domain->upper + product->first, body->mesh.upper, product->n_space));
  PetscCall(add_parts(domain, where));
  PetscCall(ProductFinish(domain, where));
  PetscCall(describe(domain, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DomainOps DomainOps_Mesh = PRODUCT_OPS(mesh_create);
