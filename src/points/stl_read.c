/* STL files: 84 bytes and 50 a facet, or text. Normals of the file are not looked at: corners have them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "stl.h"

#define MOST_BYTES (1u << 30)
#define HEADER     84
#define RECORD     50

typedef struct {
  const char *where, *file;
  char *bytes; /* with a zero behind them */
  size_t length;
  Surface *surface;
  int room, face_room;
  double *corner; /* [room][3][3] as read */
} Reader;

static PetscErrorCode read_bytes(Reader *r)
{
  PetscFunctionBegin;
  FILE *stream = fopen(r->file, "rb");
  PinnUserCheck(stream, "%s: cannot read surface '%s': %s", r->where, r->file, strerror(errno));
  const long size = fseek(stream, 0, SEEK_END) ? -1 : ftell(stream);
  if (size < 0 || size > (long)MOST_BYTES) fclose(stream);
  PinnUserCheck(size >= 0 && size <= (long)MOST_BYTES, "%s: cannot read surface '%s': it is no file of at most 1 GB",
                r->where, r->file);
  rewind(stream);
  PetscCall(PetscCalloc1((size_t)size + 1, &r->bytes));
  r->length = fread(r->bytes, 1, (size_t)size, stream);
  fclose(stream);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_face(Reader *r, const char *name)
{
  Surface *s = r->surface;
  PetscFunctionBegin;
  if (s->n_face == r->face_room) {
    r->face_room = 2 * r->face_room + 4;
    PetscCall(PetscRealloc((size_t)r->face_room * sizeof(*s->name), &s->name));
  }
  snprintf(s->name[s->n_face++], sizeof(s->name[0]), "%s", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A facet of the last face. */
static PetscErrorCode add_facet(Reader *r, const double corner[9])
{
  Surface *s = r->surface;
  PetscFunctionBegin;
  if (s->n == r->room) {
    r->room = 2 * r->room + 64;
    PetscCall(PetscRealloc((size_t)r->room * 9 * sizeof(double), &r->corner));
    PetscCall(PetscRealloc((size_t)r->room * sizeof(int), &s->face));
  }
  for (int k = 0; k < 9; k++) {
    PinnUserCheck(corner[k] > -1e300 && corner[k] < 1e300,
                  "%s: facet %d of surface '%s' has a corner that is not a finite number", r->where, s->n + 1, r->file);
    r->corner[9 * (size_t)s->n + (size_t)k] = corner[k] + 0.0; /* no negative zeros */
  }
  s->face[s->n++] = s->n_face - 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static uint32_t get_uint32(const char *bytes)
{
  const unsigned char *b = (const unsigned char *)bytes;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static PetscErrorCode read_binary(Reader *r)
{
  const uint32_t n = get_uint32(r->bytes + 80);
  PetscFunctionBegin;
  PetscCall(add_face(r, "surface"));
  for (uint32_t k = 0; k < n; k++) {
    const char *record = r->bytes + HEADER + (size_t)RECORD * k + 12;
    double corner[9];
    for (int i = 0; i < 9; i++) {
      const uint32_t bits = get_uint32(record + 4 * (size_t)i);
      float value;
      memcpy(&value, &bits, sizeof(value));
      corner[i] = value;
    }
    PetscCall(add_facet(r, corner));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  char *at;
  char cut; /* what was where the last word ends */
} Text;

/* The next word of a text, cut off with a zero; NULL at its end. */
static char *next_word(Text *text)
{
  char *word = text->at;
  while (isspace((unsigned char)*word)) word++;
  if (!*word) return NULL;
  char *end = word;
  while (*end && !isspace((unsigned char)*end)) end++;
  text->cut = *end;
  text->at = *end ? end + 1 : end;
  *end = '\0';
  return word;
}

/* The rest of the line behind the last word. */
static char *rest_of_line(Text *text)
{
  static char none[1];
  if (!text->cut || strchr("\r\n", text->cut)) return none;
  char *rest = text->at, *end = rest + strcspn(rest, "\r\n");
  text->at = *end ? end + 1 : end;
  *end = '\0';
  while (isspace((unsigned char)*rest)) rest++;
  for (end = rest + strlen(rest); end > rest && isspace((unsigned char)end[-1]);) *--end = '\0';
  return rest;
}

static bool is_word(const char *word, const char *expected)
{
  return word && !strcasecmp(word, expected);
}

static bool read_number(Text *text, double *value)
{
  char *end, *word = next_word(text);
  if (!word) return false;
  *value = strtod(word, &end);
  return !*end;
}

/* What follows "facet". False where it is not as the format says. */
static bool read_facet(Text *text, double corner[9])
{
  double normal;
  if (!is_word(next_word(text), "normal")) return false;
  for (int k = 0; k < 3; k++)
    if (!read_number(text, &normal)) return false;
  if (!is_word(next_word(text), "outer") || !is_word(next_word(text), "loop")) return false;
  for (int k = 0; k < 9; k++)
    if ((k % 3 == 0 && !is_word(next_word(text), "vertex")) || !read_number(text, &corner[k])) return false;
  return is_word(next_word(text), "endloop") && is_word(next_word(text), "endfacet");
}

/* A face with the name after "solid"; spaces within it become underlines. */
static PetscErrorCode read_name(Reader *r, Text *text)
{
  char number[40], *name = rest_of_line(text);
  PetscFunctionBegin;
  for (char *c = name; *c; c++)
    if (isspace((unsigned char)*c)) *c = '_';
  snprintf(number, sizeof(number), "solid%d", r->surface->n_face + 1);
  PetscCall(add_face(r, *name ? name : number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_text(Reader *r)
{
  Text text = {.at = r->bytes};
  char *word = next_word(&text);
  double corner[9];
  PetscFunctionBegin;
  while (is_word(word, "solid")) {
    PetscCall(read_name(r, &text));
    for (word = next_word(&text); is_word(word, "facet"); word = next_word(&text)) {
      PinnUserCheck(read_facet(&text, corner),
                    "%s: facet %d of surface '%s' is not as STL has it: facet normal with 3 numbers, outer loop, "
                    "3 times vertex with 3 numbers, endloop, endfacet",
                    r->where, r->surface->n + 1, r->file);
      PetscCall(add_facet(r, corner));
    }
    PinnUserCheck(is_word(word, "endsolid"),
                  "%s: surface '%s' has %s%s%s after facet %d, where 'facet' or 'endsolid' "
                  "is wanted",
                  r->where, r->file, word ? "'" : "", word ? word : "its end", word ? "'" : "", r->surface->n);
    (void)rest_of_line(&text);
    word = next_word(&text);
  }
  PinnUserCheck(!word, "%s: surface '%s' has '%s' after facet %d, where 'solid' or its end is wanted", r->where,
                r->file, word, r->surface->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_facets(Reader *r)
{
  PetscFunctionBegin;
  const bool text = r->length > 5 && !strncasecmp(r->bytes, "solid", 5) && !memchr(r->bytes, 0, r->length);
  const uint64_t n = r->length >= HEADER ? get_uint32(r->bytes + 80) : 0, size = HEADER + RECORD * n;
  PinnUserCheck(text || r->length >= HEADER,
                "%s: surface '%s' is no STL file: it neither begins with 'solid' nor has the %d bytes of a header",
                r->where, r->file, HEADER);
  PinnUserCheck(text || size == r->length,
                "%s: surface '%s' has %zu bytes, but %llu facets make %llu: it is no STL file, or was cut off",
                r->where, r->file, r->length, (unsigned long long)n, (unsigned long long)size);
  if (size == r->length && r->length >= HEADER)
    PetscCall(read_binary(r));
  else
    PetscCall(read_text(r));
  PinnUserCheck(r->surface->n, "%s: surface '%s' has no facets", r->where, r->file);
  if (r->surface->n_face == 1) snprintf(r->surface->name[0], sizeof(r->surface->name[0]), "surface");
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  double x[3];
  int place; /* among all corners */
} Corner;

static int compare_corners(const void *a, const void *b)
{
  const Corner *p = a, *q = b;
  for (int c = 0; c < 3; c++)
    if (p->x[c] != q->x[c]) return p->x[c] < q->x[c] ? -1 : 1;
  return (p->place > q->place) - (p->place < q->place);
}

static PetscErrorCode join_vertices(Reader *r)
{
  Surface *s = r->surface;
  const size_t n = 3 * (size_t)s->n;
  Corner *corners;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &corners));
  for (size_t k = 0; k < n; k++) {
    memcpy(corners[k].x, r->corner + 3 * k, sizeof(corners[k].x));
    corners[k].place = (int)k;
  }
  qsort(corners, n, sizeof(Corner), compare_corners);
  PetscCall(PetscMalloc1(n, &s->corner));
  PetscCall(PetscMalloc1(3 * n, &s->x));
  for (size_t k = 0; k < n; k++) {
    if (!k || memcmp(corners[k].x, corners[k - 1].x, sizeof(corners[k].x)))
      memcpy(s->x + 3 * (size_t)s->n_vertex++, corners[k].x, sizeof(corners[k].x));
    s->corner[corners[k].place] = s->n_vertex - 1;
  }
  PetscCall(PetscFree(corners));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  int low, high, turn, facet; /* turn: 1 from low to high */
} Edge;

static int compare_edges(const void *a, const void *b)
{
  const Edge *e = a, *f = b;
  if (e->low != f->low) return e->low < f->low ? -1 : 1;
  if (e->high != f->high) return e->high < f->high ? -1 : 1;
  return (e->facet > f->facet) - (e->facet < f->facet);
}

/* Edges of one pair of vertices: as many in one direction as in the other. */
static PetscErrorCode check_edge(const Reader *r, int n, const Edge edges[])
{
  int sum = 0;
  PetscFunctionBegin;
  for (int k = 0; k < n; k++) sum += edges[k].turn;
  PinnUserCheck(n % 2 == 0, "%s: surface '%s' is open: an edge of facet %d has no facet on its other side", r->where,
                r->file, edges[0].facet + 1);
  PinnUserCheck(sum == 0, "%s: facets %d and %d of surface '%s' are turned against each other: one looks inwards",
                r->where, edges[0].facet + 1, edges[1].facet + 1, r->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_closed(const Reader *r)
{
  const Surface *s = r->surface;
  const int n = 3 * s->n;
  PetscErrorCode code = PETSC_SUCCESS;
  Edge *edges;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &edges));
  for (int k = 0; k < n; k++) {
    const int a = s->corner[k], b = s->corner[k % 3 == 2 ? k - 2 : k + 1];
    edges[k] = (Edge){PetscMin(a, b), PetscMax(a, b), a < b ? 1 : -1, k / 3};
  }
  qsort(edges, (size_t)n, sizeof(Edge), compare_edges);
  for (int k = 0, many; k < n && !code; k += many) {
    for (many = 1; k + many < n && edges[k + many].low == edges[k].low && edges[k + many].high == edges[k].high;)
      many++;
    code = check_edge(r, many, edges + k);
  }
  PetscCall(PetscFree(edges));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Twice the area times the normal of a facet. */
static void facet_cross(const Surface *s, int k, double cross[3])
{
  const double *a = s->x + 3 * (size_t)s->corner[3 * k], *b = s->x + 3 * (size_t)s->corner[3 * k + 1],
               *c = s->x + 3 * (size_t)s->corner[3 * k + 2];
  for (int i = 0; i < 3; i++) {
    const int p = (i + 1) % 3, q = (i + 2) % 3;
    cross[i] = (b[p] - a[p]) * (c[q] - a[q]) - (b[q] - a[q]) * (c[p] - a[p]);
  }
}

static PetscErrorCode measure_facets(const Reader *r)
{
  Surface *s = r->surface;
  double middle[3], size = 0;
  PetscFunctionBegin;
  for (int c = 0; c < 3; c++) {
    s->lower[c] = INFINITY, s->upper[c] = -INFINITY;
    for (int v = 0; v < s->n_vertex; v++) {
      s->lower[c] = fmin(s->lower[c], s->x[3 * (size_t)v + (size_t)c]);
      s->upper[c] = fmax(s->upper[c], s->x[3 * (size_t)v + (size_t)c]);
    }
    middle[c] = 0.5 * (s->lower[c] + s->upper[c]);
    size = fmax(size, s->upper[c] - s->lower[c]);
  }
  PetscCall(PetscMalloc1(s->n, &s->area));
  PetscCall(PetscMalloc1(3 * (size_t)s->n, &s->normal));
  for (int k = 0; k < s->n; k++) {
    const double *a = s->x + 3 * (size_t)s->corner[3 * k];
    double cross[3];
    facet_cross(s, k, cross);
    const double length = sqrt(cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]);
    PinnUserCheck(length > 1e-14 * size * size, "%s: facet %d of surface '%s' has no area", r->where, k + 1, r->file);
    s->area[k] = 0.5 * length;
    for (int c = 0; c < 3; c++) {
      s->normal[3 * (size_t)k + (size_t)c] = cross[c] / length;
      s->volume += cross[c] * (a[c] - middle[c]) / 6;
    }
  }
  PinnUserCheck(fabs(s->volume) > 1e-14 * size * size * size, "%s: surface '%s' holds no volume", r->where, r->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Facets that all look inwards. */
static void turn(Surface *s)
{
  if (s->volume > 0) return;
  s->volume = -s->volume;
  for (int k = 0; k < s->n; k++) {
    const int b = s->corner[3 * k + 1];
    s->corner[3 * k + 1] = s->corner[3 * k + 2];
    s->corner[3 * k + 2] = b;
    for (int c = 0; c < 3; c++) s->normal[3 * k + c] = -s->normal[3 * k + c];
  }
}

static PetscErrorCode read_surface(Reader *r)
{
  PetscFunctionBegin;
  PetscCall(read_bytes(r));
  PetscCall(read_facets(r));
  PetscCall(join_vertices(r));
  PetscCall(measure_facets(r));
  PetscCall(check_closed(r));
  turn(r->surface);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SurfaceRead(const char *where, const char *file, Surface *surface)
{
  Reader r = {.where = where, .file = file, .surface = surface};
  PetscFunctionBegin;
  *surface = (Surface){0};
  const PetscErrorCode code = read_surface(&r);
  PetscCall(PetscFree(r.bytes));
  PetscCall(PetscFree(r.corner));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SurfaceFree(Surface *surface)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(surface->x));
  PetscCall(PetscFree(surface->corner));
  PetscCall(PetscFree(surface->face));
  PetscCall(PetscFree(surface->area));
  PetscCall(PetscFree(surface->normal));
  PetscCall(PetscFree(surface->name));
  PetscCall(PetscFree(surface->node));
  PetscCall(PetscFree(surface->order));
  PetscFunctionReturn(PETSC_SUCCESS);
}
