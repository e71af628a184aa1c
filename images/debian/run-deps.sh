# `record`, in the image ATS was built in, writes down what its files need at run time;
# `install`, in the image ATS shall run in, installs that. No list kept by hand.
. /recipe/recipe.sh

case $1 in
record)
    # dpkg-shlibdeps wants a source package around it, if only a line of one.
    work=$(mktemp -d)
    cd "$work"
    mkdir debian
    printf 'Source: ats\n\nPackage: ats\nArchitecture: any\n' >debian/control
    # It stops at scripts and at files without needs, so those are left out.
    find $prefix -type f \( -perm -u+x -o -name '*.so*' \) | sort >files
    # shellcheck disable=SC2046
    dpkg-shlibdeps -O --warnings=0 --ignore-missing-info -l$prefix/lib \
        $(while read -r file; do readelf -d "$file" 2>/dev/null | grep -q NEEDED && echo "$file"; done <files) |
        sed -n 's/^shlibs:Depends=//p' | sed 's/, */\n/g' | sort -u >$facts/run-deps
    cat $facts/run-deps
    cd /
    rm -rf "$work"
    ;;
install)
    . /recipe/manager.sh
    phase deps
    # As a package of its own, not as names: `apt-get install libssl3` means a package of that name,
    # a dependency on libssl3 is met by whatever provides it.
    mkdir -p /tmp/atsmatrix.deps/DEBIAN
    printf 'Package: atsmatrix-run-deps\nVersion: 1\nArchitecture: all\nMaintainer: atsmatrix <none>\n%s\n%s\n' \
        'Description: what the Apache Traffic Server in /opt/ats needs' \
        "Depends: $(paste -sd, $facts/run-deps)" >/tmp/atsmatrix.deps/DEBIAN/control
    dpkg-deb --build /tmp/atsmatrix.deps /tmp/atsmatrix.deps.deb >/dev/null
    add_extra_sources
    # shellcheck disable=SC2086 # a list of packages
    install /tmp/atsmatrix.deps.deb ca-certificates curl openssl ${APT_PACKAGES:-}
    clean
    ;;
*) fail "usage: run-deps.sh record|install" ;;
esac
