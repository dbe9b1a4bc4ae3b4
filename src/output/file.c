/* Files that appear whole or not at all: bytes go to NAME.tmp, are synced, and take their name by rename. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "output_impl.h"

void FileTemporaryName(const char *path, char temporary[])
{
  snprintf(temporary, PINN_PATH_SIZE, "%s" PINN_TEMPORARY, path);
}

/* The functions below return errno, 0 if all went well. */
static int write_bytes(const char *name, size_t size, const char *bytes)
{
  const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return errno;
  int error = 0;
  for (size_t done = 0; done < size && error == 0;) {
    const ssize_t n = write(file, bytes + done, size - done);
    if (n >= 0)
      done += (size_t)n;
    else if (errno != EINTR)
      error = errno;
  }
  /* A network file system may report a failed write only here. */
  if (close(file) != 0 && error == 0) error = errno;
  return error;
}

static int sync_file(const char *name)
{
  const int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  int error = fsync(file) != 0 ? errno : 0;
  if (error == EINVAL) error = 0; /* a file system that does not sync directories */
  close(file);
  return error;
}

static int commit_file(const char *temporary, const char *path)
{
  char directory[PINN_PATH_SIZE];
  int error = sync_file(temporary);
  if (error) return error;
  if (rename(temporary, path) != 0) return errno;
  snprintf(directory, sizeof(directory), "%s", path);
  char *slash = strrchr(directory, '/');
  if (slash) slash[slash == directory] = '\0';
  return sync_file(slash ? directory : ".");
}

PetscErrorCode FileCommit(const char *path)
{
  char temporary[PINN_PATH_SIZE];

  PetscFunctionBegin;
  FileTemporaryName(path, temporary);
  const int error = commit_file(temporary, path);
  if (error) {
    unlink(temporary);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s: %s", path, strerror(error));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileWrite(const char *path, size_t size, const void *bytes)
{
  char temporary[PINN_PATH_SIZE];

  PetscFunctionBegin;
  FileTemporaryName(path, temporary);
  const int error = write_bytes(temporary, size, bytes);
  if (error) {
    unlink(temporary);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s: %s", path, strerror(error));
  }
  PetscCall(FileCommit(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int reserve(const char *name, size_t size)
{
  const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return errno;
  const int error = posix_fallocate(file, 0, (off_t)size);
  close(file);
  return error;
}

PetscErrorCode FileReserve(const char *path, size_t size)
{
  char temporary[PINN_PATH_SIZE];

  PetscFunctionBegin;
  FileTemporaryName(path, temporary);
  const int error = reserve(temporary, size);
  unlink(temporary);
  PetscCheck(error == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s: %s", path, strerror(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

uint64_t FileChecksum(uint64_t crc, size_t size, const void *bytes)
{
  static uint64_t table[8][256];
  const unsigned char *byte = bytes;

  if (table[0][1] == 0) {
    for (unsigned i = 0; i < 256; i++) {
      uint64_t c = i;
      for (int bit = 0; bit < 8; bit++) c = (c >> 1) ^ (c & 1 ? UINT64_C(0xC96C5795D7870F42) : 0);
      table[0][i] = c;
    }
    for (int k = 1; k < 8; k++)
      for (unsigned i = 0; i < 256; i++) table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 255];
  }
  crc = ~crc;
  /* Eight bytes a round: table[k] advances a byte past the k that follow it. */
  for (; size >= 8; size -= 8, byte += 8) {
    uint64_t next = 0;
    for (int k = 0; k < 8; k++) next ^= table[7 - k][((crc >> (8 * k)) & 255) ^ byte[k]];
    crc = next;
  }
  for (; size > 0; size--, byte++) crc = (crc >> 8) ^ table[0][(crc ^ *byte) & 255];
  return ~crc;
}
