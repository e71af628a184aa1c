# Upgrades the distro in place, records what that changed, and looks whether ATS is still there and can be loaded.
# The family's upgrade.sh has the part of its package manager:
#   list_packages   NAME VERSION of every installed package, one a line
#   leftovers       the new versions of configuration files that lie beside the kept ones
#   owner FILE      NAME VERSION of the package that owns a file; nothing: none does
#   switch_sources  to the package sources of the new release, whose lists it gets
#   fetch_upgrade   downloads everything, so that a mirror which does not answer is not taken for a failed upgrade
#   full_upgrade    installs it
. /recipe/recipe.sh
RELEASEVER=${RELEASEVER:-$RELEASE}
. /recipe/manager.sh
. /recipe/upgrade.sh

record=$package_facts/upgrade

# ID and VERSION_ID of the release.
release() {
    (. /etc/os-release && echo "$ID ${VERSION_ID:-}")
}

# broken TEXT: the finding that ATS did not survive the upgrade.
broken() {
    phase broken
    fail "$@"
}

phase deps
ats=${BINARY:-$(command -v traffic_server)} || fail 'there is no traffic_server in the image to upgrade'
# A command of /usr/bin may be a link.
ats=$(readlink -f "$ats")
was=$(owner "$ats")
from=$(release)
list_packages | sort >/tmp/atsmatrix.before
leftovers | sort >/tmp/atsmatrix.files
switch_sources
fetch_upgrade

phase upgrade
full_upgrade || exit 1
# An engine may tell what changed by size and time alone, and a file of two releases can have the same of both, as packages
# that are built anew for several releases bear the time of one security update.
find / -xdev -cnewer /tmp/atsmatrix.before ! -type d -exec touch -h {} +
clean_after() {
    rm -f /tmp/atsmatrix.before /tmp/atsmatrix.after /tmp/atsmatrix.files
    clean
}

list_packages | sort >/tmp/atsmatrix.after
mkdir -p $package_facts
{
    echo "from $from"
    join -a1 -a2 -e- -o 0,1.2,2.2 /tmp/atsmatrix.before /tmp/atsmatrix.after | while read -r name before after; do
        if [ "$before" = "$after" ]; then
            continue
        elif [ "$before" = - ]; then
            echo "added $name $after"
        elif [ "$after" = - ]; then
            echo "removed $name $before"
        else
            echo "changed $name $before $after"
        fi
    done
    leftovers | sort | comm -13 /tmp/atsmatrix.files - | sed 's/^/conffile /'
} >$record
cat $record
echo "$from is now $(release)"

[ -e "$ats" ] || broken "the upgrade removed $ats${was:+ of the package $was}"
missing=$(ldd "$ats" 2>&1 | grep 'not found' | head -n3) || true
[ -z "$missing" ] || broken "after the upgrade $ats lacks libraries: $missing"
"$ats" -V || broken "after the upgrade $ats -V exits with status $?"
now=$(owner "$ats")
if [ -n "$now" ] && [ "$now" != "$was" ]; then
    package_facts "$now" repository
fi
clean_after
