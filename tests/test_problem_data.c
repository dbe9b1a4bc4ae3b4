/* Vectors of numbers from HDF5 files that lie beside the case. */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"
#include "pinn/problem.h"

static char folder[64], case_path[128];

static void put(hid_t file, const char *name, int rank, const hsize_t dims[], hid_t type, const void *values)
{
  const hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
  const hid_t data = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(data);
  H5Sclose(space);
}

static void write_file(void)
{
  static const double list[4] = {0.5, -1.25, 3, 1e-300}, holes[2] = {1, NAN}, zero[16] = {0};
  static const int table[2][3] = {{1, 2, 3}, {40, 50, 60}};
  static const char text[4] = "abc";
  snprintf(folder, sizeof(folder), "/tmp/dataXXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(case_path, sizeof(case_path), "%s/n.h5", folder);
  const hid_t file = H5Fcreate(case_path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), string = H5Tcopy(H5T_C_S1);
  H5Tset_size(string, 4);
  put(file, "list", 1, (const hsize_t[]){4}, H5T_NATIVE_DOUBLE, list);
  put(group, "table", 2, (const hsize_t[]){2, 3}, H5T_NATIVE_INT, table);
  put(file, "holes", 1, (const hsize_t[]){2}, H5T_NATIVE_DOUBLE, holes);
  put(file, "text", 1, (const hsize_t[]){1}, string, text);
  put(file, "deep", 4, (const hsize_t[]){1, 1, 2, 2}, H5T_NATIVE_DOUBLE, zero);
  put(file, "scalar", 0, NULL, H5T_NATIVE_DOUBLE, zero);
  put(file, "none", 1, (const hsize_t[]){0}, H5T_NATIVE_DOUBLE, zero);
  H5Tclose(string);
  H5Gclose(group);
  H5Fclose(file);
  snprintf(case_path, sizeof(case_path), "%s/a.cfg", folder);
}

static void remove_file(void)
{
  char path[128];
  snprintf(path, sizeof(path), "%s/n.h5", folder);
  unlink(path);
  rmdir(folder);
}

static PetscErrorCode create(const char *data, Problem *problem)
{
  char text[1024];
  Config config;
  snprintf(text, sizeof(text),
           "problem: { coordinates = [ \"x[4]\" ]; fields = [ \"u\" ];\n  data: { c = \"%s\"; };\n"
           "  equations = ( { residual = \"u - c[1]*x[0]\"; } ); };\ndomain: { lower = 0.0; upper = 1.0; };",
           data);
  PetscFunctionBegin;
  PetscCall(ConfigLoadText(case_path, text, 0, NULL, &config));
  const PetscErrorCode code = ProblemCreate(config, problem);
  PetscCall(ConfigDestroy(&config));
  PetscFunctionReturn(code);
}

static double value(Problem p, const char *text)
{
  double value;
  ck_petsc(FormulaParseConstant(ProblemFormula(p), "test", text, &value));
  return value;
}

START_TEST(datasets_are_vectors)
{
  char absolute[160];
  Problem p;
  write_file();
  snprintf(absolute, sizeof(absolute), "%s/n.h5:/list", folder);
  const char *const texts[] = {"n.h5:/list", absolute};
  for (int k = 0; k < 2; k++) {
    ck_petsc(create(texts[k], &p));
    ck_assert(value(p, "c[0]") == 0.5 && value(p, "c[1]") == -1.25 && value(p, "c[3]") == 1e-300);
    ck_petsc_fails(FormulaParse(ProblemFormula(p), "test", "c[4]", (FormulaNode[1]){0}), PETSC_ERR_USER_INPUT,
                   "index 4 is outside 0 .. 3");
    ck_petsc(ProblemDestroy(&p));
  }
  ck_petsc(create("n.h5:/group/table", &p)); /* row by row */
  for (int i = 0; i < 6; i++) ck_assert(value(p, ConfigPath("c[%d]", i)) == (i < 3 ? i + 1 : 10 * (i + 1)));
  ck_assert(value(p, "sum(i, 0, 1, sum(j, 0, 2, c[3*i + j]))") == 156);
  ck_petsc(ProblemDestroy(&p));
  remove_file();
}
END_TEST

START_TEST(what_is_wrong_with_a_file_is_told)
{
  static const char *const cases[][2] = {
      {"m.h5:/list", "/m.h5: No such file or directory"},
      {"n.h5:/lists", "/n.h5 has no dataset '/lists'"},
      {"n.h5:/a/b", "/n.h5 has no dataset '/a/b'"},
      {"n.h5:/group", "/n.h5: '/group' is not a dataset"},
      {"n.h5:/holes", "/n.h5: '/holes' has no finite number in row 2"},
      {"n.h5:/text", "/n.h5: /text does not hold numbers"},
      {"n.h5:/deep", "/n.h5: '/deep' has 4 dimensions, where 1 to 3 are read"},
      {"n.h5:/scalar", "/n.h5: '/scalar' has 0 dimensions"},
      {"n.h5:/none", "/n.h5: '/none' has 0 numbers"},
      {"n.h5", "data is an array of numbers, a dataset \"file.h5:/name\", or drawn"},
  };
  Problem p;
  write_file();
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ck_petsc_fails(create(cases[i][0], &p), PETSC_ERR_USER_INPUT, cases[i][1]);
    ck_assert_msg(strstr(TestErrorText(), "a.cfg:2: problem.data.c: "), "%s", TestErrorText());
  }
  remove_file();
}
END_TEST

TEST_SUITE("problem data", datasets_are_vectors, what_is_wrong_with_a_file_is_told)
