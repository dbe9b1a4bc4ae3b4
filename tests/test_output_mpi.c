/* Output with several ranks: one file from all shares, the same answer everywhere. Works with any number of ranks. */
#include "harness.h"
#include <signal.h>
#include <sys/resource.h>
#include "../src/output/report_impl.h"
#include "output_fixture.h"
#include "output_grid.h"

#define WORLD PETSC_COMM_WORLD

static int rank_of_world(void)
{
  int rank;
  MPI_Comm_rank(WORLD, &rank);
  return rank;
}

/* One directory for all ranks. */
static const char *shared_directory(void)
{
  static char name[256];
  if (rank_of_world() == 0) snprintf(name, sizeof(name), "%s", fixture_directory());
  MPI_Bcast(name, sizeof(name), MPI_CHAR, 0, WORLD);
  return name;
}

static void remove_shared(const char *directory)
{
  MPI_Barrier(WORLD);
  if (rank_of_world() == 0) fixture_remove(directory);
}

/* The text of an error is known to the rank where it arose. */
#define ck_all_fail(call, wanted, part)                                                                                \
  do {                                                                                                                 \
    PetscPushErrorHandler(TestSilentHandler, NULL);                                                                    \
    PetscErrorCode all_ = (call);                                                                                      \
    PetscPopErrorHandler();                                                                                            \
    ck_assert_int_eq(all_, (wanted));                                                                                  \
    if (rank_of_world() == 0)                                                                                          \
      ck_assert_msg(strstr(TestErrorText(), (part)) != NULL, "'%s' does not contain '%s'", TestErrorText(), (part));   \
  } while (0)

START_TEST(fields_of_all_ranks_make_one_file)
{
  static const struct {
    int dim;
    PetscInt n[3], hole;
    size_t n_cell;
  } cases[] = {{1, {1}, -1, 1},   {1, {2}, -1, 1},    {1, {7}, -1, 6},        {2, {5, 4}, -1, 12},
               {2, {5, 4}, 7, 8}, {2, {1, 9}, -1, 8}, {3, {4, 3, 5}, -1, 24}, {3, {4, 4, 4}, 21, 19}};
  const char *base = shared_directory(), *path = fixture_path(base, "fields.vtkhdf");
  const size_t n_case = sizeof(cases) / sizeof(cases[0]);
  for (size_t k = 0; k < 2 * n_case; k++) {
    const size_t i = k / 2;
    TestGrid grid, all;
    size_t n;
    grid_create(WORLD, cases[i].dim, cases[i].n, cases[i].hole, &grid);
    ck_petsc(grid_write_limit(k % 2 ? SIZE_MAX : 0, WORLD, &grid, path));
    if (rank_of_world() == 0) {
      grid_create(PETSC_COMM_SELF, cases[i].dim, cases[i].n, cases[i].hole, &all);
      grid_check_cells(path, &all, cases[i].hole, cases[i].n_cell);
      double *u = grid_read(path, "/fields/u", &n), *x = grid_read(path, "/coordinates", &n);
      ck_assert_mem_eq(u, all.u, (size_t)all.points.count * sizeof(double));
      ck_assert_mem_eq(x, all.points.x, n * sizeof(double));
      free(u), free(x);
      grid_destroy(&all);
      ck_assert_int_eq(fixture_count(base), 1);
    }
    grid_destroy(&grid);
    MPI_Barrier(WORLD);
  }
  remove_shared(base);
}
END_TEST

/* Two triangles and a quadrilateral in two regions; x at the nodes. */
START_TEST(cells_of_a_tiling_are_shared_out)
{
  static double x[] = {0, 0, 1, 0, 1, 1, 0, 1, 2, 0, 2, 1};
  static unsigned char types[] = {9, 5, 5};
  static PetscInt first[] = {0, 4, 7, 10}, node[] = {0, 1, 2, 3, 1, 4, 5, 1, 5, 2};
  static int region[] = {1, 0, 0};
  const char *names[] = {"right", "left"}, *const arrays[] = {"u"};
  static const struct {
    const char *name;
    size_t n;
    double values[10];
  } sets[] = {{"/VTKHDF/Types", 3, {9, 5, 5}},
              {"/VTKHDF/Offsets", 4, {0, 4, 7, 10}},
              {"/VTKHDF/Connectivity", 10, {0, 1, 2, 3, 1, 4, 5, 1, 5, 2}},
              {"/VTKHDF/CellData/region", 3, {1, 0, 0}},
              {"/fields/u", 6, {0, 1, 1, 0, 2, 2}}};
  const Tiling tiling = {2, 6, 3, x, types, first, node, 2, names, region};
  const FieldsMesh mesh = {2, NULL, NULL, &tiling};
  const char *base = shared_directory(), *path = fixture_path(base, "fields.vtkhdf");
  for (int gathered = 0; gathered < 2; gathered++) {
    PointSet points;
    double u[6];
    const double *const values[] = {u};
    ck_petsc(PointSetGiven(WORLD, 6, 2, x, &points));
    for (int i = 0; i < points.n; i++) u[i] = points.x[2 * i];
    ck_petsc(FieldsWrite_Limit(gathered ? SIZE_MAX : 0, WORLD, path, &mesh, &points, 1, arrays, values, ""));
    for (size_t s = 0; rank_of_world() == 0 && s < sizeof(sets) / sizeof(sets[0]); s++) {
      size_t n;
      double *read = grid_read(path, sets[s].name, &n);
      ck_assert_uint_eq(n, sets[s].n);
      ck_assert_mem_eq(read, sets[s].values, n * sizeof(double));
      free(read);
    }
    ck_petsc(PointSetDestroy(&points));
    MPI_Barrier(WORLD);
  }
  remove_shared(base);
}
END_TEST

START_TEST(all_ranks_learn_of_an_error)
{
  const char *base = shared_directory();
  Folder folder, other;
  Checkpoint checkpoint;
  Reference reference;
  TestGrid grid;
  const char *const xt[] = {"x", "t"}, *const u[] = {"u"};
  ck_all_fail(FolderCreate(WORLD, "/proc/none", FOLDER_NEW, &folder), PETSC_ERR_USER_INPUT, "/proc/none");
  ck_petsc(FolderCreate(WORLD, base, FOLDER_NEW, &folder));
  ck_all_fail(FolderCreate(WORLD, base, FOLDER_NEW, &other), PETSC_ERR_USER_INPUT, "another run is writing");
  ck_all_fail(CheckpointRead(WORLD, folder, NULL, 1, 0, &checkpoint), PETSC_ERR_USER_INPUT, "there is no checkpoint");
  ck_all_fail(ReferenceRead(WORLD, "here", "Makefile", 2, xt, 1, u, &reference), PETSC_ERR_USER_INPUT,
              "here: Makefile is not an HDF5 file");
  grid_create(WORLD, 2, (const PetscInt[]){30, 30}, -1, &grid);
  PetscPushErrorHandler(TestSilentHandler, NULL);
  for (int gathered = 0; gathered < 2; gathered++)
    ck_assert_int_ne(grid_write_limit(gathered ? SIZE_MAX : 0, WORLD, &grid, fixture_path(base, "none/fields.vtkhdf")),
                     0);
  PetscPopErrorHandler();
  grid_destroy(&grid);
  ck_petsc(FolderDestroy(&folder));
  remove_shared(base);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_fields)
{
  const char *base = shared_directory(), *path = fixture_path(base, "fields.vtkhdf");
  struct rlimit before, small = {20000, 20000};
  TestGrid grid;
  size_t size;
  if (rank_of_world() == 0) fixture_write(path, "old", 3);
  getrlimit(RLIMIT_FSIZE, &before);
  small.rlim_max = before.rlim_max;
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  grid_create(WORLD, 2, (const PetscInt[]){100, 100}, -1, &grid);
  for (int gathered = 0; gathered < 2; gathered++)
    ck_all_fail(grid_write_limit(gathered ? SIZE_MAX : 0, WORLD, &grid, path), PETSC_ERR_FILE_WRITE,
                "fields.vtkhdf: File too large");
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
  grid_destroy(&grid);
  if (rank_of_world() == 0) {
    char *text = fixture_read(path, &size);
    ck_assert_str_eq(text, "old");
    free(text);
    ck_assert_int_eq(fixture_count(base), 1);
  }
  remove_shared(base);
}
END_TEST

START_TEST(checkpoints_and_references_reach_all_ranks)
{
  const char *base = shared_directory();
  const char *const tx[] = {"t", "x"}, *const u[] = {"v", "u"};
  double theta[100], step[1] = {7};
  StateEntry state[] = {{.name = "iteration", .n = 1, .values = step}, {.name = "momentum", .n = 100, .values = theta}};
  Folder folder;
  Reference reference;
  for (int i = 0; i < 100; i++) theta[i] = sin(i);
  Checkpoint checkpoint = {.number = 5,
                           .stage = 1,
                           .n_param = 100,
                           .theta = theta,
                           .n_state = 2,
                           .state = state,
                           .case_text = (char *)"text"},
             read;
  ck_petsc(FolderCreate(WORLD, base, FOLDER_NEW, &folder));
  ck_petsc(CheckpointWrite(WORLD, folder, &checkpoint, 1));
  ck_petsc(CheckpointRead(WORLD, folder, NULL, 100, 0, &read));
  ck_assert(read.number == 5 && read.stage == 1 && !read.stage_done && read.n_state == 2);
  ck_assert_mem_eq(read.theta, theta, sizeof(theta));
  ck_assert_str_eq(read.state[1].name, "momentum");
  ck_assert_mem_eq(read.state[1].values, theta, sizeof(theta));
  ck_assert(read.state[0].values[0] == 7);
  ck_assert_str_eq(read.case_text, "text");
  ck_petsc(CheckpointDestroy(&read));
  ck_petsc(FolderDestroy(&folder));

  ck_petsc(ReferenceRead(WORLD, "here", "configs/data/burgers.h5", 2, tx, 2, u, &reference));
  ck_assert_int_eq(reference.n, 257 * 101);
  ck_assert_ptr_null(reference.fields[0]);
  for (PetscInt i = 0; i < reference.n; i++)
    if (reference.points[2 * i] == 0)
      ck_near(reference.fields[1][i], -sin(PETSC_PI * reference.points[2 * i + 1]), 0, 1e-14);
  ck_petsc(ReferenceDestroy(&reference, 2));
  remove_shared(base);
}
END_TEST

START_TEST(a_report_counts_alike_on_all_ranks)
{
  const char *base = shared_directory(), *const names[] = {"u"};
  const ReportOptions options = {.quiet = true};
  const double rms[] = {1};
  Folder folder;
  Report report;
  ck_petsc(FolderCreate(WORLD, base, FOLDER_NEW, &folder));
  for (int resumed = 0; resumed < 2; resumed++) {
    ck_petsc(ReportCreate_Names(WORLD, &options, folder, 1, names, 1, names, &report));
    if (resumed) ck_petsc(ReportReadHistory(report, 3));
    ck_assert_int_eq(ReportIteration(report), resumed ? 3 : 0);
    for (int it = resumed ? 4 : 0; it <= 6; it++) {
      const Progress progress = {.stage = "adam", .iteration = it, .iterations = 6, .control_name = ""};
      ck_petsc(ReportProgress_Rows(report, &progress, rms, NULL, 0, true));
    }
    ck_assert_int_eq(ReportIteration(report), 6);
    if (rank_of_world() == 0) ck_assert_uint_eq(HistoryRows(report->history), 7);
    ck_petsc(ReportWriteHistory(report));
    ck_petsc(ReportDestroy(&report));
  }
  ck_petsc(FolderDestroy(&folder));
  remove_shared(base);
}
END_TEST

TEST_SUITE("output mpi", fields_of_all_ranks_make_one_file, cells_of_a_tiling_are_shared_out,
           all_ranks_learn_of_an_error, a_full_disk_leaves_the_old_fields, checkpoints_and_references_reach_all_ranks,
           a_report_counts_alike_on_all_ranks)
