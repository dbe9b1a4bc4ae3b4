// The unit cube in hexahedra: gmsh -3 -format msh41 cube.geo (cube_tets.msh: without the Recombine and Layers words)
Point(1) = {0, 0, 0}; Point(2) = {1, 0, 0}; Point(3) = {1, 1, 0}; Point(4) = {0, 1, 0};
Line(1) = {1, 2}; Line(2) = {2, 3}; Line(3) = {3, 4}; Line(4) = {4, 1};
Curve Loop(1) = {1, 2, 3, 4};
Plane Surface(1) = {1};
Transfinite Curve {1, 2, 3, 4} = 4; Transfinite Surface {1}; Recombine Surface {1};
e[] = Extrude {0, 0, 1} { Surface{1}; Layers{3}; Recombine; };
Physical Surface("bottom", 1) = {1};
Physical Surface("top", 2) = {e[0]};
Physical Surface("sides", 3) = {e[2], e[3], e[4], e[5]};
Physical Volume("cube", 4) = {e[1]};
