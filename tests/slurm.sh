#!/usr/bin/env bash
# The job scripts in the environment that Slurm would give them: a stand-in for the queue runs a copy of the script, sends
# the signals it asks for, and runs it again where it was requeued.
set -uo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/lib.sh"

mkdir commands spool
ln -s "$program" commands/pinn-solve
ln -s "$here/scripts/slurm/pinn-solve-batch" commands/
# srun passes signals on to its tasks; here there is one, which takes its place.
cat >commands/srun <<'SH'
#!/usr/bin/env bash
while [[ $1 == -* ]]; do shift; done
exec "$@"
SH
# shellcheck disable=SC2016
printf '#!/usr/bin/env bash\n[ ! -e "$QUEUE/refuse" ] && echo "$@" >>"$QUEUE/requeued"\n' >commands/scontrol
chmod +x commands/*
export PATH="$work/commands:$PATH" OMP_NUM_THREADS=1 QUEUE="$work"

# job FOLDER SCRIPT WORDS...: runs the script until its job is not put back into the queue; each job gets its signal once
# it has written a checkpoint into FOLDER. Sets status, that of the last job, and jobs, their number.
job() {
  local folder=$1 script=$2 pid clock before requeued; shift 2
  grep -q '^#SBATCH --signal=B:USR1@' "$script"; ok $? "$script asks for a signal"
  grep -q '^#SBATCH --requeue$' "$script"; ok $? "$script may be requeued"
  for ((jobs = 0; jobs < 60; jobs++)); do
    rm -f requeued
    cp "$script" spool/slurm_script; chmod +x spool/slurm_script
    before=$(newest "$folder" 2>/dev/null)
    SLURM_JOB_ID=17 SLURM_RESTART_COUNT=$jobs SLURM_CPUS_PER_TASK=1 \
      SLURM_JOB_END_TIME=$(($(date +%s) + 3600)) spool/slurm_script "$@" >>job.out 2>>job.err & pid=$!
    (while [ "$(newest "$folder" 2>/dev/null)" = "$before" ]; do sleep 0.02; done; kill -USR1 $pid 2>/dev/null) & clock=$!
    wait $pid; status=$?
    kill $clock 2>/dev/null; wait $clock 2>/dev/null
    requeued=$(cat requeued 2>/dev/null)
    [ -n "$requeued" ] || break
    [ "$requeued" = "requeue ${SLURM_ARRAY_JOB_ID:+18_}${SLURM_ARRAY_TASK_ID:-17}" ]; ok $? "$requeued"
  done
  jobs=$((jobs + 1))
}

# Long enough for several jobs.
sed 's/^solver.*/solver = ( { type = "adam"; iterations = 9000; }, { type = "lbfgs"; iterations = 300; tolerance = 0.0; } );/
     s/^output.*/output: { grid = 5; error_every = 1; checkpoint_every = 2000; };/' small.cfg >long.cfg
"$program" --json --output whole long.cfg >whole.log 2>err; ok $? "an undisturbed run: $(cat err)"
same_as_whole() { # FOLDER
  same_run "$1" whole && [ -s "$1/fields.vtkhdf" ]
  ok $? "$1 differs from an undisturbed run: $(tail -3 job.err)"
}
job output/long "$here/scripts/slurm/solve.sbatch" long.cfg --json
[ "$status" = 0 ] && [ "$jobs" -gt 1 ]; ok $? "solve.sbatch: status $status after $jobs jobs, $(tail -3 job.err)"
same_as_whole output/long

# Once it is done, another job finds nothing left to do.
job output/long "$here/scripts/slurm/solve.sbatch" long.cfg --json
[ "$status" = 0 ] && [ "$jobs" = 1 ]; ok $? "a finished run, submitted again: status $status after $jobs jobs"

# An array: the second line of a list.
printf 'none.cfg\nlong.cfg --set output.keep=1\n' >cases.txt
export SLURM_ARRAY_JOB_ID=18 SLURM_ARRAY_TASK_ID=2
job output/long-2 "$here/scripts/slurm/array.sbatch" cases.txt
unset SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID
[ "$status" = 0 ] && [ "$jobs" -gt 1 ]; ok $? "array.sbatch: status $status after $jobs jobs, $(tail -3 job.err)"
same_as_whole output/long-2

# What is not to be requeued: a job that is cancelled, one that cannot be, a mistake, a run outside of Slurm.
batch() { pinn-solve-batch "$@" >job.out 2>job.err & pid=$!; }
until_checkpoint() { for _ in $(seq 200); do [ -n "$(newest "$1" 2>/dev/null)" ] && break; sleep 0.05; done; }
once() { # NAME EXPECTED-STATUS TEXT
  wait $pid; status=$?
  [ "$status" = "$2" ] && [ ! -e requeued ] && grep -qF -- "$3" job.err; ok $? "$1: status $status, $(tail -3 job.err)"
}
rm -f requeued; export SLURM_JOB_ID=17
forever=(--set 'solver[0].iterations=1000000' --set output.checkpoint_every=100)
batch cancelled pinn-solve long.cfg "${forever[@]}"; until_checkpoint cancelled; kill -TERM $pid
once "a cancelled job" 3 "to go on"
touch refuse
batch refused pinn-solve long.cfg "${forever[@]}"; until_checkpoint refused; kill -USR1 $pid
once "a queue that refuses" 3 "submitting the same job again goes on"
rm refuse
batch wrong pinn-solve none.cfg; once "a mistake" 2 "none.cfg"
unset SLURM_JOB_ID
batch outside pinn-solve long.cfg "${forever[@]}"; until_checkpoint outside; kill -USR1 $pid
once "no Slurm job" 3 "not a Slurm job"

# Without any signal the program stops before the job's end by itself, and is requeued.
export SLURM_JOB_ID=17
SLURM_JOB_END_TIME=$(($(date +%s) + 3)) batch alone pinn-solve long.cfg "${forever[@]}" --set limits.margin=1
wait $pid; status=$?
[ "$status" = 0 ] && [ "$(cat requeued)" = "requeue 17" ] && grep -q '"reason": "stopped [0-9]* s before the end of the Slurm job"' alone/summary.json
ok $? "the job's end: status $status, $(tail -3 job.err)"
SLURM_JOB_END_TIME=1000 "$program" --output past small.cfg >out 2>err && grep -q "lies in the past" err; ok $? "a job that is over: $(cat err)"
SLURM_JOB_END_TIME=soon "$program" --output soon small.cfg >out 2>err && grep -q "is not a time in seconds.*'soon'" err; ok $? "no time: $(cat err)"

echo "slurm: $passed passed, $failed failed"
[ $failed -eq 0 ]
