#include <string.h>
#include "harness.h"
#include "pinn/choice.h"

static const Choice rows[] = {
    {"tanh", "hyperbolic tangent", NULL}, {"sin", "sine", NULL}, {"softplus", "", NULL}, {NULL, NULL, NULL}};
static const ChoiceTable table = {"activation", "", rows};

static PetscErrorCode fail_with(PetscErrorCode code)
{
  PetscFunctionBegin;
  SETERRQ(PETSC_COMM_SELF, code, "a.cfg:3: unknown key '%s'", "hiden");
}

START_TEST(nearest_word_by_edits)
{
  const char *const words[] = {"hidden", "activation", NULL, "type", "x"};
  ck_assert_str_eq(ErrorNearestWord("hiden", 5, words), "hidden");
  ck_assert_str_eq(ErrorNearestWord("tpye", 5, words), "type");
  ck_assert_str_eq(ErrorNearestWord("actviation", 5, words), "activation");
  ck_assert_ptr_null(ErrorNearestWord("quadrature", 5, words));
  ck_assert_ptr_null(ErrorNearestWord("zz", 4, words));
  char huge[4096];
  memset(huge, 'a', sizeof(huge) - 1), huge[sizeof(huge) - 1] = 0;
  ck_assert_ptr_null(ErrorNearestWord(huge, 5, words));
}
END_TEST

START_TEST(suggestions_name_the_nearest_and_all)
{
  char text[128];
  ChoiceSuggest(&table, "tahn", text, sizeof(text));
  ck_assert_str_eq(text, " (did you mean 'tanh'? known: tanh, sin, softplus)");
  ChoiceSuggest(&table, "quadratic", text, sizeof(text));
  ck_assert_str_eq(text, " (known: tanh, sin, softplus)");
  ChoiceSuggest(&table, "tahn", text, 12);
  ck_assert_uint_eq(strlen(text), 11);
  ck_assert_ptr_eq(ChoiceFind(&table, "sin"), &rows[1]);
  ck_assert_ptr_null(ChoiceFind(&table, "Sin"));
}
END_TEST

START_TEST(handler_records_users_mistakes)
{
  ck_petsc(ErrorPushHandler());
  const PetscErrorCode code = fail_with(PETSC_ERR_USER_INPUT);
  ck_assert_int_eq(code, PETSC_ERR_USER_INPUT);
  ck_assert_str_eq(ErrorText(), "a.cfg:3: unknown key 'hiden'");
  ck_assert_int_eq(ErrorExitStatus(code), EXIT_USER);
  ck_assert_int_eq(ErrorExitStatus(fail_with(PETSC_ERR_FILE_WRITE)), EXIT_FAILED);
  ck_petsc(PetscPopErrorHandler());
}
END_TEST

START_TEST(ranks_agree_on_the_worst_code)
{
  ck_petsc(ErrorPushHandler());
  ck_assert_int_eq(ErrorAgree(PETSC_COMM_WORLD, 0), 0);
  ck_assert_int_eq(ErrorAgree(PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT), PETSC_ERR_USER_INPUT);
  ck_petsc(PetscPopErrorHandler());
}
END_TEST

TEST_SUITE("error", nearest_word_by_edits, suggestions_name_the_nearest_and_all, handler_records_users_mistakes,
           ranks_agree_on_the_worst_code)
