/* PETSc for the fuzz targets, an error handler that keeps the sentence, and files in memory. */
#include "fuzz.h"
#include <hdf5.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static char said[2048], path[128];

static PetscErrorCode keep_sentence(MPI_Comm comm, int line, const char *function, const char *file,
                                    PetscErrorCode code, PetscErrorType type, const char *text, void *context)
{
  (void)comm, (void)line, (void)function, (void)file, (void)context;
  if (type == PETSC_ERROR_INITIAL) snprintf(said, sizeof(said), "%s", text ? text : "");
  return code;
}

/* Before every block, poisoned: who asked for it. Blocks of our sources are in a ring, to be found where they are left
   behind. */
typedef struct Header_s {
  struct Header_s *next, *before;
  const char *file, *function;
  size_t size;
  int line;
} Header;
static Header ring = {&ring, &ring, "", "", 0, 0};

#define UNSEEN __attribute__((no_sanitize("address"))) /* may touch poisoned headers */

UNSEEN static void unlink_block(Header *h)
{
  h->next->before = h->before;
  h->before->next = h->next;
}

UNSEEN static PetscErrorCode take(size_t size, PetscBool clear, int line, const char function[], const char file[],
                                  void **block)
{
  *block = NULL;
  if (!size) return PETSC_SUCCESS;
  Header *h = size > PTRDIFF_MAX / 2 ? NULL : malloc(sizeof(*h) + size);
  if (!h) return PetscError(PETSC_COMM_SELF, line, function, file, PETSC_ERR_MEM, PETSC_ERROR_INITIAL, "no memory");
  *h = (Header){h, h, file, function, size, line};
  if (!strncmp(file, "src/", 4) && strncmp(file, "src/sys", 7)) {
    h->next = &ring, h->before = ring.before;
    ring.before = h->before->next = h;
  }
  *block = h + 1;
  if (clear) memset(*block, 0, size);
  ASAN_POISON_MEMORY_REGION(h, sizeof(*h));
  return PETSC_SUCCESS;
}

UNSEEN static PetscErrorCode give_back(void *block, int line, const char function[], const char file[])
{
  (void)line, (void)function, (void)file;
  if (!block) return PETSC_SUCCESS;
  Header *h = (Header *)block - 1;
  unlink_block(h);
  ASAN_UNPOISON_MEMORY_REGION(h, sizeof(*h));
  free(h);
  return PETSC_SUCCESS;
}

UNSEEN static PetscErrorCode resize(size_t size, int line, const char function[], const char file[], void **block)
{
  void *old = *block;
  PetscErrorCode code = take(size, PETSC_FALSE, line, function, file, block);
  if (code || !old) return code;
  Header *h = (Header *)old - 1;
  ASAN_UNPOISON_MEMORY_REGION(h, sizeof(*h));
  const size_t n = h->size < size ? h->size : size;
  if (n) memcpy(*block, old, n);
  return give_back(old, line, function, file);
}

/* What HDF5 has open of a file. */
static bool objects_left(void)
{
  hid_t id;
  const ssize_t open = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
  if (open <= 0) return false;
  (void)H5Fget_obj_ids((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL, 1, &id);
  fprintf(stderr, "ERROR: left behind: %zd open objects of HDF5, one of type %d\n", open, (int)H5Iget_type(id));
  return true;
}

/* Blocks that nothing points to. To look for them costs as much as many inputs: it is done once for so many. */
static bool blocks_left(void)
{
  static int done, every;
  if (!every) every = getenv("FUZZ_LEAKS_EVERY") ? atoi(getenv("FUZZ_LEAKS_EVERY")) : 1;
  if (++done % every || !__lsan_do_recoverable_leak_check()) return false;
  fprintf(stderr, "ERROR: left behind by one of the last %d inputs\n", every);
  return true;
}

UNSEEN void FuzzNothingLeft(void)
{
  bool left = false;
  for (Header *h = ring.next, *next; h != &ring; h = next) {
    ASAN_UNPOISON_MEMORY_REGION(h, sizeof(*h));
    fprintf(stderr, "ERROR: left behind: %zu bytes of %s, %s:%d\n", h->size, h->function, h->file, h->line);
    left = true;
    next = h->next;
    unlink_block(h);
    free(h);
  }
  left = objects_left() || blocks_left() || left;
  if (left && !getenv("FUZZ_GO_ON")) abort();
}

static void remove_file(void)
{
  if (path[0]) unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_btl", "self", 0);
  __lsan_disable(); /* MPI keeps much until the end */
  FuzzMust(PetscMallocSet(take, give_back, resize));
  FuzzMust(PetscInitializeNoArguments());
  __lsan_enable();
  FuzzMust(PetscPopSignalHandler());
  signal(SIGABRT, SIG_DFL); /* MPI's would keep libFuzzer from writing the input */
  FuzzMust(PetscPushErrorHandler(keep_sentence, NULL));
  atexit(remove_file);
  return 0;
}

/* LeakSanitizer looks at what is not PETSc's. libconfig forgets the text that it was reading at a syntax error, HDF5
   what it was building when it was refused memory (what we leave open there is counted above), PETSc parts of a mesh
   that it refuses. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
  return "leak:libconfig\nleak:libhdf5\nleak:^take$\nleak:^resize$\n";
}

bool FuzzPassed(PetscErrorCode code)
{
  if (!code) return true;
  if (!ErrorIsBug(code) && said[0]) return false;
  fprintf(stderr, "error %d: '%s'\n", (int)code, said);
  abort();
}

char *FuzzText(const uint8_t *data, size_t size)
{
  char *text = malloc(size + 1);
  if (!text) abort();
  if (size) memcpy(text, data, size);
  text[size] = 0;
  return text;
}

const char *FuzzFile(const char *ending, size_t size, const uint8_t *data)
{
  snprintf(path, sizeof(path), "/dev/shm/pinn-fuzz-%d.%s", (int)getpid(), ending);
  FILE *stream = fopen(path, "wb");
  if (!stream || fwrite(data, 1, size, stream) != size || fclose(stream)) abort();
  return path;
}
