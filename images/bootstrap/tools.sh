# Installs what bootstrap.sh needs. The keyrings are packages of the distro, which its own signatures vouch for.
. /recipe/recipe.sh
. /recipe/manager.sh

phase deps
install ca-certificates mmdebstrap debian-archive-keyring ubuntu-keyring
clean
