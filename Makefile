# Two commands do everything: `make run` and `make test`. Both install what is missing (as root, on
# Debian; elsewhere they say what to install) and do nothing twice.
.PHONY: run test setup build clean

# Either would silently replace the flags that make the binary static.
unexport RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

# By cargo, which alone knows where it puts what it builds (CARGO_TARGET_DIR).
run: build
	cargo run --release --locked --quiet -- run

test:
	@sh scripts/setup.sh test
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet
	cargo test --locked

build: setup
	cargo build --release --locked

setup:
	@sh scripts/setup.sh

clean: build
	cargo run --release --locked --quiet -- clean --images
