/* Every type on the ranks of the world together gives what it gives on one. Runs alone, and under mpirun with
   CK_FORK=no. */
#include "precond_fixture.h"

#define WIDTH   5
#define N_PARAM (3 * WIDTH)

static void compare(const char *type, int n_point)
{
  const Fit fit = {n_point, WIDTH};
  const MPI_Comm comms[2] = {PETSC_COMM_WORLD, PETSC_COMM_SELF};
  double start[N_PARAM], y[2][N_PARAM], x[N_PARAM];
  network_start(&fit, start);
  for (int k = 0; k < N_PARAM; k++) x[k] = test_number(500 + k);
  for (int side = 0; side < 2; side++) {
    TestRows t;
    Mat A;
    Vec in, out;
    test_rows(&t, comms[side], n_point, N_PARAM, 2 * WIDTH, network_row, &fit);
    Vec theta = test_theta(&t.rows, start);
    ck_petsc(GaussNewtonCreate(&t.rows, &A));
    ck_petsc(GaussNewtonSetPoint(A, theta, true));
    ck_petsc(GaussNewtonSetDamping(A, 1e-3));
    PC pc = test_pc(A, type);
    ck_petsc(PrecondSetRank(pc, 6));
    ck_petsc(PrecondSetChoice(pc, ChoiceFind(&PrecondTable, "nystrom") - PrecondTable.rows)); /* times would decide */
    ck_petsc(MatCreateVecs(A, &in, &out));
    ck_petsc(test_scatter(x, in));
    ck_petsc(PCSetUp(pc));
    ck_petsc(PCApply(pc, in, out));
    ck_petsc(test_gather(out, y[side]));
    ck_petsc(VecDestroy(&in));
    ck_petsc(VecDestroy(&out));
    ck_petsc(VecDestroy(&theta));
    ck_petsc(PCDestroy(&pc));
    ck_petsc(MatDestroy(&A));
  }
  double most = 0.0;
  for (int k = 0; k < N_PARAM; k++) most = fmax(most, fabs(y[1][k]));
  for (int k = 0; k < N_PARAM; k++)
    ck_assert_msg(fabs(y[0][k] - y[1][k]) <= 1e-9 * most, "%s, %d rows, entry %d: %.15g, alone %.15g", type, n_point, k,
                  y[0][k], y[1][k]);
}

START_TEST(every_type_is_the_same_on_all_ranks)
{
  const int n_points[] = {37, 9, 2}; /* more rows than parameters, fewer, and ranks without any */
  for (const Choice *row = PrecondTable.rows; row->name; row++)
    for (int k = 0; k < 3 && strcmp(row->name, "operator"); k++) compare(row->name, n_points[k]);
}
END_TEST

TEST_SUITE("precond_mpi", every_type_is_the_same_on_all_ranks)
