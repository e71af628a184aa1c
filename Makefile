# Two commands do everything: `make run` and `make test`. Both install what is missing (as root, on
# Debian; elsewhere they say what to install) and do nothing twice.
.PHONY: run test setup build clean

# RUSTFLAGS would silently replace the flags that make the binary static.
unexport RUSTFLAGS

run: build
	./target/x86_64-unknown-linux-gnu/release/atsmatrix run

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
	./target/x86_64-unknown-linux-gnu/release/atsmatrix clean --images
