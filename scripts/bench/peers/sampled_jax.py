"""Training steps in high dimension in JAX: sine-Gordon or Allen-Cahn equation on the unit ball with the two-body
solution, u = (1 - |x|^2) net(x), Adam, `directions` dimensions sampled a step:

  Lap u = (1 - |x|^2) (d / m) sum_j d_j^2 net - 4 x.grad net - 2 d net

  sampled_jax.py check FILE N_PARAM N_POINT DIM N_DIRECTION EQUATION PRECISION DATA HIDDEN...
      loss and gradient of one step, by every mode, against those in FILE (bench/sampled.c); DATA is a file of the
      solution's coefficients: {MODE: {"loss_error": relative, "gradient_error": relative}}
  sampled_jax.py time EQUATION DIM POINTS DIRECTIONS PRECISION MODE SECONDS HIDDEN...
      {"steps_per_second": by the clock, "steps_per_processor_second": of all threads together, "peak_memory_mb"}

Modes: jet, jax.experimental.jet with one-hot tangents; hvp, parallel Hessian-vector products (forward over reverse)
along the same directions; forward-laplacian, all dimensions, the Laplacian carried as one value beside the gradient
(nothing is sampled)."""

import functools
import json
import resource
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.jet import jet

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)


def network(theta, x):
    """net at one point."""
    for w, b in theta[:-1]:
        x = jnp.tanh(x @ w + b)
    w, b = theta[-1]
    return (x @ w + b)[0]


def one_hot(places, x):
    return jax.nn.one_hot(places, x.size, dtype=x.dtype)


def second_jet(theta, x, v):
    """d^2 net along v."""
    return jet(lambda y: network(theta, y), (x,), ((v, jnp.zeros_like(x)),))[1][1]


def second_hvp(theta, x, v):
    gradient = jax.grad(lambda y: network(theta, y))
    return jnp.vdot(jax.jvp(gradient, (x,), (v,))[1], v)


def sampled(second, theta, x, places):
    """net, x.grad net and the sampled Laplacian of net at one point."""
    value, along = jax.jvp(lambda y: network(theta, y), (x,), (x,))
    terms = jax.vmap(lambda v: second(theta, x, v))(one_hot(places, x))
    return value, along, x.size / places.size * terms.sum()


def forward_laplacian(theta, x, places):
    """The same, exact, by carrying value, gradient and Laplacian through the layers."""
    value, gradient, laplacian = x, None, jnp.zeros_like(x)  # None: the unit matrix
    for w, b in theta[:-1]:
        u, slope, lap = value @ w + b, w if gradient is None else gradient @ w, laplacian @ w
        value = jnp.tanh(u)
        first = 1 - value * value
        gradient, laplacian = first * slope, first * lap - 2 * value * first * (slope * slope).sum(0)
    w, b = theta[-1]
    return (value @ w + b)[0], jnp.vdot(x, (gradient @ w)[:, 0]), (laplacian @ w)[0]


MODES = {
    "jet": functools.partial(sampled, second_jet),
    "hvp": functools.partial(sampled, second_hvp),
    "forward-laplacian": forward_laplacian,
}
NONLINEAR = {"sine-gordon": jnp.sin, "allen-cahn": lambda u: u - u**3}


def forcing(equation, c, x):
    """Lap u + g(u) of u = (1 - |x|^2) sum_i c_i sin(x_i + cos(x_{i+1}) + x_{i+1} cos(x_i)) at one point."""
    a, b, factor = x[:-1], x[1:], 1 - jnp.vdot(x, x)
    sin_a, cos_a, sin_b, cos_b = jnp.sin(a), jnp.cos(a), jnp.sin(b), jnp.cos(b)
    angle = a + cos_b + b * cos_a
    by_a, by_b = 1 - b * sin_a, cos_a - sin_b
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    s = jnp.vdot(c, sine)
    along = jnp.vdot(c, cosine * (a * by_a + b * by_b))
    laplacian = jnp.vdot(c, cosine * (-b * cos_a - cos_b) - sine * (by_a * by_a + by_b * by_b))
    return factor * laplacian - 4 * along - 2 * x.size * s + NONLINEAR[equation](factor * s)


def loss(equation, mode, theta, c, points, places):
    def row(x):
        value, along, laplacian = MODES[mode](theta, x, places)
        factor = 1 - jnp.vdot(x, x)
        residual = factor * laplacian - 4 * along - 2 * x.size * value + NONLINEAR[equation](factor * value)
        return residual - forcing(equation, c, x)

    rows = jax.vmap(row)(points)
    return 0.5 * jnp.mean(rows * rows)


def unpack(values, sizes, dtype):
    """[(W [n_in][n_out], b)] of the engine's order, W [n_out][n_in]."""
    layers, at = [], 0
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        w = values[at : at + n_in * n_out].reshape(n_out, n_in)
        at += n_in * n_out
        layers.append((jnp.asarray(w.T, dtype), jnp.asarray(values[at : at + n_out], dtype)))
        at += n_out
    return layers


def flat(layers):
    return np.concatenate([np.asarray(a, dtype=np.float64).ravel() for w, b in layers for a in (w.T, b)])


def check(path, n_param, n_point, dim, n_direction, equation, precision, data, *hidden):
    n_param, n_point, dim, n_direction = int(n_param), int(n_point), int(dim), int(n_direction)
    dtype = {"double": jnp.float64, "single": jnp.float32}[precision]
    parts = np.split(np.fromfile(path), np.cumsum([n_param, n_point * dim, n_direction, n_direction, 1]))
    theta = unpack(parts[0], [dim] + [int(h) for h in hidden] + [1], dtype)
    points, places = jnp.asarray(parts[1].reshape(n_point, dim), dtype), jnp.asarray(parts[2], jnp.int32)
    np.testing.assert_array_equal(parts[3], 1.0)
    c = jnp.asarray(np.fromfile(data), dtype)
    answer = {}
    for mode in MODES if n_direction == dim else ("jet", "hvp"):
        value, gradient = jax.jit(jax.value_and_grad(functools.partial(loss, equation, mode)))(theta, c, points, places)
        difference = np.linalg.norm(flat(gradient) - parts[5]) / np.linalg.norm(parts[5])
        answer[mode] = {
            "loss_error": float(abs(float(value) - parts[4][0]) / parts[4][0]),
            "gradient_error": float(difference),
        }
    print(json.dumps(answer))


def initial(sizes, dtype):
    generator = np.random.default_rng(1)
    return [
        (
            jnp.asarray(generator.standard_normal((n_in, n_out)) * np.sqrt(2 / (n_in + n_out)), dtype),
            jnp.zeros(n_out, dtype),
        )
        for n_in, n_out in zip(sizes[:-1], sizes[1:])
    ]


def adam(theta, moments, gradient, count, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, moments[0], gradient)
    second = jax.tree.map(lambda s, g: beta2 * s + (1 - beta2) * g * g, moments[1], gradient)
    scale = rate / (1 - beta1**count)
    rescale = 1 / (1 - beta2**count)
    theta = jax.tree.map(lambda t, m, s: t - scale * m / (jnp.sqrt(s * rescale) + epsilon), theta, first, second)
    return theta, (first, second)


def make_step(equation, mode, dim, n_point, n_direction, dtype, sizes):
    c = jnp.asarray(np.random.default_rng(2).standard_normal(dim - 1), dtype)
    theta = initial(sizes, dtype)
    moments = (jax.tree.map(jnp.zeros_like, theta), jax.tree.map(jnp.zeros_like, theta))

    def draw(key):
        """Points whose radius is uniform in [0, 1], so that none of the dimensions is left out."""
        direction, radius = jax.random.split(key)
        x = jax.random.normal(direction, (n_point, dim), dtype)
        length = jnp.sqrt((x * x).sum(1, keepdims=True))
        return x * (jax.random.uniform(radius, (n_point, 1), dtype) / length)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(theta, moments, count, key, places):
        value, gradient = jax.value_and_grad(functools.partial(loss, equation, mode))(theta, c, draw(key), places)
        theta, moments = adam(theta, moments, gradient, count)
        return theta, moments, value

    generator, key = np.random.default_rng(3), jax.random.key(4)
    state = [theta, moments, 0]

    def run():
        """One step; dimensions are drawn outside of the compiled part, at a negligible cost."""
        state[2] += 1
        places = jnp.asarray(generator.choice(dim, n_direction, replace=False, shuffle=False), jnp.int32)
        state[0], state[1], value = step(
            state[0], state[1], jnp.asarray(state[2], dtype), jax.random.fold_in(key, state[2]), places
        )
        return value

    return run


def measure(equation, dim, n_point, n_direction, precision, mode, seconds, *hidden):
    dtype = {"double": jnp.float64, "single": jnp.float32}[precision]
    sizes = [int(dim)] + [int(h) for h in hidden] + [1]
    run = make_step(equation, mode, int(dim), int(n_point), int(n_direction), dtype, sizes)
    run().block_until_ready()
    start = time.perf_counter()
    run().block_until_ready()
    repeats = max(2, round(float(seconds) / (time.perf_counter() - start)))
    start, processor = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        value = run()
    value.block_until_ready()
    elapsed, processor = time.perf_counter() - start, time.process_time() - processor
    print(
        json.dumps(
            {
                "steps_per_second": repeats / elapsed,
                "steps_per_processor_second": repeats / processor,
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    {"check": check, "time": measure}[sys.argv[1]](*sys.argv[2:])
