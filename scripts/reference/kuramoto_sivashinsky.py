#!/usr/bin/env python3
"""Truth of configs/pinnacle/kuramoto_sivashinsky.cfg, by NumPy and h5py:

    u_t + (100/16) u u_x + (100/16^2) u_xx + (100/16^4) u_xxxx = 0,  u(x, 0) = cos x (1 + sin x),  periodic over 2 pi

Fourier modes in x, exponential time differencing of fourth order (Cox and Matthews 2002; Kassam and Trefethen 2005). The
solution is chaotic: the file's error is that of halving both steps, which the script prints by time."""
import sys
import numpy as np


def solve(n, steps, outputs):
    x = 2 * np.pi * np.arange(n) / n
    k = np.fft.rfftfreq(n, 1 / n)
    linear = 100 / 16**2 * k**2 - 100 / 16**4 * k**4
    h = 1.0 / steps
    r = np.exp(1j * np.pi * (np.arange(1, 33) - 0.5) / 32)
    z = h * linear[:, None] + r
    e, e2 = np.exp(h * linear), np.exp(h * linear / 2)
    q = h * np.real(np.mean((np.exp(z / 2) - 1) / z, axis=1))
    f1 = h * np.real(np.mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3, axis=1))
    f2 = h * np.real(np.mean((2 + z + np.exp(z) * (z - 2)) / z**3, axis=1))
    f3 = h * np.real(np.mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3, axis=1))
    keep = k < n / 3

    def bend(v):
        return -0.5 * 100 / 16 * 1j * k * np.fft.rfft(np.fft.irfft(v, n) ** 2) * keep

    v = np.fft.rfft(np.cos(x) * (1 + np.sin(x)))
    rows = [np.fft.irfft(v, n)]
    for step in range(1, steps + 1):
        nv = bend(v)
        a = e2 * v + q * nv
        na = bend(a)
        b = e2 * v + q * na
        nb = bend(b)
        c = e2 * a + q * (2 * nb - nv)
        v = e * v + nv * f1 + 2 * (na + nb) * f2 + bend(c) * f3
        if step % (steps // outputs) == 0:
            rows.append(np.fft.irfft(v, n))
    return np.array(rows)


def main(path):
    import h5py
    nx, nt = 64, 50
    coarse, fine = solve(256, 20000, nt)[:, :: 256 // nx], solve(512, 40000, nt)[:, :: 512 // nx]
    for k in range(0, nt + 1, 10):
        print("t = %.1f: %.1e" % (k / nt, np.linalg.norm(coarse[k] - fine[k]) / np.linalg.norm(fine[k])))
    x, t = 2 * np.pi * np.arange(nx) / nx, np.arange(nt + 1) / nt
    points = np.array([[a, b] for b in t for a in x])
    with h5py.File(path, "w") as file:
        file["points"] = points
        file["u"] = fine.ravel()
        file.attrs["coordinates"] = "x,t"
        file.attrs["method"] = "Fourier, 512 points, ETDRK4, 40000 steps"


if __name__ == "__main__":
    main(sys.argv[1])
