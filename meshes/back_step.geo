// [0, 4] x [0, 2] without [0, 2] x [1, 2], in quadrilaterals: gmsh -2 -format msh22 back_step.geo
n = 7;
Point(1) = {0, 0, 0}; Point(2) = {2, 0, 0}; Point(3) = {4, 0, 0};
Point(4) = {0, 1, 0}; Point(5) = {2, 1, 0}; Point(6) = {4, 1, 0};
Point(7) = {2, 2, 0}; Point(8) = {4, 2, 0};
Line(1) = {1, 2}; Line(2) = {2, 3}; Line(3) = {4, 5}; Line(4) = {5, 6}; Line(5) = {7, 8};
Line(6) = {1, 4}; Line(7) = {2, 5}; Line(8) = {3, 6}; Line(9) = {5, 7}; Line(10) = {6, 8};
Curve Loop(1) = {1, 7, -3, -6}; Curve Loop(2) = {2, 8, -4, -7}; Curve Loop(3) = {4, 10, -5, -9};
Plane Surface(1) = {1}; Plane Surface(2) = {2}; Plane Surface(3) = {3};
Transfinite Curve {1, 2, 3, 4, 5} = 2 * n; Transfinite Curve {6, 7, 8, 9, 10} = n;
Transfinite Surface {1, 2, 3}; Recombine Surface {1, 2, 3};
Physical Curve("inlet", 1) = {6};
Physical Curve("outlet", 2) = {8, 10};
Physical Curve("solid", 3) = {1, 2, 3, 5, 9};
Physical Surface("fluid", 4) = {1, 2, 3};
