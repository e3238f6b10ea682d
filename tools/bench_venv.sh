#!/bin/sh
# tools/bench_venv.sh [PYTHON FOLDER]: build/bench-venv (of Debian's Python) with the peers of `make bench`, the versions of
# tests/bench/peers/requirements.txt.
# Does nothing when that is done. A peer that cannot be built is named, and is missing from the tables; nothing else is.
set -eu
cd "$(dirname "$0")/.."
wanted=tests/bench/peers/requirements.txt
python=${1:-/usr/bin/python3}
venv=${2:-build/bench-venv}

cmp -s $wanted "$venv/installed.txt" && exit 0

echo "installing the peers of the benchmarks into $venv"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

# shellcheck disable=SC2046
pip $(sed '1,/^# ---/d' $wanted)
for peer in $(sed '/^# ---/,$d; /^#/d' $wanted); do
  pip "$peer" || echo "tools/bench_venv.sh: $peer could not be installed" >&2
done
cp $wanted "$venv/installed.txt"
