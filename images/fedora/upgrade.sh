# Sourced by upgrade/in-place.sh after manager.sh: dnf's part of an upgrade in place, what `dnf system-upgrade` does while it
# is offline. Reads RELEASE, the number of the new release.

list_packages() {
    rpm -qa --qf '%{NAME} %{EVR}\n' | sort -u -k1,1
}

leftovers() {
    find /etc \( -name '*.rpmnew' -o -name '*.rpmsave' \)
}

owner() {
    rpm -qf --qf '%{NAME} %{VERSION}-%{RELEASE}\n' "$1" 2>/dev/null | head -n1 || true
}

# manager.sh gives dnf the new $releasever and the repositories.
switch_sources() {
    [ -n "${RELEASE:-}" ] || fail 'the number of the new release is unknown: write `os` of that distro in matrix.yaml'
}

sync() {
    set -f
    # shellcheck disable=SC2086 # a list of options
    logged $dnf distro-sync --allowerasing $options "$@"
    synced=$?
    set +f
    return $synced
}

fetch_upgrade() {
    sync --downloadonly || exit 1
}

full_upgrade() {
    sync
}
