# Two commands do everything: `make run` and `make test`. Both install what is missing (as root, on
# Debian; elsewhere they say what to install) and do nothing twice. `make check` is the part of `make test` that needs
# no container engine and no browser.
.PHONY: run test check lint setup build clean

# Either would silently replace the flags that make the binary static.
unexport RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

# By cargo, which alone knows where it puts what it builds (CARGO_TARGET_DIR).
run: build
	cargo run --release --locked --quiet -- run

test:
	@sh scripts/setup.sh test
	$(MAKE) --no-print-directory lint
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet
	cargo test --locked

check:
	@sh scripts/setup.sh check
	$(MAKE) --no-print-directory lint
	cargo test --locked --lib --test architecture --test ci_templates --test decisions --test dependencies \
		--test every_command --test gate_attacks --test judges --test trial_pages

lint:
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

build: setup
	cargo build --release --locked

setup:
	@sh scripts/setup.sh

clean: build
	cargo run --release --locked --quiet -- clean --images
