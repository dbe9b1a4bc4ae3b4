#!/usr/bin/env bash
# The program from outside: mistakes, signals, restart, ranks, files. Prints one line a failure and a closing count.
set -uo pipefail
program=$(realpath "${PINN_SOLVE:-build/pinn-solve}")
mpirun=${MPIRUN:-mpirun --allow-run-as-root --oversubscribe}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0; failed=0
ok() { if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $2"; fi; }

newest() { find "$1" -name 'checkpoint-*.h5' | sort -V | tail -1; }

# A small case; `case_with` edits it by sed.
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
case_with() { sed "$1" small.cfg >bad.cfg; }

# mistake TEXT SED: the edited case must end with status 2 and one line that contains TEXT.
mistake() {
  case_with "$2"
  "$program" --output bad bad.cfg >out 2>err; local status=$?
  [ $status = 2 ] && [ "$(wc -l <err)" -le 3 ] && grep -qF -- "$1" err && [ ! -e bad/fields.vtkhdf ]
  ok $? "'$1': status $status, said: $(head -3 err)"
  rm -rf bad
}
mistake "bad.cfg:11: unknown key 'hiden'"        's/hidden/hiden/'
mistake "did you mean 'hidden'"                  's/hidden/hiden/'
mistake "bad.cfg:11"                             's/"tanh"/3/'
mistake "did you mean 'tanh'"                    's/"tanh"/"tahn"/'
mistake "bad.cfg:6"                              's/-laplacian(u) - f/-laplacian(u - f/'
mistake "column"                                 's/-laplacian(u) - f/-laplacian(u) - * f/'
mistake "unknown symbol 'w'"                     's/-laplacian(u) - f/-laplacian(u) - f + w/'
mistake "unknown coordinate 'zz'"                                    's/-laplacian(u) - f/-u_zz - f/'
mistake "selects no points"                      's/on = "boundary"/on = "x = 2"/'
mistake "bad.cfg:10"                             's/count = 300/count = 0/'
mistake "bad.cfg:10"                             's/count = 300/count = -5/'
mistake "memory"                                 's/\[ 10 \]/[ 1000000, 1000000 ]/'
mistake "bad.cfg:1"                              's/^problem/prolbem/'
mistake "syntax error"                           's/^domain:/domain: {/'
mistake "did you mean 'gauss-newton'"            's/"gauss-newton"/"gauss-newtom"/'
mistake "no-such.h5"                             's/^output:/verify: { reference = "no-such.h5"; };\noutput:/'
mistake "is not a field"                         's/exact:      { u/exact:      { w/'
"$program" missing.cfg >out 2>err; [ $? = 2 ] && grep -q "missing.cfg" err; ok $? "missing case file: $(cat err)"
"$program" --no-such-option small.cfg >out 2>err; [ $? = 2 ]; ok $? "unknown option: $(cat err)"
"$program" >out 2>err; [ $? = 2 ]; ok $? "no case file: $(cat err)"
"$program" --set 'network.hidden=[0]' --output bad small.cfg >out 2>err; [ $? = 2 ]; ok $? "--set out of range: $(cat err)"
touch plain; "$program" --output plain/below small.cfg >out 2>err; [ $? = 2 ] && grep -q plain err
ok $? "unwritable output directory: $(cat err)"

# One run, its files, and the refusal to overwrite them.
"$program" --json --output run small.cfg >log 2>err; ok $? "a small run: $(cat err)"
for f in fields.vtkhdf history.csv history.h5 summary.json case.cfg; do [ -s "run/$f" ]; ok $? "run/$f is missing"; done
for e in start progress verification end; do grep -q "\"event\": *\"$e\"" log; ok $? "no event $e"; done
"$program" --output run small.cfg >out 2>err; [ $? = 2 ] && grep -q overwrite err; ok $? "an old run was overwritten: $(cat err)"
"$program" --check small.cfg >out 2>err && [ ! -e output ]; ok $? "--check: $(cat err)"
"$program" --output again run/case.cfg --json >again.log 2>err; ok $? "the resolved case runs: $(cat err)"
verification() { grep '"event": *"verification"' "$1"; }
[ "$(verification log)" = "$(verification again.log)" ]; ok $? "the resolved case gives the same numbers"
"$program" --output run --evaluate "$(newest run)" small.cfg >out 2>err && [ -s run/evaluated.vtkhdf ]
ok $? "--evaluate: $(cat err)"
head -c 2000 "$(newest run)" >broken.h5
"$program" --output new1 --start-from broken.h5 small.cfg >out 2>err; [ $? = 2 ] && grep -q broken.h5 err
ok $? "a truncated checkpoint: $(cat err)"
"$program" --output new2 --start-from "$here/configs/data/kdv.h5" small.cfg >out 2>err; [ $? = 2 ] && grep -q kdv.h5 err
ok $? "a foreign checkpoint: $(cat err)"
"$program" --output new3 --start-from "$(newest run)" --set 'network.hidden=[11]' small.cfg >out 2>err
[ $? = 2 ]; ok $? "a checkpoint of another network: $(cat err)"

# verify.tolerance decides between status 0 and 4; NaN stops with its place.
"$program" --quiet --output tol --set verify.tolerance=1e-12 small.cfg >out 2>err; [ $? = 4 ]; ok $? "tolerance not met"
case_with 's/-laplacian(u) - f/-laplacian(u) - f + 1e-9*u*log(x - 0.5)/'
"$program" --quiet --output nan bad.cfg >out 2>err; status=$?
[ $status = 4 ] && cat out err | grep -q "log" && cat out err | grep -q "poisson"; ok $? "NaN: status $status, $(cat out err)"

# A signal writes a checkpoint and ends with 3; the resumed run ends where an undisturbed one does.
for signal in TERM INT; do
  rm -rf stop; long=(--set "solver[0].type=adam" --set "solver[0].iterations=4000" --set 'output.grid=[5,5]')
  "$program" --json --output stop "${long[@]}" small.cfg >stop.log 2>err & pid=$!
  for _ in $(seq 100); do grep -q progress stop.log && break; sleep 0.05; done
  kill -$signal $pid; wait $pid; status=$?
  [ $status = 3 ] && [ -n "$(newest stop)" ]; ok $? "SIG$signal: status $status, $(cat err)"
done
"$program" --json --resume --output stop "${long[@]}" small.cfg >resumed.log 2>err; ok $? "--resume: $(cat err)"
"$program" --json --output straight "${long[@]}" small.cfg >straight.log 2>err; ok $? "an undisturbed run: $(cat err)"
[ "$(verification resumed.log)" = "$(verification straight.log)" ]; ok $? "resumed and undisturbed runs differ"
"$program" --set limits.wall_time=0.2 --output limit "${long[@]}" --set "solver[0].iterations=1000000" small.cfg >out 2>err
[ $? = 3 ]; ok $? "limits.wall_time: $(cat err)"

# Two ranks reach the same numbers to rounding.
field() { verification "$1" | sed -n 's/.*"l2_error": *{"u": *\([0-9.e+-]*\).*/\1/p'; }
# shellcheck disable=SC2086 # MPIRUN is a list of words
for stage in adam gauss-newton; do
  "$program" --json --output one --overwrite --set "solver[0].type=$stage" small.cfg >one.log 2>err
  $mpirun -n 2 "$program" --json --output two --overwrite --set "solver[0].type=$stage" small.cfg >two.log 2>err
  awk -v a="$(field one.log)" -v b="$(field two.log)" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= 1e-6 * a) }'
  ok $? "$stage on two ranks: $(field one.log) and $(field two.log): $(cat err)"
done
# shellcheck disable=SC2086
$mpirun -n 2 "$program" --output two --overwrite --set network.hiden=3 small.cfg >out 2>err; [ $? = 2 ]
ok $? "a mistake on two ranks"

# ParaView's own reader sees the values that plain HDF5 holds.
for python in /usr/bin/python3 python3; do "$python" -c 'import vtk' 2>/dev/null && break; python=; done
if [ -n "$python" ]; then "$python" "$here/tests/read_vtkhdf.py" run/fields.vtkhdf >out 2>&1; ok $? "VTK reads fields.vtkhdf: $(cat out)"
else echo "skipped: no VTK for Python (python3-vtk9) to read fields.vtkhdf with"; fi

echo "program: $passed passed, $failed failed"
[ $failed -eq 0 ]
