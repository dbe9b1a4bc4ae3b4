#include "krylov.h"
#include <math.h>
#include <string.h>
#include "pinn/kronecker.h"
#include "trial.h"

#define REACH_TOLERANCE 1e-2 /* of the model, for rho */

static const Choice methods[] = {
    {"cg", "conjugate gradients", KSPCG},
    {"lsqr", "LSQR on J itself, which loses fewer digits", KSPLSQR},
    {"cr", "conjugate residuals", KSPCR},
    {"minres", "minimal residuals", KSPMINRES},
    {"fcg", "flexible conjugate gradients", KSPFCG},
    {NULL, NULL, NULL},
};
const ChoiceTable KrylovTable = {"krylov", "how a preconditioned Gauss-Newton system is solved", methods};

static PetscErrorCode multiply(Mat J, Vec x, Vec y)
{
  Krylov k;
  const GaussNewtonSystem *system;
  const double *in;
  double *out;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(J, &k));
  PetscCall(GaussNewtonGetSystem(k->A, &system));
  const Rows rows = system->rows;
  PetscCall(VecGetArrayWrite(y, &out));
  PetscCall(rows->ops->apply(rows->self, system->theta, x, out));
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArrayRead(x, &in));
  for (PetscInt i = 0; i < n; i++) out[rows->n_row + i] = sqrt(system->lambda) * in[i];
  PetscCall(VecRestoreArrayRead(x, &in));
  PetscCall(VecRestoreArrayWrite(y, &out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode multiply_transpose(Mat J, Vec y, Vec x)
{
  Krylov k;
  const GaussNewtonSystem *system;
  const double *in;
  double *out;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(J, &k));
  PetscCall(GaussNewtonGetSystem(k->A, &system));
  const Rows rows = system->rows;
  PetscCall(VecGetArrayRead(y, &in));
  PetscCall(rows->ops->apply_transpose(rows->self, system->theta, in, x));
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArray(x, &out));
  for (PetscInt i = 0; i < n; i++) out[i] += sqrt(system->lambda) * in[rows->n_row + i];
  PetscCall(VecRestoreArray(x, &out));
  PetscCall(VecRestoreArrayRead(y, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The decrease of the model by x. Its last third says whether to go on: single steps may be small by chance. */
static PetscErrorCode test(KSP ksp, PetscInt iteration, PetscReal norm, KSPConvergedReason *reason, void *context)
{
  Krylov k = context;
  double decrease = 0.0;
  Vec x;
  PetscFunctionBegin;
  k->iterations = iteration;
  *reason = KSP_CONVERGED_ITERATING;
  if (!isfinite(norm)) {
    *reason = KSP_DIVERGED_NANORINF;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (norm == 0.0) *reason = KSP_CONVERGED_ATOL;
  if (iteration > 0) {
    PetscCall(KSPBuildSolution(ksp, NULL, &x));
    PetscCall(VecDot(k->right, x, &decrease));
  }
  if (iteration > k->most) PetscFunctionReturn(PETSC_SUCCESS);
  k->model[iteration] = 0.5 * decrease;
  const PetscInt before = iteration - 1 - iteration / 3;
  if (iteration > 1 && k->model[iteration] - k->model[before] <= k->tolerance * (k->base + k->model[iteration]))
    *reason = KSP_CONVERGED_RTOL;
  else if (iteration == k->most)
    *reason = KSP_CONVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_option(const char *option, PetscFunctionList list, const ChoiceTable *table)
{
  char word[64], known[512] = "";
  void (*found)(void) = NULL;
  PetscBool set;
  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, "krylov_", option, word, sizeof(word), &set));
  if (!set) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFunctionListFind(list, word, &found));
  if (!found) ChoiceSuggest(table, word, known, sizeof(known));
  PinnUserCheck(found, "option -krylov_%s: nothing is called '%s'%s", option + 1, word, known);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* precond, with the largest eigenpairs deflated where the case asks for it. */
static PetscErrorCode set_precond(Optimizer optimizer, Config config, Rows rows, PC pc)
{
  const char *word, *rank_key = OptimizerKey(optimizer, "rank");
  PetscInt rank = 0, deflate, seed;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "precond"), &word));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "deflate"), &deflate));
  PetscCall(ConfigGetInt(config, "seed", &seed));
  if (ConfigHas(config, rank_key)) {
    PetscCall(ConfigGetInt(config, rank_key, &rank));
    PinnUserCheck(PrecondHasRank(word), "%s: precond = \"%s\" has no rank", ConfigWhere(config, rank_key), word);
  }
  const char *refresh_key = OptimizerKey(optimizer, "refresh");
  PinnUserCheck(deflate || PrecondHasFactors(word) || !ConfigHas(config, refresh_key),
                "%s: precond = \"%s\" has no factors that would be kept, there is no refresh beside it",
                ConfigWhere(config, refresh_key), word);
  PinnUserCheck(!deflate || strcmp(word, "auto"),
                "%s: precond = \"auto\" chooses by itself, there is no deflate beside it",
                ConfigWhere(config, OptimizerKey(optimizer, "deflate")));
  const double bytes = PrecondBytes(rows, word, rank) + (deflate ? PrecondBytes(rows, "deflated", deflate) : 0.0);
  PinnUserCheck(
      isfinite(bytes),
      "%s: precond = \"%s\" needs square matrices of each layer's inputs and outputs, %d a side at most, and a "
      "layer is wider: take layerwise, nystrom or auto",
      ConfigWhere(config, OptimizerKey(optimizer, "precond")), word, KRONECKER_MOST_SIDE);
  PetscCall(OptimizerCheckMemory(optimizer, config, bytes, "a smaller rank, another precond or fewer points"));
  PetscCall(PCSetType(pc, deflate ? "deflated" : word));
  PetscCall(PrecondSetSeed(pc, seed));
  PetscCall(PrecondSetRank(pc, deflate ? deflate : rank));
  if (deflate) PetscCall(PrecondDeflatedSetInner(pc, word, rank));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_tall(Krylov k, Rows rows)
{
  const PetscInt n = (PetscInt)rows->n_param;
  PetscInt local = PETSC_DECIDE;
  PetscFunctionBegin;
  if (k->J) PetscCall(KSPReset(k->ksp)); /* what PETSc keeps there has the old sizes */
  PetscCall(MatDestroy(&k->J));
  PetscCall(VecDestroy(&k->tall));
  PetscCall(PetscSplitOwnership(rows->comm, &local, &(PetscInt){n}));
  PetscCall(MatCreateShell(rows->comm, rows->n_row + local, local, PETSC_DETERMINE, n, k, &k->J));
  PetscCall(MatShellSetOperation(k->J, MATOP_MULT, (void (*)(void))multiply));
  PetscCall(MatShellSetOperation(k->J, MATOP_MULT_TRANSPOSE, (void (*)(void))multiply_transpose));
  PetscCall(MatCreateVecs(k->J, NULL, &k->tall));
  PetscCall(KSPSetOperators(k->ksp, k->J, k->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KrylovCreate(Optimizer optimizer, Config config, Rows rows, Krylov *krylov)
{
  const char *word;
  Krylov k;
  PC pc;
  PetscFunctionBegin;
  PetscCall(PetscNew(&k));
  *krylov = k;
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "model_tolerance"), &k->tolerance));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "inner_iterations"), &k->most));
  PetscCall(PetscMalloc1(k->most + 1, &k->model));
  PetscCall(GaussNewtonCreate(rows, &k->A));
  PetscCall(KSPCreate(rows->comm, &k->ksp));
  PetscCall(KSPSetOptionsPrefix(k->ksp, "krylov_"));
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "krylov"), &word));
  PetscCall(KSPSetType(k->ksp, ChoiceFind(&KrylovTable, word)->data));
  PetscCall(KSPSetOperators(k->ksp, k->A, k->A));
  PetscCall(KSPGetPC(k->ksp, &pc));
  PetscCall(set_precond(optimizer, config, rows, pc));
  PetscCall(PrecondSetTolerance(pc, k->tolerance));
  PetscCall(check_option("-ksp_type", KSPList, &KrylovTable));
  PetscCall(check_option("-pc_type", PCList, &PrecondTable));
  PetscCall(KSPSetFromOptions(k->ksp));
  PetscCall(PCGetType(pc, &word));
  k->chooses = !strcmp(word, "auto");
  PetscCall(KSPSetConvergenceTest(k->ksp, test, k, NULL));
  PetscCall(KSPSetTolerances(k->ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, k->most + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KrylovDestroy(Krylov *krylov)
{
  Krylov k = *krylov;
  PetscFunctionBegin;
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPDestroy(&k->ksp));
  PetscCall(MatDestroy(&k->A));
  PetscCall(MatDestroy(&k->J));
  PetscCall(VecDestroy(&k->tall));
  PetscCall(PetscFree(k->model));
  PetscCall(PetscFree(*krylov));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KrylovSetUp(Krylov k)
{
  const GaussNewtonSystem *system;
  PetscInt all = -1, n;
  PC pc;
  PetscFunctionBegin;
  PetscCall(GaussNewtonGetSystem(k->A, &system));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)k->ksp, &k->squares, KSPLSQR, KSPCGLS, ""));
  if (k->tall) PetscCall(VecGetLocalSize(k->tall, &all));
  PetscCall(VecGetLocalSize(system->theta, &n));
  if (k->squares && all != system->rows->n_row + n) PetscCall(create_tall(k, system->rows));
  PetscCall(KSPGetPC(k->ksp, &pc));
  PetscCall(PCSetUp(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c = [w; sqrt(lambda) v] */
static PetscErrorCode fill_tall(Krylov k, const GaussNewtonSystem *system, const double w[], Vec v)
{
  const PetscInt n_row = system->rows->n_row;
  const double *in;
  double *c;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(system->theta, &n));
  PetscCall(VecGetArrayWrite(k->tall, &c));
  PetscCall(PetscArraycpy(c, w, n_row));
  PetscCall(PetscArrayzero(c + n_row, n));
  if (v) {
    PetscCall(VecGetArrayRead(v, &in));
    for (PetscInt i = 0; i < n; i++) c[n_row + i] = sqrt(system->lambda) * in[i];
    PetscCall(VecRestoreArrayRead(v, &in));
  }
  PetscCall(VecRestoreArrayWrite(k->tall, &c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KrylovSolve(Krylov k, Vec right, const double w[], Vec v, double base, Vec x, bool *ok)
{
  const GaussNewtonSystem *system;
  KSPConvergedReason reason;
  double norm;
  PetscFunctionBegin;
  PetscCall(GaussNewtonGetSystem(k->A, &system));
  PetscCall(KrylovSetUp(k));
  if (k->squares) PetscCall(fill_tall(k, system, w, v));
  k->right = right;
  k->base = base;
  k->iterations = 0;
  PetscCall(KSPSolve(k->ksp, k->squares ? k->tall : right, x));
  PetscCall(KSPGetConvergedReason(k->ksp, &reason));
  PetscCall(VecNorm(x, NORM_2, &norm));
  k->settled = reason == KSP_CONVERGED_RTOL || reason == KSP_CONVERGED_ATOL;
  *ok = isfinite(norm) && (reason > 0 || (k->iterations > 0 && reason != KSP_DIVERGED_NANORINF));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |r + J d|^2 = |r|^2 - 2 J^T r . x + |J x|^2 with the step d = -x that was found. */
static PetscErrorCode decrease(const GaussNewtonSystem *system, Vec gradient, Vec x, double *part)
{
  const Rows rows = system->rows;
  double *Jx, square = 0.0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows->n_row, &Jx));
  PetscCall(rows->ops->apply(rows->self, system->theta, x, Jx));
  for (PetscInt i = 0; i < rows->n_row; i++) square += Jx[i] * Jx[i];
  PetscCall(PetscFree(Jx));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &square, 1, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscCall(VecDot(gradient, x, part));
  *part = (2.0 * *part - square) / (2.0 * system->loss);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KrylovReach(Krylov k, Vec gradient, Vec x, double *rho)
{
  const GaussNewtonSystem *system;
  const double tolerance = k->tolerance;
  bool ok;
  PetscFunctionBegin;
  *rho = NAN;
  PetscCall(GaussNewtonGetSystem(k->A, &system));
  const double damping = system->lambda;
  if (!(system->loss > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  k->tolerance = fmin(tolerance, REACH_TOLERANCE);
  PetscCall(GaussNewtonSetDamping(k->A, TRIAL_REACH_DAMPING));
  PetscCall(VecZeroEntries(x));
  PetscCall(KrylovSolve(k, gradient, system->r, NULL, 0.0, x, &ok));
  if (ok) PetscCall(decrease(system, gradient, x, rho));
  if (!k->settled && !(*rho >= OPTIMIZER_LEAST_REACH)) *rho = NAN;
  PetscCall(GaussNewtonSetDamping(k->A, damping));
  k->tolerance = tolerance;
  PetscFunctionReturn(PETSC_SUCCESS);
}
