# `record`, in the image ATS was built in, writes down what its files need at run time;
# `install`, in the image ATS shall run in, installs that. No list kept by hand.
. /recipe/recipe.sh

case $1 in
record)
    # rpm names a library by its soname, and every package provides what it has.
    bits=
    [ "$(getconf LONG_BIT)" != 64 ] || bits='()(64bit)'
    find $prefix -type f \( -perm -u+x -o -name '*.so*' \) -exec readelf -d {} + 2>/dev/null |
        sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u | while read -r soname; do
        [ -e "$prefix/lib/$soname" ] || echo "$soname$bits"
    done >$facts/run-deps
    cat $facts/run-deps
    ;;
install)
    . /recipe/manager.sh
    phase deps
    command -v curl >/dev/null || install curl
    set -f
    # shellcheck disable=SC2046,SC2086 # lists of sonames and packages
    install $(cat $facts/run-deps) ca-certificates openssl ${RPM_PACKAGES:-}
    clean
    ;;
*) fail "usage: run-deps.sh record|install" ;;
esac
