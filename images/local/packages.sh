# Installs the package files in /recipe/packages with what they depend on, which comes from the distro, and the
# distro's own TLS clients as controls.
. /recipe/recipe.sh
. /recipe/manager.sh

if [ "$FAMILY" = debian ]; then
    phase deps
    ensure_lists
    add_extra_sources
    phase install
    # shellcheck disable=SC2086 # a list of packages
    install /recipe/packages/* ca-certificates curl openssl ${APT_PACKAGES:-}
else
    phase deps
    # Minimal images have curl-minimal, and only one of the two can be there.
    command -v curl >/dev/null || install curl
    install ca-certificates openssl
    phase install
    # shellcheck disable=SC2046,SC2086 # a list of packages; our own names of files have no blanks
    install $(ls -d /recipe/packages/*) ${RPM_PACKAGES:-}
fi
rm -rf /recipe/packages
clean
# Where matrix.yaml names the program it need not be in the path.
program=$(command -v traffic_server) || exit 0
if [ "$FAMILY" = debian ]; then
    name=$(dpkg -S "$(readlink -f "$program")" | sed 's/:.*//')
    version=$(dpkg-query --show --showformat='${Version}' "$name")
else
    name=$(rpm -qf --qf '%{NAME}' "$(readlink -f "$program")")
    version=$(rpm -q --qf '%{VERSION}-%{RELEASE}' "$name")
fi
package_facts "$name $version" nothing
