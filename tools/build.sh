#!/bin/sh
# tools/build.sh PRESET [TARGET…]: configures once, then builds. Quiet when nothing is wrong.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
ninja -C "build/$preset" -j "${JOBS:-$(nproc)}" --quiet "$@"
