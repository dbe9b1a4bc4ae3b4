#!/usr/bin/env bash
# Every kind of condition, by the program, on a solution that the forcing is manufactured for: the final relative error
# below 1e-6, and above it once a condition is left out.
set -uo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/lib.sh"

# solved DOMAIN EXACT OPERATOR CONDITIONS: exit status of a run, 0 where the error is below the tolerance.
solved() {
  cat >condition.cfg <<CFG
problem: {
  coordinates = [ "x", "y" ];
  fields      = [ "u" ];
  exact:      { u = "$2"; };
  equations   = ( { residual = "$3 - f"; manufactured = "f"; } );
  conditions  = ( $4 );
};
domain:  { $1 };
points:  { interior = { count = 600; }; conditions = { count = 100; }; };
network: { type = "random-features"; features = 250; activation = "sin"; scale = 5.0; };
solver   = ( { type = "least-squares"; } );
verify:  { tolerance = 1e-6; };
output:  { grid = 21; };
CFG
  "$program" --quiet --json --overwrite --output condition condition.cfg >log 2>err
}
# verified NAME DOMAIN EXACT OPERATOR CONDITION REST: with REST alone the solution is another one (status 4).
verified() {
  solved "$2" "$3" "$4" "$5${6:+, $6}"; ok $? "$1: $(cat err): $(tail -1 log)"
  [ -n "$6" ] || return
  solved "$2" "$3" "$4" "$6"; [ $? = 4 ]; ok $? "$1 left out: $(cat err): $(tail -1 log)"
}
square='type = "box"; lower = 0.0; upper = 1.0;'
shell='type = "shell"; inner = 0.4; radius = 1.0;'
ellipse='type = "ellipse"; radii = [ 1.0, 0.6 ];'
some='exp(x)*cos(2*y)' wave='sin(2*pi*x + y)*exp(-y)' even='cos(pi*x)*cos(2*pi*y) + 0.75'
dirichlet() { echo "{ on = \"$1\"; residual = \"u - exact_u\"; weight = 100.0; }"; }
neumann() { echo "{ on = \"$1\"; residual = \"dn(u) - dn(exact_u)\"; weight = 100.0; }"; }
robin="{ on = \"boundary\"; weight = 100.0;
  residual = \"2*dn(u) + (1 + x^2)*u - 2*dn(exact_u) - (1 + x^2)*exact_u\"; }"
mean='{ on = "interior"; residual = "u"; integral = 0.75; sampler = "gauss-legendre"; count = [ 12, 12 ]; }'
around='{ periodic = "x"; weight = 100.0; }'

verified "Dirichlet"             "$square"  "$some" "-laplacian(u)"     "$(dirichlet "x = 1")"  "$(dirichlet "x = 0 | y = 0 | y = 1")"
verified "Neumann"               "$square"  "$some" "-laplacian(u) + u" "$(neumann "x = 1")"    "$(neumann "x = 0 | y = 0 | y = 1")"
verified "Neumann, curved faces" "$shell"   "$some" "-laplacian(u) + u" "$(neumann "boundary")" ""
verified "Robin, curved faces"   "$ellipse" "$some" "-laplacian(u)"     "$robin"                ""
verified "Robin"                 "$square"  "$some" "-laplacian(u)"     "$robin"                ""
verified "periodic"              "$square"  "$wave" "-laplacian(u)"     "$around"               "$(dirichlet "y = 0 | y = 1")"
verified "integral"              "$square"  "$even" "-laplacian(u)"     "$mean"                 "$(neumann "boundary")"

echo "conditions: $passed passed, $failed failed"
[ $failed -eq 0 ]
