# What a build needs. `fetch`: to download and verify a release. `compile`: to build it.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
case $1 in
fetch)
    install ca-certificates curl gpg gpgv bzip2 xz-utils
    ;;
compile)
    add_extra_sources
    # libpcre3-dev left Debian with trixie: there it comes from an extra source.
    # shellcheck disable=SC2086 # a list of packages
    install build-essential autoconf automake libtool pkg-config python3 flex bison patch patchutils netbase \
        libssl-dev tcl-dev libexpat1-dev libpcre3-dev libcap-dev libhwloc-dev libncurses-dev \
        libcurl4-openssl-dev libbrotli-dev libyaml-cpp-dev libunwind-dev zlib1g-dev ${APT_PACKAGES:-}
    ;;
*) fail "usage: build-deps.sh fetch|compile" ;;
esac
clean
