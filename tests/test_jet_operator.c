/* The algebra of operators. */
#include <string.h>
#include "jet_fixture.h"

START_TEST(terms_are_sorted_added_and_cancelled)
{
  const JetIndex index[] = {{2, {1, 0}}, {0, {0}}, {1, {1}}, {2, {0, 1}}, {1, {1}}, {1, {0}}};
  const double coef[] = {2, 7, 0.1 + 0.2, 3, -0.3, 5};
  JetOperator op;
  ck_petsc(JetOperatorCreate(6, index, coef, &op));
  ck_assert_int_eq(op.n, 3); /* 0.1 + 0.2 - 0.3 is rounding */
  ck_assert(op.index[0].order == 0 && op.coef[0] == 7);
  ck_assert(op.index[1].order == 1 && op.index[1].coord[0] == 0 && op.coef[1] == 5);
  ck_assert(op.index[2].coord[0] == 0 && op.index[2].coord[1] == 1 && op.coef[2] == 5);
  ck_assert_int_eq(JetOperatorOrder(&op), 2);
  ck_petsc(JetOperatorDestroy(&op));
}
END_TEST

START_TEST(operators_form_a_commutative_ring)
{
  JetOperator a = {0}, b = {0}, c = {0}, ab, ba, sum, left, ac, bc, right, zero;
  AddTerm(&a, 2, "0"), AddTerm(&a, -1, "11");
  AddTerm(&b, 3, ""), AddTerm(&b, 0.5, "01"), AddTerm(&b, 1, "2");
  AddTerm(&c, 1, "0"), AddTerm(&c, 4, "222");
  ck_petsc(JetOperatorCompose(&a, &b, &ab));
  ck_petsc(JetOperatorCompose(&b, &a, &ba));
  ck_assert_int_eq(JetOperatorCompare(&ab, &ba), 0);
  ck_petsc(JetOperatorAdd(1, &a, 1, &b, &sum));
  ck_petsc(JetOperatorCompose(&sum, &c, &left));
  ck_petsc(JetOperatorCompose(&a, &c, &ac));
  ck_petsc(JetOperatorCompose(&b, &c, &bc));
  ck_petsc(JetOperatorAdd(1, &ac, 1, &bc, &right));
  ck_assert_int_eq(JetOperatorCompare(&left, &right), 0);
  ck_petsc(JetOperatorAdd(2, &left, -2, &right, &zero));
  ck_assert_int_eq(zero.n, 0);
  ck_assert_int_eq(JetOperatorOrder(&zero), 0);
  JetOperator *all[] = {&a, &b, &c, &ab, &ba, &sum, &left, &ac, &bc, &right, &zero};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) ck_petsc(JetOperatorDestroy(all[i]));
}
END_TEST

START_TEST(the_laplacian_of_the_laplacian_is_biharmonic)
{
  JetOperator laplacian = Laplacian(3), square, copy;
  ck_petsc(JetOperatorCompose(&laplacian, &laplacian, &square));
  ck_assert_int_eq(square.n, 6);
  for (int t = 0; t < 6; t++) {
    const JetIndex *a = &square.index[t];
    ck_assert_int_eq(a->order, 4);
    ck_assert(square.coef[t] == (a->coord[0] == a->coord[3] ? 1 : 2));
    ck_assert(JetIndexFactorial(a) == (a->coord[0] == a->coord[3] ? 24 : 4));
  }
  ck_petsc(JetOperatorCopy(&square, &copy));
  ck_assert_int_eq(JetOperatorCompare(&square, &copy), 0);
  copy.coef[3] *= 1 + 1e-15;
  ck_assert_int_ne(JetOperatorCompare(&square, &copy), 0);
  ck_assert_int_eq(JetOperatorCompare(&square, &copy), -JetOperatorCompare(&copy, &square));
  ck_assert_int_lt(JetOperatorCompare(&laplacian, &square), 0);
  ck_petsc(JetOperatorDestroy(&laplacian));
  ck_petsc(JetOperatorDestroy(&square));
  ck_petsc(JetOperatorDestroy(&copy));
}
END_TEST

START_TEST(orders_end_at_sixteen)
{
  JetOperator a = OperatorOf(1, "000000000"), b = OperatorOf(1, "11111111"), product;
  ck_petsc_fails(JetOperatorCompose(&a, &b, &product), PETSC_ERR_USER_INPUT,
                 "a derivative of order 17 arises; the highest order is 16");
  ck_petsc(JetOperatorDestroy(&a));
  ck_petsc(JetOperatorDestroy(&b));
}
END_TEST

TEST_SUITE("jet operator", terms_are_sorted_added_and_cancelled, operators_form_a_commutative_ring,
           the_laplacian_of_the_laplacian_is_biharmonic, orders_end_at_sixteen)
