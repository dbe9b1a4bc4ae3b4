/* The one table of everything a case file may say. The reader, --help, the man page, the completion and the resolved
   case all come from it. */
#include <float.h>
#include <math.h>
#include "pinn/config.h"

#define ANY          -INFINITY, INFINITY
#define POSITIVE     DBL_MIN, INFINITY
#define NOT_NEGATIVE 0, INFINITY
#define COUNT        1, 2147483647
#define TIMES        0, 2147483647
#define NO_RANGE     -INFINITY, INFINITY, NULL
#define TEXT(path, fallback, help)                                                                                     \
  {                                                                                                                    \
    path, CONFIG_STRING, fallback, NO_RANGE, NULL, help                                                                \
  }
#define GROUP(path, fallback, help)                                                                                    \
  {                                                                                                                    \
    path, CONFIG_GROUP, fallback, NO_RANGE, NULL, help                                                                 \
  }

/* What describes a shape, the domain itself or a part of a combination. `placed` are the types that can be moved. */
#define SHAPE(prefix, placed)                                                                                          \
  {prefix "name", CONFIG_STRING, "", NO_RANGE, placed, "what conditions call it"},                                     \
      {prefix "lower", CONFIG_REALS, "0.0", ANY, NULL, "box", "lower bounds, one a coordinate or one for all"},        \
      {prefix "upper", CONFIG_REALS, "1.0", ANY, NULL, "box", "upper bounds, one a coordinate or one for all"},        \
      {prefix "center",                                                                                                \
       CONFIG_REALS,                                                                                                   \
       "0.0",                                                                                                          \
       ANY,                                                                                                            \
       NULL,                                                                                                           \
       "ball ellipse ellipsoid shell torus",                                                                           \
       "center, one a coordinate or one for all"},                                                                     \
      {prefix "centers", CONFIG_REALS, NULL, ANY, NULL, "balls", "centers, the coordinates of one after the other"},   \
      {prefix "radius",                                                                                                \
       CONFIG_REAL,                                                                                                    \
       "1.0",                                                                                                          \
       POSITIVE,                                                                                                       \
       NULL,                                                                                                           \
       "ball balls shell cylinder torus",                                                                              \
       "radius; of a torus that of its center line"},                                                                  \
      {prefix "radii", CONFIG_REALS, NULL, POSITIVE, NULL, "ellipse ellipsoid", "half axes, one a coordinate"},        \
      {prefix "inner", CONFIG_REAL, NULL, POSITIVE, NULL, "shell", "inner radius"},                                    \
      {prefix "tube", CONFIG_REAL, NULL, POSITIVE, NULL, "torus", "radius of the tube"},                               \
      {prefix "axis", CONFIG_REALS, "[0.0, 0.0, 1.0]", ANY, NULL, "torus", "direction of the axis"},                   \
      {prefix "from", CONFIG_REALS, NULL, ANY, NULL, "cylinder", "center of the bottom"},                              \
      {prefix "to", CONFIG_REALS, NULL, ANY, NULL, "cylinder", "center of the top"},                                   \
      {prefix "vertices",                                                                                              \
       CONFIG_REALS,                                                                                                   \
       NULL,                                                                                                           \
       ANY,                                                                                                            \
       NULL,                                                                                                           \
       "triangle polygon",                                                                                             \
       "corners in order, the coordinates of one after the other"},                                                    \
      {prefix "file", CONFIG_STRING, NULL, NO_RANGE, "stl", "STL file; beside the case file"},                         \
      {prefix "of",                                                                                                    \
       CONFIG_LIST,                                                                                                    \
       NULL,                                                                                                           \
       NO_RANGE,                                                                                                       \
       "union intersection difference",                                                                                \
       "shapes that are combined; of a difference the first, without all others"},                                     \
      {prefix "scale", CONFIG_REAL, "1.0", POSITIVE, NULL, placed, "factor that enlarges it about the origin"},        \
      {prefix "rotate",                                                                                                \
       CONFIG_REALS,                                                                                                   \
       "",                                                                                                             \
       ANY,                                                                                                            \
       NULL,                                                                                                           \
       placed,                                                                                                         \
       "angle of a turn about the origin after scaling, radians; in space the axis times the angle"},                  \
  {                                                                                                                    \
    prefix "translate", CONFIG_REALS, "", ANY, NULL, placed, "shift after scaling and turning, one a coordinate"       \
  }

/* How derivatives are made, of the case or of an equation or a condition. */
#define ESTIMATOR(prefix)                                                                                              \
  {prefix "type", CONFIG_WORD, "\"auto\"", 0, 0, &EstimatorTable, NULL, "how they are made"},                          \
      {prefix "directions",                                                                                            \
       CONFIG_INT,                                                                                                     \
       "16",                                                                                                           \
       COUNT,                                                                                                          \
       NULL,                                                                                                           \
       "stde sdgd hutchinson",                                                                                         \
       "terms of a sum of derivatives in a draw, or random directions"},                                               \
      {prefix "distribution", CONFIG_WORD, "\"rademacher\"", 0, 0, &LawTable, "hutchinson", "law of the directions"},  \
  {                                                                                                                    \
    prefix "unbiased", CONFIG_BOOL, "false", NO_RANGE, "stde sdgd hutchinson",                                         \
        "two independent draws r, r' with the loss 1/2 r r', without the variance of one draw's square"                \
  }

/* What describes a network, of all fields or of one. */
#define DENSE_TYPES "mlp fourier modified-mlp piratenet separable"
#define NETWORK(prefix)                                                                                                \
  {prefix "activation",          CONFIG_WORD, "\"tanh\"", 0, 0, &ActivationTable, DENSE_TYPES " random-features",      \
   "activation of hidden layers"},                                                                                     \
      {prefix "hidden",                                                                                                \
       CONFIG_INTS,                                                                                                    \
       "[32, 32]",                                                                                                     \
       1,                                                                                                              \
       1048576,                                                                                                        \
       NULL,                                                                                                           \
       DENSE_TYPES " siren",                                                                                           \
       "widths of the hidden layers, of piratenet of its blocks, of separable in each coordinate's network"},          \
      {prefix "factorize",                                                                                             \
       CONFIG_REALS,                                                                                                   \
       "",                                                                                                             \
       ANY,                                                                                                            \
       NULL,                                                                                                           \
       DENSE_TYPES,                                                                                                    \
       "train a factor of each row of the hidden layers' weights: exp of a normal number of this mean and deviation "  \
       "at first, [1.0, 0.1]"},                                                                                        \
      {prefix "features", CONFIG_INT, "512", 1, 1048576, NULL, "random-features", "number of random features"},        \
      {prefix "features", CONFIG_INT, "32", 1, 1048576, NULL, "fourier", "number of frequencies"},                     \
      {prefix "scale",                                                                                                 \
       CONFIG_REALS,                                                                                                   \
       "4.0",                                                                                                          \
       POSITIVE,                                                                                                       \
       NULL,                                                                                                           \
       "random-features fourier piratenet",                                                                            \
       "standard deviation of the feature frequencies, radians per unit, one a coordinate or one for all; with law = " \
       "\"even\" the largest frequency"},                                                                              \
      {prefix "train_features", CONFIG_BOOL, "false", NO_RANGE, "fourier piratenet", "train the frequencies, too"},    \
      {prefix "omega", CONFIG_REAL, "30.0", POSITIVE, NULL, "siren", "factor of all arguments of the sine"},           \
  {                                                                                                                    \
    prefix "rank", CONFIG_INT, "32", 1, 1048576, NULL, "separable", "number of products that are summed"               \
  }

const ConfigKey ConfigKeys[] = {
    {"seed", CONFIG_INT, "1", TIMES, NULL, NULL, "seed of all random numbers of the run"},
    {"precision", CONFIG_WORD, "\"double\"", 0, 0, &PrecisionTable, NULL,
     "floating-point types of the network's sweeps"},
    {"products", CONFIG_WORD, "\"full\"", 0, 0, &ProductsTable, NULL,
     "how a GPU (--backend cuda) may round the factors of matrix products in single precision"},

    GROUP("problem", NULL, "what is solved"),
    {"problem.coordinates", CONFIG_STRINGS, NULL, NO_RANGE, NULL,
     "names of the coordinates; \"x[5]\" is a vector of five, \"x[d]\" one of a constant's length; `t` is time, all "
     "others "
     "are space"},
    {"problem.fields", CONFIG_STRINGS, NULL, NO_RANGE, NULL, "names of the unknown fields"},
    GROUP("problem.constants", "", "numbers with a name, as numbers or constant formulas (\"2*pi\")"),
    {"problem.constants.*", CONFIG_REAL, NULL, ANY, NULL, NULL, "value"},
    GROUP("problem.unknowns", "", "coefficients that are found with the fields: an inverse problem"),
    {"problem.unknowns.*", CONFIG_REAL, NULL, ANY, NULL, NULL, "what it begins with"},
    GROUP("problem.data", "", "vectors of numbers with a name, c[0], c[1] ... in formulas"),
    {"problem.data.*", CONFIG_DATA, NULL, ANY, NULL, NULL,
     "numbers, \"file.h5:/name\" beside the case file, \"normal(seed = 1, count = 9)\" or \"uniform(seed = 1, count = "
     "d - 1, low = 0, high = 1)\""},
    GROUP("problem.define", "", "formulas with a name, used like symbols by everything below"),
    TEXT("problem.define.*", NULL, "formula"),
    GROUP("problem.exact", "", "the true solution, by field: errors are reported, forcings can be manufactured"),
    TEXT("problem.exact.*", NULL, "formula of the coordinates; of an unknown coefficient a constant one"),
    GROUP("problem.regions", "",
          "the region in which a field is there, by field: errors count and files hold it there"),
    TEXT("problem.regions.*", NULL, "a region, or a group of a mesh's cells"),
    GROUP("problem.transform", "", "a field as an expression of its network output `net`: hard constraints"),
    TEXT("problem.transform.*", NULL, "formula of the coordinates and `net`"),
    {"problem.equations", CONFIG_LIST, NULL, NO_RANGE, NULL, "residuals that vanish in the interior"},
    TEXT("problem.equations[].name", "", "for tables and messages; default: equation 1, 2, ..."),
    TEXT("problem.equations[].residual", NULL, "formula that must be zero"),
    TEXT("problem.equations[].region", "", "where, instead of the whole interior: a region, a group of a mesh's cells"),
    {"problem.equations[].weight", CONFIG_REAL, "1.0", POSITIVE, NULL, NULL, "factor of its mean square in the loss"},
    {"problem.equations[].gradient_enhanced", CONFIG_REAL, "", POSITIVE, NULL, NULL,
     "also the gradient of the residual vanishes: the factor of its mean square in the loss; a row for each of up to 8 "
     "coordinates, of more one along a random direction, a new one each step"},
    TEXT("problem.equations[].manufactured", "",
         "symbol that stands for the forcing which makes problem.exact the solution"),
    GROUP("problem.equations[].estimator", "", "derivatives of this equation, like `estimator`, in a sweep of its own"),
    ESTIMATOR("problem.equations[].estimator."),
    {"problem.conditions", CONFIG_LIST, "", NO_RANGE, NULL, "residuals that vanish on parts of the domain"},
    TEXT("problem.conditions[].name", "", "for tables and messages; default: its `on`"),
    TEXT("problem.conditions[].on", "",
         "where: \"x = 0 | x = 1\", \"t = 0\", \"x.lower\", \"x = 0 & y = 0\", \"walls\" (all faces but those of t), "
         "\"boundary\", \"interior\", the name of a shape, of its face or of a group of a mesh"),
    TEXT("problem.conditions[].residual", "",
         "formula that must be zero there; with `periodic`, that is the same at both ends (default: every field)"),
    TEXT("problem.conditions[].periodic", "", "coordinate of a box at whose two ends values and derivatives agree"),
    {"problem.conditions[].integral", CONFIG_REAL, "", ANY, NULL, NULL,
     "the integral of `residual` over `on` is this number: one row, instead of one a point"},
    {"problem.conditions[].order", CONFIG_INT, "", 0, 15, NULL, NULL,
     "of the highest derivative by `periodic` that agrees; default: one less than the equations have, of a residual 0"},
    {"problem.conditions[].hard", CONFIG_BOOL, "false", NO_RANGE, NULL,
     "the field has its values there whatever the network does: on whole faces of a box, the boundary of a ball, at "
     "the "
     "first time; `residual` gives them as u - g does"},
    {"problem.conditions[].weight", CONFIG_REAL, "1.0", POSITIVE, NULL, NULL, "factor of its mean square in the loss"},
    {"problem.conditions[].count", CONFIG_INTS, "", COUNT, NULL, NULL,
     "points, as points.conditions.count, which is the default"},
    {"problem.conditions[].sampler", CONFIG_WORD, "", 0, 0, &SamplerTable, NULL, "default: points.conditions.sampler"},

    GROUP("problem.conditions[].estimator", "", "derivatives of this condition, like `estimator`"),
    ESTIMATOR("problem.conditions[].estimator."),

    {"problem.measurements", CONFIG_LIST, "", NO_RANGE, NULL, "values that were measured at points"},
    TEXT("problem.measurements[].name", "", "for tables and messages; default: data and the column"),
    TEXT("problem.measurements[].file", NULL,
         "text with a line of names and values between commas, or HDF5 with a dataset a column; beside the case file"),
    TEXT("problem.measurements[].column", NULL, "column of the values; those of the points are named like coordinates"),
    TEXT("problem.measurements[].measured", "", "formula that was measured; default: the field of the column's name"),
    TEXT("problem.measurements[].deviation", "", "column of standard deviations, by which the rows are divided"),
    {"problem.measurements[].weight", CONFIG_REAL, "1.0", POSITIVE, NULL, NULL,
     "factor of its mean square in the loss"},

    GROUP("domain", NULL, "where the equations hold"),
    {"domain.type", CONFIG_WORD, "\"box\"", 0, 0, &DomainTable, NULL, "shape"},
    {"domain.time", CONFIG_REALS, "", ANY, NULL, NULL,
     "first and last time: the domain is the shape times this interval of the coordinate t"},
    {"domain.radial", CONFIG_WORD, "\"volume\"", 0, 0, &RadialTable, "ball", "how points lie along the radius"},
    {"domain.file", CONFIG_STRING, NULL, NO_RANGE, "mesh", "mesh file; beside the case file"},
    SHAPE("domain.",
          "ball balls ellipse ellipsoid shell cylinder torus triangle polygon stl union intersection difference"),
    {"domain.of[].type", CONFIG_WORD, NULL, 0, 0, &DomainTable, NULL, "shape"},
    SHAPE("domain.of[].", NULL),

    {"domain.regions", CONFIG_LIST, "", NO_RANGE,
     "box ball balls ellipse ellipsoid shell cylinder torus triangle polygon stl union intersection difference",
     "shapes that cut the domain in parts: \"inner\" for what lies in the shape of that name (of several the first), "
     "\"inner.surface\" for its surface in the domain, with normals out of it, \"rest\" for what lies in none; a box "
     "is then one in space, times domain.time"},
    {"domain.regions[].type", CONFIG_WORD, NULL, 0, 0, &DomainTable, NULL, "shape"},
    SHAPE("domain.regions[].", NULL),
    {"domain.regions[].of[].type", CONFIG_WORD, NULL, 0, 0, &DomainTable, NULL, "shape"},
    SHAPE("domain.regions[].of[].", NULL),

    GROUP("time", "{}", "the interval of t cut into slabs, solved one after the other"),
    {"time.slabs", CONFIG_INT, "1", 1, 10000, NULL, NULL,
     "slabs of equal length; each has the network, points and stages of the case, and goes on where the last one "
     "ended"},
    {"time.ends", CONFIG_REALS, "", ANY, NULL, NULL, "last times of the slabs, instead of time.slabs"},
    {"time.warm_start", CONFIG_BOOL, "true", NO_RANGE, NULL, "a slab begins with the parameters of the one before"},
    {"time.weight", CONFIG_REAL, "", POSITIVE, NULL, NULL,
     "weight of the jumps between slabs; default: that of the initial condition for the same derivative, else 1"},
    {"time.count", CONFIG_INTS, "", COUNT, NULL, NULL,
     "points of a jump for which there is no initial condition; default: points.conditions.count"},
    {"time.sampler", CONFIG_WORD, "", 0, 0, &SamplerTable, NULL, "of these; default: points.conditions.sampler"},

    GROUP("points", "{}", "where the residuals are taken"),
    GROUP("points.interior", "{}", "points of the equations"),
    {"points.interior.sampler", CONFIG_WORD, "\"sobol\"", 0, 0, &SamplerTable, NULL, "how they are placed"},
    {"points.interior.count", CONFIG_INTS, "2048", COUNT, NULL, NULL,
     "how many; for grid, midpoints, chebyshev and gauss-legendre also one number a coordinate"},
    {"points.interior.resample", CONFIG_INT, "0", TIMES, NULL, NULL, "iterations between new draws; 0 = never"},
    {"points.interior.adapt", CONFIG_INT, "0", TIMES, NULL, NULL,
     "iterations between points that follow the residual; 0 = never"},
    {"points.interior.adapt_by", CONFIG_WORD, "\"rad\"", 0, 0, &AdaptTable, NULL, "how they follow it"},
    {"points.interior.causal", CONFIG_REALS, "", POSITIVE, NULL, NULL,
     "epsilon of weights exp(-epsilon * loss of earlier times), rising values one after the other; default: no "
     "weights"},
    {"points.interior.causal_slices", CONFIG_INT, "32", 2, 100000, NULL, NULL,
     "slices of time that have a weight each"},
    {"points.interior.causal_every", CONFIG_INT, "10", COUNT, NULL, NULL, "iterations between new causal weights"},
    GROUP("points.conditions", "{}", "points of each condition"),
    {"points.conditions.sampler", CONFIG_WORD, "\"sobol\"", 0, 0, &SamplerTable, NULL, "how they are placed"},
    {"points.conditions.count", CONFIG_INTS, "256", COUNT, NULL, NULL,
     "how many a condition; for grid, midpoints, chebyshev and gauss-legendre also one number a free coordinate"},
    {"points.heldout", CONFIG_INT, "", COUNT, NULL, NULL,
     "fresh points for the verification of each block; default: 4096, in d > 976 coordinates 4000000/d, at least 100"},

    GROUP(
        "balance", "{}",
        "weights of equations and conditions that change while the network learns; factors of the weights of the case"),
    {"balance.type", CONFIG_WORD, "\"fixed\"", 0, 0, &BalanceTable, NULL, "where they come from"},
    {"balance.every", CONFIG_INT, "100", COUNT, NULL, "gradient-norm ntk-trace",
     "iterations between new weights; lbfgs and the dense quasi-Newton stages take new ones when they begin"},
    {"balance.every", CONFIG_INT, "1", COUNT, NULL, "self-adaptive relobralo",
     "iterations between new weights, each of which costs an evaluation; lbfgs and the dense quasi-Newton stages take "
     "new ones when they begin"},
    {"balance.momentum", CONFIG_REAL, "0.9", 0, 0.9999999, NULL, "gradient-norm ntk-trace",
     "part of the last weights that is kept"},
    {"balance.momentum", CONFIG_REAL, "0.999", 0, 0.9999999, NULL, "relobralo",
     "part of the last weights that is kept, but for looks back"},
    {"balance.temperature", CONFIG_REAL, "0.1", POSITIVE, NULL, "relobralo",
     "the weights are more alike the larger it is"},
    {"balance.lookback", CONFIG_REAL, "0.999", 0, 1, NULL, "relobralo",
     "probability that weights go on from the last ones; else they are set by the losses relative to the first ones"},
    {"balance.rate", CONFIG_REAL, "0.01", POSITIVE, NULL, "self-adaptive",
     "how much the multipliers rise in an update, on average"},

    GROUP("network", "{}", "the trial function"),
    {"network.type", CONFIG_WORD, "\"mlp\"", 0, 0, &NetworkTable, NULL, "architecture"},
    NETWORK("network."),
    {"network.scale_search", CONFIG_BOOL, "false", NO_RANGE, "random-features",
     "let the least-squares stage look for better scales by the held-out residual"},
    {"network.law", CONFIG_WORD, "\"normal\"", 0, 0, &FeatureLawTable, "random-features",
     "distribution of the feature frequencies"},
    {"network.periodic", CONFIG_STRINGS, "", NO_RANGE, NULL,
     "coordinates that are periodic over the domain: random and Fourier features get whole frequencies there, other "
     "types cos and sin of the coordinate's waves in its place"},
    {"network.harmonics", CONFIG_INT, "1", 1, 1000, NULL, NULL,
     "waves of a periodic coordinate that networks other than random and Fourier features read"},
    {"network.affine", CONFIG_BOOL, "false", NO_RANGE, "mlp",
     "add a trained linear function of the coordinates to the outputs, which the last layer's biases make affine"},
    {"network.quadratic", CONFIG_WORD, "\"none\"", 0, 0, &QuadraticTable, "mlp",
     "add a trained quadratic form of the coordinates to the outputs"},
    {"network.block", CONFIG_INT, "1", COUNT, NULL, "mlp",
     "components of a vector coordinate that follow each other and share a column of the first layer's weights"},
    {"network.normalize", CONFIG_BOOL, "true", NO_RANGE, "mlp fourier siren modified-mlp piratenet separable fields",
     "map the domain to [-1, 1] before the first layer"},
    {"network.of", CONFIG_LIST, NULL, NO_RANGE, "fields", "networks, one a field in their order"},
    {"network.of[].type", CONFIG_WORD, "\"mlp\"", 0, 0, &NetworkTable, NULL, "architecture"},
    NETWORK("network.of[]."),

    GROUP("estimator", "{}",
          "derivatives in many dimensions, but for equations and conditions with a group of their own; periodic "
          "conditions have exact ones"),
    ESTIMATOR("estimator."),

    {"solver", CONFIG_LIST, "( { type = \"adam\"; iterations = 2000; }, { type = \"gauss-newton\"; } )", NO_RANGE, NULL,
     "stages, run one after the other"},
    {"solver[].type", CONFIG_WORD, NULL, 0, 0, &StageTable, NULL, "method"},
    {"solver[].base", CONFIG_WORD, "\"adam\"", 0, 0, &BaseTable, "fosi",
     "the stage outside the span of eigenvectors; its keys are given beside this one"},
    {"solver[].iterations", CONFIG_INT, "1000", TIMES, NULL, NULL, "most iterations"},
    {"solver[].tolerance", CONFIG_REAL, "1e-28", NOT_NEGATIVE, NULL, NULL, "the stage ends when the loss is below"},
    {"solver[].learning_rate", CONFIG_REAL, "1e-3", POSITIVE, NULL, "adam shampoo", "largest step size"},
    {"solver[].learning_rate", CONFIG_REAL, "3e-3", POSITIVE, NULL, "soap", "largest step size"},
    {"solver[].learning_rate", CONFIG_REAL, "0.1", POSITIVE, NULL, "spring", "largest part of the step that is taken"},
    {"solver[].schedule", CONFIG_WORD, "\"exponential\"", 0, 0, &ScheduleTable, "adam soap shampoo",
     "how the step size falls from learning_rate to learning_rate * decay at the last iteration"},
    {"solver[].schedule", CONFIG_WORD, "\"linear\"", 0, 0, &ScheduleTable, "spring",
     "how the step size falls from learning_rate to learning_rate * decay at the last iteration"},
    {"solver[].decay", CONFIG_REAL, "", NOT_NEGATIVE, NULL, "adam soap shampoo spring",
     "the last step size as a part of learning_rate; default: 1, for linear and cosine schedules 0"},
    {"solver[].warmup", CONFIG_INT, "0", TIMES, NULL, "adam soap shampoo spring",
     "first iterations, in which the step size rises linearly to learning_rate"},
    {"solver[].beta1", CONFIG_REAL, "0.9", 0, 0.9999999, NULL, "adam shampoo", "decay of the first moment"},
    {"solver[].beta1", CONFIG_REAL, "0.95", 0, 0.9999999, NULL, "soap", "decay of the first moment"},
    {"solver[].beta2", CONFIG_REAL, "0.999", 0, 0.9999999, NULL, "adam shampoo", "decay of the second moments"},
    {"solver[].beta2", CONFIG_REAL, "0.95", 0, 0.9999999, NULL, "soap", "decay of the second moments"},
    {"solver[].epsilon", CONFIG_REAL, "1e-8", POSITIVE, NULL, "adam soap", "added to the root of the second moment"},
    {"solver[].epsilon", CONFIG_REAL, "1e-12", POSITIVE, NULL, "shampoo",
     "added to the eigenvalues of a factor, relative to the largest"},
    {"solver[].single_state", CONFIG_BOOL, "false", NO_RANGE, "adam",
     "keep the moments in single precision: 16 bytes a parameter less, for first layers of very many weights"},
    {"solver[].refresh", CONFIG_INT, "10", COUNT, NULL, "soap shampoo",
     "iterations between new eigenbases or roots of the factors"},
    {"solver[].refresh", CONFIG_INT, "1", COUNT, NULL, "kfac kfac-star", "iterations between new factors"},
    {"solver[].history", CONFIG_INT, "50", 1, 1000, NULL, "lbfgs", "pairs kept"},
    {"solver[].history", CONFIG_INT, "100", 1, 10000, NULL, "mfac", "gradients kept"},
    {"solver[].eigenpairs", CONFIG_INT, "40", 1, 1000, NULL, "fosi", "largest eigenpairs of J^T J that are used"},
    {"solver[].every", CONFIG_INT, "50", COUNT, NULL, "fosi", "iterations between new eigenpairs"},
    {"solver[].newton_rate", CONFIG_REAL, "0.5", POSITIVE, NULL, "fosi", "part of the Newton step that is taken"},
    {"solver[].refresh", CONFIG_INT, "", COUNT, NULL, "gauss-newton-krylov",
     "iterations between new factors of a preconditioner that keeps some; default: 1"},
    {"solver[].precond", CONFIG_WORD, "\"nystrom\"", 0, 0, &PrecondTable, "gauss-newton-krylov",
     "what approximates the inverse of J^T J + lambda"},
    {"solver[].rank", CONFIG_INT, "", COUNT, NULL, "gauss-newton-krylov",
     "largest rank of nystrom (default 200), or eigenpairs of deflated (default 20)"},
    {"solver[].deflate", CONFIG_INT, "0", TIMES, NULL, "gauss-newton-krylov",
     "largest eigenpairs of J^T J that are taken exactly, besides precond"},
    {"solver[].krylov", CONFIG_WORD, "\"cg\"", 0, 0, &KrylovTable, "gauss-newton-krylov",
     "how the damped system is solved"},
    {"solver[].model_tolerance", CONFIG_REAL, "1e-3", POSITIVE, NULL, "gauss-newton-krylov",
     "a solve ends when its last third decreases the quadratic model by less, relative to all of it"},
    {"solver[].inner_iterations", CONFIG_INT, "200", 2, 2147483646, NULL, "gauss-newton-krylov",
     "Krylov iterations at most"},
    {"solver[].dense", CONFIG_BOOL, "false", NO_RANGE, "gauss-newton-krylov",
     "go over to a dense solve once that takes less time, as measured in the first two iterations"},
    {"solver[].sketch_columns", CONFIG_INT, "500", COUNT, NULL, "gauss-newton-sketched",
     "dimension of the random space that a step is taken from"},
    {"solver[].sketch_rows", CONFIG_INT, "", COUNT, NULL, "gauss-newton-sketched",
     "sums of rows that stand for all; default: twice sketch_columns"},
    {"solver[].radius", CONFIG_REAL, "1", POSITIVE, NULL, "gauss-newton-sketched",
     "first length of a step that is tried; the columns of J are scaled to length one at most"},
    {"solver[].damping", CONFIG_REAL, "1e-3", POSITIVE, NULL, "gauss-newton-krylov",
     "first damping; the columns of J are scaled to about length one"},
    {"solver[].damping", CONFIG_REAL, "1e-3", NOT_NEGATIVE, NULL, "gauss-newton",
     "first damping; the columns of J are scaled to length one at most"},
    {"solver[].damping", CONFIG_REAL, "1e-4", POSITIVE, NULL, "mfac",
     "added to the second moments, relative to the mean square of the gradients' lengths"},
    {"solver[].damping", CONFIG_REAL, "1e-4", POSITIVE, NULL, "spring",
     "lambda, relative to the mean of the diagonal of J J^T"},
    {"solver[].damping", CONFIG_REAL, "1e-3", POSITIVE, NULL, "kfac", "lambda, or its factor: see damping_rule"},
    {"solver[].damping", CONFIG_REAL, "1e-4", POSITIVE, NULL, "kfac-star", "lambda, or its factor: see damping_rule"},
    {"solver[].damping_rule", CONFIG_WORD, "\"constant\"", 0, 0, &DampingTable, "kfac", "what the damping follows"},
    {"solver[].damping_rule", CONFIG_WORD, "\"model\"", 0, 0, &DampingTable, "kfac-star", "what the damping follows"},
    {"solver[].damping_rule", CONFIG_WORD, "\"ratio\"", 0, 0, &DampingTable, "gauss-newton",
     "what the damping follows; it rises in any case until a step decreases the loss"},
    {"solver[].length", CONFIG_WORD, "\"full\"", 0, 0, &LengthTable, "gauss-newton", "what part of a step is taken"},
    {"solver[].smoothness", CONFIG_REAL, "", POSITIVE, NULL, "gauss-newton",
     "M of the damped Newton step, in units of 1/loss; default: 1"},
    {"solver[].average", CONFIG_REAL, "0.9", 0, 0.9999999, NULL, "kfac kfac-star",
     "decay of the moving averages of the factors; 0 = none"},
    {"solver[].momentum", CONFIG_REAL, "0.5", 0, 0.9999999, NULL, "kfac", "part of the last direction that is kept"},
    {"solver[].momentum", CONFIG_REAL, "0", 0, 0.9999999, NULL, "gauss-newton-krylov",
     "part of the last step that the next one stays near; for rows that change"},
    {"solver[].momentum", CONFIG_REAL, "0.9", 0, 0.9999999, NULL, "spring",
     "part of the last step that the next one stays near; 0 = natural gradient"},
    {"solver[].norm_constraint", CONFIG_REAL, "1e-2", NOT_NEGATIVE, NULL, "fosi",
     "largest square of the length of the Newton step; 0 = any"},
    {"solver[].norm_constraint", CONFIG_REAL, "1e-3", NOT_NEGATIVE, NULL, "spring",
     "largest square of the length of a step; 0 = any"},
    {"solver[].method", CONFIG_WORD, "\"auto\"", 0, 0, &MethodTable, "gauss-newton", "how the damped step is solved"},
    {"solver[].geodesic", CONFIG_BOOL, "true", NO_RANGE, "gauss-newton gauss-newton-krylov",
     "geodesic acceleration of the step"},
    {"solver[].cutoff", CONFIG_REAL, "1e-15", 0, 1, NULL, "least-squares",
     "singular values below cutoff times the largest count as zero"},

    GROUP("diagnostics", "{}", "looks at the optimization problem, to history.h5 under /diagnostics"),
    {"diagnostics.every", CONFIG_INT, "0", TIMES, NULL, NULL, "iterations of a stage between looks; 0 = none"},
    {"diagnostics.spectrum", CONFIG_INT, "64", 1, 10000, NULL, NULL, "largest singular values of J that are sought"},
    {"diagnostics.precond", CONFIG_WORD, "\"none\"", 0, 0, &PrecondTable, NULL,
     "whose effect on the spectrum of J^T J + damping is looked at, too; none = it is not"},
    {"diagnostics.damping", CONFIG_REAL, "", NOT_NEGATIVE, NULL, NULL,
     "of that matrix, with columns of J scaled; 1e-8 unless given"},
    {"diagnostics.alignment", CONFIG_BOOL, "true", NO_RANGE, NULL,
     "cosines between the gradients of each two equations and conditions"},

    GROUP("verify", "{}", "the truth to compare with; problem.exact is used where it is given"),
    TEXT("verify.reference", "", "HDF5 file with /points and one dataset a field; beside the case file; \"\" = none"),
    {"verify.points", CONFIG_LIST, "", NO_RANGE, NULL,
     "single points where the solution is known, to compare with there and nowhere else"},
    {"verify.points[].fixed", CONFIG_STRINGS, "", NO_RANGE, NULL,
     "coordinates that are not at the center of the domain's box, \"t\""},
    {"verify.points[].at", CONFIG_REALS, "", ANY, NULL, NULL, "where each of them is"},
    {"verify.points[].values", CONFIG_REALS, NULL, ANY, NULL, NULL, "the fields there, in their order"},
    {"verify.tolerance", CONFIG_REAL, "", POSITIVE, NULL, NULL,
     "largest relative L2 error of a field with which the run counts as done (exit status 4 above it)"},
    {"verify.baselines", CONFIG_BOOL, "", NO_RANGE, NULL,
     "fit the best affine function in the network's place, to compare with; default: with more than 3 coordinates"},
    {"verify.grid", CONFIG_INTS, "", 2, 1048576, NULL, NULL,
     "nodes a coordinate of the grid on which exact solutions are compared; default: output.grid"},

    GROUP("output", "{}", "what the run leaves"),
    TEXT("output.directory", "", "run folder; default: output/ and the name of the case file"),
    {"output.grid", CONFIG_INTS, "", 2, 1048576, NULL, NULL,
     "nodes a coordinate of fields.vtkhdf; default: 101 (1-D: 1001, 3-D: 41; none above); on a mesh: of time alone"},
    {"output.on", CONFIG_WORD, "\"auto\"", 0, 0, &OutputOnTable, NULL, "where fields.vtkhdf has the fields"},
    {"output.slices", CONFIG_LIST, "", NO_RANGE, NULL,
     "lines and planes through the domain, each in slice-NAME.vtkhdf; the way to see fields of many coordinates"},
    TEXT("output.slices[].name", NULL, "part of the file's name"),
    {"output.slices[].vary", CONFIG_STRINGS, NULL, NO_RANGE, NULL, "one coordinate or two, \"x[0]\""},
    {"output.slices[].count", CONFIG_INTS, "101", 2, 1048576, NULL, NULL, "nodes a coordinate that varies"},
    {"output.slices[].lower", CONFIG_REALS, "", ANY, NULL, NULL, "first value of each; default: the domain's"},
    {"output.slices[].upper", CONFIG_REALS, "", ANY, NULL, NULL, "last value of each; default: the domain's"},
    {"output.slices[].fixed", CONFIG_STRINGS, "", NO_RANGE, NULL,
     "coordinates that are not at the center of the domain's box"},
    {"output.slices[].at", CONFIG_REALS, "", ANY, NULL, NULL, "where each of them is"},
    {"output.every", CONFIG_INT, "0", TIMES, NULL, NULL,
     "iterations between lines of the table; 0 = at most one a second"},
    {"output.error_every", CONFIG_INT, "0", TIMES, NULL, NULL,
     "iterations between errors against the truth in the history; 0 = only at printed lines"},
    {"output.checkpoint_seconds", CONFIG_REAL, "300.0", NOT_NEGATIVE, NULL, NULL,
     "s between checkpoints, or a hundred times what writing one takes where that is more; 0 = by this clock none, but "
     "at "
     "the end of each stage, at signals and limits"},
    {"output.checkpoint_every", CONFIG_INT, "0", TIMES, NULL, NULL,
     "also a checkpoint each time a stage has done so many iterations; 0 = none"},
    {"output.keep", CONFIG_INT, "2", 1, 1000, NULL, NULL, "checkpoints kept"},

    GROUP("limits", "{}", "when to stop"),
    {"limits.wall_time", CONFIG_REAL, "", POSITIVE, NULL, NULL,
     "s of this process, earlier runs not counted; a checkpoint is written and the run ends with status 3"},
    {"limits.margin", CONFIG_REAL, "60.0", NOT_NEGATIVE, NULL, NULL,
     "in a Slurm job (SLURM_JOB_END_TIME) the same happens so many s, and one iteration, before its end"},
    {"limits.memory", CONFIG_REAL, "", POSITIVE, NULL, NULL, "MB a rank; default: the memory of the machine"},

    {NULL, CONFIG_GROUP, NULL, NO_RANGE, NULL, NULL},
};
