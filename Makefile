# make              the release binary, target/release/image-transfer
# make test         installs what the tests need, runs all of them
# make soak         2,000 images through a fifth of faulty requests
# make quickstart   a whole run without any server: workflows/quickstart.yaml
# make bench        image-transfer and its peers side by side, ten minutes; writes docs/performance.md
# make bench-quick  two minutes of it, against skopeo
# make bench-flame  flame graphs of two of its workloads, into docs/performance
# make bench-inner  what hashing, mapping, choosing and reading names cost
# make picture      records docs/terminal/terminal.svg
# make plugins      builds the plugins' components into plugins/dist
# make deny         holds the dependencies to deny.toml: advisories, licences, bans, sources
# make fuzz         fuzzes what reads bytes from outside: ten minutes for each target, or TIME=60 TARGETS="link reference"
CARGO   ?= cargo
XTASK   := $(CARGO) run --locked --quiet --manifest-path plugins/Cargo.toml -p xtask --
PLUGINS := $(CARGO) test --locked --manifest-path plugins/Cargo.toml
# Guests' native tests share the host's target directory: one place to cache, no crate built twice.
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: build test unit e2e soak bench bench-quick bench-flame bench-inner picture plugins-test deps quickstart plugins plugins-check lock-check fmt fmt-check lint deny fuzz

build:
	$(CARGO) build --locked --release --bin image-transfer

deps:
	tests/install-deps
	tests/install-deps --kit

# The quick checks first; the end-to-end tests last, so that their closing line is the last one.
.NOTPARALLEL: test
test: deps lock-check plugins-test unit e2e

unit:
	$(CARGO) test --locked --workspace --doc
	$(CARGO) test --locked --workspace --lib --bins

e2e: deps
	$(CARGO) test --locked --test e2e

soak: deps
	$(CARGO) test --locked --test e2e faults::soak -- --include-ignored

# WORKLOADS="small far" ROUNDS=5 TOOLS="skopeo sync": some of them, more often, of some tools, to standard output. What registries store is kept in memory where there is a place for
# it: a disk's moods are longer than what is measured.
BENCH := TMPDIR=$(firstword $(wildcard /dev/shm) /tmp) $(CARGO) bench --locked --bench peers --
bench:
	tests/install-deps --bench
	$(BENCH) $(WORKLOADS)

bench-quick:
	tests/install-deps --bench
	$(BENCH) quick

# The released program again, but linked with its symbols.
bench-flame:
	tests/install-deps --flame
	$(CARGO) rustc --locked --release -p image-transfer --bin image-transfer -- -C strip=none
	cp $(CARGO_TARGET_DIR)/release/image-transfer $(CARGO_TARGET_DIR)/release/with-symbols
	IMAGE_TRANSFER_WITH_SYMBOLS=$(CARGO_TARGET_DIR)/release/with-symbols $(BENCH) flame

# Pieces by criterion; PIECES=mapper: some of them.
bench-inner:
	$(CARGO) bench --locked --bench pieces -- $(PIECES)

picture: build
	tests/install-deps --bench
	python3 -m venv target/picture
	target/picture/bin/pip install --quiet --disable-pip-version-check --require-hashes -r docs/terminal/requirements.txt
	target/picture/bin/python docs/terminal/record.py $(CARGO_TARGET_DIR)/release/image-transfer

plugins-test:
	$(PLUGINS)

quickstart: build
	target/release/image-transfer run workflows/quickstart.yaml

plugins:
	tests/install-deps --guests
	$(XTASK) build

# Builds the components again with the locked toolchain and compares them with plugins/dist, byte for byte.
plugins-check:
	tests/install-deps --guests
	$(XTASK) build --check

# Compares hashes only: needs no toolchain for WebAssembly.
lock-check:
	$(XTASK) lock-check

fmt:
	$(CARGO) fmt --all
	$(CARGO) fmt --all --manifest-path plugins/Cargo.toml

fmt-check:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --all --manifest-path plugins/Cargo.toml --check

lint:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --manifest-path plugins/Cargo.toml --all-targets -- -D warnings

deny:
	tests/install-deps --deny
	tests/deny

fuzz:
	tests/install-deps --fuzz
	tests/fuzz/run $(TARGETS)
