/* The activations a case may name, each by its Taylor series. */
#include "network_impl.h"
#include "pinn/series.h"

#define ACTIVATION(Name, periodic)                                                                                     \
  {                                                                                                                    \
    Series##Name, Series##Name##_Single, periodic                                                                      \
  }
static const Activation activation_tanh = ACTIVATION(Tanh, false), activation_sin = ACTIVATION(Sin, true),
                        activation_logistic = ACTIVATION(Logistic, false), activation_swish = ACTIVATION(Swish, false),
                        activation_softplus = ACTIVATION(Softplus, false),
                        activation_gaussian = ACTIVATION(Gaussian, false);

static const Choice activation_rows[] = {
    {"tanh", "hyperbolic tangent", &activation_tanh},
    {"sin", "sine: waves, and features of periodic coordinates", &activation_sin},
    {"logistic", "1 / (1 + exp(-x))", &activation_logistic},
    {"swish", "x / (1 + exp(-x))", &activation_swish},
    {"softplus", "log(1 + exp(x))", &activation_softplus},
    {"gaussian", "exp(-x^2)", &activation_gaussian},
    {NULL, NULL, NULL},
};
const ChoiceTable ActivationTable = {"activation", "functions of hidden layers", activation_rows};
