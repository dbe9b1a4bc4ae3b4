/* A solid as the body of a domain, and the regions that shapes cut it into (solid_regions.c): their surfaces inside it
   and their volumes are parts behind the faces of the solid. */
#pragma once
#include "product.h"
#include "shape.h"

#define ASIDE 1e-9 /* how far from a face, relative to the size, its two sides are looked at */

typedef struct Solid_s Solid;
struct Solid_s {
  Shape root;
  int n_leaf;
  Shape *leaf;  /* [n_leaf] primitives in the order of the tree */
  Shape *owner; /* [n_part] the primitive of each face; of part 0 the one that fills, NULL = the bounding box */
  double size;
  int n_own;     /* parts without the regions' */
  int n_region;  /* shapes; number n_region is the rest */
  Solid *region; /* [n_region] without owner */
  int *of;       /* [n_part - n_own] region of a part */
};

void SolidCollectLeaves(Shape shape, Solid *solid);
/* Has the solid inside below and outside above this point of a face of owner, and is no primitive before it seen there
   with the same orientation? */
bool SolidIsBoundary(const Solid *solid, Shape owner, const double below[], const double above[]);

/* The region that a part belongs to; -1 = a part of the whole. */
static inline int SolidRegionOf(const Solid *solid, int part)
{
  return part < solid->n_own ? -1 : solid->of[part - solid->n_own];
}
static inline int SolidOwnFace(const Solid *solid, int part)
{
  return part - 1 - solid->owner[part]->first_face;
}

/* Reads domain.regions: appends their parts and words. */
PetscErrorCode SolidAddRegions(Domain domain, Solid *solid, Config config);
PetscErrorCode SolidDestroyRegions(Solid *solid);
/* The shape whose bounding box holds a region's volume. */
Shape SolidBox(const Solid *solid, int part);
/* Does a point belong to a region's volume, or one of a face to the surface of its region in the solid? */
bool SolidRegionAccepts(const Solid *solid, int part, const double x[]);
bool SolidWithin(void *body, int part, const double x[]);
