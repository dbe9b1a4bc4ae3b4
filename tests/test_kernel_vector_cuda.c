/* Vectors on a device against those of the host: every operation, whoever wrote last, and steps of optimizers. */
#include <math.h>
#include <string.h>
#include "device_fixture.h"
#include "pinn/vector.h"

#define NEAR 1e-13

static const int sizes[] = {0, 1, 127, 128, 1001};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), VECS = 3 };

typedef struct {
  Vec host[VECS], there[VECS];
} Pairs;

static void create(const Device *device, int n, Pairs *p)
{
  for (int k = 0; k < VECS; k++) {
    double *values;
    ck_petsc(VectorCreate(PETSC_COMM_SELF, NULL, (size_t)n, &p->host[k]));
    if (k)
      ck_petsc(VecDuplicate(p->there[0], &p->there[k]));
    else
      ck_petsc(VectorCreate(PETSC_COMM_SELF, device, (size_t)n, &p->there[k]));
    ck_assert_ptr_eq(VectorDevice(p->there[k]), device);
    ck_assert_ptr_null(VectorDevice(p->host[k]));
    for (int side = 0; side < 2; side++) {
      const Vec vec = side ? p->there[k] : p->host[k];
      ck_petsc(VecGetArray(vec, &values));
      for (int i = 0; i < n; i++) {
        ck_assert(values[i] == 0.0);
        values[i] = TestRandom((uint32_t)k + 1, (uint64_t)i);
      }
      ck_petsc(VecRestoreArray(vec, &values));
    }
  }
}

static void destroy(Pairs *p)
{
  for (int k = 0; k < VECS; k++) {
    ck_petsc(VecDestroy(&p->host[k]));
    ck_petsc(VecDestroy(&p->there[k]));
  }
}

static void assert_same(const Pairs *p)
{
  for (int k = 0; k < VECS; k++) {
    const double *want, *got;
    PetscInt n;
    ck_petsc(VecGetLocalSize(p->host[k], &n));
    ck_petsc(VecGetArrayRead(p->host[k], &want));
    ck_petsc(VecGetArrayRead(p->there[k], &got));
    for (PetscInt i = 0; i < n; i++) ck_near(got[i], want[i], NEAR, NEAR);
    ck_petsc(VecRestoreArrayRead(p->host[k], &want));
    ck_petsc(VecRestoreArrayRead(p->there[k], &got));
  }
}

/* Operation number `op` on three vectors of one side; what it measures. */
static double operate(int op, Vec v[])
{
  double values[2 * 70], factor[] = {0.5, -1.5};
  Vec many[2 * 70];
  switch (op) {
  case 0:
    ck_petsc(VecAXPY(v[0], 0.3, v[1]));
    return 0.0;
  case 1:
    ck_petsc(VecAYPX(v[1], -0.7, v[2]));
    return 0.0;
  case 2:
    ck_petsc(VecAXPBY(v[2], 0.2, 0.9, v[0]));
    return 0.0;
  case 3:
    ck_petsc(VecWAXPY(v[0], 1.1, v[1], v[2]));
    return 0.0;
  case 4:
    ck_petsc(VecScale(v[1], 0.8));
    return 0.0;
  case 5:
    ck_petsc(VecCopy(v[0], v[2]));
    return 0.0;
  case 6:
    ck_petsc(VecMAXPY(v[0], 2, factor, v + 1));
    return 0.0;
  case 7:
    ck_petsc(VecDot(v[0], v[1], values));
    return values[0];
  case 8:
    ck_petsc(VecNorm(v[2], NORM_2, values));
    return values[0];
  case 9:
    for (int k = 0; k < 140; k++) many[k] = v[k % VECS];
    ck_petsc(VecMDot(v[0], 140, many, values));
    return values[139] + values[64];
  case 10:
    ck_petsc(VecSet(v[1], 0.25));
    return 0.0;
  case 11:
    ck_petsc(VecNorm(v[0], NORM_INFINITY, values));
    return values[0];
  case 12: /* an operation that is not replaced */
    ck_petsc(VecPointwiseMult(v[0], v[1], v[2]));
    return 0.0;
  case 13:
    ck_petsc(VecShift(v[1], 0.125));
    return 0.0;
  default:
    ck_petsc(VecSet(v[2], 0.0));
    return 0.0;
  }
}

/* A hundred operations in an order that mixes those of the device with those of the host. */
START_TEST(operations_give_what_they_give_on_the_host)
{
  const Device *device = TestDevice();
  Pairs p;
  if (!device) return;
  create(device, sizes[_i], &p);
  for (int k = 0; k < 100; k++) {
    const int op = (int)(15.0 * (0.5 + 0.5 * TestRandom(77, (uint64_t)k))) % 15;
    const double want = operate(op, p.host), got = operate(op, p.there);
    if (op < 7 || op == 10 || op > 11)
      ck_assert(want == 0.0 && got == 0.0);
    else if (sizes[_i] || op != 11)
      ck_near(got, want, 1e-12, 1e-12);
    if (k % 5 == 0) assert_same(&p);
    ck_petsc(VecScale(p.host[0], 0.5)); /* what is added up stays of size one */
    ck_petsc(VecScale(p.there[0], 0.5));
  }
  assert_same(&p);
  destroy(&p);
}
END_TEST

START_TEST(vectors_of_both_kinds_mix)
{
  const Device *device = TestDevice();
  double want, got;
  Pairs p;
  if (!device) return;
  create(device, 300, &p);
  ck_petsc(VecAXPY(p.there[0], 0.5, p.host[1]));
  ck_petsc(VecAXPY(p.host[0], 0.5, p.host[1]));
  ck_petsc(VecDot(p.there[0], p.host[2], &got));
  ck_petsc(VecDot(p.host[0], p.host[2], &want));
  ck_near(got, want, 1e-13, 1e-13);
  ck_petsc(VecCopy(p.there[0], p.host[1]));
  ck_petsc(VecCopy(p.host[2], p.there[1]));
  ck_petsc(VecWAXPY(p.there[2], 2.0, p.host[1], p.there[1]));
  ck_petsc(VecCopy(p.there[1], p.host[0]));
  ck_petsc(VecCopy(p.host[0], p.there[1]));
  ck_petsc(VecWAXPY(p.host[2], 2.0, p.host[1], p.host[0]));
  ck_petsc(VecCopy(p.host[1], p.there[0]));
  ck_petsc(VecCopy(p.there[0], p.host[1]));
  ck_petsc(VecCopy(p.host[1], p.host[0]));
  ck_petsc(VecCopy(p.there[1], p.host[1]));
  assert_same(&p);
  destroy(&p);
}
END_TEST

/* PETSC keeps norms of vectors that have not changed: a write on the device is a change. */
START_TEST(writes_on_the_device_are_seen)
{
  const Device *device = TestDevice();
  const double three[] = {3.0, 4.0};
  const double *here;
  double norm, *there;
  Vec vec;
  if (!device) return;
  ck_petsc(VectorCreate(PETSC_COMM_SELF, device, 2, &vec));
  ck_petsc(VecNorm(vec, NORM_2, &norm));
  ck_assert(norm == 0.0);
  ck_petsc(VectorGet(vec, VECTOR_WRITE, &there));
  device->put(there, three, sizeof(three));
  ck_petsc(VectorRestore(vec, VECTOR_WRITE, &there));
  ck_petsc(VecNorm(vec, NORM_2, &norm));
  ck_assert(norm == 5.0);
  ck_petsc(VecGetArrayRead(vec, &here));
  ck_assert(here[0] == 3.0 && here[1] == 4.0);
  ck_petsc(VecRestoreArrayRead(vec, &here));
  ck_petsc(VecDestroy(&vec));
}
END_TEST

static void take(Vec vec, VectorAccess access, double **values)
{
  ck_petsc(VectorGet(vec, access, values));
}

static void give(Vec vec, VectorAccess access)
{
  double *values = NULL;
  ck_petsc(VectorRestore(vec, access, &values));
}

START_TEST(steps_of_adam)
{
  const AdamStep step = {0.9, 0.99, 1e-8, 1e-2, 1.7};
  const Device *device = TestDevice();
  const int n = sizes[_i];
  VectorSingle m[2], v[2];
  Pairs p;
  Vec moment[2];
  if (!device) return;
  create(device, n, &p);
  for (int side = 0; side < 2; side++) {
    Vec *vec = side ? p.there : p.host;
    const KernelUpdates *updates = VectorUpdates(vec[0]);
    double *g, *x, *first, *second, *last;
    ck_petsc(VecDuplicate(vec[0], &moment[side]));
    ck_petsc(VectorSingleCreate(vec[0], &m[side]));
    ck_petsc(VectorSingleCreate(vec[0], &v[side]));
    ck_petsc(VecPointwiseMult(moment[side], vec[1], vec[1]));
    for (int k = 0; k < 3; k++) {
      take(vec[0], VECTOR_READ, &g), take(vec[1], VECTOR_BOTH, &first), take(moment[side], VECTOR_BOTH, &second);
      take(vec[2], VECTOR_BOTH, &x);
      double *scratch = side ? OnDevice(device, (size_t)n * 8, NULL) : calloc((size_t)n + 1, 8);
      last = scratch;
      updates->adam((size_t)n, &step, g, first, second, x, last);
      updates->adam_single((size_t)n, &step, g, m[side].values, v[side].values, x);
      if (k == 1) updates->adam_back((size_t)n, &step, m[side].values, v[side].values, x);
      if (side)
        Drop(device, scratch);
      else
        free(scratch);
      give(vec[0], VECTOR_READ), give(vec[1], VECTOR_BOTH), give(moment[side], VECTOR_BOTH);
      give(vec[2], VECTOR_BOTH);
    }
    ck_petsc(VectorSingleRead(&m[side]));
    ck_petsc(VectorSingleRead(&v[side]));
  }
  assert_same(&p);
  for (int k = 0; k < n; k++) {
    ck_near(m[1].host[k], m[0].host[k], 1e-6, 1e-12);
    ck_near(v[1].host[k], v[0].host[k], 1e-6, 1e-12);
    ck_assert(m[0].host[k] != 0.0f && v[0].host[k] > 0.0f);
  }
  for (int side = 0; side < 2; side++) {
    ck_petsc(VectorSingleDestroy(&m[side]));
    ck_petsc(VectorSingleDestroy(&v[side]));
    ck_petsc(VecDestroy(&moment[side]));
  }
  destroy(&p);
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("kernel_vector_cuda");
  TCase *tcase = tcase_create("kernel_vector_cuda");
  tcase_set_timeout(tcase, 60.0);
  tcase_add_loop_test(tcase, operations_give_what_they_give_on_the_host, 0, SIZES);
  tcase_add_test(tcase, vectors_of_both_kinds_mix);
  tcase_add_test(tcase, writes_on_the_device_are_seen);
  tcase_add_loop_test(tcase, steps_of_adam, 0, SIZES);
  suite_add_tcase(suite, tcase);
  return suite;
}
