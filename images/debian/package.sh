# Installs one exact version of a packaged ATS, and the distro's own TLS clients as controls.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
[ -n "${VERSION:-}" ] || fail 'VERSION is needed: the exact version of the package'
ensure_lists
add_extra_sources

# apt's own words for a missing version do not say which there are.
known() { apt-cache madison "$PACKAGE" | grep -qF "| $VERSION |"; }
known || { [ "$updated" = yes ] || update; }
if ! known; then
    there=$(apt-cache madison "$PACKAGE" | cut -d'|' -f2 | tr -d ' ' | sort -u | paste -sd' ')
    fail "no $PACKAGE $VERSION in the package lists; there is: ${there:-none}"
fi

phase install
# shellcheck disable=SC2086 # a list of packages
install "$PACKAGE=$VERSION" ca-certificates curl openssl ${APT_PACKAGES:-}
clean
check_runs "$(command -v traffic_server)"
