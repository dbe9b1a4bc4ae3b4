/* Memory and tables of devices, as the host handles them. */
#include <string.h>
#include "pinn/memory.h"

struct DeviceTables_s {
  const Device *device;
  void *memory;
  size_t room; /* bytes of it */
  KernelTables tables;
  KernelProduct transpose;
  KernelPoints points[KERNEL_MAX_ORDER + 2]; /* of the product, its transpose, and powers from the second on */
  const double *coef[KERNEL_MAX_ORDER + 2];  /* of the first point */
};

PetscErrorCode DeviceCheck(const Device *device)
{
  PetscFunctionBegin;
  const char *failure = device->failure();
  PetscCheck(!failure, PETSC_COMM_SELF, PETSC_ERR_LIB, "%s", failure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceAllocate(const Device *device, size_t bytes, const void *from, void **memory)
{
  PetscFunctionBegin;
  *memory = device->allocate(bytes ? bytes : 1);
  PetscCheck(*memory, PETSC_COMM_SELF, PETSC_ERR_MEM, "the device has no room for another %.1f MB (%.1f MB are free)",
             (double)bytes / 1048576.0, (double)device->free_bytes() / 1048576.0);
  if (from)
    device->put(*memory, from, bytes);
  else
    device->clear(*memory, bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceRenew(const Device *device, size_t bytes, const void *from, void **memory, size_t *room)
{
  PetscFunctionBegin;
  if (*memory && bytes <= *room) {
    if (bytes) device->put(*memory, from, bytes);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DeviceFree(device, memory));
  PetscCall(DeviceAllocate(device, bytes, from, memory));
  *room = bytes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceFree(const Device *device, void **memory)
{
  PetscFunctionBegin;
  if (*memory) device->release(*memory);
  *memory = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All arrays of all tables go into one piece of memory: sizes first, then pointers, by the same walk. */
typedef struct {
  char *host, *device; /* NULL while sizes are found */
  size_t used;
} Packing;

static const void *pack(Packing *packing, const void *from, size_t bytes)
{
  const size_t at = packing->used;
  packing->used += (bytes + 15) / 16 * 16;
  if (!packing->host) return NULL;
  memcpy(packing->host + at, from, bytes);
  return packing->device + at;
}

static KernelProduct pack_product(Packing *packing, const KernelProduct *from)
{
  const size_t n = (size_t)from->n_column, n_term = (size_t)from->start[n];
  KernelProduct to = {.n_column = from->n_column};
  to.start = pack(packing, from->start, (n + 1) * sizeof(int));
  to.left = pack(packing, from->left, n_term * sizeof(int));
  to.right = pack(packing, from->right, n_term * sizeof(int));
  to.coef = pack(packing, from->coef, n_term * sizeof(double));
  return to;
}

/* Product k: 0 itself, 1 its transpose, else a power. */
static const KernelProduct *product_of(const KernelTables *tables, int k)
{
  return k == 0 ? &tables->product : k == 1 ? tables->product.transpose : &tables->power[k];
}

static void pack_tables(Packing *packing, const KernelTables *host, size_t n_point, DeviceTables to)
{
  const KernelPoints *all = host->product.points;
  const double *coef = all ? pack(packing, all->coef, n_point * all->stride * sizeof(double)) : NULL;
  to->tables.order = host->order;
  to->tables.n_lower = host->n_lower;
  for (int k = 0; k < PetscMax(2, host->order + 1); k++) {
    const KernelProduct *from = product_of(host, k);
    KernelProduct *product = k == 0 ? &to->tables.product : k == 1 ? &to->transpose : &to->tables.power[k];
    *product = pack_product(packing, from);
    if (!all) continue;
    to->points[k] = (KernelPoints){1, pack(packing, from->points->varies, (size_t)from->n_column * sizeof(bool)),
                                   packing->host ? coef + (from->points->coef - all->coef) : NULL, all->stride};
    to->coef[k] = to->points[k].coef;
    product->points = &to->points[k];
  }
  to->tables.product.transpose = &to->transpose;
}

PetscErrorCode DeviceTablesCreate(const Device *device, const KernelTables *host, size_t n_point, DeviceTables *tables)
{
  PetscFunctionBegin;
  *tables = NULL;
  PetscCall(DeviceTablesRenew(device, host, n_point, tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceTablesRenew(const Device *device, const KernelTables *host, size_t n_point, DeviceTables *tables)
{
  Packing packing = {NULL, NULL, 0};
  DeviceTables t;
  PetscFunctionBegin;
  if (!*tables) PetscCall(PetscNew(tables));
  t = *tables;
  t->device = device;
  pack_tables(&packing, host, n_point, t);
  const size_t bytes = packing.used;
  if (!t->memory || bytes > t->room) {
    PetscCall(DeviceFree(device, &t->memory));
    PetscCall(DeviceAllocate(device, bytes, NULL, &t->memory));
    t->room = bytes;
  }
  packing = (Packing){NULL, t->memory, 0};
  PetscCall(PetscMalloc1(bytes, &packing.host));
  pack_tables(&packing, host, n_point, t);
  device->put(t->memory, packing.host, bytes);
  PetscCall(PetscFree(packing.host));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceTablesDestroy(DeviceTables *tables)
{
  PetscFunctionBegin;
  if (!*tables) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DeviceFree((*tables)->device, &(*tables)->memory));
  PetscCall(PetscFree(*tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const KernelTables *DeviceTablesAt(DeviceTables tables, size_t width, size_t first)
{
  for (int k = 0; k < KERNEL_MAX_ORDER + 2; k++) {
    tables->points[k].width = width;
    if (tables->coef[k]) tables->points[k].coef = tables->coef[k] + first * tables->points[k].stride;
  }
  return &tables->tables;
}
