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
    # What no ATS of autotools builds without, and what else one may use: where the distro has not got that,
    # it is configure that says whether it can do without. libpcre3-dev left Debian with trixie: from there on
    # it is a finding, unless it comes from an extra source.
    needed='build-essential autoconf automake libtool pkg-config python3 flex bison patch patchutils netbase
        libssl-dev tcl-dev libpcre3-dev'
    [ "$updated" = yes ] || update
    choose libexpat1-dev libcap-dev libhwloc-dev libncurses-dev libcurl4-openssl-dev libbrotli-dev \
        libyaml-cpp-dev libunwind-dev zlib1g-dev
    building=yes
    # shellcheck disable=SC2086 # lists of packages
    install $needed $offered ${APT_PACKAGES:-}
    ;;
*) fail "usage: build-deps.sh fetch|compile" ;;
esac
clean
