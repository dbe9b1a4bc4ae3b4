/* Loading a case and asking for its settings. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "config_impl.h"

#define MAX_FILE   (16 << 20)
#define CHUNK_SIZE 65536

struct Chunk_s {
  Chunk next;
  size_t used, size;
  max_align_t bytes[];
};

PetscErrorCode ConfigAlloc(Config config, size_t size, void *memory)
{
  const size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  Chunk chunk = config->chunks;
  PetscFunctionBegin;
  if (!chunk || chunk->size - chunk->used < rounded) {
    const size_t room = rounded > CHUNK_SIZE ? rounded : CHUNK_SIZE;
    PetscCall(PetscCalloc(sizeof(*chunk) + room, &chunk));
    chunk->size = room;
    chunk->next = config->chunks;
    config->chunks = chunk;
  }
  void *const block = (char *)chunk->bytes + chunk->used;
  memcpy(memory, &block, sizeof(block)); /* memory is the address of a pointer of any type */
  chunk->used += rounded;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigCopyText(Config config, const char *text, size_t length, const char **copy)
{
  char *memory = NULL;
  PetscFunctionBegin;
  PetscCall(ConfigAlloc(config, length + 1, &memory));
  memcpy(memory, text, length);
  *copy = memory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode load_text(Config config, const char *name, const char *text, int n, const char *const overrides[])
{
  PetscFunctionBegin;
  PetscCall(ConfigCopyText(config, name, strlen(name), &config->file.name));
  PetscCall(ConfigCopyText(config, text, strlen(text), &config->text));
  config->file.kind = FROM_FILE;
  config->fallback = (Source){FROM_DEFAULT, config->file.name};
  PetscCall(ItemCreate(config, &config->file, ITEM_GROUP, &config->root));
  PetscCall(ItemParse(config, &config->file, config->text, config->root));
  for (int i = 0; i < n; i++) PetscCall(ConfigOverride(config, overrides[i]));
  PetscCall(ConfigCheck(config, config->root));
  PetscCall(ConfigEvaluate(config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigLoadText(const char *name, const char *text, int n, const char *const overrides[], Config *config)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(config));
  const PetscErrorCode code = load_text(*config, name, text, n, overrides);
  if (code) PetscCall(ConfigDestroy(config));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigDestroy(Config *config)
{
  PetscFunctionBegin;
  if (!*config) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FormulaDestroy(&(*config)->formula));
  for (Chunk chunk = (*config)->chunks, next; chunk; chunk = next) {
    next = chunk->next;
    PetscCall(PetscFree(chunk));
  }
  PetscCall(PetscFree(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* text [out] to be freed with PetscFree. */
static PetscErrorCode read_file(const char *file, char **text, int *length)
{
  PetscFunctionBegin;
  FILE *stream = fopen(file, "rb");
  PinnUserCheck(stream, "cannot read case file '%s': %s", file, strerror(errno));
  size_t size = CHUNK_SIZE, used = 0;
  PetscErrorCode code = PetscMalloc1(size, text);
  errno = 0;
  while (!code) {
    used += fread(*text + used, 1, size - 1 - used, stream);
    if (used < size - 1 || size > MAX_FILE) break;
    size *= 2;
    code = PetscRealloc(size, text);
  }
  const int problem = ferror(stream) ? errno : 0;
  fclose(stream);
  PetscCall(code);
  PinnUserCheck(!problem, "cannot read case file '%s': %s", file, strerror(problem));
  PinnUserCheck(used <= MAX_FILE, "case file '%s' is larger than %d MB", file, MAX_FILE >> 20);
  PinnUserCheck(!memchr(*text, 0, used), "case file '%s' is no text: it has a zero byte", file);
  (*text)[used] = 0;
  *length = (int)used;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigLoad(MPI_Comm comm, const char *file, int n, const char *const overrides[], Config *config)
{
  PetscErrorCode code = PETSC_SUCCESS;
  PetscMPIInt rank;
  char *text = NULL;
  int length = 0;
  PetscFunctionBegin;
  *config = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = read_file(file, &text, &length);
  code = ErrorAgree(comm, code);
  if (!code) {
    PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, comm));
    if (rank) PetscCall(PetscMalloc1(length + 1, &text));
    PetscCallMPI(MPI_Bcast(text, length + 1, MPI_CHAR, 0, comm));
    code = ConfigLoadText(file, text, n, overrides, config);
  }
  PetscCall(PetscFree(text));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *ConfigFile(Config config)
{
  return config->file.name;
}

const char *ConfigText(Config config)
{
  return config->text;
}
