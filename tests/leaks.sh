#!/usr/bin/env bash
# leaks.sh [SCRIPT...]: tests of the program from outside (program.sh, failures.sh), all of whose mistakes and failures
# must leave nothing behind. PINN_SOLVE names a program that was built with the address sanitizer. What MPI keeps is its
# own; a stack that is gone hides no leak.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
logs=$(mktemp -d); trap 'rm -rf "$logs"' EXIT
printf 'leak:PetscInitialize\nleak:PetscFinalize\nleak:MPI_Finalize\n' >"$logs/own"
export ASAN_OPTIONS=detect_leaks=1:exitcode=0:fast_unwind_on_malloc=0:malloc_context_size=60:log_path=$logs/report
export LSAN_OPTIONS=suppressions=$logs/own:print_suppressions=0:use_stacks=0:use_registers=0
export UBSAN_OPTIONS=print_stacktrace=1:log_path=$logs/report
[ $# -gt 0 ] || set -- program.sh "failures.sh short"
for script; do # shellcheck disable=SC2086
  "$here"/$script
done
reports=$(find "$logs" -name 'report*' | wc -l)
find "$logs" -name 'report*' -exec sed -n '/ERROR\|runtime error\|leak of\|SUMMARY/p;/ src\//p' {} + | head -200
echo "leaks: 0 passed, $reports failed"
[ "$reports" = 0 ]
