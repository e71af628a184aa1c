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
    # What no ATS of autotools builds without, and what else one may use: where the distro has not got that,
    # it is configure that says whether it can do without. From Fedora 41 on OpenSSL's engine.h, which ATS 9
    # includes, is in a package of its own.
    needed='gcc gcc-c++ make autoconf automake libtool pkgconf-pkg-config python3 flex bison patch patchutils
        binutils diffutils file openssl-devel tcl-devel pcre-devel'
    choose openssl-devel-engine expat-devel libcap-devel hwloc-devel ncurses-devel libcurl-devel brotli-devel \
        yaml-cpp-devel libunwind-devel zlib-devel
    building=yes
    # shellcheck disable=SC2086 # lists of packages
    install $needed $offered ${RPM_PACKAGES:-}
    ;;
*) fail "usage: build-deps.sh fetch|compile" ;;
esac
clean
