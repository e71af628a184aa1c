# Installs a packaged ATS, and the distro's own TLS clients as controls. VERSION is exact, a pattern with `*`
# (the newest that matches), or `latest` (what apt itself takes: as the distro has it). A version that left
# the package lists comes from PACKAGE_URL, which PACKAGE_SHA256 must verify: a .deb by itself bears no
# signature.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
[ -n "${VERSION:-}" ] || fail 'VERSION is needed: the version of the package, a pattern, or latest'
ensure_lists
add_extra_sources
# What moves is asked for anew; an exact version only where the lists do not have it.
case $VERSION in
latest | *'*'*) [ "$updated" = yes ] || update ;;
esac

# matches VERSION: it is one of those that were asked for.
matches() {
    [ "$VERSION" != latest ] || return 0
    # shellcheck disable=SC2254 # a pattern
    case $1 in
    $VERSION) return 0 ;;
    *) return 1 ;;
    esac
}

# pick: leaves the version to install in $version; nothing: the lists have none that was asked for. apt's own
# words for that do not say which there are.
pick() {
    version=
    if [ "$VERSION" = latest ]; then
        version=$(apt-cache policy "$PACKAGE" | sed -n 's/^  Candidate: \([^(].*\)/\1/p')
        return
    fi
    for there in $(apt-cache madison "$PACKAGE" | cut -d'|' -f2 | tr -d ' '); do
        if matches "$there" && { [ -z "$version" ] || dpkg --compare-versions "$there" gt "$version"; }; then
            version=$there
        fi
    done
}

pick
if [ -z "$version" ] && [ "$updated" = no ]; then
    update
    pick
fi
target=$PACKAGE=$version
verified=repository
if [ -z "$version" ] && [ -n "${PACKAGE_URL:-}" ]; then
    [ -n "${PACKAGE_SHA256:-}" ] || fail 'PACKAGE_URL is of no use without PACKAGE_SHA256, its checksum'
    install ca-certificates curl
    phase fetch
    target=/tmp/atsmatrix.$PACKAGE.deb
    # shellcheck disable=SC2086 # a list of URLs
    fetch "$target" $PACKAGE_URL
    phase verify
    check_sha256 "$target" "$PACKAGE_SHA256" "$(basename "$fetched_from")"
    verified=sha256:$PACKAGE_SHA256
    version=$(dpkg-deb --show --showformat='${Version}' "$target")
    fetched=$(dpkg-deb --show --showformat='${Package}' "$target")
    if [ "$fetched" != "$PACKAGE" ] || ! matches "$version"; then
        fail "$(basename "$fetched_from") is $fetched $version, not $PACKAGE $VERSION"
    fi
elif [ -z "$version" ]; then
    there=$(apt-cache madison "$PACKAGE" | cut -d'|' -f2 | tr -d ' ' | sort -u | paste -sd' ')
    fail "no $PACKAGE $VERSION in the package lists; there is: ${there:-none} (PACKAGE_URL and PACKAGE_SHA256 name a copy)"
fi

phase install
echo "$PACKAGE $version, asked for as $VERSION"
# shellcheck disable=SC2086 # a list of packages
install "$target" ca-certificates curl openssl ${APT_PACKAGES:-}
clean
check_runs "$(command -v traffic_server)"
package_facts "$PACKAGE $version" "$verified"
