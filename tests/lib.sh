# shellcheck shell=bash disable=SC2034
# What the tests of the program from outside share: a folder to work in, a count of what passed, and a small case.
program=$(realpath "${PINN_SOLVE:-build/pinn-solve}")
mpirun=${MPIRUN:-mpirun --allow-run-as-root --oversubscribe}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} # waiting threads sleep: tests share their machine
work=$(mktemp -d); [ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0; failed=0
ok() { if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $2"; fi; }

newest() { find "$1" -maxdepth 1 -name 'checkpoint-*.h5' | sort -V | tail -1; }
verification() { grep '"event": *"verification"' "$1"; }
# A history without the two columns that no run repeats.
timeless() {
  awk -F, 'NR == 1 { for (k = 1; k <= NF; k++) if ($k ~ /^(rows_per_second|seconds)$/) time[k] = 1 }
           { for (k = 1; k <= NF; k++) if (!(k in time)) printf "%s,", $k; print "" }' "$1/history.csv"
}
# Are history and verification of two run folders the same?
same_run() {
  [ "$(wc -l <"$1/history.csv")" -gt 1 ] && cmp -s <(timeless "$1") <(timeless "$2") &&
    cmp -s <(grep -o '"verification": {.*}, "end"' "$1/summary.json") <(grep -o '"verification": {.*}, "end"' "$2/summary.json")
}

cat >small.cfg <<'CFG'
problem: {
  coordinates = [ "x", "y" ];
  fields      = [ "u" ];
  constants:  { k = 1.0; };
  exact:      { u = "sin(pi*x)*sin(pi*y)"; };
  equations   = ( { name = "poisson"; residual = "-laplacian(u) - f"; manufactured = "f"; } );
  conditions  = ( { name = "walls"; on = "boundary"; residual = "u"; weight = 100.0; } );
};
domain:  { type = "box"; lower = [ 0.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };
points:  { interior = { count = 300; }; conditions = { count = 80; }; heldout = 300; };
network: { type = "mlp"; hidden = [ 10 ]; activation = "tanh"; };
solver   = ( { type = "gauss-newton"; iterations = 15; } );
output:  { grid = [ 21, 21 ]; };
CFG
