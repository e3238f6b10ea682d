#!/bin/sh
# tools/lint.sh: format, layers, clang-tidy and pyflakes, each under its own headline; all run even when one fails.
# The findings are the last thing printed for each; the exit status is 1 when there are any.
set -u
cd "$(dirname "$0")/.."
status=0

run() {
  title=$1
  shift
  echo "== $title"
  if "$@"; then echo "ok"; else echo "FAILED: $title"; status=1; fi
}

files() { git ls-files --cached --others --exclude-standard -- "$@"; }

sources() { files 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'fuzz/*.h' 'tests/*.cc'; }

# The files, not every place in them: `make format` mends them.
format() {
  wrong=$(sources | xargs clang-format-14 --dry-run -Werror 2>&1 | grep -oE '^[^: ]+:' | sort -u | tr -d :)
  [ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

python_names() { files 'tools/*.py' 'python/*.py' 'tests/*.py' 'examples/*.py' 'targets/*.py' | xargs /usr/bin/python3 -m pyflakes; }

if [ ! -f build/lint/build.ninja ]; then
  cmake --preset dev -B build/lint -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_CXX_COMPILER_LAUNCHER= >/dev/null || exit 1
fi
cmake build/lint >/dev/null || exit 1

run "layers" tools/check_layers.py
run "format (clang-format-14)" format
run "names (pyflakes)" python_names
run "clang-tidy-14" tools/tidy.py
exit $status
