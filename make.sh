#!/bin/sh
# make.sh TARGET...: `make` for a machine that may not have make yet.
set -eu
cd "$(dirname "$0")"
command -v make >/dev/null 2>&1 || sh scripts/install-packages
exec make "$@"
