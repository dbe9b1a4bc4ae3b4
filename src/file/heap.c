/* The heaps of an HDF5 file, where texts of variable length lie:

     "GCOL", version 1, 3 bytes, size of all (8), then objects: number (2), references (2), 4 bytes, size (8), content
     up to a multiple of 8; number 0 is free space, whose size counts these 16 bytes, too

   HDF5 1.10 takes their sizes as they are: it reads beyond a damaged heap, and writes a text that is longer than its
   attribute says beyond a buffer of 4096. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pinn/file.h"

#define HEADER  16 /* of a heap, and of an object */
#define LONGEST 4096

static uint64_t number_at(const unsigned char *at, int bytes)
{
  uint64_t value = 0;
  for (int k = bytes - 1; k >= 0; k--) value = value << 8 | at[k];
  return value;
}

/* heap [size] up to the end of the file */
static bool is_whole(const unsigned char *heap, uint64_t size)
{
  const uint64_t claimed = number_at(heap + 8, 8);
  if (claimed < HEADER || claimed > size) return false;
  for (uint64_t at = HEADER, left; (left = claimed - at) >= HEADER;) {
    const uint64_t content = number_at(heap + at + 8, 8);
    const bool is_free = number_at(heap + at, 2) == 0;
    if (content > left || (!is_free && content > LONGEST)) return false;
    const uint64_t taken = is_free ? content : HEADER + (content + 7) / 8 * 8;
    if (taken < HEADER || taken > left) return false;
    at += taken;
  }
  return true;
}

static bool all_whole(size_t size, const unsigned char file[])
{
  static const unsigned char magic[8] = "GCOL\1";
  const unsigned char *heap = file;
  while ((heap = memmem(heap, size - (size_t)(heap - file), magic, sizeof(magic)))) {
    const size_t left = size - (size_t)(heap - file);
    if (left < HEADER || !is_whole(heap, left)) return false;
    heap += sizeof(magic);
  }
  return true;
}

PetscErrorCode HDF5CheckTexts(const char *path)
{
  struct stat status;
  void *all = MAP_FAILED;
  bool whole = false;

  PetscFunctionBegin;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_size > 0)
    all = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int why = errno;
  if (descriptor >= 0) close(descriptor);
  PetscCheck(all != MAP_FAILED, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "cannot read %s: %s", path, strerror(why));
  whole = all_whole((size_t)status.st_size, all);
  munmap(all, (size_t)status.st_size);
  PetscCheck(whole, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s has texts of variable length that are damaged, or longer than %d characters", path, LONGEST);
  PetscFunctionReturn(PETSC_SUCCESS);
}
