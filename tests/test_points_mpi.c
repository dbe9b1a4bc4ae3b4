/* The points of every rank are its share of what one rank draws alone. */
#include "../src/points/points_impl.h"
#include "points_fixture.h"

static Fixture fixture;

static void ck_same(const char *on, const Sampling *sampling)
{
  Region region;
  PointSet all, mine;
  ck_petsc(RegionCreate(fixture.domain, "case.cfg:9", on, &region));
  ck_petsc(PointSetSample(PETSC_COMM_SELF, region, sampling, &all));
  ck_petsc(PointSetSample(PETSC_COMM_WORLD, region, sampling, &mine));
  ck_assert_int_eq(mine.count, all.count);
  PetscInt sum = mine.n;
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD);
  ck_assert_int_eq(sum, all.n);
  const size_t at = (size_t)mine.first * (size_t)mine.dim, bytes = (size_t)mine.n * (size_t)mine.dim * sizeof(double);
  ck_assert(!memcmp(mine.x, all.x + at, bytes));
  ck_assert_int_eq(mine.normal != NULL, all.normal != NULL);
  if (mine.normal) ck_assert(!memcmp(mine.normal, all.normal + at, bytes));
  ck_petsc(PointSetDestroy(&all));
  ck_petsc(PointSetDestroy(&mine));
  ck_petsc(RegionDestroy(&region));
}

START_TEST(points_do_not_depend_on_the_ranks)
{
  const char *const domains[][2] = {
      {"x y t", "time = [ 0, 2 ]; type = \"difference\"; of = ( { type = \"box\"; }, { type = \"balls\"; radius = 0.2; "
                "centers = [ 0, 0, 0.5, 0.6, 0.5, 0.3, 1, 1 ]; } );"},
      {"x y z", "type = \"ellipsoid\"; radii = [ 1, 2, 0.5 ];"},
      {"x y z",
       "type = \"union\"; of = ( { type = \"torus\"; tube = 0.4; }, { type = \"cylinder\"; from = [ 0, 0, -1 ]; "
       "to = [ 0, 0, 1 ]; radius = 0.7; } );"},
      {"x y", "type = \"polygon\"; vertices = [ 0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2 ];"},
  };
  const char *const samplers[] = {"sobol", "halton", "latin-hypercube", "uniform", "grid"};
  const PetscInt count = 1003;
  for (size_t k = 0; k < sizeof(domains) / sizeof(domains[0]); k++) {
    ck_petsc(FixtureLoad(domains[k][0], domains[k][1], &fixture));
    for (int s = 0; s < 5; s++) {
      const Sampling sampling = {ChoiceFind(&SamplerTable, samplers[s]), 1, &count, {2, RANDOM_TEST, 0, 0}};
      ck_same("interior", &sampling);
      if (k != 1 || s < 4) ck_same("walls", &sampling);
      if (k == 0) ck_same("boundary | x = 0.5", &sampling);
    }
    FixtureFree(&fixture);
  }
}
END_TEST

TEST_SUITE("points mpi", points_do_not_depend_on_the_ranks)
