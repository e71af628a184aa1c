# Sourced after tarball/steps.sh: the same steps by cmake. What make does a part at a time is here one call for the
# whole tree, so there are no parts.
build=$tree/build

parts() { :; }

make_in() {
    logged cmake --install $build
}

make_all() {
    logged cmake --build $build --parallel "$(compilers)"
}
