/* The steady state takes no memory: allocations are counted while the operations of the rows are repeated. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "case_fixture.h"

static atomic_long allocations;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define COUNTS 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* Some of OpenBLAS's kernels take scratch memory for columns left over: not ours to count. */
static void count(const void *caller)
{
  Dl_info info;
  if (!dladdr(caller, &info) || !strstr(info.dli_fname, "blas")) allocations++;
}

void *malloc(size_t size)
{
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
  count(__builtin_return_address(0));
  return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
  count(__builtin_return_address(0));
  return __libc_realloc(old, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
  count(__builtin_return_address(0));
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : 12;
}
#else
#define COUNTS 0
#endif

#define CASE                                                                                                           \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"];\n"                                                       \
  "  equations = ( { residual = \"u_t + u*u_x - 0.1*u_xx\"; } );\n"                                                    \
  "  conditions = ( { on = \"t = 0\"; residual = \"u + sin(pi*x)\"; }, { on = \"walls\"; residual = \"u\"; } ); };\n"  \
  "domain: { lower = [-1.0, 0.0]; upper = [1.0, 1.0]; };\n"                                                            \
  "points: { interior = { count = 300; }; conditions = { count = 40; }; };\n"

static const char *const networks[] = {
    CASE "network: { hidden = [40, 24]; };",
    CASE "network: { hidden = [40, 24]; }; precision = \"mixed\";",
    CASE "network: { hidden = [40, 24]; }; precision = \"single\";",
    CASE "network: { type = \"random-features\"; features = 30; };",
};

typedef struct {
  Rows rows;
  Vec theta, v, g;
  double *w, *r, *J;
} Work;

static PetscErrorCode evaluate(Work *w)
{
  double loss;
  return w->rows->ops->evaluate(w->rows->self, w->theta, w->r, &loss);
}

static PetscErrorCode gradient(Work *w)
{
  double loss;
  return w->rows->ops->gradient(w->rows->self, w->theta, &loss, w->g);
}

static PetscErrorCode apply(Work *w)
{
  return w->rows->ops->apply(w->rows->self, w->theta, w->v, w->r);
}

static PetscErrorCode apply_transpose(Work *w)
{
  return w->rows->ops->apply_transpose(w->rows->self, w->theta, w->w, w->g);
}

static PetscErrorCode jacobian(Work *w)
{
  return w->rows->ops->jacobian(w->rows->self, w->theta, 0, w->rows->n_param, w->r, w->J, w->rows->n_param);
}

/* at another theta each time: none is held already */
static PetscErrorCode linearize(Work *w)
{
  double loss;
  PetscErrorCode code = VecShift(w->theta, 1e-3);
  return code ? code : w->rows->ops->linearize(w->rows->self, w->theta, w->r, &loss);
}

static const struct {
  const char *name;
  PetscErrorCode (*call)(Work *work); /* Check's own macros take memory */
} operations[] = {{"evaluate", evaluate},
                  {"gradient", gradient},
                  {"apply", apply},
                  {"apply_transpose", apply_transpose},
                  {"jacobian", jacobian},
                  {"linearize", linearize},
                  {"apply, linearized", apply},
                  {"apply_transpose, linearized", apply_transpose},
                  {"jacobian, linearized", jacobian}};

static void check_case(const char *text)
{
  Case c;
  Work w;
  ck_petsc(CaseCreate(text, &c));
  w.rows = ResidualRows(c.residual);
  const size_t m = (size_t)w.rows->n_row, n = w.rows->n_param;
  ck_petsc(ResidualCreateTheta(c.residual, &w.theta));
  ck_petsc(VecDuplicate(w.theta, &w.v));
  ck_petsc(VecDuplicate(w.theta, &w.g));
  ck_petsc(VecSet(w.theta, 0.1));
  ck_petsc(VecSet(w.v, 0.2));
  ck_petsc(PetscCalloc3(m, &w.w, m, &w.r, m * n, &w.J));
  for (size_t k = 0; k < sizeof(operations) / sizeof(operations[0]); k++) {
    PetscErrorCode code = operations[k].call(&w);
    const long before = allocations;
    for (int repeat = 0; repeat < 10 && !code; repeat++) code = operations[k].call(&w);
    const long taken = allocations - before;
    ck_petsc(code);
    ck_assert_msg(taken == 0, "%s: %ld allocations in ten calls", operations[k].name, taken);
  }
  ck_petsc(PetscFree3(w.w, w.r, w.J));
  ck_petsc(VecDestroy(&w.theta));
  ck_petsc(VecDestroy(&w.v));
  ck_petsc(VecDestroy(&w.g));
  ck_petsc(CaseDestroy(&c));
}

START_TEST(operations_take_no_memory)
{
  const long before = allocations;
  free(malloc(1));
  ck_assert(!COUNTS || allocations > before);
  for (size_t k = 0; k < sizeof(networks) / sizeof(networks[0]); k++) check_case(networks[k]);
}
END_TEST

TEST_SUITE("residual allocations", operations_take_no_memory)
