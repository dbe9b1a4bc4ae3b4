/* What the stages share: monitor, stop tests, state, and vectors like theta. */
#pragma once
#include "pinn/optimizer.h"

typedef struct {
  const char *control_name;
  /* reads the stage's keys, allocates optimizer->data and names its state */
  PetscErrorCode (*setup)(Optimizer optimizer, Config config);
  /* runs from optimizer->iteration until *reason */
  PetscErrorCode (*solve)(Optimizer optimizer, Vec theta, OptimizerReason *reason);
  PetscErrorCode (*destroy)(Optimizer optimizer);
  /* first-order stages: theta -> its next value, with first->gradient taken at theta; the old one to first->last */
  PetscErrorCode (*step)(Optimizer optimizer, double rate, Vec theta);
} OptimizerOps;

extern const OptimizerOps OptimizerOps_Adam;
extern const OptimizerOps OptimizerOps_LBFGS;
extern const OptimizerOps OptimizerOps_SSBFGS;
extern const OptimizerOps OptimizerOps_SSBroyden;
extern const OptimizerOps OptimizerOps_SOAP;
extern const OptimizerOps OptimizerOps_Shampoo;
extern const OptimizerOps OptimizerOps_GaussNewton;
extern const OptimizerOps OptimizerOps_NewtonKrylov;
extern const OptimizerOps OptimizerOps_Sketched;
extern const OptimizerOps OptimizerOps_LeastSquares;
extern const OptimizerOps OptimizerOps_SPRING;
extern const OptimizerOps OptimizerOps_KFAC;
extern const OptimizerOps OptimizerOps_KFACStar;
extern const OptimizerOps OptimizerOps_FOSI;
extern const OptimizerOps OptimizerOps_MFAC;

struct Optimizer_s {
  const char *name;
  const OptimizerOps *ops;
  const char *control_name; /* that of ops unless a stage is busy with something else */
  void *data;
  struct FirstOrder_s *first; /* part of data; NULL but for first-order stages */
  int index;
  Rows rows;     /* borrowed */
  bool one_loss; /* Rows.keeps_weights */
  double bytes;  /* of this rank's matrices */
  PetscInt iterations;
  double tolerance;
  double iteration;    /* whole: steps done */
  double reported;     /* the iteration that the monitor saw last; -1 = none */
  bool has[N_MEASURE]; /* what the stage tells, of the last J for which it was found: */
  double measures[N_MEASURE];
  bool chooses;
  const char *choice; /* Progress.choice */
  OptimizerMonitorFn monitor;
  void *monitor_context;
  int n_state, max_state;
  StateEntry *state;
  FullVec full; /* of vectors like theta */
};

/* A stage by its row of the table, with the keys of solver[index]: for stages on top of it. */
PetscErrorCode OptimizerCreateStage(Config config, int index, Rows rows, const Choice *stage, Optimizer *optimizer);

/* "solver[1].damping" of this stage; see ConfigPath. */
const char *OptimizerKey(Optimizer optimizer, const char *key);

/* What part of the memory these bytes a rank are, all ranks of a node together; and that memory, limits.memory or the
   machine's, in bytes. Collective. */
typedef struct {
  double share, have;
  const char *whose;
} MemoryShare;
PetscErrorCode OptimizerMemoryShare(Rows rows, Config config, double rank_bytes, MemoryShare *memory);
/* Adds to this rank's bytes of matrices, and refuses (PETSC_ERR_USER_INPUT) what limits.memory or the machine cannot
   hold, all ranks of a node together; advice: "fewer points or lbfgs". Collective. */
PetscErrorCode OptimizerCheckMemory(Optimizer optimizer, Config config, double rank_bytes, const char *advice);
/* Refuses (PETSC_ERR_USER_INPUT) what the rows' device has no room for; nothing without one. */
PetscErrorCode OptimizerCheckDevice(Optimizer optimizer, double bytes, const char *advice);
/* Makes [n] doubles or a vector part of the state; name and memory must live as long as the optimizer. */
PetscErrorCode OptimizerAddValues(Optimizer optimizer, const char *name, size_t n, double values[]);
PetscErrorCode OptimizerAddVec(Optimizer optimizer, const char *name, Vec vec);
/* The same for this rank's part of numbers laid out like theta. */
PetscErrorCode OptimizerAddSingle(Optimizer optimizer, const char *name, VectorSingle *numbers);
/* Makes a measure one that the stage tells, and part of its state, beginning with a value. */
PetscErrorCode OptimizerAddMeasure(Optimizer optimizer, OptimizerMeasure measure, double value);
/* The same for [n] doubles that rank `owner` alone has; values is NULL on the others. */
PetscErrorCode OptimizerAddOwned(Optimizer optimizer, const char *name, int owner, size_t n, double values[]);
/* The same for an entry of another stage. */
PetscErrorCode OptimizerAddEntry(Optimizer optimizer, const StateEntry *entry);
/* A zero vector laid out like theta; owned by the caller. */
PetscErrorCode OptimizerCreateVec(Optimizer optimizer, Vec *vec);

/* New points, if it is time, before rows are evaluated at the current iteration. */
PetscErrorCode OptimizerUpdateRows(Optimizer optimizer, Vec theta, bool *changed);
/* No step was found: goes to the iteration at which there are new points, as if those before it had been done without a
   step. changed = false: that never happens, or after the last iteration. */
PetscErrorCode OptimizerSkipToNewRows(Optimizer optimizer, Vec theta, bool *changed);
/* Tells the monitor about the current iteration, unless it has seen it, and makes the stop tests. */
PetscErrorCode OptimizerReport(Optimizer optimizer, Vec theta, double loss, double control, double gradient_norm,
                               OptimizerReason *reason);
