/* The run folder: who may use it, which of its files are this program's own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "output_impl.h"

struct Folder_s {
  MPI_Comm comm;
  int lock; /* rank 0: the open directory, locked while the run lasts */
  char path[PETSC_MAX_PATH_LEN];
};

static const char *const own_files[] = {
    "fields.vtkhdf",        "slice-*.vtkhdf", "fields-[0-9]*.vtkhdf", "history.csv",      "history.h5",
    "checkpoint-[0-9]*.h5", "case.cfg",       "summary.json",         "evaluated.vtkhdf", "evaluated.h5"};

static bool is_own(const char *name)
{
  for (size_t i = 0; i < sizeof(own_files) / sizeof(own_files[0]); i++)
    if (fnmatch(own_files[i], name, 0) == 0) return true;
  return false;
}

static bool is_own_temporary(const char *name)
{
  char stem[256];
  const size_t n = strlen(name), tail = strlen(PINN_TEMPORARY);
  if (n <= tail || n - tail >= sizeof(stem) || strcmp(name + n - tail, PINN_TEMPORARY) != 0) return false;
  memcpy(stem, name, n - tail);
  stem[n - tail] = '\0';
  return is_own(stem);
}

static PetscErrorCode make_directories(const char *path)
{
  char part[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(part, path, sizeof(part)));
  for (char *c = part + 1; c[-1] != '\0'; c++) {
    if (*c != '/' && *c != '\0') continue;
    const char cut = *c;
    *c = '\0';
    PinnUserCheck(mkdir(part, 0777) == 0 || errno == EEXIST, "cannot create the output directory %s: %s", part,
                  strerror(errno));
    *c = cut;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode lock_folder(Folder folder)
{
  struct stat status;

  PetscFunctionBegin;
  PinnUserCheck(stat(folder->path, &status) == 0, "cannot use the output directory %s: %s", folder->path,
                strerror(errno));
  PinnUserCheck(S_ISDIR(status.st_mode), "cannot use the output directory %s: it is a file", folder->path);
  PinnUserCheck(access(folder->path, W_OK | X_OK) == 0, "cannot write into the output directory %s: %s", folder->path,
                strerror(errno));
  folder->lock = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  PinnUserCheck(folder->lock >= 0, "cannot read the output directory %s: %s", folder->path, strerror(errno));
  /* File systems without locks answer with other errors: there the run goes on unprotected. */
  PinnUserCheck(flock(folder->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
                "another run is writing to %s (use --output DIR)", folder->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Leaves no temporary file of a killed run; with `clear` none of this program's files at all. */
static PetscErrorCode inspect_folder(Folder folder, bool clear, bool *has_results)
{
  DIR *directory = opendir(folder->path);

  PetscFunctionBegin;
  PinnUserCheck(directory != NULL, "cannot read the output directory %s: %s", folder->path, strerror(errno));
  *has_results = false;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    const bool own = is_own(entry->d_name);
    if (own) *has_results = true;
    if ((own && clear) || is_own_temporary(entry->d_name))
      if (unlinkat(folder->lock, entry->d_name, 0) != 0) {
        const int error = errno;
        char name[256];
        snprintf(name, sizeof(name), "%s", entry->d_name);
        closedir(directory);
        PinnUserError("cannot remove %s/%s: %s", folder->path, name, strerror(error));
      }
  }
  closedir(directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode prepare_folder(Folder folder, FolderUse use)
{
  bool has_results;

  PetscFunctionBegin;
  if (use != FOLDER_RESUME) PetscCall(make_directories(folder->path));
  PetscCall(lock_folder(folder));
  PetscCall(inspect_folder(folder, false, &has_results));
  PinnUserCheck(!has_results || use != FOLDER_NEW,
                "%s holds another run's results (use --overwrite, --resume or --output DIR)", folder->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FolderCreate(MPI_Comm comm, const char *directory, FolderUse use, Folder *folder)
{
  PetscMPIInt rank;
  Folder f;

  PetscFunctionBegin;
  *folder = NULL;
  const size_t n = strlen(directory);
  PinnUserCheck(n > 0, "the name of the output directory is empty");
  PinnUserCheck(n + 64 < PETSC_MAX_PATH_LEN,
                "the name of the output directory has %zu characters, at most %d are allowed", n,
                PETSC_MAX_PATH_LEN - 65);
  PetscCall(PetscCalloc1(1, &f));
  f->comm = comm;
  f->lock = -1;
  memcpy(f->path, directory, n + 1);
  for (char *end = f->path + n; end > f->path + 1 && end[-1] == '/';) *--end = '\0';
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const PetscErrorCode code = ErrorAgree(comm, rank == 0 ? prepare_folder(f, use) : PETSC_SUCCESS);
  if (code) PetscCall(FolderDestroy(&f));
  PetscCall(code);
  *folder = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FolderClear(Folder folder)
{
  PetscMPIInt rank;
  bool has_results;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(folder->comm, &rank));
  PetscCall(ErrorAgree(folder->comm, rank == 0 ? inspect_folder(folder, true, &has_results) : PETSC_SUCCESS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FolderDestroy(Folder *folder)
{
  PetscFunctionBegin;
  if (*folder && (*folder)->lock >= 0) close((*folder)->lock);
  PetscCall(PetscFree(*folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *FolderPath(Folder folder, const char *file)
{
  static char buffers[8][PINN_PATH_SIZE];
  static int next;

  char *path = buffers[next++ % 8];
  if (file[0])
    snprintf(path, PINN_PATH_SIZE, "%s/%s", folder->path, file);
  else
    snprintf(path, PINN_PATH_SIZE, "%s", folder->path);
  return path;
}

PetscErrorCode FolderWriteText(Folder folder, const char *file, const char *text)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(folder->comm, &rank));
  PetscErrorCode code = PETSC_SUCCESS;
  if (rank == 0) code = FileWrite(FolderPath(folder, file), strlen(text), text);
  PetscCall(ErrorAgree(folder->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_descending(const void *a, const void *b)
{
  const PetscInt x = *(const PetscInt *)a, y = *(const PetscInt *)b;
  return (x < y) - (x > y);
}

PetscErrorCode FolderCheckpoints(Folder folder, int *n, PetscInt **numbers)
{
  DIR *directory = opendir(folder->path);
  size_t capacity = 16;

  PetscFunctionBegin;
  PinnUserCheck(directory != NULL, "cannot read the output directory %s: %s", folder->path, strerror(errno));
  *n = 0;
  PetscCall(PetscMalloc1(capacity, numbers));
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char name[64];
    if (strncmp(entry->d_name, "checkpoint-", 11) != 0) continue;
    const long long number = strtoll(entry->d_name + 11, NULL, 10);
    if (number < 0 || number > PETSC_MAX_INT) continue;
    snprintf(name, sizeof(name), "checkpoint-%lld.h5", number);
    if (strcmp(name, entry->d_name) != 0) continue;
    if ((size_t)*n == capacity) PetscCall(PetscRealloc(sizeof(PetscInt) * (capacity *= 2), numbers));
    (*numbers)[(*n)++] = (PetscInt)number;
  }
  closedir(directory);
  qsort(*numbers, (size_t)*n, sizeof(PetscInt), compare_descending);
  PetscFunctionReturn(PETSC_SUCCESS);
}
