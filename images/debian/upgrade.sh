# Sourced by upgrade/in-place.sh after manager.sh: apt's part of an upgrade in place. Reads SOURCES, the lines of
# sources.list of the new release.

list_packages() {
    dpkg-query --show --showformat='${binary:Package} ${Version} ${db:Status-Status}\n' |
        sed -n "s/:$(dpkg --print-architecture) / /; s/ installed\$//p"
}

leftovers() {
    find /etc \( -name '*.dpkg-dist' -o -name '*.dpkg-new' -o -name '*.ucf-dist' \)
}

owner() {
    package=$(dpkg-query --search "$1" 2>/dev/null | sed -n '1s/:.*//p')
    [ -z "$package" ] || dpkg-query --show --showformat='${Package} ${Version}\n' "$package"
}

# Every list of the old release goes, those of atsmatrix too.
switch_sources() {
    wanted=$(entries "${SOURCES:-}")
    # Scripts of packages of a release name manual pages as alternatives, and fail without them.
    sed -i '/path-exclude.*man/d' /etc/dpkg/dpkg.cfg.d/atsmatrix
    [ -n "$wanted" ] || fail 'the sources of the new release are unknown: write the `bootstrap` of that distro in matrix.yaml'
    rm -f /etc/apt/sources.list.d/* $preferences
    printf '%s\n' "$wanted" >/etc/apt/sources.list
    update || exit 1
}

# What a person answers who keeps the configuration.
keep='-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold'

fetch_upgrade() {
    logged apt-get -q dist-upgrade --download-only || exit 1
}

full_upgrade() {
    # shellcheck disable=SC2086 # a list of options
    logged apt-get -q dist-upgrade --no-download $keep
}
