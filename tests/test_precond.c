/* Gauss-Newton matrices and the types' face to PETSc. */
#include "precond_fixture.h"

START_TEST(the_matrix_is_that_of_the_rows)
{
  Problem6 p;
  Vec v, y, d;
  problem6(&p, 0.3);
  ck_petsc(MatCreateVecs(p.A, &v, &y));
  ck_petsc(VecDuplicate(v, &d));
  ck_petsc(MatGetDiagonal(p.A, d));
  for (int k = 0; k < N6; k++) {
    double column[N6], diagonal[N6];
    ck_petsc(VecZeroEntries(v));
    ck_petsc(VecSetValue(v, k, 1.0, INSERT_VALUES));
    ck_petsc(VecAssemblyBegin(v));
    ck_petsc(VecAssemblyEnd(v));
    ck_petsc(MatMult(p.A, v, y));
    ck_petsc(test_gather(y, column));
    ck_petsc(test_gather(d, diagonal));
    for (int i = 0; i < N6; i++) ck_near(column[i], p.dense[i][k], 1e-14, 1e-14);
    ck_near(diagonal[k], p.dense[k][k], 1e-14, 0);
  }
  const GaussNewtonSystem *system;
  ck_petsc(GaussNewtonGetSystem(p.A, &system));
  ck_assert_double_eq(system->products, N6);
  double loss = 0.0;
  for (int i = 0; i < M6; i++) loss += 0.5 * p.b[i] * p.b[i];
  ck_near(system->loss, loss, 1e-14, 0);
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&y));
  ck_petsc(VecDestroy(&d));
  problem6_free(&p);
}
END_TEST

START_TEST(diagonal_is_the_inverse_of_the_diagonal)
{
  Problem6 p;
  double M[N6][N6];
  PC pc;
  problem6(&p, 0.3);
  pc = test_pc(p.A, "diagonal");
  apply_to_identity(pc, M);
  for (int i = 0; i < N6; i++)
    for (int k = 0; k < N6; k++) ck_near(M[i][k], i == k ? 1.0 / p.dense[i][i] : 0.0, 1e-14, 1e-16);
  ck_petsc(GaussNewtonSetDamping(p.A, 2.0));
  apply_to_identity(pc, M);
  for (int i = 0; i < N6; i++) ck_near(M[i][i], 1.0 / (p.dense[i][i] + 1.7), 1e-14, 0);
  ck_petsc(PCDestroy(&pc));
  problem6_free(&p);
}
END_TEST

START_TEST(every_type_is_symmetric_and_positive_definite)
{
  for (const Choice *row = PrecondTable.rows; row->name; row++) {
    Problem6 p;
    double M[N6][N6];
    if (!strcmp(row->name, "operator")) continue; /* needs features of a network */
    problem6(&p, 0.3);
    PC pc = test_pc(p.A, row->name);
    apply_to_identity(pc, M);
    check_spd(M, row->name);
    ck_petsc(PCDestroy(&pc));
    problem6_free(&p);
  }
}
END_TEST

START_TEST(every_type_solves_in_a_krylov_method_and_shows_itself)
{
  for (const Choice *row = PrecondTable.rows; row->name; row++) {
    Problem6 p;
    KSP ksp;
    Vec x, b;
    double solution[N6];
    char text[4096] = "";
    PetscViewer viewer;
    if (!strcmp(row->name, "operator")) continue;
    problem6(&p, 0.3);
    ck_petsc(KSPCreate(PETSC_COMM_WORLD, &ksp));
    ck_petsc(KSPSetOptionsPrefix(ksp, "some_"));
    ck_petsc(PetscOptionsSetValue(NULL, "-some_pc_type", row->name));
    ck_petsc(KSPSetType(ksp, KSPCG));
    ck_petsc(KSPSetOperators(ksp, p.A, p.A));
    ck_petsc(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, 200));
    ck_petsc(KSPSetFromOptions(ksp));
    ck_petsc(MatCreateVecs(p.A, &x, &b));
    ck_petsc(VecSet(b, 1.0));
    ck_petsc(KSPSolve(ksp, b, x));
    ck_petsc(test_gather(x, solution));
    for (int i = 0; i < N6; i++) {
      double sum = 0.0;
      for (int k = 0; k < N6; k++) sum += p.dense[i][k] * solution[k];
      ck_near(sum, 1.0, 1e-9, 0);
    }
    FILE *file = tmpfile();
    ck_petsc(PetscViewerASCIIOpenWithFILE(PETSC_COMM_WORLD, file, &viewer));
    ck_petsc(KSPView(ksp, viewer));
    ck_petsc(PetscViewerDestroy(&viewer));
    rewind(file);
    ck_assert(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    ck_assert_msg(strstr(text, row->name) != NULL, "%s", text);
    if (row->data) ck_assert_msg(strstr(text, row->help) != NULL, "%s", text);
    ck_petsc(VecDestroy(&x));
    ck_petsc(VecDestroy(&b));
    ck_petsc(KSPDestroy(&ksp));
    problem6_free(&p);
  }
}
END_TEST

START_TEST(types_nest_in_a_composite)
{
  Problem6 p;
  double one[N6][N6], two[N6][N6];
  PC pc;
  problem6(&p, 0.3);
  pc = test_pc(p.A, "diagonal");
  apply_to_identity(pc, one);
  ck_petsc(PCDestroy(&pc));
  ck_petsc(PCCreate(PETSC_COMM_WORLD, &pc));
  ck_petsc(PCSetOperators(pc, p.A, p.A));
  ck_petsc(PCSetType(pc, PCCOMPOSITE));
  ck_petsc(PCCompositeSetType(pc, PC_COMPOSITE_ADDITIVE));
  ck_petsc(PCCompositeAddPCType(pc, "diagonal"));
  ck_petsc(PCCompositeAddPCType(pc, "diagonal"));
  apply_to_identity(pc, two);
  for (int i = 0; i < N6; i++) ck_near(two[i][i], 2.0 * one[i][i], 1e-14, 0);
  ck_petsc(PCDestroy(&pc));
  problem6_free(&p);
}
END_TEST

START_TEST(another_matrix_is_refused_with_a_sentence)
{
  Mat identity;
  PC pc;
  ck_petsc(PrecondRegisterAll());
  ck_petsc(MatCreateConstantDiagonal(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 4, 4, 1.0, &identity));
  ck_petsc(PCCreate(PETSC_COMM_WORLD, &pc));
  ck_petsc(PCSetOperators(pc, identity, identity));
  ck_petsc(PCSetType(pc, "diagonal"));
  ck_petsc_fails(PCSetUp(pc), PETSC_ERR_USER_INPUT, "need the Gauss-Newton matrix");
  ck_petsc(PCDestroy(&pc));
  ck_petsc(MatDestroy(&identity));
}
END_TEST

/* Factors stay those of the last fresh point, what follows every point does not. */
START_TEST(a_point_that_is_not_fresh_keeps_factors)
{
  const Fit fit = {20, 2};
  const GaussNewtonSystem *system;
  double values[6];
  TestRows t;
  Mat A;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 6, 4, network_row, &fit);
  network_start(&fit, values);
  Vec theta = test_theta(&t.rows, values);
  ck_petsc(GaussNewtonCreate(&t.rows, &A));
  ck_petsc(GaussNewtonSetPoint(A, theta, false));
  ck_petsc(GaussNewtonGetSystem(A, &system));
  ck_assert_int_eq(system->generation, 1);
  ck_petsc(GaussNewtonSetPoint(A, theta, false));
  ck_assert_int_eq(system->generation, 1);
  ck_petsc(GaussNewtonSetPoint(A, theta, true));
  ck_assert_int_eq(system->generation, 2);
  ck_assert_int_eq(system->point, 3);
  ck_petsc(MatDestroy(&A));
  ck_petsc(VecDestroy(&theta));
}
END_TEST

TEST_SUITE("precond", the_matrix_is_that_of_the_rows, diagonal_is_the_inverse_of_the_diagonal,
           every_type_is_symmetric_and_positive_definite, every_type_solves_in_a_krylov_method_and_shows_itself,
           types_nest_in_a_composite, another_matrix_is_refused_with_a_sentence,
           a_point_that_is_not_fresh_keeps_factors)
