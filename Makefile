# The few words a person needs. Each does its own set-up: packages through apt (only what is missing), configure, build.
#   make run     tune the example application and show what pays
#   make test    unit and end-to-end tests, the same under sanitizers, a minute of fuzzing
#   make bench   the comparisons with other servers (docs/benchmarks.md); BENCH="tls http2" for some of them
#   make lint    format, clang-tidy, layering
#   make build   build/release/labcoat
.PHONY: run test bench lint format build fast-test test-ktls test-cgroup

JOBS ?= $(shell nproc)

build:
	@sh tools/setup.sh build
	@sh tools/build.sh release

# "Cannot tell" (exit 3: the machine was too noisy) is an answer, not a failure of make.
# The example needs Flask: the interpreter is chosen and named, whatever python3 comes first on PATH.
run:
	@sh tools/setup.sh build run
	@sh tools/build.sh release
	@python=$$(sh tools/find_python.sh flask) && echo "the example runs on $$python" && \
	  { build/release/labcoat tune -c examples/notes/study.toml --python $$python || [ $$? -eq 3 ]; }

test:
	@sh tools/setup.sh build test
	@sh tools/test.sh

# Without sanitizers and fuzzing: while working.
fast-test:
	@sh tools/setup.sh build test
	@sh tools/test.sh release

# On a kernel that knows TLS, whatever this machine's does.
test-ktls:
	@sh tools/setup.sh build uml
	@sh tools/build.sh release
	@sh tools/uml.sh tls

# On a kernel that limits memory by cgroup v2.
test-cgroup:
	@sh tools/setup.sh build uml
	@sh tools/build.sh release
	@sh tools/uml.sh cgroup

BENCH ?= wsgi_peers asgi_peers websocket files tls http2 idle idle_websocket access_log tail example_app memory

# One that fails does not keep the others from running.
bench:
	@sh tools/setup.sh build bench
	@sh tools/build.sh release
	@failed=""; for name in $(BENCH); do echo "== $$name"; /usr/bin/python3 "tests/bench/$$name.py" || failed="$$failed $$name"; done; \
	  [ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }

lint:
	@sh tools/setup.sh build lint
	@sh tools/lint.sh

format:
	@sh tools/setup.sh lint
	@git ls-files 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'fuzz/*.h' 'tests/*.cc' | xargs clang-format-14 -i
