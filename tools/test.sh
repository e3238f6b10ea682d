#!/bin/sh
# tools/test.sh [STEP…]: release, asan, fuzz; all three without arguments. A step that fails does not keep the next from
# running; the last lines name what failed, and what each step said stands above under its headline.
set -u
cd "$(dirname "$0")/.."
failed=""
python=/usr/bin/python3  # Debian's: the one that has what the tests need
unset LABCOAT

step() {
  title=$1
  shift
  echo "== $title"
  begin=$(date +%s)
  "$@" || failed="$failed
  $title"
  echo "-- $title: $(($(date +%s) - begin)) s"
}

unit() { ctest --test-dir "build/$1" --output-on-failure -j 2 --no-tests=error -LE fuzz; }

# Two at a time where pytest-xdist is there; tests of one file stay together. A test that hangs ends the step.
stories() {
  program=$1
  shift
  workers=""
  $python -c 'import xdist' 2>/dev/null && workers="-n 2 --dist loadfile"
  # shellcheck disable=SC2086
  LABCOAT=$PWD/$program timeout -k 10 900 $python -m pytest -q -p no:cacheprovider $workers --ignore=tests/lab "$@"
}

measured_stories() {
  LABCOAT=$PWD/$1 timeout -k 10 600 $python -m pytest -q -p no:cacheprovider tests/lab
}

# The unit tests run under the sanitizers; here only when asked for by name.
release() {
  step "build (release)" sh tools/build.sh release $release_targets
  [ -n "$release_targets" ] || step "unit tests (release)" unit release
  step "frameworks from PyPI, for tests" $python tests/frameworks/interpreters.py
  step "end-to-end tests (release)" stories build/release/labcoat tests tools
  step "end-to-end tests that measure (release)" measured_stories build/release/labcoat
}

# The speed of a sanitized program says nothing; what measures stays with the release build.
asan() {
  export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
  step "build (asan)" sh tools/build.sh asan
  step "unit tests (asan)" unit asan
  step "end-to-end tests (asan)" stories build/asan/labcoat tests -m "not release_only"
}

# A minute of the two processors, shared by the targets.
fuzz() {
  [ -f build/fuzz/build.ninja ] || cmake --preset fuzz -DLABCOAT_FUZZ_SECONDS=12 >/dev/null
  step "build (fuzz)" ninja -C build/fuzz -j "$(nproc)" --quiet fuzzers
  step "fuzzing" ctest --test-dir build/fuzz -R '^fuzz_' --output-on-failure -j 2 --no-tests=error
}

# Everything together must stay below fifteen minutes: then the release build is only what the stories need.
release_targets=""
[ $# -gt 0 ] || release_targets="labcoat limit http_parse_tool"

for part in ${*:-release asan fuzz}; do
  case $part in
    release | asan | fuzz) $part ;;
    *) echo "tools/test.sh: there is no step '$part'; expected release, asan or fuzz" >&2; exit 2 ;;
  esac
done

if [ -n "$failed" ]; then
  echo "FAILED:$failed"
  exit 1
fi
echo "all tests passed"
