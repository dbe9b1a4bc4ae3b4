// The unit square without a disk, two materials: gmsh -2 -format msh41 square_hole.geo
h = 0.12;
Point(1) = {0, 0, 0, h}; Point(2) = {0.5, 0, 0, h}; Point(3) = {1, 0, 0, h};
Point(4) = {1, 1, 0, h}; Point(5) = {0.5, 1, 0, h}; Point(6) = {0, 1, 0, h};
Point(7) = {0.25, 0.5, 0, h}; Point(8) = {0.4, 0.5, 0, h}; Point(9) = {0.25, 0.65, 0, h};
Point(10) = {0.1, 0.5, 0, h}; Point(11) = {0.25, 0.35, 0, h};
Line(1) = {1, 2}; Line(2) = {2, 3}; Line(3) = {3, 4}; Line(4) = {4, 5}; Line(5) = {5, 6}; Line(6) = {6, 1};
Line(7) = {2, 5};
Circle(8) = {8, 7, 9}; Circle(9) = {9, 7, 10}; Circle(10) = {10, 7, 11}; Circle(11) = {11, 7, 8};
Curve Loop(1) = {1, 7, 5, 6}; Curve Loop(2) = {8, 9, 10, 11}; Curve Loop(3) = {2, 3, 4, -7};
Plane Surface(1) = {1, 2}; Plane Surface(2) = {3};
Physical Curve("outer", 1) = {1, 2, 3, 4, 5, 6};
Physical Curve("hole", 2) = {8, 9, 10, 11};
Physical Curve("interface", 3) = {7};
Physical Surface("left", 4) = {1};
Physical Surface("right", 5) = {2};
