#!/usr/bin/env bash
# failures.sh short|soak: what goes wrong around a run. No result may be lost, none be silently wrong, and no name ever
# hold half a file. `soak` does the same for longer; SEED=n repeats its random moments.
set -uo pipefail
mode=${1:?usage: failures.sh short|soak}
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/lib.sh"
[ "$mode" = soak ] && seed=$$ || seed=1
RANDOM=${SEED:-$seed}
choose() { if [ "$mode" = soak ]; then echo "$2"; else echo "$1"; fi; }
# A random part of so many milliseconds, as what sleep takes.
draw() { local ms=$(($1 * RANDOM / 32768)); printf -v delay '%d.%03d' $((ms / 1000)) $((ms % 1000)); }
moment() { draw "$1"; sleep "$delay"; }
as_root() { [ "$(id -u)" = 0 ] && mkdir -p disk && mount -t tmpfs -o size="$1" tmpfs disk 2>/dev/null; }
trap 'umount disk 2>/dev/null; rm -rf "$work"' EXIT

# Whole HDF5 files end where their superblock says, at byte 40; checkpoints where the text before them does.
ends_whole() { # FILE
  local end
  if [[ $1 == *checkpoint-* ]]; then end=$(sed -n '3{s/^size //p;q}' "$1"); else end=$(($(od -An -t u8 -j 40 -N 8 "$1"))); fi
  [ "$end" = "$(stat -c %s "$1")" ]
}
# No file of a run folder may be half written, whatever ended the run.
whole_files() { # FOLDER
  local f
  for f in "$1"/*; do
    [ -e "$f" ] || continue
    case $f in
    *.tmp) ;; # goes with the next run
    *.h5 | *.vtkhdf) ends_whole "$f"; ok $? "$f is not whole" ;;
    *.csv) awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' "$f" && [ -z "$(tail -c 1 "$f")" ]; ok $? "$f is not whole" ;;
    *.json) [[ $(cat "$f") == '{'*'}}' ]]; ok $? "$f is not whole" ;;
    *.cfg) "$program" --check "$f" >check.out 2>&1; ok $? "$f: $(cat check.out)" ;;
    *) ok 1 "what is $f?" ;;
    esac
  done
}
flip() { # FILE BYTE: one bit of it
  local old; old=$(od -An -t u1 -j "$2" -N 1 "$1")
  printf '%b' "$(printf '\\0%03o' $((old ^ 1 << RANDOM % 8)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
said() { # TEXT FILE
  grep -qF -- "$1" "$2"; ok $? "'$1' was not said: $(tail -5 "$2")"
}
begin() { if [ -n "$(newest "$1" 2>/dev/null)" ]; then echo --resume; else echo --overwrite; fi; }

# All ranks at once, and last what started them: mpirun would leave them running.
kill_all() { # PID NAME
  local ranks; mapfile -t ranks < <(pgrep -f "^$program --quiet --output $work/$2 ")
  kill -9 "${ranks[@]}" "$1" 2>/dev/null
}
# Killed at random moments again and again, a run ends as an undisturbed one does, to the last bit of its history.
killed() { # NAME CASE KILLS COMMAND...
  local name=$1 case=$2 kills=$3 n=0 pid status start most; shift 3
  start=$(date +%s%N)
  "$@" "$program" --quiet --output "$name-whole" "$case" >out 2>err; ok $? "$name: $(cat err)"
  most=$((150 + 2 * ($(date +%s%N) - start) / 1000000 / kills))
  : >passed.err
  for ((n = 0; n < 20 * kills; n++)); do
    "$@" "$program" --quiet --output "$work/$name" "$(begin "$name")" "$case" >out 2>>passed.err & pid=$!
    draw "$most"; (sleep "$delay"; kill_all $pid "$name") &
    wait $pid 2>/dev/null; status=$?
    wait
    [ $status = 137 ] || break
    while pgrep -f "^$program --quiet --output $work/$name " >children; do sleep 0.05; done
    whole_files "$name"
  done
  [ $status = 0 ] && [ "$n" -ge "$kills" ]; ok $? "$name: status $status after $n kills of $kills: $(tail -3 passed.err)"
  same_run "$name" "$name-whole"; ok $? "$name: $n kills made another run"
  ! grep -E 'passed over|history begins|history lacks' passed.err; ok $? "$name: a file was lost"
  echo "$name: $n kills"
}
stage() { echo "{ type = \"$1\"; iterations = $2; tolerance = 0.0; }"; }
often="grid = 9; error_every = 1; checkpoint_every ="
sed "s/^solver.*/solver = ( $(stage adam "$(choose 3000 40000)"), $(stage ssbroyden "$(choose 300 3000)"), $(stage spring "$(choose 100 1500)") );/
     s/count = 300;/& adapt = 50;/; s/grid = .*/$often 60; };/" small.cfg >kills.cfg
export OMP_NUM_THREADS=1
killed kills kills.cfg "$(choose 8 50)"
# shellcheck disable=SC2086
if [ "$mode" = soak ]; then
  sed "s/^solver.*/solver = ( $(stage gauss-newton-krylov 400), $(stage soap 3000) );/; s/grid = .*/$often 20; };/" small.cfg >two.cfg
  killed two-ranks two.cfg 10 $mpirun -n 2
fi

# Killed while it writes its results: a run that is resumed has nothing left to do but that.
sed "s/^solver.*/solver = ( $(stage adam 50) );/; s/grid = .*/grid = [ 700, 700 ]; };/" small.cfg >results.cfg
"$program" --json --output results results.cfg >log 2>err; ok $? "results: $(cat err)"
cp -r results results-whole
for ((k = 0; k < $(choose 4 40); k++)); do
  rm -f results/fields.vtkhdf log
  "$program" --json --resume --output results results.cfg >log 2>err & pid=$!
  for _ in $(seq 200); do grep -q '"verification"' log && break; sleep 0.02; done
  moment 300; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
  whole_files results
done
# SIGTERM is no hindrance there: the results are written in full, and the run is done.
for ((k = 0; k < $(choose 3 20); k++)); do
  rm -f results/fields.vtkhdf log
  "$program" --json --resume --output results results.cfg >log 2>err & pid=$!
  for _ in $(seq 200); do grep -q '"verification"' log && break; sleep 0.02; done
  moment 200; kill -TERM $pid 2>/dev/null; wait $pid; status=$?
  whole_files results
  [ $status = 0 ] && [ "$(stat -c %s results/fields.vtkhdf)" = "$(stat -c %s results-whole/fields.vtkhdf)" ] && same_run results results-whole
  ok $? "SIGTERM during output: status $status, $(cat err)"
done
# At any moment of a start SIGTERM leaves nothing, or a checkpoint that goes on.
for ((k = 0; k < $(choose 6 60); k++)); do
  rm -rf starts
  "$program" --quiet --output starts --set 'solver[0].iterations=1000000' kills.cfg >out 2>err & pid=$!
  moment 300; kill -TERM $pid; wait $pid 2>/dev/null; status=$?
  if [ $status = 3 ] && [ -n "$(newest starts 2>/dev/null)" ]; then whole_files starts
  else [ $status = 143 ] || { [ $status = 3 ] && grep -q "before anything was done" err; }; ok $? "SIGTERM at the start: status $status, $(cat err)"; fi
done

# A rank that is killed takes the others along at once; the run goes on with the same bits.
sed "s/^solver.*/solver = ( $(stage adam "$(choose 2000 20000)") );/; s/grid = .*/$often 100; };/" small.cfg >ranks.cfg
# shellcheck disable=SC2086
{
  $mpirun -n 2 "$program" --quiet --output ranks-whole ranks.cfg >out 2>err; ok $? "two ranks: $(cat err)"
  for ((k = 0; k < $(choose 1 10); k++)); do
    rm -rf ranks
    timeout 60 $mpirun -n 2 "$program" --quiet --output "$work/ranks" ranks.cfg >out 2>err & pid=$!
    for _ in $(seq 400); do [ -n "$(newest ranks 2>/dev/null)" ] && break; sleep 0.02; done
    mapfile -t children < <(pgrep -f "^$program --quiet --output $work/ranks ranks.cfg$")
    kill -9 "${children[RANDOM % 2]}"; wait $pid; status=$?
    [ $status != 0 ] && [ $status != 124 ]; ok $? "a killed rank: status $status of mpirun"
    whole_files ranks
    $mpirun -n 2 "$program" --quiet --resume --output ranks ranks.cfg >out 2>err; ok $? "resumed on two ranks: $(cat err)"
    same_run ranks ranks-whole; ok $? "a rank that was killed made another run"
  done
}

# The newest checkpoint damaged, whatever byte of it: the one before it serves, and this is said.
sed "s/^solver.*/solver = ( $(stage lbfgs 100) );/; s/grid = .*/$often 30; keep = 3; };/" small.cfg >damage.cfg
"$program" --quiet --output damage-whole damage.cfg >out 2>err; ok $? "damage: $(cat err)"
damaged=$(newest damage-whole); size=$(stat -c %s "$damaged")
for ((k = 0; k < $(choose 4 100); k++)); do
  rm -rf damage; cp -r damage-whole damage; file=damage/${damaged##*/}; at=$((RANDOM * 32768 % size + RANDOM % 512))
  if [ $((k % 2)) = 0 ]; then truncate -s $((at % size)) "$file"
  else flip "$file" $((at % size)); fi
  "$program" --quiet --resume --output damage damage.cfg >out 2>err; ok $? "damaged at $((at % size)): $(cat err)"
  said "passed over: $file is " err
  same_run damage damage-whole && cmp -s <(tail -c +513 "$file" | wc -c) <(tail -c +513 "$damaged" | wc -c)
  ok $? "from the checkpoint before the damaged one: another run"
done
for f in damage/checkpoint-*.h5; do truncate -s 700 "$f"; done
"$program" --quiet --resume --output damage damage.cfg >out 2>err; [ $? = 2 ]; ok $? "all checkpoints damaged"
said "none of the" err
cp -r damage-whole history; truncate -s 3000 history/history.h5
"$program" --resume --output history --set 'solver[0].iterations=110' damage.cfg >out 2>err; ok $? "a damaged history: $(cat err)"
said "the history begins here" err

# A full disk ends no run: each kind of file is named, what there was stays whole, and with room the run goes on.
sed "s/^solver.*/solver = ( $(stage adam 3000) );/
     s/grid = .*/$often 1000; slices = ( { name = \"line\"; vary = [ \"x\" ]; } ); };/" small.cfg >full.cfg
"$program" --quiet --output full-whole full.cfg >out 2>err; ok $? "full: $(cat err)"
full() { # ROOM STATUS FILES...
  local room=$1 expected=$2 file status; shift 2
  if as_root 64m; then
    rm -rf disk/*; [ "$room" = much ] || { dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null; truncate -s -"$room" disk/filler; }
    "$program" --quiet --output disk/run --overwrite full.cfg >out 2>err; status=$?
  else
    mkdir -p disk; rm -rf disk/run
    (ulimit -f $((${room%k} / 2)); exec "$program" --quiet --output disk/run --overwrite full.cfg >out 2>err); status=$?
  fi
  [ $status = "$expected" ]; ok $? "a disk with room for $room: status $status, $(tail -3 err)"
  for file; do
    grep -qE "cannot write disk/run/$file: (No space left on device|File too large)" err; ok $? "$file on a full disk: $(cat err)"
  done
  whole_files disk/run
  rm -f disk/filler
  "$program" --quiet --output disk/run "$(begin disk/run)" full.cfg >out 2>err; ok $? "with room again: $(cat err)"
  cmp -s <(grep -o '"verification": {.*}, "end"' disk/run/summary.json) <(grep -o '"verification": {.*}, "end"' full-whole/summary.json)
  ok $? "after a full disk: another run"
  umount disk 2>/dev/null
}
full 4k 1 'checkpoint-1000\.h5' 'checkpoint-3000\.h5' 'history\.h5' 'fields\.vtkhdf' 'slice-line\.vtkhdf'
if [ "$mode" = soak ]; then for room in 0k 8k 12k 16k 24k 40k 64k 120k 200k 400k 800k; do full $room 1; done; fi
if [ "$(id -u)" = 0 ]; then full 0k 1 case.cfg; fi
# So do files that may not grow, and the disk of an evaluation.
(ulimit -f 60; exec "$program" --quiet --output limit full.cfg >out 2>err); [ $? = 1 ]; ok $? "files of 60 kB: $(cat err)"
said "cannot write limit/history.h5: File too large" err
whole_files limit
mkdir evaluated; saved=$(newest full-whole)
(ulimit -f 2; exec "$program" --output evaluated --evaluate "$saved" full.cfg >out 2>err); [ $? = 1 ]; ok $? "--evaluate: $(cat err)"
said "cannot write evaluated/evaluated.vtkhdf: File too large" err
sed 's/"y"/"t"/; s/pi\*y/pi*t/' full.cfg >time.cfg; "$program" --quiet --output time time.cfg >out 2>err; ok $? "time: $(cat err)"
(ulimit -f 2; exec "$program" --output evaluated --evaluate "$(newest time)" --points "$here/configs/data/burgers.h5" time.cfg >out 2>err); [ $? = 1 ]; ok $? "--points on a full disk: $(cat err)"
[ -z "$(ls evaluated)" ]; ok $? "left behind: $(ls evaluated)"
"$program" --json --output /dev/null/x small.cfg >out 2>err; [ $? = 2 ]; ok $? "/dev/null as a folder: $(cat err)"
"$program" --output closed small.cfg >/dev/full 2>err; ok $? "a terminal that is gone: $(cat err)"

# A folder that cannot be written, from the start and in the middle of a run.
if as_root 64m; then
  mount -o remount,ro disk
  "$program" --quiet --output disk/run small.cfg >out 2>err; [ $? = 2 ]; ok $? "a read-only disk: $(cat err)"
  said "cannot create the output directory disk/run: Read-only file system" err
  mount -o remount,rw disk
  "$program" --json --output disk/run full.cfg >out 2>err & pid=$!
  for _ in $(seq 200); do [ -n "$(newest disk/run 2>/dev/null)" ] && break; sleep 0.02; done
  for _ in $(seq 50); do mount -o remount,ro disk 2>/dev/null && break; sleep 0.01; done
  wait $pid; status=$?
  [ $status = 1 ]; ok $? "a disk that becomes read-only: status $status"
  said "Read-only file system" out
  whole_files disk/run
  mount -o remount,rw disk
  "$program" --quiet --resume --output disk/run full.cfg >out 2>err; ok $? "writable again: $(cat err)"
  same_run disk/run full-whole; ok $? "after a read-only disk: another run"
  umount disk
else
  mkdir fixed; chmod a-w fixed
  "$program" --quiet --output fixed small.cfg >out 2>err; [ $? = 2 ]; ok $? "a read-only folder: $(cat err)"
  said "cannot write into the output directory fixed" err
fi

# A reference that is cut or changed somewhere is refused in a sentence, or read: the program does not crash.
cat >heat.cfg <<'CFG'
problem: { coordinates = [ "x", "t" ]; fields = [ "u" ]; equations = ( { residual = "u_t - u_xx"; } ); };
domain: { lower = [ -1.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };
points: { interior = { count = 50; }; heldout = 50; };
network: { hidden = [ 4 ]; };
solver = ( { type = "adam"; iterations = 1; } );
verify: { reference = "truth.h5"; };
CFG
cp "$here/configs/data/burgers.h5" original.h5; size=$(stat -c %s original.h5)
for ((k = 0; k < $(choose 12 300); k++)); do
  cp original.h5 truth.h5; at=$(((RANDOM * 32768 + RANDOM) % (k % 3 ? size : 4096)))
  if [ $((k % 4)) = 0 ]; then truncate -s $at truth.h5
  else printf '\xff\x00\x80' | dd of=truth.h5 bs=1 seek=$at conv=notrunc status=none; fi
  "$program" --check heat.cfg >out 2>err; status=$?
  [ $status = 0 ] || { [ $status = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'truth.h5' err; }
  ok $? "a reference damaged at $at: status $status, $(cat err)"
done

echo "failures: $passed passed, $failed failed"
[ $failed -eq 0 ]
