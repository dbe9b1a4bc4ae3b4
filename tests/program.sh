#!/usr/bin/env bash
# The program from outside: mistakes, signals, restart, ranks, files. Prints one line a failure and a closing count.
set -uo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/lib.sh"

# The small case, edited by sed.
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
mistake "cannot read mesh 'no.msh'"              's/^domain:.*/domain: { type = "mesh"; file = "no.msh"; };/'
mistake "the domain is empty"                    's/^domain:.*/domain: { type = "difference"; of = ( { type = "ball"; }, { type = "ball"; } ); };/'
mistake "did you mean 'core'"                    's/^domain:.*/domain: { name = "core"; type = "ball"; };/; s/"boundary"/"cora"/'
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
# The mistakes of many dimensions.
cat >many.cfg <<'CFG'
problem: {
  coordinates = [ "x[50]" ];
  fields      = [ "u" ];
  exact:      { u = "(1 - norm2(x))*x[0]"; };
  equations   = ( { residual = "laplacian(u) - f"; manufactured = "f"; } );
};
domain:  { type = "ball"; };
points:  { interior = { sampler = "uniform"; }; };
CFG
refuse() { # TEXT OPTION...
  local text=$1; shift
  "$program" --output bad "$@" many.cfg >out 2>err; local status=$?
  [ $status = 2 ] && [ "$(wc -l <err)" -le 3 ] && grep -qF -- "$text" err
  ok $? "'$text': status $status, said: $(head -3 err)"
}
refuse 'products = "tf32" is there on a GPU alone' --set products=tf32
refuse "directions = 51 is more than the 50 terms" --set estimator.type=stde --set estimator.directions=51
refuse "estimates derivatives that this is not linear in" --set estimator.type=stde \
  --set 'problem.equations[0].residual=laplacian(u)^2 - f'
refuse "index 50 is outside 0 .. 49" --set 'problem.equations[0].residual=laplacian(u) - sum(i, 0, 50, x[i]) - f'
refuse "output.slices takes lines and planes" --set output.grid=5
refuse "the points and sweeps need about" --set points.interior.count=1000000000
touch plain; "$program" --output plain/below small.cfg >out 2>err; [ $? = 2 ] && grep -q plain err
ok $? "unwritable output directory: $(cat err)"

# One run, its files, and the refusal to overwrite them.
"$program" --json --output run small.cfg >log 2>err; ok $? "a small run: $(cat err)"
for f in fields.vtkhdf history.csv history.h5 summary.json case.cfg; do [ -s "run/$f" ]; ok $? "run/$f is missing"; done
for e in start progress verification end; do grep -q "\"event\": *\"$e\"" log; ok $? "no event $e"; done
"$program" --output run small.cfg >out 2>err; [ $? = 2 ] && grep -q overwrite err; ok $? "an old run was overwritten: $(cat err)"
"$program" --check small.cfg >out 2>err && [ ! -e output ]; ok $? "--check: $(cat err)"
"$program" --output again run/case.cfg --json >again.log 2>err; ok $? "the resolved case runs: $(cat err)"
field() { verification "$1" | sed -n 's/.*"l2_error": *{"u": *\([0-9.e+-]*\).*/\1/p'; }
# Do two runs have the same error, to rounding?
alike() {
  awk -v a="$(field "$1")" -v b="$(field "$2")" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= 1e-6 * a) }'
}
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
  rm -rf stop stop.log; long=(--set "solver[0].type=adam" --set "solver[0].iterations=4000" --set 'output.grid=[5,5]')
  "$program" --json --output stop "${long[@]}" small.cfg >stop.log 2>err & pid=$!
  for _ in $(seq 100); do grep -qs progress stop.log && break; sleep 0.05; done
  kill -$signal $pid; wait $pid; status=$?
  [ $status = 3 ] && [ -n "$(newest stop)" ]; ok $? "SIG$signal: status $status, $(cat err)"
done
"$program" --json --resume --output stop "${long[@]}" small.cfg >resumed.log 2>err; ok $? "--resume: $(cat err)"
"$program" --json --output straight "${long[@]}" small.cfg >straight.log 2>err; ok $? "an undisturbed run: $(cat err)"
[ "$(verification resumed.log)" = "$(verification straight.log)" ]; ok $? "resumed and undisturbed runs differ"
"$program" --set limits.wall_time=0.2 --output limit "${long[@]}" --set "solver[0].iterations=1000000" small.cfg >out 2>err
[ $? = 3 ]; ok $? "limits.wall_time: $(cat err)"

# What a resumed run must keep; the parameters alone may serve another equation.
another() { # TEXT OPTIONS...
  local text=$1; shift
  "$program" "$@" >out 2>err; [ $? = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -qF "was written by another case: $text" err
  ok $? "another case ($text) at $*: $(cat err)"
}
saved=$(newest stop); sed 's/-laplacian(u) - f/-laplacian(u) - f + u/' small.cfg >equation.cfg
another 'network.activation is "tanh" there and "sin" here (--set network.activation)' \
  --resume --output stop "${long[@]}" --set network.activation=sin small.cfg
another 'problem.equations[0].residual is "-laplacian(u) - f" there and "-laplacian(u) - f + u" here (equation.cfg:6); --start' \
  --resume --output stop "${long[@]}" equation.cfg
another 'seed is 1 there and 2 here (--set seed)' --resume --output stop "${long[@]}" --set seed=2 small.cfg
another 'points.interior.count is 300 there and 301 here' --resume "$saved" --output stop --set points.interior.count=301 small.cfg
another 'network.activation is' --evaluate "$saved" --output stop --set network.activation=sin small.cfg
another 'domain.upper is [ 1.0, 1.0 ] there and 2.0 here' --start-from "$saved" --output new4 --set domain.upper=2 small.cfg
"$program" --quiet --start-from "$saved" --output new5 --set problem.constants.k=2 equation.cfg >out 2>err
ok $? "another equation starts from old parameters: $(cat err)"
"$program" --resume --output nope small.cfg >out 2>err; [ $? = 2 ] && [ ! -e nope ]; ok $? "--resume where nothing is: $(cat err)"

# A finished run has nothing left to do, unless its last stage gets more iterations; then it ends where one run would.
few=(--json --set "solver[0].type=adam" --set "output.grid=5")
"$program" "${few[@]}" --output more --set "solver[0].iterations=60" small.cfg >out 2>err
"$program" "${few[@]}" --output more --resume --set "solver[0].iterations=60" small.cfg >out 2>err && grep -q "nothing left to do" out
ok $? "resuming a finished run: $(cat err)"
"$program" "${few[@]}" --output more --resume --set "solver[0].iterations=90" small.cfg >more.log 2>err; ok $? "more iterations: $(cat err)"
"$program" "${few[@]}" --output at-once --set "solver[0].iterations=90" small.cfg >at-once.log 2>err
[ "$(verification more.log)" = "$(verification at-once.log)" ] && [ "$(wc -l <more/history.csv)" = 92 ]; ok $? "60 + 30 iterations are not 90"
grep -q "iterations = 90;" more/case.cfg; ok $? "case.cfg is that of the resumed run"

# The command that a stopped run names goes on with it as it stands; a limit of time is one of each run.
odd=(--set "solver[0].type=adam" --set "solver[0].iterations=1000000" --set limits.wall_time=0.3 --set 'output.grid=[5, 5]'
     --set 'problem.exact.u="sin(pi*x) * sin(pi*y)"')
"$program" "${odd[@]}" --output "o'dd dir" small.cfg >out 2>err; [ $? = 3 ]; ok $? "stopped by the limit: $(cat err)"
first=$(newest "o'dd dir"); command=$(sed -n 's/^pinn-solve: to go on: //p' err)
eval "$command" >out 2>err; status=$?; second=$(newest "o'dd dir")
[ $status = 3 ] && [ "$(tr -dc 0-9 <<<"${second##*/}")" -gt $(($(tr -dc 0-9 <<<"${first##*/}") + 1)) ]
ok $? "the command '$command': status $status, $first to $second, $(cat err)"

# Old results survive whatever is wrong with the new run, and a signal before its first step.
keeps() { # TEXT OPTIONS...
  local text=$1; shift
  "$program" --overwrite --output run "$@" small.cfg >out 2>err; [ $? = 2 ] && grep -qF -- "$text" err && cmp -s run/fields.vtkhdf kept
  ok $? "--overwrite with $*: $(cat err)"
}
cp run/fields.vtkhdf kept
keeps broken.h5 --start-from broken.h5
keeps "another case" --start-from "$saved" --set network.activation=sin
keeps "solver[0].method" --set 'solver[0].method=nonsense'
keeps "--set output.grid: 40000 x 40000 nodes need" --set output.grid=40000
keeps "--set output.grid: 1000000 x 1000000 nodes are more" --set output.grid=1000000
keeps "--set verify.grid: 40000 x 40000 nodes need" --set verify.grid=40000
keeps "--set output.grid: 500 x 500 nodes need" --set output.grid=500 --set verify.grid=9 --set limits.memory=40
"$program" --check --set 'solver[0].method=nonsense' small.cfg >out 2>err; [ $? = 2 ]; ok $? "--check looks at the stages"
"$program" --output run --overwrite --json small.cfg >out 2>err & pid=$!
# The 15th bit of the caught signals is SIGTERM's.
for _ in $(seq 2000); do
  [ "/proc/$pid/exe" -ef "$program" ] && [ $((0x$(sed -n 's/^SigCgt:[^0-9a-f]*//p' "/proc/$pid/status") & 0x4000)) != 0 ] && break
done
kill -TERM $pid; wait $pid; status=$?
[ $status = 3 ] && grep -q "stopped by SIGTERM before anything was done" err && cmp -s run/fields.vtkhdf kept
ok $? "SIGTERM at the start: status $status, $(cat err)"
mkfifo pipe.cfg
"$program" --output run --overwrite pipe.cfg >out 2>err & pid=$!
exec 3>pipe.cfg; kill -INT $pid; cat small.cfg >&3; exec 3>&-; wait $pid; status=$?
[ $status = 3 ] && grep -q "stopped by SIGINT before anything was done" err && cmp -s run/fields.vtkhdf kept
ok $? "SIGINT while the case is read: status $status, $(cat err)"

# The resolved case finds its reference from where it lies; "" switches a reference off.
mkdir case; cp "$here/configs/data/burgers.h5" case/truth.h5
cat >case/heat.cfg <<'CFG'
problem: { coordinates = [ "x", "t" ]; fields = [ "u" ]; data: { c = "truth.h5:/u"; };
  equations = ( { residual = "u_t - (1 + c[7]^2)*u_xx"; } ); };
domain: { lower = [ -1.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };
points: { interior = { count = 50; }; heldout = 50; };
network: { hidden = [ 4 ]; };
solver = ( { type = "adam"; iterations = 2; } );
verify: { reference = "truth.h5"; };
output: { grid = 5; };
CFG
"$program" --json --output heat case/heat.cfg >heat.log 2>err; ok $? "a reference and data beside the case: $(cat err)"
(cd heat && "$program" --json --output again case.cfg) >again.log 2>err; ok $? "the resolved case with its files: $(cat err)"
[ "$(field heat.log)" = "$(field again.log)" ] && [ -n "$(field heat.log)" ]; ok $? "the reference of the resolved case"
"$program" --json --output none --set 'verify.reference=""' case/heat.cfg >none.log 2>err && [ -z "$(field none.log)" ]
ok $? "a reference switched off: $(cat err)"

# Killed in each of its stages, a run ends where an undisturbed one does: the same bits on as many ranks.
stopped_in() { # STAGE COMMAND...
  local stage=$1 pid line; shift
  rm -f pipe; mkfifo pipe
  "$@" >pipe 2>err & pid=$!
  while read -r line; do [[ $line == *'"stage_index": '$stage,* ]] && kill -USR1 $pid 2>/dev/null; echo "$line"; done <pipe >stopped.log
  wait $pid; status=$?
  [ $status = 3 ]; ok $? "not stopped in stage $stage: status $status, $(tail -3 err)"
}
chain() { # NAME CASE STAGES
  local name=$1 case=$2 stages=$3 k
  "$program" --json --output "$name" "$case" >"$name.log" 2>err; ok $? "$name: $(cat err)"
  stopped_in 0 "$program" --json --output "$name-stopped" "$case"
  for ((k = 1; k < stages; k++)); do stopped_in $k "$program" --json --resume --output "$name-stopped" "$case"; done
  "$program" --json --resume --output "$name-stopped" "$case" >"$name-stopped.log" 2>err
  [ "$(verification "$name.log")" = "$(verification "$name-stopped.log")" ]; ok $? "$name, resumed: $(cat err)"
}
stage() { echo "{ type = \"$1\"; iterations = $2; tolerance = 0.0; }"; }
sed "s/^solver.*/solver = ( $(stage adam 400), $(stage lbfgs 400), $(stage gauss-newton 50), $(stage adam 400) );/
     s/grid = .*/grid = 5; every = 1; };/" small.cfg >four.cfg
chain four four.cfg 4
sed "s/^solver.*/solver = ( $(stage lbfgs 600) );/; s/count = 300;/& adapt = 25;/; s/grid = .*/grid = 5; every = 1; };/" small.cfg >adapt.cfg
chain adapt adapt.cfg 1
sed 's/^network.*/network: { type = "random-features"; features = 60; activation = "sin"; scale_search = true; };/
     s/^solver.*/solver = ( { type = "least-squares"; } );/; s/grid = .*/grid = 5; every = 1; };/' small.cfg >scales.cfg
chain scales scales.cfg 1
sed "s/^solver.*/solver = ( $(stage soap 400), $(stage ssbroyden 500), $(stage shampoo 400) );/; s/grid = .*/grid = 5; every = 1; };/" small.cfg >matrices.cfg
chain matrices matrices.cfg 3

# Slabs of time: as accurate as one piece, without jumps of u and u_t; resumed in any of them with the same bits.
cat >wave.cfg <<'CFG'
problem: {
  coordinates = [ "x", "t" ];
  fields      = [ "u" ];
  exact:      { u = "sin(pi*x)*cos(pi*t)"; };
  equations   = ( { name = "wave"; residual = "u_tt - u_xx"; } );
  conditions  = ( { on = "t = 0"; residual = "u - exact_u"; weight = 100.0; }, { on = "t = 0"; residual = "u_t"; weight = 10.0; },
                  { on = "x = 0 | x = 1"; residual = "u"; weight = 100.0; } );
};
domain:  { lower = [ 0.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };
time:    { slabs = 3; };
points:  { interior = { count = 400; }; conditions = { count = 60; }; heldout = 300; };
network: { type = "random-features"; features = 120; activation = "sin"; scale = [ 4.0, 4.0 ]; };
solver   = ( { type = "least-squares"; iterations = 5; } );
output:  { grid = 11; every = 1; };
CFG
"$program" --json --output wave wave.cfg >wave.log 2>err; ok $? "slabs: $(cat err)"
"$program" --json --output piece --set time.slabs=1 wave.cfg >piece.log 2>err; ok $? "one piece: $(cat err)"
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && a < b) }'; }
below "$(field wave.log)" 1e-8 && below "$(field piece.log)" 1e-8; ok $? "slabs $(field wave.log), one piece $(field piece.log)"
jump() { verification wave.log | sed -n "s/.*\"jump $1\": {\"rms\": [^,]*, \"max\": \([^,]*\),.*/\1/p"; }
below "$(jump u)" 1e-8 && below "$(jump u_t)" 1e-7; ok $? "jumps of u and u_t: $(jump u) $(jump u_t)"
[ "$(verification wave.log | grep -o '{"end": [^}]*}' | wc -l)" = 3 ] && grep -q "^slab 3 least-squares,.*,2," wave/history.csv
ok $? "errors and history by slab: $(verification wave.log)"
sed "s/slabs = 3/ends = [ 0.3, 1.0 ]/; s/^network.*/network: { hidden = [ 8 ]; };/; s/count = 400/& adapt = 20/
     s/^solver.*/solver = ( $(stage adam 200), $(stage lbfgs 200) );/; s/count = 400/count = 100;/" wave.cfg >slabs.cfg
chain slabs slabs.cfg 4
# shellcheck disable=SC2086
$mpirun -n 2 "$program" --json --output wave2 wave.cfg >wave2.log 2>err
below "$(field wave2.log)" 1e-8; ok $? "slabs on two ranks: $(field wave2.log) $(cat err)"
# A saved run is evaluated slab by slab: as a reference for itself it has no error.
"$program" --output slabs --evaluate "$(newest slabs)" --points "$here/configs/data/burgers.h5" slabs.cfg >out 2>err; ok $? "--points: $(cat err)"
"$program" --json --output slabs --resume --set "verify.reference=$work/slabs/evaluated.h5" slabs.cfg >self.log 2>err
grep -q '"l2_error": {"u": 0}' self.log; ok $? "--points and slabs: $(verification self.log) $(cat err)"
slab_mistake() { # TEXT OPTIONS...
  local text=$1; shift
  "$program" --check "$@" wave.cfg >out 2>err; [ $? = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$text" err
  ok $? "'$text' at $*: $(cat err)"
}
slab_mistake "--set time.slabs: 0 is out of range" --set time.slabs=0
slab_mistake "either the number of slabs or their ends" --set 'time.ends=[0.5,1.0]'
slab_mistake "the ends must rise from the first time, 0: not 0.4" --set time.slabs=1 --set 'time.ends=[0.5,0.4,1.0]'
slab_mistake "the last end must be the last time, 1, not 0.9" --set time.slabs=1 --set 'time.ends=[0.5,0.9]'
"$program" --check --set time.slabs=2 small.cfg >out 2>err; [ $? = 2 ] && grep -q "time.slabs: the coordinates have no t" err
ok $? "slabs without t: $(cat err)"
another 'time.slabs is 3 there and 4 here' --resume --output wave --set time.slabs=4 wave.cfg

# Looks at the problem leave no trace in the run, stopped and resumed or not.
sed "s/^solver.*/solver = ( $(stage gauss-newton 60), $(stage spring 60), $(stage fosi 200), $(stage mfac 200) );/; s/grid = .*/grid = 5; every = 1; };/" small.cfg >unseen.cfg
sed '$a diagnostics: { every = 25; spectrum = 8; precond = "kfac"; };' unseen.cfg >looks.cfg
"$program" --json --output unseen unseen.cfg >unseen.log 2>err; ok $? "without diagnostics: $(cat err)"
chain looks looks.cfg 4
[ "$(verification unseen.log)" = "$(verification looks.log)" ]; ok $? "diagnostics change the run"
[ "$(grep -c 'diagnostics of' looks.log)" = 4 ]; ok $? "diagnostics in words"

# Two ranks reach the same numbers to rounding.
# shellcheck disable=SC2086 # MPIRUN is a list of words
for stage in adam gauss-newton ssbroyden soap; do
  "$program" --json --output one --overwrite --set "solver[0].type=$stage" small.cfg >one.log 2>err
  $mpirun -n 2 "$program" --json --output two --overwrite --set "solver[0].type=$stage" small.cfg >two.log 2>err
  alike one.log two.log; ok $? "$stage on two ranks: $(field one.log) and $(field two.log): $(cat err)"
done
# Paired points of a periodic condition lie on one rank.
cat >periodic.cfg <<'CFG'
problem: {
  coordinates = [ "x", "t" ];
  fields      = [ "u" ];
  exact:      { u = "sin(pi*(x - t))"; };
  equations   = ( { residual = "u_t + u_x + u_xx - f"; manufactured = "f"; } );
  conditions  = ( { on = "t = 0"; residual = "u - sin(pi*x)"; }, { name = "wrap"; periodic = "x"; weight = 10.0; } );
};
domain:  { lower = [ -1.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };
points:  { interior = { count = 150; causal = [ 0.1, 1.0 ]; causal_every = 3; }; conditions = { count = 31; }; heldout = 100; };
network: { hidden = [ 8 ]; };
solver   = ( { type = "gauss-newton"; iterations = 12; tolerance = 0.0; }, { type = "adam"; iterations = 200; } );
output:  { grid = 11; every = 1; };
CFG
"$program" --json --output periodic1 periodic.cfg >one.log 2>err
# shellcheck disable=SC2086
$mpirun -n 2 "$program" --json --output periodic2 periodic.cfg >two.log 2>err
alike one.log two.log; ok $? "periodic and causal on two ranks: $(field one.log) and $(field two.log): $(cat err)"
chain periodic periodic.cfg 2
# What estimators draw follows from the step alone.
cat >drawn.cfg <<'CFG'
problem: {
  coordinates = [ "x[12]" ];
  fields      = [ "u" ];
  exact:      { u = "sin(x[0])*x[1]"; };
  equations   = ( { residual = "laplacian(u) + u^3 - u"; estimator: { type = "sdgd"; directions = 3; unbiased = true; }; },
                  { residual = "laplacian(u) - u_{x[1]}"; estimator: { type = "hutchinson"; directions = 4; }; },
                  { residual = "laplacian(u) + u"; } );
  conditions  = ( { on = "boundary"; residual = "u - sin(x[0])*x[1]"; } );
};
domain:    { lower = [ -1.0 ]; upper = [ 1.0 ]; };
points:    { interior = { sampler = "uniform"; count = 30; resample = 7; }; conditions = { count = 20; }; heldout = 50; };
network:   { hidden = [ 8 ]; };
estimator: { type = "stde"; directions = 4; };
solver     = ( { type = "adam"; iterations = 400; } );
output:    { every = 1; };
CFG
chain drawn drawn.cfg 1
# shellcheck disable=SC2086
$mpirun -n 2 "$program" --json --output drawn2 drawn.cfg >two.log 2>err
alike drawn.log two.log; ok $? "estimators on two ranks: $(field drawn.log) and $(field two.log): $(cat err)"
# Stopped on two ranks, a run goes on there with the same bits, and on one to rounding.
sed "s/^solver.*/solver = ( $(stage adam 300) );/; s/grid = .*/grid = 5; every = 1; };/" small.cfg >ranks.cfg
# shellcheck disable=SC2086
{
  $mpirun -n 2 "$program" --json --output ranks ranks.cfg >ranks.log 2>err
  stopped_in 0 $mpirun -n 2 "$program" --json --output ranks-stopped ranks.cfg
  cp -r ranks-stopped ranks-one
  $mpirun -n 2 "$program" --json --resume --output ranks-stopped ranks.cfg >ranks-stopped.log 2>err
}
[ "$(verification ranks.log)" = "$(verification ranks-stopped.log)" ]; ok $? "resumed on two ranks: $(cat err)"
"$program" --json --resume --output ranks-one ranks.cfg >ranks-one.log 2>err
alike ranks.log ranks-one.log; ok $? "two ranks, resumed on one: $(field ranks.log) and $(field ranks-one.log): $(cat err)"
# shellcheck disable=SC2086
$mpirun -n 2 "$program" --output two --overwrite --set network.hiden=3 small.cfg >out 2>err; [ $? = 2 ]
ok $? "a mistake on two ranks"

# Stages side by side: one that the clock stops, one that ends by itself.
PINN_SOLVE=$program "$here/scripts/compare-optimizers" -s 0.5 -o compared -m "adam least-squares" small.cfg >out 2>err
grep -qE "^adam +[0-9]+ .*e[-+]" out && grep -qE "^least-squares +[0-9]+ .*e[-+]" out &&
  grep -q "^least-squares,.*$(sed -n 's/.*"l2_error": {"u": \([0-9]\.[0-9]\{3\}\).*/\1/p' compared/least-squares/summary.json)" compared/errors.csv
ok $? "compare-optimizers: $(cat out err)"

# ParaView's own reader sees the values that plain HDF5 holds.
for python in /usr/bin/python3 python3; do "$python" -c 'import vtk' 2>/dev/null && break; python=; done
if [ -n "$python" ]; then "$python" "$here/tests/read_vtkhdf.py" run/fields.vtkhdf >out 2>&1; ok $? "VTK reads fields.vtkhdf: $(cat out)"
else echo "skipped: no VTK for Python (python3-vtk9) to read fields.vtkhdf with"; fi

# Installed below a prefix, it works from there, and leaves nothing when it goes.
install=(make -s -C "$here" BUILD="$(dirname "$program")" DESTDIR="$work/root" PREFIX=/opt/pinn-solve)
"${install[@]}" install >out 2>&1; ok $? "make install: $(tail -3 out)"
root=$work/root/opt/pinn-solve
"$root/bin/pinn-solve" --check "$root/share/pinn-solve/configs/burgers.cfg" >out 2>err; ok $? "the installed program and case: $(cat err)"
grep -q '^\.TH PINN' "$root/share/man/man1/pinn-solve.1" && [ -x "$root/bin/pinn-solve-batch" ] && [ -s "$root/share/pinn-solve/slurm/solve.sbatch" ]
ok $? "manual page and job scripts: $(find "$root" -maxdepth 4)"
bash -c 'source "$0" && complete -p pinn-solve' "$root/share/bash-completion/completions/pinn-solve" >out 2>&1; ok $? "completion: $(cat out)"
"${install[@]}" uninstall >out 2>&1; [ -z "$(find "$work/root" -type f)" ]; ok $? "make uninstall: $(find "$work/root" -type f | head -3)"

echo "program: $passed passed, $failed failed"
[ $failed -eq 0 ]
