#!/usr/bin/env python3
"""Truth of configs/pinnacle/heat2d_complex.cfg, by gmsh, scikit-fem, SciPy and h5py: u_t = Lap u in a rectangle without 17
disks, du/dn = g - u on all of its faces. Quadratic triangles, and the L-stable Runge-Kutta method of Alexander (1977) with
two stages; the error is that against a mesh and a step of half the width, which the script prints."""
import sys
import numpy as np
import gmsh
from scipy.sparse.linalg import splu
from skfem import Basis, BilinearForm, ElementTriP2, FacetBasis, LinearForm, MeshTri
from skfem.helpers import dot, grad

BIG = [(x, y) for x in (-4, 4) for y in (-9, -3, 3, 9)] + [(0, 0), (0, 6), (0, -6)]
SMALL = [(x, y) for x in (-3.2, 3.2) for y in (-6, 0, 6)]
TIMES = 3.0 * np.arange(1, 9) / 8


def mesh(width):
    gmsh.initialize()
    gmsh.option.setNumber("General.Terminal", 0)
    occ = gmsh.model.occ
    disks = [(2, occ.addDisk(x, y, 0, 1, 1)) for x, y in BIG] + [(2, occ.addDisk(x, y, 0, 0.4, 0.4)) for x, y in SMALL]
    occ.cut([(2, occ.addRectangle(-8, -12, 0, 16, 24))], disks)
    occ.synchronize()
    gmsh.option.setNumber("Mesh.MeshSizeMax", width)
    gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", int(12 / width))
    gmsh.model.mesh.generate(2)
    tags, x, _ = gmsh.model.mesh.getNodes()
    place = {tag: i for i, tag in enumerate(tags)}
    _, _, nodes = gmsh.model.mesh.getElements(2)
    gmsh.finalize()
    t = np.array([place[n] for n in nodes[0]]).reshape(-1, 3)
    used = np.unique(t)
    new = np.zeros(len(tags), dtype=int)
    new[used] = np.arange(len(used))
    return MeshTri(x.reshape(-1, 3)[used, :2].T.copy(), new[t].T.copy())


def given(x):
    g = np.full(x[0].shape, 0.1)
    for cx, cy in BIG:
        g[np.hypot(x[0] - cx, x[1] - cy) < 1.05] = 5.0
    for cx, cy in SMALL:
        g[np.hypot(x[0] - cx, x[1] - cy) < 0.45] = 1.0
    return g


def solution(width, steps, points):
    m = mesh(width)
    inside, rim = Basis(m, ElementTriP2()), FacetBasis(m, ElementTriP2())
    M = BilinearForm(lambda u, v, w: u * v).assemble(inside)
    A = BilinearForm(lambda u, v, w: dot(grad(u), grad(v))).assemble(inside)
    A = A + BilinearForm(lambda u, v, w: u * v).assemble(rim)
    G = LinearForm(lambda v, w: given(w.x) * v).assemble(rim)
    h, gamma = 3.0 / steps, 1 - np.sqrt(0.5)
    factor = splu((M + gamma * h * A).tocsc())
    probe, u, rows = inside.probes(points.T), np.zeros(M.shape[0]), []
    for step in range(1, steps + 1):
        k1 = factor.solve(G - A @ u)
        k2 = factor.solve(G - A @ (u + (1 - gamma) * h * k1))
        u = u + h * ((1 - gamma) * k1 + gamma * k2)
        if step % (steps // len(TIMES)) == 0:
            rows.append(probe @ u)
    print("width %g: %d unknowns, %d steps" % (width, len(u), steps), flush=True)
    return np.array(rows)


def main(path):
    import h5py
    gx, gy = -8 + 16 * (np.arange(20) + 0.5) / 20, -12 + 24 * (np.arange(30) + 0.5) / 30
    points = np.array([(a, b) for a in gx for b in gy])
    points = points[[min(np.hypot(a - x, b - y) for x, y in BIG) > 1.02 and
                     min(np.hypot(a - x, b - y) for x, y in SMALL) > 0.42 for a, b in points]]
    coarse, fine = solution(0.4, 160, points), solution(0.2, 320, points)
    error = np.linalg.norm(coarse - fine) / np.linalg.norm(fine)
    print("between both: %.1e" % error)
    with h5py.File(path, "w") as file:
        file["points"] = np.array([(a, b, t) for t in TIMES for a, b in points])
        file["u"] = fine.ravel()
        file.attrs["coordinates"] = "x,y,t"
        file.attrs["method"] = "quadratic finite elements, width 0.2, 320 steps; %.1e from width 0.4, 160 steps" % error


if __name__ == "__main__":
    main(sys.argv[1])
