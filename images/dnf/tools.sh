# Installs what bootstrap.sh needs. The keys of rpm distros are a package of Debian, which its own signatures vouch for.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
install ca-certificates distribution-gpg-keys dnf rpm
mkdir -p /etc/rpm
{
    # Where rpm keeps its database in Fedora from 36 on, and in its relatives from 10 on; Debian's has another place.
    echo '%_dbpath /usr/lib/sysimage/rpm'
    # rpm itself refuses what is not signed, whatever dnf was told.
    echo '%_pkgverify_level all'
    # Scripts of packages would get namespaces of their own, which takes privileges.
    echo '%__transaction_unshare %{nil}'
} >/etc/rpm/macros.atsmatrix
clean
