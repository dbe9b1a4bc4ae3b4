/* Checkpoints: the bytes as they are, or, where they begin with '!', HDF5 behind a text whose checksum fits, so that
   what the checksum protects is read too. */
#include <inttypes.h>
#include <stdio.h>
#include "../../src/output/output_impl.h"
#include "fuzz.h"

#define BLOCK_SIZE 512

static const char *sign(size_t size, const uint8_t *data)
{
  uint8_t *file = malloc(size + BLOCK_SIZE);
  memset(file, '\n', BLOCK_SIZE);
  const int n = snprintf((char *)file, BLOCK_SIZE, "pinn-solve checkpoint\nformat 1\nsize %zu\ncrc64 %016" PRIx64 "\n",
                         size + BLOCK_SIZE, FileChecksum(0, size, data));
  file[n] = '\n';
  memcpy(file + BLOCK_SIZE, data, size);
  const char *path = FuzzFile("h5", size + BLOCK_SIZE, file);
  free(file);
  return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Checkpoint checkpoint;
  const char *path = size && data[0] == '!' ? sign(size - 1, data + 1) : FuzzFile("h5", size, data);
  if (FuzzPassed(CheckpointRead(PETSC_COMM_SELF, NULL, path, 10, 0, &checkpoint)))
    FuzzMust(CheckpointDestroy(&checkpoint));
  FuzzNothingLeft();
  return 0;
}
