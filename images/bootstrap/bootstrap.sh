# Makes the root file system of a suite: $work/rootfs.tar, and on the last line of output its sha256. SUITE, SOURCES (lines
# of sources.list, `;` between them) and CHECK_VALID_UNTIL say of what.
. /recipe/recipe.sh

work=/bootstrap # a volume: a container's own layer may be a file system of FUSE, which takes three times as long
export TMPDIR=$work

phase bootstrap
# Whoever started this holds our stdin. When it ends, by kill -9 too, nobody wants the file any more: in a container
# this takes all processes but the first, which then fails.
exec 3<&0 # what runs in the background has no stdin of its own
{ cat <&3 >/dev/null; kill -KILL -1; } &
exec 3<&-

set -- --variant=apt --include=ca-certificates --format=tar
# Nothing is mounted, so no privilege is needed for it, and nothing stays mounted.
set -- "$@" --mode=root --skip=chroot/mount
[ "${CHECK_VALID_UNTIL:-true}" = true ] || set -- "$@" '--aptopt=Acquire::Check-Valid-Until "false"'
set -- "$@" "$SUITE" "$work"/rootfs.tar
# One argument a line of sources.list.
IFS='
'
set -f
# shellcheck disable=SC2046 # that is the point
set -- "$@" $(entries "$SOURCES")
set +f
unset IFS
logged mmdebstrap "$@"
echo "@@atsmatrix sha256 $(sha256sum $work/rootfs.tar | cut -d' ' -f1)"
