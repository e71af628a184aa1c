# Installs a packaged ATS, and the distro's own TLS clients as controls. VERSION is an exact version-release, a
# pattern with `*` (the newest that matches), or `latest` (as the distro has it). A build that left the repositories comes from PACKAGE_URL, which must be verified: by
# PACKAGE_SHA256, or by a signature of a key the image trusts (the distro's, or REPO_GPGKEY).
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
[ -n "${VERSION:-}" ] || fail 'VERSION is needed: the version-release of the package, a pattern, or latest'
command -v curl >/dev/null || install curl
install ca-certificates openssl

case $VERSION in
latest) target=$PACKAGE ;;
*) target=$PACKAGE-$VERSION ;;
esac
verified=
if [ -n "${PACKAGE_URL:-}" ]; then
    phase fetch
    target=/tmp/atsmatrix.$PACKAGE.rpm
    # shellcheck disable=SC2086 # a list of URLs
    fetch "$target" $PACKAGE_URL
    phase verify
    if [ -n "${PACKAGE_SHA256:-}" ]; then
        check_sha256 "$target" "$PACKAGE_SHA256" "$(basename "$fetched_from")"
        verified=sha256:$PACKAGE_SHA256
    else
        case ${REPO_GPGKEY:-} in
        '' | none) for key in /etc/pki/rpm-gpg/RPM-GPG-KEY-*; do rpmkeys --import "$key" 2>/dev/null || true; done ;;
        *) for key in $REPO_GPGKEY; do rpmkeys --import "$key"; done ;;
        esac
        # `digests OK` alone would do for a package nobody signed.
        rpmkeys --checksig "$target" | tee /dev/stderr | grep -q 'signatures OK' ||
            fail "$(basename "$fetched_from") bears no signature of a trusted key, and PACKAGE_SHA256 is empty"
    fi
fi

phase install
# shellcheck disable=SC2086 # a list of packages
install "$target" ${RPM_PACKAGES:-}
rm -f /tmp/atsmatrix.*.rpm
installed=$(rpm -q --qf '%{VERSION}-%{RELEASE}' "$PACKAGE")
echo "$PACKAGE $installed, asked for as $VERSION"
if [ "$VERSION" != latest ]; then
    # shellcheck disable=SC2254 # VERSION is a pattern
    case $installed in
    $VERSION) ;;
    *) fail "$PACKAGE is $installed, not $VERSION" ;;
    esac
fi
# The key of the signature that dnf or rpmkeys has checked; of an rpm without one nobody checked anything.
key=$(rpm -qi "$PACKAGE" | sed -nE 's/.*Key (ID|Fingerprint:) *([0-9a-f]+).*/\2/p' | head -n1)
[ -n "$verified" ] || verified=${key:+signature:$key}
[ "${REPO_GPGKEY:-}" != none ] || verified=
clean
check_runs "$(command -v traffic_server)"
package_facts "$PACKAGE $installed" "${verified:-nothing}"
