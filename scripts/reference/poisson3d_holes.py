#!/usr/bin/env python3
"""Truth of configs/pinnacle/poisson3d_holes.cfg, by gmsh, scikit-fem, SciPy and h5py: -Lap u + K u = f in the unit cube
without four balls, K = 64 below z = 1/2 and 100 above, no flux through any face. Quadratic tetrahedra on a mesh that
follows z = 1/2; the error is that against a mesh of two thirds the width, which the script prints."""
import sys
import numpy as np
import gmsh
from skfem import Basis, BilinearForm, ElementTetP2, LinearForm, MeshTet, condense, solve, solver_iter_pcg
from skfem.helpers import dot, grad

BALLS = [(0.4, 0.3, 0.6, 0.2), (0.6, 0.7, 0.6, 0.2), (0.2, 0.8, 0.7, 0.1), (0.6, 0.2, 0.3, 0.1)]


def mesh(width):
    gmsh.initialize()
    gmsh.option.setNumber("General.Terminal", 0)
    occ = gmsh.model.occ
    halves = [(3, occ.addBox(0, 0, 0, 1, 1, 0.5)), (3, occ.addBox(0, 0, 0.5, 1, 1, 0.5))]
    occ.fragment(halves[:1], halves[1:])
    occ.cut(occ.getEntities(3), [(3, occ.addSphere(*b)) for b in BALLS])
    occ.synchronize()
    gmsh.option.setNumber("Mesh.MeshSizeMax", width)
    gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", int(2 * np.pi * 0.1 / (0.5 * width)))
    gmsh.model.mesh.generate(3)
    tags, x, _ = gmsh.model.mesh.getNodes()
    place = {tag: i for i, tag in enumerate(tags)}
    _, _, nodes = gmsh.model.mesh.getElements(3)
    gmsh.finalize()
    t = np.array([place[n] for n in nodes[0]]).reshape(-1, 4)
    used = np.unique(t)
    new = np.zeros(len(tags), dtype=int)
    new[used] = np.arange(len(used))
    return MeshTet(x.reshape(-1, 3)[used].T.copy(), new[t].T.copy())


def forcing(x):
    r2 = x[0]**2 + x[1]**2 + x[2]**2
    a, b, c = np.sin(np.pi * x[0]), np.sin(10 * np.pi * x[1]), np.sin(5 * np.pi * x[2])
    return 20 * np.exp(a + b + c) * (r2 - 1) / (r2 + 1) + 100 * a * b * c


def solution(width, points):
    basis = Basis(mesh(width), ElementTetP2(), intorder=4)
    K = BilinearForm(lambda u, v, w: dot(grad(u), grad(v)) + np.where(w.x[2] < 0.5, 64.0, 100.0) * u * v).assemble(basis)
    f = LinearForm(lambda v, w: forcing(w.x) * v).assemble(basis)
    u = solve(K, f, solver=solver_iter_pcg(rtol=1e-10, maxiter=20000))
    print("width %g: %d unknowns" % (width, len(u)), flush=True)
    return basis.probes(points.T) @ u


def main(path):
    import h5py
    grid = (np.arange(14) + 0.5) / 14
    points = np.array([(a, b, c) for a in grid for b in grid for c in grid])
    outside = [np.linalg.norm(points - b[:3], axis=1) > b[3] + 0.01 for b in map(np.array, BALLS)]
    points = points[np.all(outside, axis=0)]
    coarse, fine = solution(0.06, points), solution(0.04, points)
    error = np.linalg.norm(coarse - fine) / np.linalg.norm(fine)
    print("between both: %.1e" % error)
    with h5py.File(path, "w") as file:
        file["points"], file["u"] = points, fine
        file.attrs["coordinates"] = "x,y,z"
        file.attrs["method"] = "quadratic finite elements, width 0.04; %.1e from those of width 0.06" % error


if __name__ == "__main__":
    main(sys.argv[1])
