/* Case files on one rank and on two: rank 0 reads, all ranks share text and outcome. */
#include <stdlib.h>
#include <unistd.h>
#include "config_fixture.h"

/* A file that only rank 0 makes; the name is known to all. */
static void make_file(const char *text, size_t length, char name[64])
{
  PetscMPIInt rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank == 0) {
    strcpy(name, "/tmp/pinn-config-XXXXXX");
    const int file = mkstemp(name);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, text, length), (ssize_t)length);
    close(file);
  }
  MPI_Bcast(name, 64, MPI_CHAR, 0, PETSC_COMM_WORLD);
}

/* What loading the file says, on every rank; the file goes away. */
static PetscErrorCode load_once(char *name, Config *config)
{
  PetscMPIInt rank;
  ck_petsc(ErrorPushHandler());
  const PetscErrorCode code = ConfigLoad(PETSC_COMM_WORLD, name, 0, NULL, config);
  ck_petsc(PetscPopErrorHandler());
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank == 0) unlink(name);
  MPI_Barrier(PETSC_COMM_WORLD);
  return code;
}

static void ck_says(const char *part)
{
  ck_assert_msg(strstr(ErrorText(), part) != NULL, "'%s' does not contain '%s'", ErrorText(), part);
}

START_TEST(all_ranks_get_the_case)
{
  char name[64];
  Config config;
  make_file(CASE "seed = 5;", strlen(CASE "seed = 5;"), name);
  ck_petsc(load_once(name, &config));
  ck_assert_str_eq(ConfigText(config), CASE "seed = 5;");
  ck_assert_str_eq(ConfigFile(config), name);
  ck_assert_int_eq(IntOf(config, "seed"), 5);
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
  char name[64] = "/nowhere/x.cfg", directory[64] = "/tmp";
  Config config;
  ck_assert_int_eq(load_once(name, &config), PETSC_ERR_USER_INPUT);
  ck_says("cannot read case file '/nowhere/x.cfg': No such file or directory");
  ck_assert_ptr_null(config);
  ck_petsc(ErrorPushHandler());
  ck_assert_int_eq(ConfigLoad(PETSC_COMM_WORLD, directory, 0, NULL, &config), PETSC_ERR_USER_INPUT);
  ck_petsc(PetscPopErrorHandler());
  ck_says("cannot read case file '/tmp': Is a directory");
}
END_TEST

START_TEST(contents_that_are_no_case)
{
  char name[64];
  Config config;
  make_file("a\0b", 3, name);
  ck_assert_int_eq(load_once(name, &config), PETSC_ERR_USER_INPUT);
  ck_says("is no text: it has a zero byte");
  make_file("", 0, name);
  ck_assert_int_eq(load_once(name, &config), PETSC_ERR_USER_INPUT);
  ck_says("the required group 'problem' is missing");
  const size_t large = (17 << 20);
  char *text = malloc(large);
  memset(text, ' ', large);
  make_file(text, large, name);
  free(text);
  ck_assert_int_eq(load_once(name, &config), PETSC_ERR_USER_INPUT);
  ck_says("is larger than 16 MB");
  make_file("@include \"a\"", 12, name);
  ck_assert_int_eq(load_once(name, &config), PETSC_ERR_USER_INPUT);
  ck_says(":1: @include is not supported");
}
END_TEST

TEST_SUITE("config_mpi", all_ranks_get_the_case, files_that_cannot_be_read, contents_that_are_no_case)
