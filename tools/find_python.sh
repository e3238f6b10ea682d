#!/bin/sh
# tools/find_python.sh MODULE…: prints the first interpreter that is Python 3.11 or newer and can import the modules.
# Debian's comes first, because apt has given it what the example needs; the python3 first on PATH may be anybody's.
set -eu

for candidate in "${LABCOAT_RUN_PYTHON:-}" /usr/bin/python3 "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python3}" \
    "$(command -v python3 || true)"; do
  [ -n "$candidate" ] && [ -x "$candidate" ] || continue
  if "$candidate" -c 'import importlib, sys
sys.exit(sys.version_info < (3, 11) or any(importlib.import_module(name) is None for name in sys.argv[1:]))' \
      "$@" 2>/dev/null; then
    echo "$candidate"
    exit 0
  fi
done
echo "no Python 3.11 or newer with $*: install it (apt-get install python3 python3-flask), or name one in LABCOAT_RUN_PYTHON" >&2
exit 1
