#!/usr/bin/env python3
"""Writes pebble.stl, binary STL: an icosahedron whose triangles are divided twice in four, moved onto the surface
|x| = 0.3 + 0.05 x y/|x|^2 + 0.08 z^2/|x|^2 around the origin. 320 facets."""
import math
import struct

GOLDEN = (1 + math.sqrt(5)) / 2
VERTICES = [(-1, GOLDEN, 0), (1, GOLDEN, 0), (-1, -GOLDEN, 0), (1, -GOLDEN, 0), (0, -1, GOLDEN), (0, 1, GOLDEN),
            (0, -1, -GOLDEN), (0, 1, -GOLDEN), (GOLDEN, 0, -1), (GOLDEN, 0, 1), (-GOLDEN, 0, -1), (-GOLDEN, 0, 1)]
FACES = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
         (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]


def divide(triangle):
    a, b, c = triangle
    ab, bc, ca = (tuple((p + q) / 2 for p, q in zip(*ends)) for ends in ((a, b), (b, c), (c, a)))
    return [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]


def place(x):
    size = math.sqrt(sum(c * c for c in x))
    x, y, z = (c / size for c in x)
    radius = 0.3 + 0.05 * x * y + 0.08 * z * z
    return (radius * x, radius * y, radius * z)


triangles = [tuple(VERTICES[v] for v in face) for face in FACES]
for _ in range(2):
    triangles = [small for big in triangles for small in divide(big)]
with open("pebble.stl", "wb") as file:
    file.write(b"pebble".ljust(80, b"\0") + struct.pack("<I", len(triangles)))
    for triangle in triangles:
        file.write(struct.pack("<12fH", 0, 0, 0, *(c for corner in triangle for c in place(corner)), 0))
