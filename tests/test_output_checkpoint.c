/* Checkpoints: what is written is read, no damage goes unseen, and the older ones survive whatever happens. */
#include "harness.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include "../src/output/output_impl.h"
#include "output_fixture.h"

#define SELF     PETSC_COMM_SELF
#define N_PARAM  1000
#define N_FROZEN 37

static double numbers[4 * N_PARAM], scales[2] = {0.25, 4};
static float singles[N_PARAM];

static Checkpoint example(PetscInt number)
{
  static double step[1] = {41}, none[1];
  static StateEntry state[] = {{.name = "momentum", .n = N_PARAM, .values = numbers + N_PARAM},
                               {.name = "second moment", .n = N_PARAM, .values = numbers + 2 * N_PARAM},
                               {.name = "iteration", .n = 1, .values = step},
                               {.name = "root", .n = N_PARAM, .single = singles},
                               {.name = "empty", .values = none}};
  for (int i = 0; i < 4 * N_PARAM; i++) numbers[i] = sin(i + 1.0) * pow(10, i % 600 - 300);
  for (int i = 0; i < N_PARAM; i++) singles[i] = (float)(sin(i + 2.0) * pow(10, i % 80 - 44));
  numbers[5] = NAN, numbers[6] = -INFINITY, numbers[7] = -0.0, numbers[8] = 4.9e-324;
  return (Checkpoint){.number = number,
                      .stage = 2,
                      .stage_done = true,
                      .seconds = 12.125,
                      .n_param = N_PARAM,
                      .n_frozen = N_FROZEN,
                      .theta = numbers,
                      .frozen = numbers + 3 * N_PARAM,
                      .n_scale = 2,
                      .scales = scales,
                      .n_state = 5,
                      .state = state,
                      .case_text = (char *)"seed = 1;\n# \xc3\xa4\n"};
}

static void check_equal(const Checkpoint *a, const Checkpoint *b)
{
  ck_assert_int_eq(a->number, b->number);
  ck_assert_int_eq(a->stage, b->stage);
  ck_assert_int_eq(a->stage_done, b->stage_done);
  ck_assert(a->seconds == b->seconds);
  ck_assert_uint_eq(a->n_param, b->n_param);
  ck_assert_uint_eq(a->n_frozen, b->n_frozen);
  ck_assert_mem_eq(a->theta, b->theta, a->n_param * sizeof(double));
  if (a->n_frozen) ck_assert_mem_eq(a->frozen, b->frozen, a->n_frozen * sizeof(double));
  ck_assert_int_eq(a->n_scale, b->n_scale);
  if (a->n_scale) ck_assert_mem_eq(a->scales, b->scales, (size_t)a->n_scale * sizeof(double));
  ck_assert_str_eq(a->case_text, b->case_text);
  ck_assert_int_eq(a->n_state, b->n_state);
  for (int i = 0; i < a->n_state; i++) {
    int k = 0;
    while (k < b->n_state && strcmp(a->state[i].name, b->state[k].name) != 0) k++;
    ck_assert_int_lt(k, b->n_state);
    ck_assert_uint_eq(a->state[i].n, b->state[k].n);
    ck_assert_int_eq(a->state[i].single == NULL, b->state[k].single == NULL);
    if (a->state[i].single)
      ck_assert_mem_eq(a->state[i].single, b->state[k].single, a->state[i].n * sizeof(float));
    else if (a->state[i].n)
      ck_assert_mem_eq(a->state[i].values, b->state[k].values, a->state[i].n * sizeof(double));
  }
}

static Folder open_folder(const char **base)
{
  Folder folder;
  *base = fixture_directory();
  ck_petsc(FolderCreate(SELF, *base, FOLDER_NEW, &folder));
  return folder;
}

static void close_folder(const char *base, Folder folder)
{
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}

/* Messages on stderr, as a text in a static buffer. */
static int saved_stderr;
static void capture_stderr(const char *base)
{
  fflush(stderr);
  saved_stderr = dup(STDERR_FILENO);
  const int file = open(fixture_path(base, "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(file, STDERR_FILENO);
  close(file);
}

static char *captured_stderr(const char *base)
{
  size_t size;
  fflush(stderr);
  dup2(saved_stderr, STDERR_FILENO);
  close(saved_stderr);
  return fixture_read(fixture_path(base, "stderr"), &size);
}

START_TEST(what_is_written_is_read)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(120), plain = {.number = 121, .n_param = 1, .theta = numbers}, read;
  ck_petsc(CheckpointWrite(SELF, folder, &written, 2));
  ck_petsc(CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read));
  check_equal(&written, &read);
  ck_petsc(CheckpointDestroy(&read));
  ck_petsc(CheckpointRead(SELF, folder, fixture_path(base, "checkpoint-120.h5"), N_PARAM, N_FROZEN, &read));
  check_equal(&written, &read);
  ck_petsc(CheckpointDestroy(&read));

  ck_petsc(CheckpointWrite(SELF, folder, &plain, 2));
  ck_petsc(CheckpointRead(SELF, folder, NULL, 1, 0, &read));
  plain.case_text = (char *)"";
  check_equal(&plain, &read);
  ck_petsc(CheckpointDestroy(&read));
  close_folder(base, folder);
}
END_TEST

START_TEST(it_is_an_hdf5_file_behind_a_text)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(3);
  ck_petsc(CheckpointWrite(SELF, folder, &written, 1));
  const char *path = fixture_path(base, "checkpoint-3.h5");
  size_t size;
  char *bytes = fixture_read(path, &size);
  ck_assert(strncmp(bytes, "pinn-solve checkpoint\nformat 1\nsize ", 36) == 0);
  ck_assert_mem_eq(bytes + 512, "\211HDF\r\n\032\n", 8);
  free(bytes);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t data = H5Dopen2(file, "/state/momentum", H5P_DEFAULT);
  double values[N_PARAM];
  ck_assert_int_ge(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  ck_assert_mem_eq(values, numbers + N_PARAM, sizeof(values));
  H5Dclose(data);
  H5Fclose(file);
  close_folder(base, folder);
}
END_TEST

START_TEST(every_flipped_byte_is_noticed)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(3), read;
  size_t size;
  ck_petsc(CheckpointWrite(SELF, folder, &written, 1));
  char *bytes = fixture_read(fixture_path(base, "checkpoint-3.h5"), &size);
  const char *path = fixture_path(base, "damaged.h5");
  srand(1);
  for (int i = 0; i < 1200; i++) {
    const size_t at = i < 512 ? (size_t)i : (size_t)rand() % size;
    const char mask = (char)(1 + rand() % 255);
    bytes[at] ^= mask;
    fixture_write(path, bytes, size);
    ck_petsc_fails(CheckpointRead(SELF, folder, path, N_PARAM, N_FROZEN, &read), PETSC_ERR_USER_INPUT,
                   "damaged.h5 is ");
    bytes[at] ^= mask;
  }
  fixture_write(path, bytes, size);
  ck_petsc(CheckpointRead(SELF, folder, path, N_PARAM, N_FROZEN, &read));
  ck_petsc(CheckpointDestroy(&read));
  free(bytes);
  close_folder(base, folder);
}
END_TEST

START_TEST(truncated_and_extended_files_are_noticed)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(3), read;
  size_t size;
  ck_petsc(CheckpointWrite(SELF, folder, &written, 1));
  char *bytes = fixture_read(fixture_path(base, "checkpoint-3.h5"), &size);
  const char *path = fixture_path(base, "cut.h5");
  for (size_t length = 0; length < size; length += length < 600 ? 1 : 211) {
    fixture_write(path, bytes, length);
    ck_petsc_fails(CheckpointRead(SELF, folder, path, N_PARAM, N_FROZEN, &read), PETSC_ERR_USER_INPUT, "cut.h5 is ");
  }
  fixture_write(path, bytes, size + 1);
  ck_petsc_fails(CheckpointRead(SELF, folder, path, N_PARAM, N_FROZEN, &read), PETSC_ERR_USER_INPUT,
                 "cut.h5 is damaged: its checksum does not fit its content");
  free(bytes);
  close_folder(base, folder);
}
END_TEST

START_TEST(wrong_files_are_told_apart)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(3), read;
  size_t size;
  char text[600];
  snprintf(text, sizeof(text), "there is no checkpoint in %s", base);
  ck_petsc_fails(CheckpointRead(SELF, folder, NULL, 1, 0, &read), PETSC_ERR_USER_INPUT, text);
  ck_petsc_fails(CheckpointRead(SELF, folder, fixture_path(base, "no.h5"), 1, 0, &read), PETSC_ERR_USER_INPUT,
                 "no.h5: No such file or directory");
  ck_petsc_fails(CheckpointRead(SELF, folder, base, 1, 0, &read), PETSC_ERR_USER_INPUT, "Is a directory");
  ck_petsc_fails(CheckpointRead(SELF, folder, "configs/data/burgers.h5", 1, 0, &read), PETSC_ERR_USER_INPUT,
                 "burgers.h5 is not a checkpoint");
  ck_petsc(CheckpointWrite(SELF, folder, &written, 1));
  ck_petsc_fails(
      CheckpointRead(SELF, folder, NULL, N_PARAM + 1, N_FROZEN, &read), PETSC_ERR_USER_INPUT,
      "checkpoint-3.h5 is of another network: 1000 trained and 37 fixed parameters, this case has 1001 and 37");
  ck_petsc_fails(CheckpointRead(SELF, folder, NULL, N_PARAM, 0, &read), PETSC_ERR_USER_INPUT, "of another network");
  ck_assert_uint_eq(read.n_param, 0);
  char *bytes = fixture_read(fixture_path(base, "checkpoint-3.h5"), &size);
  strstr(bytes, "format 1")[7] = '2';
  fixture_write(fixture_path(base, "future.h5"), bytes, size);
  ck_petsc_fails(CheckpointRead(SELF, folder, fixture_path(base, "future.h5"), N_PARAM, N_FROZEN, &read),
                 PETSC_ERR_USER_INPUT, "future.h5 is a checkpoint of format 2, this program reads format 1");
  free(bytes);
  close_folder(base, folder);
}
END_TEST

START_TEST(the_newest_readable_one_is_taken)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint read;
  for (PetscInt number = 9; number <= 11; number++) {
    Checkpoint written = example(number);
    ck_petsc(CheckpointWrite(SELF, folder, &written, 3));
  }
  ck_petsc(CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read));
  ck_assert_int_eq(read.number, 11); /* not 9, the last by name */
  ck_petsc(CheckpointDestroy(&read));
  ck_assert_int_eq(truncate(fixture_path(base, "checkpoint-11.h5"), 5000), 0);
  fixture_write(fixture_path(base, "checkpoint-12.h5"), "", 0);
  capture_stderr(base);
  PetscPushErrorHandler(TestSilentHandler, NULL);
  const PetscErrorCode code = CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read);
  PetscPopErrorHandler();
  char *text = captured_stderr(base);
  ck_assert_int_eq(code, 0);
  ck_assert_int_eq(read.number, 10);
  ck_assert_ptr_nonnull(strstr(text, "pinn-solve: passed over: "));
  ck_assert_ptr_nonnull(strstr(text, "checkpoint-11.h5 is damaged"));
  ck_assert_ptr_nonnull(strstr(text, "checkpoint-12.h5 is not a checkpoint"));
  free(text);
  ck_petsc(CheckpointDestroy(&read));
  for (int number = 9; number <= 10; number++) {
    char name[32];
    snprintf(name, sizeof(name), "checkpoint-%d.h5", number);
    ck_assert_int_eq(truncate(fixture_path(base, name), 100), 0);
  }
  capture_stderr(base);
  ck_petsc_fails(CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read), PETSC_ERR_USER_INPUT,
                 "none of the 4 checkpoints in");
  free(captured_stderr(base));
  close_folder(base, folder);
}
END_TEST

START_TEST(the_last_ones_are_kept)
{
  const char *base;
  Folder folder = open_folder(&base);
  for (PetscInt number = 0; number <= 50; number += 5) {
    Checkpoint written = example(number);
    ck_petsc(CheckpointWrite(SELF, folder, &written, 3));
  }
  ck_assert_int_eq(fixture_count(base), 3);
  ck_assert(fixture_exists(base, "checkpoint-40.h5") && fixture_exists(base, "checkpoint-45.h5") &&
            fixture_exists(base, "checkpoint-50.h5"));
  /* A run resumed from 40 writes 42: 45 and 50 are of the abandoned branch, and must not be taken for newer. */
  Checkpoint written = example(42), read;
  ck_petsc(CheckpointWrite(SELF, folder, &written, 3));
  ck_assert_int_eq(fixture_count(base), 2);
  ck_petsc(CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read));
  ck_assert_int_eq(read.number, 42);
  ck_petsc(CheckpointDestroy(&read));
  close_folder(base, folder);
}
END_TEST

START_TEST(a_full_disk_leaves_the_older_ones)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(1), read;
  ck_petsc(CheckpointWrite(SELF, folder, &written, 1));
  written.number = 2;
  const struct rlimit small = {20000, 20000};
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  ck_petsc_fails(CheckpointWrite(SELF, folder, &written, 1), PETSC_ERR_FILE_WRITE, "checkpoint-2.h5: File too large");
  ck_assert_int_eq(fixture_count(base), 1);
  ck_petsc(CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read));
  ck_assert_int_eq(read.number, 1);
  ck_petsc(CheckpointDestroy(&read));
  close_folder(base, folder);
}
END_TEST

/* On a disk that files of that size fill; the test's own messages go to files, too. */
static PetscErrorCode write_within(size_t end, Folder folder, const Checkpoint *checkpoint)
{
  const struct rlimit small = {end, RLIM_INFINITY}, any = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &small);
  const PetscErrorCode code = CheckpointWrite(SELF, folder, checkpoint, 1);
  setrlimit(RLIMIT_FSIZE, &any);
  return code;
}

/* In the superblock, in an array, in what HDF5 writes last, or at once. */
START_TEST(a_disk_may_end_anywhere)
{
  const char *base;
  Folder folder = open_folder(&base);
  Checkpoint written = example(1), read;
  ck_petsc(CheckpointWrite(SELF, folder, &written, 1));
  size_t size;
  free(fixture_read(fixture_path(base, "checkpoint-1.h5"), &size));
  signal(SIGXFSZ, SIG_IGN);
  written.number = 2;
  for (size_t end = 0; end < size; end += end < 1200 ? 97 : 1777) {
    ck_petsc_fails(write_within(end, folder, &written), PETSC_ERR_FILE_WRITE, "checkpoint-2.h5: File too large");
    ck_assert_int_eq(fixture_count(base), 1);
  }
  ck_petsc(write_within(size, folder, &written));
  ck_petsc(CheckpointRead(SELF, folder, NULL, N_PARAM, N_FROZEN, &read));
  check_equal(&written, &read);
  ck_petsc(CheckpointDestroy(&read));
  close_folder(base, folder);
}
END_TEST

TEST_SUITE("output checkpoint", what_is_written_is_read, it_is_an_hdf5_file_behind_a_text,
           every_flipped_byte_is_noticed, truncated_and_extended_files_are_noticed, wrong_files_are_told_apart,
           the_newest_readable_one_is_taken, the_last_ones_are_kept, a_full_disk_leaves_the_older_ones,
           a_disk_may_end_anywhere)
