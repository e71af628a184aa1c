# Makes the root file system of a release: $work/rootfs.tar, and on the last line of output its sha256. RELEASE, REPOSITORIES
# (base URLs), GPG_KEYS (names of files of distribution-gpg-keys, or keys in ASCII armour) and PACKAGES, one a line, say of
# what. Every package must bear a signature of one of the keys.
. /recipe/recipe.sh

work=/bootstrap # a volume: a container's own layer may be a file system of FUSE, which takes three times as long
root=$work/root
named=/usr/share/distribution-gpg-keys
export TMPDIR=$work

phase bootstrap
# Whoever started this holds our stdin. When it ends, by kill -9 too, nobody wants the file any more: in a container
# this takes all processes but the first, which then fails.
exec 3<&0 # what runs in the background has no stdin of its own
{ cat <&3 >/dev/null; kill -KILL -1; } &
exec 3<&-

mkdir -p $work/keys $work/repos $root/dev
# Keys in ASCII armour become files of their own; what is left are names.
printf '%s\n' "$GPG_KEYS" | awk -v to=$work/keys/ '
    /^-----BEGIN /  { n++; inside = 1 }
    inside          { print > (to n) }
    !inside && NF   { print $1 > (to "names") }
    /^-----END /    { inside = 0 }'
keys=
for key in $work/keys/[0-9]*; do [ ! -f "$key" ] || keys="$keys file://$key"; done
if [ -f $work/keys/names ]; then
    while read -r name; do
        [ -f "$named/$name" ] || fail "Debian's package distribution-gpg-keys has no key $name"
        keys="$keys file://$named/$name"
    done <$work/keys/names
fi
[ -n "$keys" ] || fail 'no key was given, and unsigned packages are not accepted'

n=0
entries "$REPOSITORIES" | while read -r url; do
    n=$((n + 1))
    # Out of reach is an answer, and it should come soon.
    printf '[atsmatrix-%s]\nname=atsmatrix-%s\nbaseurl=%s\nenabled=1\nretries=1\ntimeout=20\n' $n $n "$url"
    printf 'skip_if_unavailable=False\ngpgcheck=1\ngpgkey=%s\n' "${keys# }"
done >$work/repos/atsmatrix.repo

# Nothing is mounted, so no privilege is needed for it, and nothing stays mounted. What scripts of packages write to
# /dev/null must not become a file that others read; where the kernel allows no device, they share one.
mknod -m 666 $root/dev/null c 1 3 2>/dev/null || : >$root/dev/null

set -- -y --noplugins --installroot=$root --releasever="$RELEASE" --setopt=reposdir=$work/repos \
    --setopt=cachedir=$work/cache --setopt=gpgcheck=True --setopt=install_weak_deps=False --setopt=tsflags=nodocs
set -f
# shellcheck disable=SC2046 # a list of packages
logged dnf "$@" install $(entries "$PACKAGES") || {
    # dnf tells its reason below a bare `Error:`. Nothing: recipe.sh looks for another. Of an address that does not
    # answer the host is enough, and that only once.
    reason=$(grep -m1 -E 'Curl error|Status code|is not signed|is not installed|GPG check FAILED|No match for argument|Unable to find a match|nothing provides|Failed to' \
        /tmp/atsmatrix.log | sed -E 's/^[- ]*//
            s#^Curl error .*\[(Could not resolve host.*)\]$#\1#
            s#^Curl error .* for [a-z]+://([^/]+)/[^ ]* \[(.*)\]$#\1: \2#')
    exit 1
}
set +f

# The database is for the new system's rpm, which may look for it elsewhere.
database=$(rpm --eval %_dbpath)
wanted=$(chroot $root rpm --eval %_dbpath) || fail 'the packages bring no rpm that runs'
if [ "$wanted" != "$database" ]; then
    mkdir -p "$root$wanted"
    cp -a $root"$database"/. "$root$wanted"/
    rm -rf "${root:?}$database"
fi
[ -n "$(chroot $root rpm -qa)" ] || fail 'the new rpm does not read the list of installed packages'

rm -rf $root/var/cache/dnf $root/var/log/dnf* $root/var/log/hawkey.log
tar --create --file=$work/rootfs.tar --directory=$root --numeric-owner \
    --xattrs --xattrs-include=security.capability --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' .
echo "@@atsmatrix sha256 $(sha256sum $work/rootfs.tar | cut -d' ' -f1)"
