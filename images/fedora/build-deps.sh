# What a build needs. `fetch`: to download and verify a release. `compile`: to build it.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
case $1 in
fetch)
    # Minimal images have curl-minimal, and only one of the two can be there.
    command -v curl >/dev/null || install curl
    install ca-certificates gnupg2 bzip2 tar xz findutils
    ;;
compile)
    install gcc gcc-c++ make autoconf automake libtool pkgconf-pkg-config python3 flex bison patch patchutils \
        binutils diffutils file openssl-devel tcl-devel expat-devel pcre-devel libcap-devel hwloc-devel ncurses-devel \
        libcurl-devel brotli-devel yaml-cpp-devel zlib-devel
    ;;
*) fail "usage: build-deps.sh fetch|compile" ;;
esac
clean
