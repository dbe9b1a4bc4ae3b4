/* A vector on a device is one of PETSc's MPI vectors, with operations of its own for what a device does and a copy of
   the numbers there. Either copy may be behind the other: who reads one brings it up to date first, who writes one
   leaves the other behind. Operations that are not replaced here go through VecGetArray, and so stay right. */
#include <math.h>
#include <petsc/private/vecimpl.h>
#include "pinn/memory.h"
#include "pinn/vector.h"

#define NAME "pinn_device"
#define DOTS 64 /* at once */

typedef struct {
  const Device *device;
  size_t n;
  double *values; /* [n] there, then room for DOTS sums */
  bool here, there;
  struct _VecOps host; /* the operations that were replaced */
} Twin;

static PetscErrorCode twin_destroy(void *context)
{
  Twin *twin = context;
  void *memory = twin->values;
  PetscFunctionBegin;
  PetscCall(DeviceFree(twin->device, &memory));
  PetscCall(PetscFree(twin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL: a vector of the host. */
static Twin *twin_of(Vec vec)
{
  PetscContainer container = NULL;
  void *pointer = NULL;
  if (PetscObjectQuery((PetscObject)vec, NAME, (PetscObject *)&container) || !container) return NULL;
  return PetscContainerGetPointer(container, &pointer) ? NULL : pointer;
}

/* The numbers on the host, by the operations of MPI vectors, which are PETSc's own. */
static double *host_array(Vec vec)
{
  return *(double **)vec->data;
}

static PetscErrorCode bring_here(Vec vec, Twin *twin)
{
  PetscFunctionBegin;
  if (!twin->here && twin->n) twin->device->get(host_array(vec), twin->values, twin->n * sizeof(double));
  PetscCall(DeviceCheck(twin->device));
  twin->here = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode bring_there(Vec vec, Twin *twin)
{
  PetscFunctionBegin;
  if (!twin->there && twin->n) twin->device->put(twin->values, host_array(vec), twin->n * sizeof(double));
  twin->there = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who writes to one copy. */
static void leave_behind(Twin *twin, bool there)
{
  twin->there = there;
  twin->here = !there;
}

static PetscErrorCode VecGetArray_Device(Vec vec, double **values)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  PetscCall(bring_here(vec, twin));
  leave_behind(twin, false);
  *values = host_array(vec);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecGetArrayWrite_Device(Vec vec, double **values)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  leave_behind(twin, false);
  *values = host_array(vec);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecGetArrayRead_Device(Vec vec, const double **values)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  PetscCall(bring_here(vec, twin));
  *values = host_array(vec);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool both_there(const Twin *a, const Twin *b)
{
  return a && b && a->device == b->device;
}

/* y = sum of factor[t] x[t] (+ y), all there. */
static PetscErrorCode combine(Twin *y, int n_term, const double factor[], const double *const x[], int add)
{
  const size_t step[] = {1, 1};
  PetscFunctionBegin;
  y->device->in_double->kernel->combine(y->n, n_term, factor, x, step, y->values, add);
  leave_behind(y, true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecCopy_Device(Vec x, Vec y)
{
  Twin *to = twin_of(y), *from = twin_of(x);
  const double *values;
  PetscFunctionBegin;
  if (!both_there(to, from)) {
    PetscCall(VecGetArrayRead(x, &values));
    double *array;
    PetscCall(VecGetArrayWrite(y, &array));
    PetscCall(PetscArraycpy(array, values, x->map->n));
    PetscCall(VecRestoreArrayWrite(y, &array));
    PetscCall(VecRestoreArrayRead(x, &values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(bring_there(x, from));
  if (to->n) to->device->copy(to->values, from->values, to->n * sizeof(double));
  leave_behind(to, true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecSet_Device(Vec vec, double value)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  if (value != 0.0) {
    PetscCall(twin->host.set(vec, value));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (twin->n) twin->device->clear(twin->values, twin->n * sizeof(double));
  leave_behind(twin, true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecScale_Device(Vec vec, double factor)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  PetscCall(bring_there(vec, twin));
  const double *x[] = {twin->values};
  PetscCall(combine(twin, 1, &factor, x, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = a x + b y */
static PetscErrorCode VecAXPBY_Device(Vec y, double a, double b, Vec x)
{
  Twin *to = twin_of(y), *from = twin_of(x);
  PetscFunctionBegin;
  if (!both_there(to, from)) {
    PetscCall(to->host.axpby(y, a, b, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(bring_there(x, from));
  PetscCall(bring_there(y, to));
  const double factor[] = {a, b}, *terms[] = {from->values, to->values};
  PetscCall(b == 1.0 ? combine(to, 1, factor, terms, 1) : combine(to, 2, factor, terms, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecAXPY_Device(Vec y, double a, Vec x)
{
  PetscFunctionBegin;
  PetscCall(VecAXPBY_Device(y, a, 1.0, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecAYPX_Device(Vec y, double b, Vec x)
{
  PetscFunctionBegin;
  PetscCall(VecAXPBY_Device(y, 1.0, b, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecMAXPY_Device(Vec y, PetscInt n, const double factor[], Vec x[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) PetscCall(VecAXPBY_Device(y, factor[k], 1.0, x[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w = a x + y */
static PetscErrorCode VecWAXPY_Device(Vec w, double a, Vec x, Vec y)
{
  Twin *to = twin_of(w), *first = twin_of(x), *second = twin_of(y);
  PetscFunctionBegin;
  if (!both_there(to, first) || !both_there(to, second)) {
    PetscCall(to->host.waxpy(w, a, x, y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(bring_there(x, first));
  PetscCall(bring_there(y, second));
  const double factor[] = {a, 1.0}, *terms[] = {first->values, second->values};
  PetscCall(combine(to, 2, factor, terms, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecMDot_Device(Vec x, PetscInt n, const Vec y[], double values[])
{
  Twin *own = twin_of(x);
  bool both = true;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) both = both && both_there(own, twin_of(y[k]));
  if (!both) {
    PetscCall(own->host.mdot(x, n, y, values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(bring_there(x, own));
  for (PetscInt first = 0; first < n; first += DOTS) {
    const PetscInt count = PetscMin(DOTS, n - first);
    for (PetscInt k = 0; k < count; k++) {
      Twin *other = twin_of(y[first + k]);
      PetscCall(bring_there(y[first + k], other));
      own->device->dot(own->n, own->values, other->values, own->values + own->n + k);
    }
    own->device->get(values + first, own->values + own->n, (size_t)count * sizeof(double));
  }
  PetscCall(DeviceCheck(own->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecDot_Device(Vec x, Vec y, double *value)
{
  PetscFunctionBegin;
  PetscCall(VecMDot_Device(x, 1, &y, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecNorm_Device(Vec x, NormType type, double *norm)
{
  Twin *twin = twin_of(x);
  PetscFunctionBegin;
  if (type != NORM_2 && type != NORM_FROBENIUS) {
    PetscCall(twin->host.norm(x, type, norm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecMDot_Device(x, 1, &x, norm));
  *norm = sqrt(*norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecDuplicate_Device(Vec vec, Vec *copy)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  PetscCall(VectorCreate(PetscObjectComm((PetscObject)vec), twin->device, twin->n, copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void replace_operations(VecOps ops)
{
  ops->duplicate = VecDuplicate_Device;
  ops->duplicatevecs = VecDuplicateVecs_Default;
  ops->destroyvecs = VecDestroyVecs_Default;
  ops->getarray = VecGetArray_Device;
  ops->getarrayread = VecGetArrayRead_Device;
  ops->getarraywrite = VecGetArrayWrite_Device;
  ops->dot = ops->tdot = ops->dot_local = ops->tdot_local = VecDot_Device;
  ops->mdot = ops->mtdot = ops->mdot_local = ops->mtdot_local = VecMDot_Device;
  ops->norm = ops->norm_local = VecNorm_Device;
  ops->copy = VecCopy_Device;
  ops->set = VecSet_Device;
  ops->scale = VecScale_Device;
  ops->axpy = VecAXPY_Device;
  ops->aypx = VecAYPX_Device;
  ops->axpby = VecAXPBY_Device;
  ops->waxpy = VecWAXPY_Device;
  ops->maxpy = VecMAXPY_Device;
}

PetscErrorCode VectorCreate(MPI_Comm comm, const Device *device, size_t n, Vec *vec)
{
  PetscContainer container;
  PetscMPIInt size;
  void *memory;
  Twin *twin;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(VecCreateMPI(comm, PETSC_DECIDE, (PetscInt)n, vec));
  if (!device || size > 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&twin));
  *twin = (Twin){.device = device, .n = n, .here = true, .there = true, .host = *(*vec)->ops};
  PetscCall(PetscContainerCreate(comm, &container));
  PetscCall(PetscContainerSetPointer(container, twin));
  PetscCall(PetscContainerSetUserDestroy(container, twin_destroy));
  PetscCall(PetscObjectCompose((PetscObject)*vec, NAME, (PetscObject)container));
  PetscCall(PetscContainerDestroy(&container));
  PetscCall(DeviceAllocate(device, (n + DOTS) * sizeof(double), NULL, &memory));
  twin->values = memory;
  replace_operations((*vec)->ops);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Device *VectorDevice(Vec vec)
{
  const Twin *twin = twin_of(vec);
  return twin ? twin->device : NULL;
}

const KernelUpdates *VectorUpdates(Vec vec)
{
  const Device *device = VectorDevice(vec);
  return device ? device->updates : &KernelUpdatesCPU;
}

PetscErrorCode VectorGet(Vec vec, VectorAccess access, double **values)
{
  Twin *twin = twin_of(vec);
  PetscFunctionBegin;
  if (twin) {
    if (access != VECTOR_WRITE) PetscCall(bring_there(vec, twin));
    if (access != VECTOR_READ) leave_behind(twin, true);
    *values = twin->values;
  } else if (access == VECTOR_READ) {
    PetscCall(VecGetArrayRead(vec, (const double **)values));
  } else {
    PetscCall((access == VECTOR_WRITE ? VecGetArrayWrite : VecGetArray)(vec, values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VectorRestore(Vec vec, VectorAccess access, double **values)
{
  PetscFunctionBegin;
  if (VectorDevice(vec)) {
    if (access != VECTOR_READ) PetscCall(PetscObjectStateIncrease((PetscObject)vec));
    *values = NULL;
  } else if (access == VECTOR_READ) {
    PetscCall(VecRestoreArrayRead(vec, (const double **)values));
  } else {
    PetscCall((access == VECTOR_WRITE ? VecRestoreArrayWrite : VecRestoreArray)(vec, values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VectorSingleCreate(Vec like, VectorSingle *single)
{
  PetscInt n;
  void *memory;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(like, &n));
  *single = (VectorSingle){.device = VectorDevice(like), .n = (size_t)n};
  if (single->device) {
    PetscCall(DeviceAllocate(single->device, single->n * sizeof(float), NULL, &memory));
    single->values = memory;
  } else {
    PetscCall(PetscCalloc1(n, &single->host));
    single->values = single->host;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode make_host(VectorSingle *single)
{
  PetscFunctionBegin;
  if (!single->host) PetscCall(PetscMalloc1(single->n, &single->host));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VectorSingleRead(VectorSingle *single)
{
  PetscFunctionBegin;
  if (!single->device) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(make_host(single));
  if (single->n) single->device->get(single->host, single->values, single->n * sizeof(float));
  PetscCall(DeviceCheck(single->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VectorSingleWrite(VectorSingle *single)
{
  PetscFunctionBegin;
  if (single->device && single->n) single->device->put(single->values, single->host, single->n * sizeof(float));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VectorSingleDestroy(VectorSingle *single)
{
  void *memory = single->values;
  PetscFunctionBegin;
  if (single->device) PetscCall(DeviceFree(single->device, &memory));
  PetscCall(PetscFree(single->host));
  *single = (VectorSingle){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
