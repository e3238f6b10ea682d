#!/bin/sh
# tools/setup.sh GROUP…: installs, through apt, what the groups need and is missing. Groups: build test lint bench run uml.
# Does nothing, and needs no root, when everything is there.
set -eu

build="cmake ninja-build g++ pkg-config ccache libexpected-dev libtomlplusplus-dev libcli11-dev libfmt-dev libspdlog-dev
  libsqlite3-dev libboost-dev libboost-math-dev nlohmann-json3-dev libnghttp2-dev libssl-dev zlib1g-dev libbrotli-dev libzstd-dev
  libgtest-dev libgmock-dev libbenchmark-dev python3-dev"
run="python3-flask libjemalloc2 libmimalloc2.0"
test="$run python3-pytest python3-pytest-xdist python3-prometheus-client python3-requests python3-h11 python3-h2 python3-uvloop
  python3-starlette python3-fastapi python3-websockets python3-multipart python3-django python3-pyramid python3-bottle python3-falcon python3-quart
  python3-itsdangerous python3-venv python3-psycopg2 postgresql clang-14 libclang-rt-14-dev curl nghttp2-client openssl sslscan
  brotli zstd chromium-headless-shell nodejs"
lint="clang-14 clang-tidy-14 clang-format-14 clang-tools-14 pyflakes3"
uml="python3-pytest python3-h2 user-mode-linux kmod iproute2 e2fsprogs curl openssl sslscan"
bench="$run python3-venv libev-dev wrk linux-perf nginx h2o nghttp2-client openssl"

wanted=""
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    run) wanted="$wanted $run" ;;
    test) wanted="$wanted $test" ;;
    lint) wanted="$wanted $lint" ;;
    bench) wanted="$wanted $bench" ;;
    uml) wanted="$wanted $uml" ;;
    *) echo "tools/setup.sh: there is no group '$group'; expected build, run, test, lint, bench or uml" >&2; exit 2 ;;
  esac
done

missing=""
for package in $wanted; do
  case " $missing " in *" $package "*) continue ;; esac
  dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "tools/setup.sh: install these as root, then try again:$missing" >&2; exit 1; }
  as_root=sudo
fi
echo "installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
