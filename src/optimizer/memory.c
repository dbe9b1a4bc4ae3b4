/* What the dense matrices of a stage need against what there is. */
#include <unistd.h>
#include "optimizer_impl.h"

#define MEGA 1048576.0

PetscErrorCode OptimizerMemoryShare(Rows rows, Config config, double rank_bytes, MemoryShare *memory)
{
  double node_bytes = 0.0, limit;
  struct {
    double share;
    int rank;
  } mine, worst; /* the rank that lacks most speaks for all */
  MPI_Comm node;
  PetscFunctionBegin;
  *memory =
      (MemoryShare){.have = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), .whose = "this machine"};
  PetscCallMPI(MPI_Comm_split_type(rows->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Allreduce(&rank_bytes, &node_bytes, 1, MPI_DOUBLE, MPI_SUM, node));
  PetscCallMPI(MPI_Comm_free(&node));
  if (ConfigHas(config, "limits.memory")) {
    PetscCall(ConfigGetReal(config, "limits.memory", &limit));
    node_bytes = rank_bytes;
    *memory = (MemoryShare){.have = limit * MEGA, .whose = "limits.memory"};
  }
  mine.share = node_bytes / memory->have;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &mine.rank));
  PetscCallMPI(MPI_Allreduce(&mine, &worst, 1, MPI_DOUBLE_INT, MPI_MAXLOC, rows->comm));
  PetscCallMPI(MPI_Bcast(&memory->have, 1, MPI_DOUBLE, worst.rank, rows->comm));
  memory->share = worst.share;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerCheckMemory(Optimizer optimizer, Config config, double rank_bytes, const char *advice)
{
  const Rows rows = optimizer->rows;
  MemoryShare memory;
  PetscFunctionBegin;
  optimizer->bytes += rank_bytes;
  PetscCall(OptimizerMemoryShare(rows, config, optimizer->bytes, &memory));
  PinnUserCheck(memory.share <= 1.0,
                "%s: %s would need %.3lg MB for %" PetscInt_FMT " rows x %zu parameters, %s has %.3lg MB; take %s",
                ConfigWhere(config, OptimizerKey(optimizer, "type")), optimizer->name,
                memory.share * memory.have / MEGA, rows->n_row_global, rows->n_param, memory.whose, memory.have / MEGA,
                advice);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerCheckDevice(Optimizer optimizer, double bytes, const char *advice)
{
  const Device *device = optimizer->rows->device;
  PetscFunctionBegin;
  if (!device) PetscFunctionReturn(PETSC_SUCCESS);
  const double have = (double)device->free_bytes();
  PinnUserCheck(bytes <= have, "solver[%d] (%s) would take %.0f MB of the device, which has %.0f MB left: %s",
                optimizer->index, optimizer->name, bytes / 1048576.0, have / 1048576.0, advice);
  PetscFunctionReturn(PETSC_SUCCESS);
}
