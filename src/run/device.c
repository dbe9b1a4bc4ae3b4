/* The device of a run. */
#include <string.h>
#include "run_impl.h"

/* How products of matrices are rounded, which is a device's to say, and of single precision alone. */
static PetscErrorCode set_products(const RunParts *parts)
{
  const char *word, *precision;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(parts->config, "products", &word));
  PetscCall(ConfigGetString(parts->config, "precision", &precision));
  const DeviceProducts products = *(const DeviceProducts *)ChoiceFind(&ProductsTable, word)->data;
  PinnUserCheck(products == PRODUCTS_FULL || parts->device,
                "%s: products = \"%s\" is there on a GPU alone: add --backend cuda, or take \"full\"",
                ConfigWhere(parts->config, "products"), word);
  PinnUserCheck(products == PRODUCTS_FULL || !strcmp(precision, "single"),
                "%s: products = \"%s\" goes with precision = \"single\", here it is \"%s\"",
                ConfigWhere(parts->config, "products"), word, precision);
  if (parts->device) parts->device->set_products(products);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunOpenDevice(RunParts *parts)
{
  const Choice *backend = parts->cli->backend ? ChoiceFind(&BackendTable, parts->cli->backend) : NULL;
  const Device *device = backend ? backend->data : NULL;
  MPI_Comm node;
  PetscMPIInt place;
  PetscFunctionBegin;
  if (parts->cli->action == CLI_EVALUATE) PetscFunctionReturn(PETSC_SUCCESS);
  if (!device) {
    PetscCall(set_products(parts));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Comm_split_type(parts->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_rank(node, &place));
  PetscCallMPI(MPI_Comm_free(&node));
  int found = device->open(place, parts->device_text, sizeof(parts->device_text));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MIN, parts->comm));
  PinnUserCheck(found, "--backend %s: %s", backend->name, parts->device_text);
  parts->device = device;
  PetscCall(set_products(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunCloseDevice(RunParts *parts)
{
  PetscFunctionBegin;
  if (parts->device) parts->device->close();
  parts->device = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
