/* The history: that of one run, however often it was resumed. */
#include "harness.h"
#include "output_desk.h"
#include "output_fixture.h"

#define SELF PETSC_COMM_SELF

/* The text of history.csv without its last two columns, which are measured times; freed by the caller. */
static char *timeless(const char *base)
{
  size_t size;
  char *text = fixture_read(fixture_path(base, "history.csv"), &size), *to = text;
  for (char *line = text; *line;) {
    const size_t length = strcspn(line, "\n");
    const char *next = line + length + 1;
    line[length] = '\0';
    for (int column = 0; column < 2; column++) *strrchr(line, ',') = '\0';
    const size_t kept = strlen(line);
    memmove(to, line, kept);
    to += kept;
    *to++ = '\n';
    line = (char *)next;
  }
  *to = '\0';
  return text;
}

START_TEST(history_of_a_resumed_run_is_that_of_one_run)
{
  static const struct {
    PetscInt at;
    int stage;
    PetscInt from;
  } cuts[] = {{7, 0, 8}, {20, 0, 21}, {20, 1, 0}, {26, 1, 7}, {0, 0, 1}};
  const char *base = fixture_directory();
  Folder folder;
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &folder));
  Desk *desk = desk_open((ReportOptions){.quiet = true}, folder, 4);
  run_stage(desk->report, 0, 0, 20, 20);
  run_stage(desk->report, 1, 0, 30, 30);
  ck_assert_int_eq(ReportIteration(desk->report), 50);
  ck_petsc(ReportWriteHistory(desk->report));
  char *whole = timeless(base);
  ck_assert_int_eq(count(whole, "\n"), 1 + 21 + 31);
  const char *head =
      "stage,iteration,stage_index,stage_iteration,loss,control,gradient_norm,rho,inner,dense,rms_burgers,"
      "rms_walls,rms_walls (2),\"rms_a \"\"quoted\"\", x = 1/2\",error_u,error_v\n";
  ck_assert_int_eq(strncmp(whole, head, strlen(head)), 0);
  ck_assert_ptr_nonnull(
      strstr(whole, "\ngauss-newton,22,1,2,0.25,0.125,nan,nan,nan,nan,0.001,0.00020000000000000001,"));
  desk_close(desk);
  for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
    desk = desk_open((ReportOptions){.quiet = true}, folder, 4);
    ReportSetSeconds(desk->report, 100);
    ck_assert(ReportSeconds(desk->report) == 100);
    ck_petsc(ReportReadHistory(desk->report, cuts[i].at));
    ck_assert_int_eq(ReportIteration(desk->report), cuts[i].at);
    if (cuts[i].stage == 0 && cuts[i].from <= 20) run_stage(desk->report, 0, cuts[i].from, 20, 20);
    run_stage(desk->report, 1, cuts[i].stage == 1 ? cuts[i].from : 0, 30, 30);
    ck_assert_int_eq(ReportIteration(desk->report), 50);
    ck_petsc(ReportWriteHistory(desk->report));
    char *resumed = timeless(base);
    ck_assert_str_eq(resumed, whole);
    free(resumed);
    desk_close(desk);
  }
  free(whole);
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}
END_TEST

START_TEST(a_lost_or_foreign_history_is_no_obstacle)
{
  const char *base = fixture_directory();
  Folder folder;
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &folder));
  Desk *desk = desk_open((ReportOptions){0}, folder, 4);
  ck_petsc(ReportReadHistory(desk->report, 40));
  fflush(desk->report->err);
  ck_assert_ptr_nonnull(strstr(desk->err, "pinn-solve: the history begins here: cannot read "));
  ck_assert_ptr_nonnull(strstr(desk->err, "history.h5: No such file or directory"));
  advance(desk->report, 1, 21, 30, true);
  ck_assert_int_eq(ReportIteration(desk->report), 41);
  advance(desk->report, 2, 0, 30, true);
  advance(desk->report, 2, 1, 30, true);
  ck_assert_int_eq(ReportIteration(desk->report), 42);
  ck_petsc(ReportWriteHistory(desk->report));
  desk_close(desk);

  static const char *const other[] = {"heat"};
  ReportOptions options = {0};
  Report report;
  ck_petsc(ReportCreate_Names(SELF, &options, folder, 1, other, 2, desk_fields, &report));
  char *text = NULL;
  size_t size;
  report->err = open_memstream(&text, &size);
  ck_petsc(ReportReadHistory(report, 40));
  fclose(report->err);
  ck_assert_ptr_nonnull(strstr(text, "history.h5 has no dataset /rms_heat"));
  ck_assert_uint_eq(HistoryRows(report->history), 0);
  free(text);
  ck_petsc(ReportDestroy(&report));
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}
END_TEST

START_TEST(history_h5_has_a_dataset_a_column)
{
  const char *base = fixture_directory();
  Folder folder;
  double values[3000];
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &folder));
  Desk *desk = desk_open((ReportOptions){.quiet = true}, folder, 4);
  run_stage(desk->report, 0, 0, 2999, 2999); /* more than the first allocation */
  ck_petsc(ReportWriteHistory(desk->report));
  const hid_t file = H5Fopen(fixture_path(base, "history.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  const char *path = "history.h5";
  ck_petsc(HDF5GetReals(file, path, "/loss", 3000, values));
  for (int i = 0; i < 3000; i++) ck_assert(values[i] == pow(0.5, i));
  ck_petsc(HDF5GetReals(file, path, "/rms_a \"quoted\", x = 1:2", 3000, values));
  ck_assert(isnan(values[2999]));
  ck_petsc(HDF5GetReals(file, path, "/error_u", 3000, values));
  ck_assert(values[0] == 0.25 && isnan(values[1]));
  H5Fclose(file);
  desk_close(desk);
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}
END_TEST

/* Looks now and then come back from the file up to the iteration that is asked for. */
START_TEST(diagnostics_come_back_with_the_history)
{
  static const char *const names[] = {"rank", "cosine_a/b_c"};
  const char *base = fixture_directory();
  Folder folder;
  ck_petsc(FolderCreate(SELF, base, FOLDER_NEW, &folder));
  for (int part = 0; part < 2; part++) {
    Desk *desk = desk_open((ReportOptions){.quiet = true}, folder, 4);
    ck_petsc(ReportAddDiagnostics(desk->report, 2, names));
    if (part) ck_petsc(ReportReadHistory(desk->report, 12));
    ck_assert_uint_eq(HistoryRows(desk->report->diagnostics), part ? 3 : 0);
    for (int k = 0; k < 3 && part; k++) {
      ck_assert(HistoryValue(desk->report->diagnostics, (size_t)k, COLUMN_ITERATION) == 5.0 * k);
      ck_assert(HistoryValue(desk->report->diagnostics, (size_t)k, N_COLUMN) == 7.0 + k);
      ck_assert(HistoryValue(desk->report->diagnostics, (size_t)k, N_COLUMN + 1) == -0.25);
    }
    for (PetscInt k = 0; k <= 20 && !part; k++) {
      const Progress progress = step(0, k, 20);
      const double values[] = {7.0 + (double)k / 5.0, -0.25};
      advance(desk->report, 0, k, 20, false);
      if (k % 5 == 0) ck_petsc(ReportDiagnostics(desk->report, &progress, values));
    }
    ck_petsc(ReportWriteHistory(desk->report));
    desk_close(desk);
  }
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}
END_TEST

TEST_SUITE("output history", history_of_a_resumed_run_is_that_of_one_run, a_lost_or_foreign_history_is_no_obstacle,
           history_h5_has_a_dataset_a_column, diagnostics_come_back_with_the_history)
