/* The activations a case may name, each by its Taylor series. */
#include "network_impl.h"
#include "pinn/series.h"

static const Activation activation_tanh = {SeriesTanh, false}, activation_sin = {SeriesSin, true},
                        activation_logistic = {SeriesLogistic, false}, activation_swish = {SeriesSwish, false},
                        activation_softplus = {SeriesSoftplus, false}, activation_gaussian = {SeriesGaussian, false};

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
