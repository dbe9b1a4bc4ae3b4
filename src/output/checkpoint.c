/* checkpoint-N.h5: an HDF5 file behind a user block of 512 bytes of text,

     pinn-solve checkpoint
     format 1
     size 73216
     crc64 995dc9bbdf1939fa

   whose checksum (CRC-64/XZ) covers every byte that follows, so that no damage goes unseen. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "output_impl.h"

#define BLOCK_SIZE 512
#define FORMAT     1
static const char magic[] = "pinn-solve checkpoint\n";

static void print_block(int format, size_t size, uint64_t crc, char block[])
{
  memset(block, '\n', BLOCK_SIZE);
  const int n = snprintf(block, BLOCK_SIZE, "%sformat %d\nsize %zu\ncrc64 %016" PRIx64 "\n", magic, format, size, crc);
  block[n] = '\n';
}

static PetscErrorCode fill_checkpoint(hid_t file, const char *path, void *context)
{
  const Checkpoint *c = context;
  const int64_t number = c->number, stage = c->stage, stage_done = c->stage_done;
  const hsize_t n_param = c->n_param, n_frozen = c->n_frozen, n_scale = (hsize_t)c->n_scale;
  const hid_t real = H5T_NATIVE_DOUBLE;
  hid_t group;

  PetscFunctionBegin;
  PetscCall(HDF5PutAttribute(file, path, "number", H5T_NATIVE_INT64, 0, &number));
  PetscCall(HDF5PutAttribute(file, path, "stage", H5T_NATIVE_INT64, 0, &stage));
  PetscCall(HDF5PutAttribute(file, path, "stage_done", H5T_NATIVE_INT64, 0, &stage_done));
  PetscCall(HDF5PutAttribute(file, path, "seconds", real, 0, &c->seconds));
  PetscCall(HDF5Put(file, path, "theta", real, real, 1, &n_param, c->theta));
  PetscCall(HDF5Put(file, path, "frozen", real, real, 1, &n_frozen, c->frozen));
  PetscCall(HDF5Put(file, path, "scales", real, real, 1, &n_scale, c->scales));
  PetscCall(HDF5PutText(file, path, "case", c->case_text ? c->case_text : ""));
  PinnCallHDF5(path, group = H5Gcreate2(file, "state", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  for (int i = 0; i < c->n_state; i++) {
    const hsize_t n = c->state[i].n;
    PetscCheck(!strchr(c->state[i].name, '/'), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "state entry '%s' contains '/'",
               c->state[i].name);
    const StateEntry *entry = &c->state[i];
    const hid_t type = entry->single ? H5T_NATIVE_FLOAT : real;
    PetscCall(HDF5Put(group, path, entry->name, type, type, 1, &n,
                      entry->single ? (const void *)entry->single : (const void *)entry->values));
  }
  PinnCallHDF5(path, H5Gclose(group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *checkpoint_path(Folder folder, PetscInt number)
{
  char name[64];
  snprintf(name, sizeof(name), "checkpoint-%" PetscInt_FMT ".h5", number);
  return FolderPath(folder, name);
}

/* Later numbers are what a run that was resumed from an older checkpoint had left behind. */
static PetscErrorCode remove_old(Folder folder, PetscInt newest, int keep)
{
  PetscInt *numbers;
  int n, kept = 0;

  PetscFunctionBegin;
  PetscCall(FolderCheckpoints(folder, &n, &numbers));
  for (int i = 0; i < n; i++) {
    if (numbers[i] <= newest && kept++ < keep) continue;
    const char *path = checkpoint_path(folder, numbers[i]);
    PinnSystemCheck(unlink(path) == 0, "cannot remove %s: %s", path, strerror(errno));
  }
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode sum_file(FILE *stream, const char *path, size_t *size, uint64_t *crc)
{
  static char chunk[1 << 16];
  size_t n;

  PetscFunctionBegin;
  *size = BLOCK_SIZE;
  *crc = 0;
  while ((n = fread(chunk, 1, sizeof(chunk), stream)) > 0) {
    *crc = FileChecksum(*crc, n, chunk);
    *size += n;
  }
  PetscCheck(!ferror(stream), PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "cannot read %s: %s", path, strerror(errno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put_block(FILE *stream, const char *path)
{
  char block[BLOCK_SIZE];
  size_t size;
  uint64_t crc;

  PetscFunctionBegin;
  PinnSystemCheck(fseek(stream, BLOCK_SIZE, SEEK_SET) == 0, "cannot read %s: %s", path, strerror(errno));
  PetscCall(sum_file(stream, path, &size, &crc));
  print_block(FORMAT, size, crc, block);
  const bool written =
      fseek(stream, 0, SEEK_SET) == 0 && fwrite(block, 1, BLOCK_SIZE, stream) == BLOCK_SIZE && fflush(stream) == 0;
  PetscCheck(written, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s: %s", path, strerror(errno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The text before a file that is complete but for it. */
static PetscErrorCode sign_file(const char *path)
{
  char temporary[PINN_PATH_SIZE];

  PetscFunctionBegin;
  FileTemporaryName(path, temporary);
  FILE *stream = fopen(temporary, "r+b");
  PetscCheck(stream != NULL, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "cannot write %s: %s", path, strerror(errno));
  PetscErrorCode code = put_block(stream, path);
  fclose(stream);
  if (code) unlink(temporary);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_checkpoint(Folder folder, const Checkpoint *checkpoint, int keep)
{
  const char *path = checkpoint_path(folder, checkpoint->number);

  PetscFunctionBegin;
  PetscCall(HDF5Stream(path, BLOCK_SIZE, fill_checkpoint, (void *)checkpoint));
  PetscCall(sign_file(path));
  PetscCall(FileCommit(path));
  PetscCall(remove_old(folder, checkpoint->number, keep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CheckpointWrite(MPI_Comm comm, Folder folder, const Checkpoint *checkpoint, int keep)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(ErrorAgree(comm, rank == 0 ? write_checkpoint(folder, checkpoint, keep) : PETSC_SUCCESS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode verify_stream(FILE *stream, const char *path)
{
  char block[BLOCK_SIZE], expected[BLOCK_SIZE];
  size_t size;
  uint64_t crc;

  PetscFunctionBegin;
  const size_t n = fread(block, 1, BLOCK_SIZE, stream);
  PetscCheck(!ferror(stream), PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "cannot read %s: %s", path, strerror(errno));
  PetscCheck(n >= sizeof(magic) && memcmp(block, magic, sizeof(magic) - 1) == 0, PETSC_COMM_SELF,
             PETSC_ERR_FILE_UNEXPECTED, "%s is not a checkpoint", path);
  PetscCall(sum_file(stream, path, &size, &crc));
  print_block(FORMAT, size, crc, expected);
  if (n == BLOCK_SIZE && memcmp(block, expected, BLOCK_SIZE) == 0) PetscFunctionReturn(PETSC_SUCCESS);
  int format = FORMAT;
  block[BLOCK_SIZE - 1] = '\0';
  if (n == BLOCK_SIZE) sscanf(block + sizeof(magic) - 1, "format %d", &format);
  PetscCheck(format == FORMAT, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s is a checkpoint of format %d, this program reads format %d", path, format, FORMAT);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s is damaged: its checksum does not fit its content", path);
}

static PetscErrorCode verify_file(const char *path)
{
  FILE *stream = fopen(path, "rb");

  PetscFunctionBegin;
  PetscCheck(stream != NULL, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "cannot read %s: %s", path, strerror(errno));
  const PetscErrorCode code = verify_stream(stream, path);
  fclose(stream);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode get_array(hid_t file, const char *path, const char *name, size_t *n, double **values)
{
  hsize_t dims[1];

  PetscFunctionBegin;
  PetscCall(HDF5GetShape(file, path, name, 1, dims));
  *n = dims[0];
  PetscCall(PetscMalloc1(*n, values));
  PetscCall(HDF5GetReals(file, path, name, *n, *values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In the precision it was written in. */
static PetscErrorCode get_entry(hid_t file, const char *path, const char *name, StateEntry *entry)
{
  hsize_t dims[1];

  PetscFunctionBegin;
  PetscCall(HDF5GetShape(file, path, name, 1, dims));
  if (!HDF5IsSingle(file, name)) {
    PetscCall(get_array(file, path, name, &entry->n, &entry->values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  entry->n = dims[0];
  PetscCall(PetscMalloc1(entry->n, &entry->single));
  PetscCall(HDF5GetSingles(file, path, name, entry->n, entry->single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode get_state(hid_t file, const char *path, Checkpoint *c)
{
  H5G_info_t info;

  PetscFunctionBegin;
  PinnCallHDF5(path, H5Gget_info_by_name(file, "/state", &info, H5P_DEFAULT));
  PetscCall(PetscCalloc1(info.nlinks, &c->state));
  for (int i = 0; i < (int)info.nlinks; i++) {
    StateEntry *entry = &c->state[i];
    char name[256] = "/state/";
    const size_t prefix = strlen(name);
    c->n_state = i + 1;
    PinnCallHDF5(path, H5Lget_name_by_idx(file, "/state", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)i, name + prefix,
                                          sizeof(name) - prefix, H5P_DEFAULT));
    PetscCall(PetscStrallocpy(name + prefix, (char **)&entry->name));
    PetscCall(get_entry(file, path, name, entry));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_content(hid_t file, const char *path, void *context)
{
  Checkpoint *c = context;
  int64_t number, stage, stage_done;
  size_t n_scale;

  PetscFunctionBegin;
  PetscCall(HDF5GetAttribute(file, path, "number", H5T_NATIVE_INT64, &number));
  PetscCall(HDF5GetAttribute(file, path, "stage", H5T_NATIVE_INT64, &stage));
  PetscCall(HDF5GetAttribute(file, path, "stage_done", H5T_NATIVE_INT64, &stage_done));
  PetscCall(HDF5GetAttribute(file, path, "seconds", H5T_NATIVE_DOUBLE, &c->seconds));
  PetscCall(get_array(file, path, "/theta", &c->n_param, &c->theta));
  PetscCall(get_array(file, path, "/frozen", &c->n_frozen, &c->frozen));
  PetscCall(get_array(file, path, "/scales", &n_scale, &c->scales));
  PetscCall(HDF5GetText(file, path, "/case", &c->case_text));
  PetscCall(get_state(file, path, c));
  c->number = (PetscInt)number;
  c->stage = (int)stage;
  c->stage_done = stage_done != 0;
  c->n_scale = (int)n_scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reads a file; where that fails, `why` holds the reason and checkpoint is empty. */
static PetscErrorCode try_read(const char *path, Checkpoint *checkpoint, char why[])
{
  PetscFunctionBegin;
  why[0] = '\0';
  PetscCall(PetscPushErrorHandler(ErrorCapture, why));
  PetscErrorCode code = verify_file(path);
  if (code == PETSC_SUCCESS) code = HDF5Read(path, read_content, checkpoint);
  PetscCall(PetscPopErrorHandler());
  if (code) PetscCall(CheckpointDestroy(checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_newest(Folder folder, Checkpoint *checkpoint, const char **path)
{
  char why[PINN_ERROR_SIZE];
  PetscInt *numbers;
  int n;

  PetscFunctionBegin;
  PetscCall(FolderCheckpoints(folder, &n, &numbers));
  *path = NULL;
  for (int i = 0; i < n && *path == NULL; i++) {
    const char *candidate = checkpoint_path(folder, numbers[i]);
    PetscCall(try_read(candidate, checkpoint, why));
    if (why[0])
      PetscCall(PetscFPrintf(PETSC_COMM_SELF, stderr, "pinn-solve: passed over: %s\n", why));
    else
      *path = candidate;
  }
  PetscCall(PetscFree(numbers));
  PinnUserCheck(n > 0, "there is no checkpoint in %s", FolderPath(folder, ""));
  PinnUserCheck(*path != NULL, "none of the %d checkpoints in %s can be read", n, FolderPath(folder, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_one(Folder folder, const char *path, size_t n_param, size_t n_frozen, Checkpoint *checkpoint)
{
  char why[PINN_ERROR_SIZE];

  PetscFunctionBegin;
  if (path) {
    PetscCall(try_read(path, checkpoint, why));
    PinnUserCheck(why[0] == '\0', "%s", why);
  } else
    PetscCall(read_newest(folder, checkpoint, &path));
  PinnUserCheck(checkpoint->n_param == n_param && checkpoint->n_frozen == n_frozen,
                "%s is of another network: %zu trained and %zu fixed parameters, this case has %zu and %zu", path,
                checkpoint->n_param, checkpoint->n_frozen, n_param, n_frozen);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode broadcast_checkpoint(MPI_Comm comm, Checkpoint *c)
{
  PetscMPIInt rank;
  Checkpoint sizes = *c;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Bcast(&sizes, (int)sizeof(sizes), MPI_BYTE, 0, comm));
  if (rank != 0) {
    *c = sizes;
    PetscCall(PetscCalloc1(c->n_state, &c->state));
  }
  PetscCall(BroadcastReals(comm, c->n_param, &c->theta));
  PetscCall(BroadcastReals(comm, c->n_frozen, &c->frozen));
  PetscCall(BroadcastReals(comm, (size_t)c->n_scale, &c->scales));
  PetscCall(BroadcastText(comm, &c->case_text));
  for (int i = 0; i < c->n_state; i++) {
    PetscCall(BroadcastText(comm, (char **)&c->state[i].name));
    int single = c->state[i].single != NULL;
    PetscCallMPI(MPI_Bcast(&c->state[i].n, (int)sizeof(size_t), MPI_BYTE, 0, comm));
    PetscCallMPI(MPI_Bcast(&single, 1, MPI_INT, 0, comm));
    if (single)
      PetscCall(BroadcastSingles(comm, c->state[i].n, &c->state[i].single));
    else
      PetscCall(BroadcastReals(comm, c->state[i].n, &c->state[i].values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CheckpointRead(MPI_Comm comm, Folder folder, const char *path, size_t n_param, size_t n_frozen,
                              Checkpoint *checkpoint)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  *checkpoint = (Checkpoint){0};
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const PetscErrorCode code =
      ErrorAgree(comm, rank == 0 ? read_one(folder, path, n_param, n_frozen, checkpoint) : PETSC_SUCCESS);
  if (code) PetscCall(CheckpointDestroy(checkpoint));
  PetscCall(code);
  PetscCall(broadcast_checkpoint(comm, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CheckpointDestroy(Checkpoint *checkpoint)
{
  PetscFunctionBegin;
  for (int i = 0; i < checkpoint->n_state; i++) {
    PetscCall(PetscFree(checkpoint->state[i].name));
    PetscCall(PetscFree(checkpoint->state[i].values));
    PetscCall(PetscFree(checkpoint->state[i].single));
  }
  PetscCall(PetscFree(checkpoint->state));
  PetscCall(PetscFree(checkpoint->theta));
  PetscCall(PetscFree(checkpoint->frozen));
  PetscCall(PetscFree(checkpoint->scales));
  PetscCall(PetscFree(checkpoint->case_text));
  *checkpoint = (Checkpoint){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
