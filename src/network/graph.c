/* Building a network: layers, nodes and steps are added one after the other. */
#include <math.h>
#include "network_impl.h"

#define MOST_LOGARITHM 50 /* of factors: their products and quotients stay numbers */

/* Room for one more in an array of *most elements of `size` bytes, n of which are there. */
static PetscErrorCode make_room(int n, int *most, size_t size, void *array)
{
  void **elements = array;
  PetscFunctionBegin;
  if (n < *most) PetscFunctionReturn(PETSC_SUCCESS);
  *most = PetscMax(16, 2 * *most);
  PetscCall(PetscRealloc((size_t)*most * size, elements));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkAddLayer(Network network, Layer layer, int *number)
{
  PetscFunctionBegin;
  PetscCall(make_room(network->n_layer, &network->most_layers, sizeof(Layer), &network->layers));
  *number = network->n_layer;
  network->layers[network->n_layer++] = layer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkAddNode(Network network, int width, int *node)
{
  PetscFunctionBegin;
  PetscCall(make_room(network->n_node, &network->most_nodes, sizeof(Node), &network->nodes));
  *node = network->n_node;
  network->nodes[network->n_node++] = (Node){.width = width, .adjoint = -1, .tangent = -1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkAddStep(Network network, Step step)
{
  PetscFunctionBegin;
  PetscCall(make_room(network->n_step, &network->most_steps, sizeof(Step), &network->steps));
  network->steps[network->n_step++] = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step to a new node. */
static PetscErrorCode add(Network network, Step step, int width, int *node)
{
  PetscFunctionBegin;
  PetscCall(NetworkAddNode(network, width, node));
  step.to = *node;
  PetscCall(NetworkAddStep(network, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkDense(Network network, int from, Layer layer, int *node)
{
  const bool reads = from == NETWORK_INPUTS;
  Step step = {.kind = reads ? STEP_READ : STEP_DENSE, .from = reads ? -1 : from, .beside = -1};
  PetscFunctionBegin;
  PetscCheck(!reads || !network->n_layer, PETSC_COMM_SELF, PETSC_ERR_PLIB, "only the first layer reads coordinates");
  layer.n_in = reads ? network->n_input : network->nodes[from].width;
  layer.from = step.from;
  layer.factors = -1;
  if (reads) layer.input_of = network->input_of;
  PetscCall(NetworkAddLayer(network, layer, &step.layer));
  if (*node < 0) PetscCall(NetworkAddNode(network, layer.n_out, node));
  step.to = *node;
  PetscCall(NetworkAddStep(network, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkActivate(Network network, int from, double factor, const Activation *activation, int *node)
{
  const Step step = {
      .kind = STEP_ACTIVATE, .from = from, .beside = -1, .layer = -1, .factor = factor, .activation = activation};
  PetscFunctionBegin;
  PetscCall(add(network, step, network->nodes[from].width, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkMultiply(Network network, int from, int beside, int *node)
{
  const Step step = {.kind = STEP_MULTIPLY, .from = from, .beside = beside, .layer = -1};
  PetscFunctionBegin;
  PetscCall(add(network, step, network->nodes[from].width, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkAdd(Network network, int from, double factor, int beside, int *node)
{
  const Step step = {.kind = STEP_ADD, .from = from, .beside = beside, .layer = -1, .factor = factor};
  PetscFunctionBegin;
  PetscCall(add(network, step, network->nodes[from].width, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkSlice(Network network, int from, int at, int width, int *node)
{
  const Step step = {.kind = STEP_SLICE, .from = from, .beside = -1, .layer = -1, .at = at};
  PetscFunctionBegin;
  PetscCall(add(network, step, width, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkPlace(Network network, int from, int at, int to)
{
  const Step step = {.kind = STEP_PLACE, .from = from, .beside = -1, .layer = -1, .at = at, .to = to};
  PetscFunctionBegin;
  PetscCall(NetworkAddStep(network, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_direct(Network network, int n, LayerDraw draw, const double law[2], int *layer)
{
  const Layer direct = {.n_in = 1,
                        .n_out = n,
                        .direct = true,
                        .unbiased = true,
                        .draw = draw,
                        .law = {law[0], law[1]},
                        .factors = -1,
                        .from = -1};
  PetscFunctionBegin;
  PetscCall(NetworkAddLayer(network, direct, layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkSkip(Network network, int from, int beside, int *node)
{
  Step step = {.kind = STEP_SKIP, .from = from, .beside = beside};
  PetscFunctionBegin;
  PetscCall(add_direct(network, 1, NetworkDrawZero, (double[2]){0.0, 0.0}, &step.layer));
  PetscCall(add(network, step, network->nodes[from].width, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkHidden(Network network, const NetworkGroup *group, int from, int width, int *node)
{
  const char *activation;
  const PetscReal *law;
  Step step = {.kind = STEP_SCALE, .beside = -1};
  int n, u = -1;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(group->config, GroupKey(group, "factorize"), &n, &law));
  PinnUserCheck(n == 0 || n == 2, "%s: mean and deviation of the factors' logarithms, two numbers, not %d",
                ConfigWhere(group->config, GroupKey(group, "factorize")), n);
  PinnUserCheck(!n || (fabs(law[0]) <= MOST_LOGARITHM && law[1] >= 0.0 && law[1] <= MOST_LOGARITHM),
                "%s: a mean from -%d to %d and a deviation from 0 to %d, not %lg and %lg",
                ConfigWhere(group->config, GroupKey(group, "factorize")), MOST_LOGARITHM, MOST_LOGARITHM,
                MOST_LOGARITHM, law[0], law[1]);
  PetscCall(NetworkDense(network, from, (Layer){.n_out = width, .draw = NetworkDrawGlorot, .unbiased = n > 0}, &u));
  if (n) {
    const int layer = network->n_layer - 1;
    PetscCall(add_direct(network, 2 * width, NetworkDrawFactors, law, &step.layer));
    network->layers[layer].factors = step.layer;
    step.from = u;
    PetscCall(add(network, step, width, &u));
  }
  PetscCall(ConfigGetString(group->config, GroupKey(group, "activation"), &activation));
  PetscCall(NetworkActivate(network, u, 1.0, ChoiceFind(&ActivationTable, activation)->data, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkHiddenLayers(Network network, const NetworkGroup *group, int from, int n, const PetscInt hidden[],
                                   int *node)
{
  PetscFunctionBegin;
  *node = from;
  for (int l = 0; l < n; l++) PetscCall(NetworkHidden(network, group, *node, (int)hidden[l], node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkOutputs(Network network, const NetworkGroup *group, int from)
{
  const bool all = group->n_field == network->n_field;
  int node = all ? 0 : -1;
  PetscFunctionBegin;
  PetscCall(
      NetworkDense(network, from, (Layer){.n_out = group->n_field, .draw = NetworkDrawGlorot, .last = true}, &node));
  if (!all) PetscCall(NetworkPlace(network, node, group->first_field, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
