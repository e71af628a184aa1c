# Installs one exact version-release of a packaged ATS, and the distro's own TLS clients as controls.
# A build that left the repositories comes from PACKAGE_URL, which must be verified: by
# PACKAGE_SHA256, or by a signature of a key the image trusts (the distro's, or REPO_GPGKEY).
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
[ -n "${VERSION:-}" ] || fail 'VERSION is needed: the exact version-release of the package'
command -v curl >/dev/null || install curl
install ca-certificates openssl

target=$PACKAGE-$VERSION
if [ -n "${PACKAGE_URL:-}" ]; then
    phase fetch
    target=/tmp/$PACKAGE-$VERSION.rpm
    # shellcheck disable=SC2086 # a list of URLs
    fetch "$target" $PACKAGE_URL
    phase verify
    if [ -n "${PACKAGE_SHA256:-}" ]; then
        check_sha256 "$target" "$PACKAGE_SHA256" "$(basename "$fetched_from")"
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
install "$target"
rm -f /tmp/*.rpm
installed=$(rpm -q --qf '%{VERSION}-%{RELEASE}' "$PACKAGE")
[ "$installed" = "$VERSION" ] || fail "$PACKAGE is $installed, not $VERSION"
clean
check_runs "$(command -v traffic_server)"
