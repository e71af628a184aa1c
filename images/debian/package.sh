# Installs one exact version of a packaged ATS, and the distro's own TLS clients as controls. A version
# that left the package lists comes from PACKAGE_URL, which PACKAGE_SHA256 must verify: a .deb by itself
# bears no signature.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
[ -n "${VERSION:-}" ] || fail 'VERSION is needed: the exact version of the package'
ensure_lists
add_extra_sources

# apt's own words for a missing version do not say which there are.
known() { apt-cache madison "$PACKAGE" | grep -qF "| $VERSION |"; }
known || { [ "$updated" = yes ] || update; }
target=$PACKAGE=$VERSION
if ! known && [ -n "${PACKAGE_URL:-}" ]; then
    [ -n "${PACKAGE_SHA256:-}" ] || fail 'PACKAGE_URL is of no use without PACKAGE_SHA256, its checksum'
    install ca-certificates curl
    phase fetch
    target=/tmp/atsmatrix.$PACKAGE.deb
    # shellcheck disable=SC2086 # a list of URLs
    fetch "$target" $PACKAGE_URL
    phase verify
    check_sha256 "$target" "$PACKAGE_SHA256" "$(basename "$fetched_from")"
    fetched=$(dpkg-deb --show --showformat='${Package} ${Version}' "$target")
    [ "$fetched" = "$PACKAGE $VERSION" ] || fail "$(basename "$fetched_from") is $fetched, not $PACKAGE $VERSION"
elif ! known; then
    there=$(apt-cache madison "$PACKAGE" | cut -d'|' -f2 | tr -d ' ' | sort -u | paste -sd' ')
    fail "no $PACKAGE $VERSION in the package lists; there is: ${there:-none} (PACKAGE_URL and PACKAGE_SHA256 name a copy)"
fi

phase install
# shellcheck disable=SC2086 # a list of packages
install "$target" ca-certificates curl openssl ${APT_PACKAGES:-}
clean
check_runs "$(command -v traffic_server)"
