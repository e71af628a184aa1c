# What building ATS 10 or later needs, besides what build-deps.sh installs to fetch it.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
add_extra_sources
# The REQUIRED ones of CMakeLists.txt, and what it looks for. 10.0 and 10.1 want PCRE beside PCRE2; where the distro
# has not got it, cmake says whether it can do without.
needed='build-essential cmake ninja-build pkg-config patch patchutils netbase libssl-dev libpcre2-dev zlib1g-dev'
[ "$updated" = yes ] || update
choose libpcre3-dev libcap-dev libhwloc-dev libncurses-dev libcurl4-openssl-dev libbrotli-dev libunwind-dev
building=yes
# shellcheck disable=SC2086 # lists of packages
install $needed $offered ${APT_PACKAGES:-}
clean
