/* The run folder: who may use it, what of it may be removed; files that appear whole or not at all. */
#include "harness.h"
#include <signal.h>
#include <sys/resource.h>
#include "../src/output/output_impl.h"
#include "output_fixture.h"

#define SELF PETSC_COMM_SELF

START_TEST(a_folder_is_made_with_its_parents)
{
  const char *base = fixture_directory();
  Folder folder;
  ck_petsc(FolderCreate(SELF, fixture_path(base, "a/b/c//"), FOLDER_NEW, &folder));
  ck_assert_str_eq(FolderPath(folder, "fields.vtkhdf"), fixture_path(base, "a/b/c/fields.vtkhdf"));
  ck_assert_str_eq(FolderPath(folder, ""), fixture_path(base, "a/b/c"));
  ck_petsc(FolderWriteText(folder, "case.cfg", "seed = 1;\n"));
  size_t size;
  char *text = fixture_read(fixture_path(base, "a/b/c/case.cfg"), &size);
  ck_assert_str_eq(text, "seed = 1;\n");
  free(text);
  ck_petsc(FolderDestroy(&folder));
  ck_assert_ptr_null(folder);
  fixture_remove(base);
}
END_TEST

START_TEST(results_are_not_overwritten_unasked)
{
  static const char *const results[] = {"fields.vtkhdf", "fields-12.vtkhdf", "history.csv",
                                        "history.h5",    "checkpoint-7.h5",  "case.cfg",
                                        "summary.json",  "evaluated.h5",     "evaluated.vtkhdf"};
  for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
    const char *base = fixture_directory();
    Folder folder;
    char text[512];
    fixture_write(fixture_path(base, results[i]), "x", 1);
    snprintf(text, sizeof(text), "%s holds another run's results (use --overwrite, --resume or --output DIR)", base);
    ck_petsc_fails(FolderCreate(SELF, base, FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT, text);
    ck_assert_ptr_null(folder);
    ck_petsc(FolderCreate(SELF, base, FOLDER_RESUME, &folder));
    ck_assert(fixture_exists(base, results[i]));
    ck_petsc(FolderDestroy(&folder));
    ck_petsc(FolderCreate(SELF, base, FOLDER_ADD, &folder));
    ck_assert(fixture_exists(base, results[i]));
    ck_petsc(FolderDestroy(&folder));
    ck_petsc(FolderCreate(SELF, base, FOLDER_OVERWRITE, &folder));
    ck_assert(fixture_exists(base, results[i]));
    ck_petsc(FolderClear(folder));
    ck_assert(!fixture_exists(base, results[i]));
    ck_petsc(FolderDestroy(&folder));
    fixture_remove(base);
  }
}
END_TEST

START_TEST(foreign_files_stay_and_do_not_matter)
{
  static const char *const foreign[] = {"notes.txt", "fields.vtkhdf.bak", "checkpoint-best.h5",
                                        "my.cfg",    "history.csv~",      "notes.tmp"};
  const char *base = fixture_directory();
  const int n = sizeof(foreign) / sizeof(foreign[0]);
  Folder folder;
  for (int i = 0; i < n; i++) fixture_write(fixture_path(base, foreign[i]), "x", 1);
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &folder));
  ck_petsc(FolderDestroy(&folder));
  fixture_write(fixture_path(base, "history.csv"), "x", 1);
  ck_petsc(FolderCreate(SELF, base, FOLDER_OVERWRITE, &folder));
  ck_petsc(FolderClear(folder));
  ck_petsc(FolderDestroy(&folder));
  ck_assert_int_eq(fixture_count(base), n);
  fixture_remove(base);
}
END_TEST

START_TEST(only_what_is_there_can_be_resumed)
{
  const char *base = fixture_directory();
  Folder folder;
  ck_petsc_fails(FolderCreate(SELF, fixture_path(base, "a/b"), FOLDER_RESUME, &folder), PETSC_ERR_USER_INPUT,
                 "a/b: No such file or directory");
  ck_assert_int_eq(fixture_count(base), 0);
  ck_petsc(FolderCreate(SELF, fixture_path(base, "a/b"), FOLDER_ADD, &folder));
  ck_petsc(FolderDestroy(&folder));
  ck_assert_int_eq(fixture_count(base), 1);
  fixture_remove(base);
}
END_TEST

START_TEST(temporaries_of_a_killed_run_are_removed)
{
  const char *base = fixture_directory();
  Folder folder;
  fixture_write(fixture_path(base, "checkpoint-7.h5.tmp"), "x", 1);
  fixture_write(fixture_path(base, "checkpoint-6.h5"), "x", 1);
  ck_petsc(FolderCreate(SELF, base, FOLDER_RESUME, &folder));
  ck_petsc(FolderDestroy(&folder));
  ck_assert(!fixture_exists(base, "checkpoint-7.h5.tmp"));
  ck_assert(fixture_exists(base, "checkpoint-6.h5"));
  fixture_remove(base);
}
END_TEST

START_TEST(two_runs_cannot_share_a_folder)
{
  const char *base = fixture_directory();
  Folder first, second;
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &first));
  ck_petsc_fails(FolderCreate(SELF, base, FOLDER_RESUME, &second), PETSC_ERR_USER_INPUT, "another run is writing to");
  ck_petsc(FolderDestroy(&first));
  ck_petsc(FolderCreate(SELF, base, FOLDER_RESUME, &second));
  ck_petsc(FolderDestroy(&second));
  fixture_remove(base);
}
END_TEST

START_TEST(an_unusable_place_is_told)
{
  const char *base = fixture_directory();
  Folder folder;
  char name[PETSC_MAX_PATH_LEN + 1];
  fixture_write(fixture_path(base, "file"), "x", 1);
  ck_petsc_fails(FolderCreate(SELF, fixture_path(base, "file/run"), FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT,
                 "file/run: Not a directory");
  ck_petsc_fails(FolderCreate(SELF, fixture_path(base, "file"), FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT,
                 "it is a file");
  ck_petsc_fails(FolderCreate(SELF, "/proc/pinn-solve", FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT,
                 "cannot create the output directory /proc/pinn-solve: No such file or directory");
  ck_petsc_fails(FolderCreate(SELF, "", FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT, "is empty");
  memset(name, 'x', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  ck_petsc_fails(FolderCreate(SELF, name, FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT, "characters");
  fixture_remove(base);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file)
{
  const char *base = fixture_directory();
  const char *path = fixture_path(base, "summary.json");
  const struct rlimit small = {4096, 4096};
  char large[10000] = "";
  size_t size;
  ck_petsc(FileWrite(path, 3, "old"));
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  ck_petsc_fails(FileWrite(path, sizeof(large), large), PETSC_ERR_FILE_WRITE, "summary.json: File too large");
  char *text = fixture_read(path, &size);
  ck_assert_str_eq(text, "old");
  free(text);
  ck_assert_int_eq(fixture_count(base), 1);
  ck_petsc_fails(FileWrite(fixture_path(base, "no/file"), 1, large), PETSC_ERR_FILE_WRITE, "No such file or directory");
  fixture_remove(base);
}
END_TEST

/* The check value of CRC-64/XZ in the catalogue of CRC algorithms; and bitwise division as the definition has it. */
START_TEST(the_checksum_is_crc64_xz)
{
  unsigned char bytes[100];
  ck_assert_uint_eq(FileChecksum(0, 9, "123456789"), UINT64_C(0x995dc9bbdf1939fa));
  uint64_t crc = ~UINT64_C(0);
  for (int i = 0; i < 100; i++) {
    bytes[i] = (unsigned char)(i * i * 31 + 7);
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ UINT64_C(0xC96C5795D7870F42) : crc >> 1;
  }
  for (size_t cut = 0; cut <= 100; cut++)
    ck_assert_uint_eq(FileChecksum(FileChecksum(0, cut, bytes), 100 - cut, bytes + cut), ~crc);
}
END_TEST

TEST_SUITE("output folder", a_folder_is_made_with_its_parents, results_are_not_overwritten_unasked,
           only_what_is_there_can_be_resumed, foreign_files_stay_and_do_not_matter,
           temporaries_of_a_killed_run_are_removed, two_runs_cannot_share_a_folder, an_unusable_place_is_told,
           a_failed_write_leaves_the_old_file, the_checksum_is_crc64_xz)
