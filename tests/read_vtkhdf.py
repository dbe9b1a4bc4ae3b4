#!/usr/bin/env python3
"""Reads a field file with VTK's own reader and checks what ParaView would show.

    read_vtkhdf.py FILE [--points N] [--cells N] [--cell KIND,...] [--measure M] [--regions M0,M1] [NAME=EXPRESSION ...]

Expressions are of x, y, z and the functions of Python's math module; `NAME=` alone asks only that NAME is there and finite.
Kinds of cells, of one dimension: vertex line triangle quad tetra hexahedron wedge pyramid. The measure is the length,
area or volume of all cells together, and every cell's must be positive; --regions: of those of each region.
Exit status: 0 all is as said, 1 it is not, 77 VTK's Python module is not installed.
"""
import argparse
import math
import os
import sys

try:
    from vtkmodules.vtkIOHDF import vtkHDFReader
    from vtkmodules.vtkFiltersVerdict import vtkCellSizeFilter
except ImportError:
    # The distribution's interpreter may have what the first one on PATH lacks.
    system = "/usr/bin/python3"
    if os.path.realpath(sys.executable) != os.path.realpath(system) and os.path.exists(system):
        os.execv(system, [system] + sys.argv)
    print("read_vtkhdf.py: no vtkHDFReader here (package python3-vtk9): not checked", file=sys.stderr)
    sys.exit(77)

CELLS = {"vertex": (1, 0), "line": (3, 1), "triangle": (5, 2), "quad": (9, 2), "tetra": (10, 3), "hexahedron": (12, 3),
         "wedge": (13, 3), "pyramid": (14, 3)}
MEASURES = ["VertexCount", "Length", "Area", "Volume"]


def fail(text):
    print(f"read_vtkhdf.py: {text}", file=sys.stderr)
    sys.exit(1)


def read(path):
    reader = vtkHDFReader()
    if not reader.CanReadFile(path):
        fail(f"{path}: VTK cannot read it")
    reader.SetFileName(path)
    reader.Update()
    grid = reader.GetOutputAsDataSet()
    if not grid.IsA("vtkUnstructuredGrid"):
        fail(f"{path}: {grid.GetClassName()} instead of vtkUnstructuredGrid")
    return grid


def check_regions(grid, values, measures):
    regions = grid.GetCellData().GetArray("region")
    if regions is None or regions.GetNumberOfTuples() != grid.GetNumberOfCells():
        fail("no region for each cell")
    for r, measure in enumerate(measures):
        found = sum(values[c] for c in range(grid.GetNumberOfCells()) if regions.GetValue(c) == r)
        if abs(found - measure) > 1e-9 * measure:
            fail(f"the cells of region {r} measure {found} instead of {measure}")


def check_cells(grid, kinds, measure, regions):
    types = [CELLS[kind][0] for kind in kinds]
    dimension = CELLS[kinds[0]][1]
    for c in range(grid.GetNumberOfCells()):
        if grid.GetCellType(c) not in types:
            fail(f"cell {c} has type {grid.GetCellType(c)} instead of {types}")
    if measure is None:
        return
    sizes = vtkCellSizeFilter()
    sizes.SetInputData(grid)
    sizes.Update()
    array = sizes.GetOutput().GetCellData().GetArray(MEASURES[dimension])
    values = [array.GetValue(c) for c in range(array.GetNumberOfTuples())]
    if min(values) <= 0:
        fail(f"cell {values.index(min(values))} has size {min(values)}")
    if abs(sum(values) - measure) > 1e-9 * abs(measure):
        fail(f"the cells measure {sum(values)} instead of {measure}")
    if regions:
        check_regions(grid, values, regions)


def check_array(grid, name, expression):
    array = grid.GetPointData().GetArray(name)
    if array is None:
        fail(f"no point data {name}")
    if array.GetNumberOfTuples() != grid.GetNumberOfPoints():
        fail(f"{name} has {array.GetNumberOfTuples()} values for {grid.GetNumberOfPoints()} points")
    for i in range(grid.GetNumberOfPoints()):
        value = array.GetValue(i)
        if not math.isfinite(value):
            fail(f"{name} is {value} at point {i}")
        if expression:
            scope = dict(vars(math), **dict(zip("xyz", grid.GetPoint(i))))
            expected = eval(expression, {"__builtins__": {}}, scope)
            if abs(value - expected) > 1e-12 * max(1, abs(expected)):
                fail(f"{name} is {value} at {grid.GetPoint(i)} instead of {expected}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--points", type=int)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--cell", type=lambda text: text.split(","))
    parser.add_argument("--measure", type=float)
    parser.add_argument("--regions", type=lambda text: [float(m) for m in text.split(",")])
    parser.add_argument("arrays", nargs="*", metavar="NAME=EXPRESSION")
    arguments = parser.parse_intermixed_args()
    grid = read(arguments.file)
    if arguments.points not in (None, grid.GetNumberOfPoints()):
        fail(f"{grid.GetNumberOfPoints()} points instead of {arguments.points}")
    if arguments.cells not in (None, grid.GetNumberOfCells()):
        fail(f"{grid.GetNumberOfCells()} cells instead of {arguments.cells}")
    if arguments.cell:
        check_cells(grid, arguments.cell, arguments.measure, arguments.regions)
    for array in arguments.arrays:
        check_array(grid, *array.split("=", 1))
    names = [grid.GetPointData().GetArrayName(i) for i in range(grid.GetPointData().GetNumberOfArrays())]
    print(f"{arguments.file}: {grid.GetNumberOfPoints()} points, {grid.GetNumberOfCells()} cells, {' '.join(names)}")


main()
