/* Sweeps in the precision that the case asks for. Mixed: residuals are exact to double, so what an iteration converges
   to is, too; their derivatives by theta, two thirds of the work, are computed in single from what the forward sweep
   left. */
#include <unistd.h>
#include "sweep_impl.h"

static const Precision precision_double = {false, false}, precision_single = {true, true},
                       precision_mixed = {false, true};

static const Choice precision_rows[] = {
    {"double", "all sweeps over the network in double precision", &precision_double},
    {"mixed", "residuals in double precision, their derivatives by the parameters in single", &precision_mixed},
    {"single", "all sweeps over the network in single precision; sums over points stay double", &precision_single},
    {NULL, NULL, NULL},
};
const ChoiceTable PrecisionTable = {"precision", "floating-point types of the network's sweeps", precision_rows};

/* Points that share a pass over a first layer that no cache holds, and over its gradient: many, but for memory. */
#define WIDE_TILE      32
#define MOST_WIDE_TILE 128
#define WIDE_INPUTS    16e6 /* numbers of their inputs */
#define MIN_ROWS       128  /* columns x points below which products of matrices are slow */

struct NetworkSweep_s {
  const SweepOps *forward_ops, *adjoint_ops;
  void *forward, *adjoint; /* one and the same where the types are */
  JetTables tables;        /* of both; NULL where the plan has no factors */
};

int NetworkWidest(Network network)
{
  int width = 0;
  for (int n = 0; n < network->n_node; n++) width = PetscMax(width, network->nodes[n].width);
  return width;
}

size_t NetworkJetNumbers(Network network)
{
  size_t numbers = (size_t)network->n_slot * (size_t)NetworkWidest(network);
  for (int n = 0; n < network->n_node; n++)
    if (network->nodes[n].stored) numbers += (size_t)network->nodes[n].width;
  for (int k = 0; k < network->n_step; k++)
    if (network->steps[k].kind == STEP_ACTIVATE) numbers += (size_t)network->nodes[network->steps[k].from].width;
  return numbers;
}

/* Bytes that one point takes in all sweeps. */
static double bytes_per_point(Network network, JetPlan plan)
{
  const double points = (network->quadratic ? 2.0 : 1.0) * network->n_coord + 1.0;
  const double numbers = (double)JetPlanColumns(plan) * (double)NetworkJetNumbers(network) + points;
  const Precision *p = network->precision;
  const double forward = p->forward_single ? sizeof(float) : sizeof(double);
  return numbers * (forward + (p->forward_single == p->adjoint_single ? 0.0 : sizeof(float))) +
         JetTablesDoubles(plan, 1) * sizeof(double);
}

double NetworkSweepDoubles(Network network, JetPlan plan, int max_point)
{
  const int *factors;
  const double seeds = JetPlanFactors(plan, &factors) ? network->n_coord : 0.0;
  return max_point * (bytes_per_point(network, plan) / sizeof(double) + seeds);
}

int NetworkTilePoints(Network network, JetPlan plan)
{
  const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const double points = 0.5 * (double)(cache > 0 ? cache : 1 << 20) / bytes_per_point(network, plan);
  const int least = PetscMin(32, (MIN_ROWS + JetPlanColumns(plan) - 1) / JetPlanColumns(plan) + 7) / 8 * 8;
  if (NetworkIsWide(network))
    return PetscMax(WIDE_TILE, PetscMin(MOST_WIDE_TILE, (int)(WIDE_INPUTS / network->n_coord) / 8 * 8));
  return points < least ? least : points > 1024.0 ? 1024 : (int)points / 8 * 8;
}

PetscErrorCode NetworkSweepCreate(Network network, JetPlan plan, NetworkCompression compression, int max_point,
                                  NetworkSweep *sweep)
{
  const Precision *p = network->precision;
  const int *factors, n_factor = JetPlanFactors(plan, &factors);
  NetworkSweep s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *sweep = s;
  s->forward_ops = p->forward_single ? &SweepInReal_Single : &SweepInReal;
  s->adjoint_ops = p->adjoint_single ? &SweepInReal_Single : &SweepInReal;
  if (n_factor) PetscCall(JetTablesCreate(plan, max_point, &s->tables));
  PetscCall(s->forward_ops->create(network, plan, s->tables, compression, max_point, &s->forward));
  s->adjoint = s->forward;
  if (s->adjoint_ops != s->forward_ops)
    PetscCall(s->adjoint_ops->create(network, plan, s->tables, compression, max_point, &s->adjoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkSweepDestroy(NetworkSweep *sweep)
{
  NetworkSweep s = *sweep;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->adjoint != s->forward) PetscCall(s->adjoint_ops->destroy(&s->adjoint));
  PetscCall(s->forward_ops->destroy(&s->forward));
  PetscCall(JetTablesDestroy(&s->tables));
  PetscCall(PetscFree(*sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NetworkSetFactors(NetworkSweep s, int n, const double factors[], size_t stride)
{
  if (s->tables) JetTablesSet(s->tables, n, factors, stride);
}

void NetworkSetPass(NetworkSweep s, int pass)
{
  s->forward_ops->set_pass(s->forward, pass);
  if (s->adjoint != s->forward) s->adjoint_ops->set_pass(s->adjoint, pass);
}

void NetworkForward(NetworkSweep s, const double theta[], int n, const double x[], double out[])
{
  s->forward_ops->forward(s->forward, theta, n, x, out);
  if (s->adjoint == s->forward) return;
  const Sweep *left = s->forward;
  SweepTake_Single(s->adjoint, n, left->input, left->value, left->d);
}

void NetworkReverse(NetworkSweep s, const double theta[], const double out_bar[], double gradient[])
{
  s->adjoint_ops->reverse(s->adjoint, theta, out_bar, gradient);
}

void NetworkTangent(NetworkSweep s, const double theta[], const double v[], double out_dot[])
{
  s->adjoint_ops->tangent(s->adjoint, theta, v, out_dot);
}

void NetworkRows(NetworkSweep s, const double theta[], const double out_bar[], size_t begin, size_t count, double J[],
                 size_t ld)
{
  s->adjoint_ops->rows(s->adjoint, theta, out_bar, begin, count, J, ld);
}

void NetworkStoreInputs(NetworkStore store, int panel, int at, NetworkSweep s)
{
  s->adjoint_ops->store_inputs(store, panel, at, s->adjoint);
}

void NetworkStoreAdjoints(NetworkStore store, int panel, int at, int term, NetworkSweep s, const double theta[],
                          const double out_bar[])
{
  s->adjoint_ops->store_adjoints(store, panel, at, term, s->adjoint, theta, out_bar);
}
