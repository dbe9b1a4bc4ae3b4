/* OpenBLAS chooses its code by tables of processors, and takes what served twenty years ago where it does not know one:
   a factor of three in products of matrices. It reads its environment when it is loaded, hence the new start. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pinn/kernel.h"

#define VARIABLE "OPENBLAS_CORETYPE"

extern char *openblas_get_corename(void) __attribute__((weak)); /* there is none in other libraries */

/* What OpenBLAS calls code for this processor; NULL where it is old itself. */
static const char *best_core(void)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return NULL;
}

void KernelChooseBLAS(char *argv[])
{
  const char *core = best_core();
  if (!openblas_get_corename || !core || getenv(VARIABLE)) return;
  const char *found = openblas_get_corename();
  if (strcmp(found, "Prescott") && strcmp(found, "Core2") && strcmp(found, "Generic")) return;
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (n <= 0 || setenv(VARIABLE, core, 1) != 0) return;
  path[n] = '\0';
  execv(path, argv);
}
