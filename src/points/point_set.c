#include "points_impl.h"

#define MAX_POINTS 2147483647

/* The sizes and this rank's share of a set of count points: contiguous blocks that differ by one at most. */
static PetscErrorCode lay_out(MPI_Comm comm, double count, int dim, bool normals, PointSet *points)
{
  PetscMPIInt size, rank;

  PetscFunctionBegin;
  PinnUserCheck(count <= MAX_POINTS, "too many points: %lg, at most %d are possible", count, MAX_POINTS);
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  *points = (PointSet){.count = (PetscInt)count, .dim = dim};
  const PetscInt each = points->count / size, extra = points->count % size;
  points->first = rank * each + PetscMin(rank, extra);
  points->n = (int)(each + (rank < extra));
  const size_t length = (size_t)points->n * (size_t)dim;
  PetscCall(PetscMalloc1(length, &points->x));
  if (normals) PetscCall(PetscMalloc1(length, &points->normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Local points [start, start + draw->n) of the set. */
static PetscErrorCode fill(Region region, const Piece *piece, const Draw *draw, double unit[], int start,
                           PointSet *points)
{
  const Domain domain = region->domain;
  const size_t at = (size_t)start * (size_t)domain->dim;

  PetscFunctionBegin;
  PetscCall(SamplerDraw(draw, unit));
  domain->ops->map(domain, piece, draw->n, unit, points->x + at);
  if (points->normal) domain->ops->normals(domain, piece, draw->n, points->x + at, points->normal + at);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The local points among `count` points of piece p, the first of which has the global number offset. The number of the
   piece joins the key's block, so that no two pieces share a stream. */
static PetscErrorCode fill_piece(Region region, int p, const Sampling *sampling, PetscInt offset, PetscInt count,
                                 PointSet *points)
{
  const Piece *piece = &region->pieces.piece[p];
  const PetscInt first = PetscMax(points->first, offset);
  const PetscInt end = PetscMin(points->first + points->n, offset + count);
  const PetscInt rows = PetscMax(POINTS_DRAWN / PetscMax(piece->n_cube, 1), 1);
  Draw draw = {.sampling = sampling, .key = sampling->key, .dim = piece->n_cube, .grid = piece->grid, .count = count};
  double *unit;

  PetscFunctionBegin;
  if (first >= end) PetscFunctionReturn(PETSC_SUCCESS);
  draw.key.block += (uint32_t)p << 16;
  PetscCall(PetscMalloc1((size_t)PetscMin(rows, end - first) * (size_t)piece->n_cube, &unit));
  for (PetscInt start = first; start < end; start += draw.n) {
    draw.first = start - offset;
    draw.n = (int)PetscMin(rows, end - start);
    PetscCall(fill(region, piece, &draw, unit, (int)(start - points->first), points));
  }
  PetscCall(PetscFree(unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs through candidates of piece p until `count` have been kept, 0 = to the end of all of them. Copies the kept ones
   that are local; offset is the global number of the first. kept [out] how many there were. Every rank runs through
   all of them: which ones are kept is known only then. */
static PetscErrorCode run_candidates(Region region, int p, const Sampling *sampling, PetscInt candidates,
                                     PetscInt offset, PetscInt count, PointSet *points, PetscInt *kept)
{
  const Domain domain = region->domain;
  const Piece *piece = &region->pieces.piece[p];
  const size_t dim = (size_t)domain->dim;
  const PetscInt rows = PetscMin(PetscMax(POINTS_DRAWN / PetscMax(piece->n_cube, domain->dim), 1), candidates);
  Draw draw = {
      .sampling = sampling, .key = sampling->key, .dim = piece->n_cube, .grid = piece->grid, .count = candidates};
  double *unit, *x;
  bool *keep;

  PetscFunctionBegin;
  draw.key.block += (uint32_t)p << 16;
  *kept = 0;
  PetscCall(PetscMalloc3((size_t)rows * (size_t)piece->n_cube, &unit, (size_t)rows * dim, &x, rows, &keep));
  for (; draw.first < candidates && (!count || *kept < count); draw.first += draw.n) {
    draw.n = (int)PetscMin(rows, candidates - draw.first);
    PetscCall(SamplerDraw(&draw, unit));
    domain->ops->map(domain, piece, draw.n, unit, x);
    domain->ops->accept(domain, piece, draw.n, unit, x, keep);
    for (int i = 0; i < draw.n && (!count || *kept < count); i++) {
      if (!keep[i]) continue;
      const PetscInt number = offset + (*kept)++;
      if (!points || number < points->first || number >= points->first + points->n) continue;
      PetscCall(PetscArraycpy(points->x + (size_t)(number - points->first) * dim, x + (size_t)i * dim, dim));
    }
  }
  PetscCall(PetscFree3(unit, x, keep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The nodes of a tensor product that a piece keeps. */
static PetscErrorCode count_nodes(Region region, int p, const Sampling *sampling, PetscInt candidates, PetscInt *count)
{
  PetscFunctionBegin;
  PetscCall(run_candidates(region, p, sampling, candidates, 0, 0, NULL, count));
  PinnUserCheck(*count, "%s: none of the %" PetscInt_FMT " nodes of sampler '%s' lies in the selection", region->where,
                candidates, sampling->sampler->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points of a piece that rejects. A Latin hypercube depends on the number of candidates: it is the same on all ranks,
   and grows for all where it did not suffice. */
static PetscErrorCode fill_rejecting(Region region, int p, const Sampling *sampling, PetscInt candidates,
                                     PetscInt offset, PetscInt count, PointSet *points)
{
  const Domain domain = region->domain;
  const Piece *piece = &region->pieces.piece[p];
  const bool nodes = ((const SamplerOps *)sampling->sampler->data)->nodes != NULL;
  double most = nodes ? candidates : ceil(1.1 * (double)count / piece->fraction) + 100;
  PetscInt kept = 0;

  PetscFunctionBegin;
  for (; kept < count; most *= 2) {
    PinnUserCheck(most <= MAX_POINTS / 2,
                  "%s: so little of its bounding box lies in the selection that no %" PetscInt_FMT
                  " points of it are found",
                  region->where, count);
    PetscCall(run_candidates(region, p, sampling, (PetscInt)most, offset, count, points, &kept));
  }
  const PetscInt first = PetscMax(points->first, offset);
  const PetscInt end = PetscMin(points->first + points->n, offset + count);
  const size_t at = (size_t)(first - points->first) * (size_t)domain->dim;
  if (points->normal && first < end)
    domain->ops->normals(domain, piece, (int)(end - first), points->x + at, points->normal + at);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points of each piece, and how many have to be drawn for them. */
static PetscErrorCode count_pieces(Region region, const Sampling *sampling, PetscInt count[], PetscInt candidates[])
{
  const bool nodes = ((const SamplerOps *)sampling->sampler->data)->nodes != NULL;

  PetscFunctionBegin;
  PetscCall(RegionShareCount(region, sampling->count[0], count));
  for (int p = 0; p < region->pieces.n; p++) {
    const Piece *piece = &region->pieces.piece[p];
    PetscCall(SamplerCount(sampling, region->sampler_where ? region->sampler_where : region->where,
                           region->count_where ? region->count_where : region->where, piece, count[p], &candidates[p]));
    count[p] = candidates[p];
    if (piece->rejects && nodes) PetscCall(count_nodes(region, p, sampling, candidates[p], &count[p]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PointSetWeights(Region region, const Sampling *sampling, double weights[])
{
  const int n = region->pieces.n, dim = RegionFreeDimensions(region);
  PetscInt *count, *candidates;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &count, n, &candidates));
  PetscCall(count_pieces(region, sampling, count, candidates));
  for (int p = 0; p < n; weights += count[p++]) {
    const Piece *piece = &region->pieces.piece[p];
    const double measure = piece->dim < dim ? 0 : dim ? exp(piece->log_measure) : 1;
    PetscCall(SamplerWeights(sampling, region->sampler_where ? region->sampler_where : region->where, piece, count[p],
                             weights));
    for (PetscInt i = 0; i < count[p]; i++) weights[i] *= measure;
  }
  PetscCall(PetscFree2(count, candidates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PointSetSample(MPI_Comm comm, Region region, const Sampling *sampling, PointSet *points)
{
  const int n = region->pieces.n;
  PetscInt *count, *candidates, offset = 0;
  double total = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &count, n, &candidates));
  PetscCall(count_pieces(region, sampling, count, candidates));
  for (int p = 0; p < n; p++) total += (double)count[p];
  PetscCall(lay_out(comm, total, region->domain->dim, RegionHasNormals(region), points));
  for (int p = 0; p < n; offset += count[p++]) {
    if (region->pieces.piece[p].rejects)
      PetscCall(fill_rejecting(region, p, sampling, candidates[p], offset, count[p], points));
    else
      PetscCall(fill_piece(region, p, sampling, offset, count[p], points));
  }
  PetscCall(PetscFree2(count, candidates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PointSetGiven(MPI_Comm comm, PetscInt count, int dim, const double x[], PointSet *points)
{
  PetscFunctionBegin;
  PetscCall(lay_out(comm, (double)count, dim, false, points));
  PetscCall(PetscArraycpy(points->x, x + (size_t)points->first * (size_t)dim, (size_t)points->n * (size_t)dim));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PointSetGrid(MPI_Comm comm, Domain domain, const PetscInt n[], PointSet *points)
{
  double count = 1;
  size_t stride = 1;

  PetscFunctionBegin;
  for (int c = 0; c < domain->dim; c++) count *= (double)n[c];
  PetscCall(lay_out(comm, count, domain->dim, false, points));
  for (int c = 0; c < domain->dim; stride *= (size_t)n[c++]) {
    for (int p = 0; p < points->n; p++) {
      const size_t i = (size_t)(points->first + p) / stride % (size_t)n[c];
      const double unit = n[c] > 1 ? (double)i / (double)(n[c] - 1) : 0.5;
      points->x[(size_t)p * (size_t)domain->dim + (size_t)c] = domain->lower[c] * (1 - unit) + domain->upper[c] * unit;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PointSetDestroy(PointSet *points)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(points->x));
  PetscCall(PetscFree(points->normal));
  *points = (PointSet){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
