/* The table of preconditioners, and what PETSc calls of them. */
#include "precond_impl.h"
#include <petsc/private/pcimpl.h>

static const Choice types[] = {
    {"none", "nothing", NULL}, /* PETSc's own */
    {"auto", "whichever takes least time in a trial, once a stage", &PrecondOps_Auto},
    {"diagonal", "the diagonal of J^T J", &PrecondOps_Diagonal},
    {"operator", "the inverse symbol of the differential operator, for random features of sines", &PrecondOps_Operator},
    {"layerwise", "the exact inverse of each layer's block, by its rows or by its parameters", &PrecondOps_Layerwise},
    {"nystrom", "a randomized low-rank part of J^T J and a multiple of the identity", &PrecondOps_Nystrom},
    {"deflated", "the largest eigenpairs of J^T J, and another preconditioner for the rest", &PrecondOps_Deflated},
    {"kfac", "a Kronecker product a layer, or the sum of two where there are conditions", &PrecondOps_KFAC},
    {"ekfac", "the diagonal of J^T J in the eigenbases of a Kronecker product a layer", &PrecondOps_EKFAC},
    {"shampoo", "second moments of the rows on both sides of each layer", &PrecondOps_Shampoo},
    {NULL, NULL, NULL},
};
const ChoiceTable PrecondTable = {"preconditioner", "what approximates the inverse of J^T J + lambda in Krylov stages",
                                  types};

PetscErrorCode PrecondIsOver(Precond p, bool *over)
{
  double seconds;
  PetscFunctionBegin;
  *over = p->over;
  if (p->over || p->limit == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(StopwatchRead(p->began, p->rows->comm, &seconds));
  *over = p->over = seconds > p->limit;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCSetUp_Precond(PC pc)
{
  Precond p = pc->data;
  bool over = false;
  PetscFunctionBegin;
  p->began = StopwatchStart();
  PetscCall(GaussNewtonGetSystem(pc->pmat, &p->system));
  p->rows = p->system->rows;
  p->theta = p->system->theta;
  p->lambda = p->system->lambda;
  const bool build = p->generation != p->system->generation, update = build || p->point != p->system->point;
  if (build && p->ops->build) PetscCall(p->ops->build(p));
  p->generation = p->system->generation;
  PetscCall(PrecondIsOver(p, &over));
  if (!over && update && p->ops->update) PetscCall(p->ops->update(p));
  p->point = p->system->point;
  PetscCall(PrecondIsOver(p, &over));
  if (over) PetscFunctionReturn(PETSC_SUCCESS);
  if ((update || p->damped != p->lambda) && p->ops->damp) PetscCall(p->ops->damp(p));
  p->damped = p->lambda;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCApply_Precond(PC pc, Vec x, Vec y)
{
  Precond p = pc->data;
  PetscFunctionBegin;
  PetscCall(p->ops->apply(p, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCSetFromOptions_Precond(PC pc, PetscOptionItems *PetscOptionsObject)
{
  Precond p = pc->data;
  PetscFunctionBegin;
  if (!p->ops->options) PetscFunctionReturn(PETSC_SUCCESS);
  PetscOptionsHeadBegin(PetscOptionsObject, "Gauss-Newton preconditioner");
  PetscCall(p->ops->options(p, PetscOptionsObject));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCView_Precond(PC pc, PetscViewer viewer)
{
  Precond p = pc->data;
  PetscBool ascii;
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s\n", ChoiceFind(&PrecondTable, p->name)->help));
  if (p->generation < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "  damping %g, %" PetscInt_FMT " rows x %zu parameters\n", p->lambda,
                                   p->rows->n_row_global, p->rows->n_param));
  if (p->ops->view) PetscCall(p->ops->view(p, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCDestroy_Precond(PC pc)
{
  Precond p = pc->data;
  PetscFunctionBegin;
  PetscCall(p->ops->destroy(p));
  PetscCall(FullVecDestroy(&p->full));
  PetscCall(PetscFree(pc->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One constructor for all: the type's name is set before it is called. */
static PetscErrorCode PCCreate_Precond(PC pc)
{
  Precond p;
  PetscFunctionBegin;
  const Choice *row = ChoiceFind(&PrecondTable, ((PetscObject)pc)->type_name);
  PetscCheck(row && row->data, PETSC_COMM_SELF, PETSC_ERR_PLIB, "no preconditioner '%s'", ((PetscObject)pc)->type_name);
  PetscCall(PetscNew(&p));
  *p = (struct Precond_s){
      .ops = row->data, .name = row->name, .pc = pc, .generation = -1, .point = -1, .damped = -1.0, .seed = 1};
  pc->data = p;
  pc->ops->setup = PCSetUp_Precond;
  pc->ops->apply = PCApply_Precond;
  pc->ops->applytranspose = PCApply_Precond;
  pc->ops->setfromoptions = PCSetFromOptions_Precond;
  pc->ops->view = PCView_Precond;
  pc->ops->destroy = PCDestroy_Precond;
  PetscCall(p->ops->create(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondRegisterAll(void)
{
  static bool done = false;
  PetscFunctionBegin;
  if (done) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCInitializePackage());
  for (const Choice *row = types; row->name; row++)
    if (row->data) PetscCall(PCRegister(row->name, PCCreate_Precond));
  done = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondGet(PC pc, Precond *p)
{
  PetscFunctionBegin;
  *p = pc->ops->apply == PCApply_Precond ? pc->data : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool PrecondHasRank(const char *type)
{
  const Choice *row = ChoiceFind(&PrecondTable, type);
  return row && row->data && ((const PrecondOps *)row->data)->has_rank;
}

bool PrecondHasFactors(const char *type)
{
  const Choice *row = ChoiceFind(&PrecondTable, type);
  return row && row->data && ((const PrecondOps *)row->data)->has_factors;
}

double PrecondBytes(Rows rows, const char *type, PetscInt rank)
{
  const Choice *row = ChoiceFind(&PrecondTable, type);
  const PrecondOps *ops = row ? row->data : NULL;
  return ops && ops->numbers ? ops->numbers(rows, rank) * sizeof(double) : 0.0;
}

PetscErrorCode PrecondSetRank(PC pc, PetscInt rank)
{
  Precond p;
  PetscFunctionBegin;
  PetscCall(PrecondGet(pc, &p));
  if (p) p->rank = rank;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondSetSeed(PC pc, PetscInt seed)
{
  Precond p;
  PetscFunctionBegin;
  PetscCall(PrecondGet(pc, &p));
  if (p) p->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondSetTolerance(PC pc, double tolerance)
{
  Precond p;
  PetscFunctionBegin;
  PetscCall(PrecondGet(pc, &p));
  if (p) p->tolerance = tolerance;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondCreateInner(Precond p, const char *type, PetscInt rank, PC *inner)
{
  const char *prefix;
  PetscFunctionBegin;
  PetscCall(PCCreate(PetscObjectComm((PetscObject)p->pc), inner));
  PetscCall(PCGetOptionsPrefix(p->pc, &prefix));
  PetscCall(PCSetOptionsPrefix(*inner, prefix));
  PetscCall(PCAppendOptionsPrefix(*inner, "inner_"));
  PetscCall(PCSetOperators(*inner, p->pc->pmat, p->pc->pmat));
  PetscCall(PCSetType(*inner, type));
  PetscCall(PrecondSetRank(*inner, rank));
  PetscCall(PrecondSetSeed(*inner, p->seed));
  PetscCall(PCSetFromOptions(*inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}
