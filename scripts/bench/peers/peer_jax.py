"""JAX: loss and gradient of a case, compiled, by nested reverse mode, forward over reverse, nested forward mode and
Taylor mode (jax.experimental.jet)."""

import jax
import jax.numpy as jnp
from jax.experimental.jet import jet

import peer

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)


def network(theta, x):
    """u at one point."""
    for w, b in theta[:-1]:
        x = jnp.tanh(x @ w + b)
    w, b = theta[-1]
    return (x @ w + b)[0]


def reverse(f):
    """One more derivative along a direction, by reverse mode."""
    return lambda x, v: jnp.vdot(jax.grad(f)(x), v)


def forward(f):
    """The same by forward mode."""
    return lambda x, v: jax.jvp(f, (x,), (v,))[1]


def along(f, x, derive, *directions):
    """d^k f along the directions, derive[i] for the i-th derivative taken."""
    for derivative, v in zip(derive, directions):
        f = (lambda g, d, v: lambda y: d(g)(y, v))(f, derivative, v)
    return f(x)


def taylor(f, x, v, order):
    """f and its first `order` derivatives along v."""
    value, rest = jet(f, (x,), ((v,) + (jnp.zeros_like(x),) * (order - 1),))
    return [value] + list(rest)


def laplacian_nested(u, x):
    eye = jnp.eye(x.size, dtype=x.dtype)
    gradient = jax.grad(u)
    return jax.vmap(lambda e: jnp.vdot(jax.grad(lambda y: jnp.vdot(gradient(y), e))(x), e))(eye).sum()


def laplacian_forward_over_reverse(u, x):
    eye = jnp.eye(x.size, dtype=x.dtype)
    _, push = jax.linearize(jax.grad(u), x)
    return jax.vmap(lambda e: jnp.vdot(push(e), e))(eye).sum()


def laplacian_nested_forward(u, x):
    eye = jnp.eye(x.size, dtype=x.dtype)
    return jax.vmap(lambda e: along(u, x, (forward, forward), e, e))(eye).sum()


def laplacian_jet(u, x):
    eye = jnp.eye(x.size, dtype=x.dtype)
    return jax.vmap(lambda e: taylor(u, x, e, 2)[2])(eye).sum()


def kdv(derive):
    def residual(u, x):
        e_x, e_t = jnp.eye(2, dtype=x.dtype)
        value, gradient = jax.value_and_grad(u)(x)
        return gradient[1] + 6 * value * gradient[0] + along(u, x, derive, e_x, e_x, e_x)

    return residual


def kdv_nested_forward(u, x):
    e_x, e_t = jnp.eye(2, dtype=x.dtype)
    value, u_x = jax.jvp(u, (x,), (e_x,))
    return forward(u)(x, e_t) + 6 * value * u_x + along(u, x, (forward,) * 3, e_x, e_x, e_x)


def kdv_jet(u, x):
    e_x, e_t = jnp.eye(2, dtype=x.dtype)
    value, u_x, _, u_xxx = taylor(u, x, e_x, 3)
    return forward(u)(x, e_t) + 6 * value * u_x + u_xxx


def biharmonic(laplacian):
    return lambda u, x: laplacian(lambda y: laplacian(u, y), x) - 1


def biharmonic_jet(u, x):
    """u_xxxx + 2 u_xxyy + u_yyyy = 2/3 (D_x^4 + D_y^4) + 1/6 (D_{x+y}^4 + D_{x-y}^4), D_v the derivative along v."""
    directions = jnp.array([[1, 0], [0, 1], [1, 1], [1, -1]], dtype=x.dtype)
    fourth = jax.vmap(lambda v: taylor(u, x, v, 4)[4])(directions)
    return jnp.vdot(fourth, jnp.array([2 / 3, 2 / 3, 1 / 6, 1 / 6], dtype=x.dtype)) - 1


def less_one(laplacian):
    return lambda u, x: laplacian(u, x) - 1


LAPLACIAN = {
    "nested": less_one(laplacian_nested),
    "forward-over-reverse": less_one(laplacian_forward_over_reverse),
    "nested-forward": less_one(laplacian_nested_forward),
    "jet": less_one(laplacian_jet),
}
RESIDUALS = {
    "kdv": {
        "nested": kdv((reverse, reverse, reverse)),
        "forward-over-reverse": kdv((reverse, forward, forward)),
        "nested-forward": kdv_nested_forward,
        "jet": kdv_jet,
    },
    "biharmonic-2d": {
        "nested": biharmonic(laplacian_nested),
        "forward-over-reverse": biharmonic(laplacian_forward_over_reverse),
        "nested-forward": biharmonic(laplacian_nested_forward),
        "jet": biharmonic_jet,
    },
}


def build(case):
    dtype = {"double": jnp.float64, "single": jnp.float32}[case.precision]
    theta = [(jnp.asarray(w.T, dtype), jnp.asarray(b, dtype)) for w, b in case.layers()]
    points = jnp.asarray(case.points, dtype)

    def make(residual):
        def loss(theta, points):
            rows = jax.vmap(lambda x: residual(lambda y: network(theta, y), x))(points)
            return 0.5 * jnp.mean(rows * rows)

        compiled = jax.jit(jax.value_and_grad(loss)).lower(theta, points).compile()
        return (lambda: jax.block_until_ready(compiled(theta, points))), lambda r: (float(r[0]), [(w.T, b) for w, b in r[1]])

    residuals = RESIDUALS.get(case.plan, LAPLACIAN)
    return {mode: (lambda residual=residual: make(residual)) for mode, residual in residuals.items()}


peer.serve(build)
