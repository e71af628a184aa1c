# What building ATS 10 or later needs, besides what build-deps.sh installs to fetch it.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
# The REQUIRED ones of CMakeLists.txt, and what it looks for. 10.0 and 10.1 want PCRE beside PCRE2; where the distro
# has not got it, cmake says whether it can do without.
needed='gcc gcc-c++ cmake ninja-build pkgconf-pkg-config patch patchutils binutils diffutils file openssl-devel
    pcre2-devel zlib-devel'
choose pcre-devel openssl-devel-engine libcap-devel hwloc-devel ncurses-devel libcurl-devel brotli-devel libunwind-devel
building=yes
# shellcheck disable=SC2086 # lists of packages
install $needed $offered ${RPM_PACKAGES:-}
clean
