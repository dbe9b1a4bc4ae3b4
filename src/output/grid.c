/* Grids of the output and of the verification: how many nodes, and whether they fit. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "output_impl.h"

/* Nodes a coordinate when the case names none: about ten thousand to a hundred thousand in all. */
static const PetscInt default_nodes[3] = {1001, 101, 41};

/* MB that a rank may use: limits.memory, else its share of the machine. */
static PetscErrorCode memory_limit(MPI_Comm comm, Config config, double *limit)
{
  PetscMPIInt n_neighbour;
  MPI_Comm node;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &n_neighbour));
  PetscCallMPI(MPI_Comm_free(&node));
  *limit = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1048576.0 / n_neighbour;
  if (ConfigHas(config, "limits.memory")) PetscCall(ConfigGetReal(config, "limits.memory", limit));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, limit, 1, MPI_DOUBLE, MPI_MIN, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_memory(MPI_Comm comm, Config config, const char *path, int dim, double node_bytes,
                                   const PetscInt grid[])
{
  double count = 1.0, limit;
  char nodes[64] = "";
  PetscMPIInt n_rank;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  PetscCall(memory_limit(comm, config, &limit));
  for (int i = 0; i < dim; i++) {
    const size_t used = strlen(nodes);
    snprintf(nodes + used, sizeof(nodes) - used, "%s%" PetscInt_FMT, i ? " x " : "", grid[i]);
    count *= (double)grid[i];
  }
  const double needed = count * node_bytes / n_rank / 1048576.0;
  PinnUserCheck(count <= PETSC_MAX_INT, "%s: %s nodes are more than the %d that a grid can have",
                ConfigWhere(config, path), nodes, PETSC_MAX_INT);
  PinnUserCheck(needed <= limit, "%s: %s nodes need about %.0f MB a rank, but there are %.0f MB (limits.memory)",
                ConfigWhere(config, path), nodes, needed, limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutputGrid(MPI_Comm comm, Config config, const char *path, int dim, double node_bytes, PetscInt grid[3],
                          bool *has_grid)
{
  const PetscInt *nodes;
  int n;
  PetscFunctionBegin;
  *has_grid = dim <= 3;
  if (!ConfigHas(config, path)) path = "output.grid";
  if (ConfigHas(config, path)) {
    PetscCall(ConfigGetInts(config, path, &n, &nodes));
    PinnUserCheck(dim <= 3,
                  "%s: a grid serves at most 3 coordinates, this problem has %d: output.slices takes lines and planes "
                  "through it",
                  ConfigWhere(config, path), dim);
    PinnUserCheck(n == 1 || n == dim, "%s: %d numbers for %d coordinates", ConfigWhere(config, path), n, dim);
    for (int i = 0; i < dim; i++) grid[i] = nodes[n == 1 ? 0 : i];
  } else
    for (int i = 0; i < dim && *has_grid; i++) grid[i] = default_nodes[dim - 1];
  if (*has_grid) PetscCall(check_memory(comm, config, path, dim, node_bytes, grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}
