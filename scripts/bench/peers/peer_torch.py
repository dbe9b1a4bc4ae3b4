"""PyTorch: loss and gradient of a case by nested autograd, by torch.func (forward over reverse, vmapped), and both
compiled."""

import logging

import torch
from torch.func import grad, grad_and_value, jvp, vmap

import peer


logging.getLogger("torch").setLevel(logging.ERROR)


def network(theta, x):
    """u [n] at points x [n][dim], or at one point x [dim]."""
    for w, b in theta[:-1]:
        x = torch.tanh(torch.nn.functional.linear(x, w, b))
    w, b = theta[-1]
    return torch.nn.functional.linear(x, w, b)[..., 0]


def gradient(u, x):
    return torch.autograd.grad(u.sum(), x, create_graph=True)[0]


def laplacian_nested(u, x):
    first = gradient(u, x)
    return sum(gradient(first[:, i], x)[:, i] for i in range(x.shape[1]))


def nested_laplacian(u, x):
    return laplacian_nested(u(x), x) - 1


def nested_kdv(u, x):
    value = u(x)
    first = gradient(value, x)
    third = gradient(gradient(first[:, 0], x)[:, 0], x)[:, 0]
    return first[:, 1] + 6 * value * first[:, 0] + third


def nested_biharmonic(u, x):
    return laplacian_nested(laplacian_nested(u(x), x), x) - 1


NESTED = {"kdv": nested_kdv, "biharmonic-2d": nested_biharmonic}


def forward(f, v):
    """Derivative along v by forward mode."""
    return lambda x: jvp(f, (x,), (v,))[1]


def laplacian_func(f):
    """Of a function of one point: forward over reverse."""

    def laplacian(x):
        eye = torch.eye(x.shape[0], dtype=x.dtype)
        return vmap(lambda e: torch.dot(jvp(grad(f), (x,), (e,))[1], e))(eye).sum()

    return laplacian


def func_laplacian(u, x):
    return laplacian_func(u)(x) - 1


def func_kdv(u, x):
    e_x = torch.eye(2, dtype=x.dtype)[0]
    first = grad(u)(x)
    third = forward(forward(lambda y: grad(u)(y)[0], e_x), e_x)(x)
    return first[1] + 6 * u(x) * first[0] + third


def func_biharmonic(u, x):
    return laplacian_func(laplacian_func(u))(x) - 1


FUNC = {"kdv": func_kdv, "biharmonic-2d": func_biharmonic}


def build(case):
    dtype = {"double": torch.float64, "single": torch.float32}[case.precision]
    layers = [(torch.tensor(w, dtype=dtype), torch.tensor(b, dtype=dtype)) for w, b in case.layers()]
    points = torch.tensor(case.points, dtype=dtype)
    nested, func = NESTED.get(case.plan, nested_laplacian), FUNC.get(case.plan, func_laplacian)

    def result(answer):
        loss, gradients = answer
        return float(loss), [(w.detach().numpy(), b.detach().numpy()) for w, b in gradients]

    def make_nested():
        theta = [(w.clone().requires_grad_(), b.clone().requires_grad_()) for w, b in layers]
        flat = [p for layer in theta for p in layer]

        def step():
            x = points.detach().requires_grad_()
            rows = nested(lambda y: network(theta, y), x)
            loss = 0.5 * (rows * rows).mean()
            # A constant added to u does not enter every residual.
            got = torch.autograd.grad(loss, flat, allow_unused=True, materialize_grads=True)
            return loss.detach(), list(zip(got[::2], got[1::2]))

        return step, result

    def loss_func(theta):
        rows = vmap(lambda x: func(lambda y: network(theta, y), x))(points)
        return 0.5 * (rows * rows).mean()

    def func_step(theta):
        got, loss = grad_and_value(loss_func)(theta)
        return loss, got

    def make_func():
        return (lambda: func_step(layers)), result

    def make_compiled():
        step = torch.compile(func_step, fullgraph=True)
        return (lambda: step(layers)), result

    return {"nested": make_nested, "forward-over-reverse": make_func, "forward-over-reverse-compiled": make_compiled}


peer.serve(build)
