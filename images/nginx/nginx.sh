# Installs the distro's nginx. The agent writes its configuration and starts it.
. /recipe/recipe.sh
. /recipe/manager.sh

phase install
install nginx
clean
[ -x /usr/sbin/nginx ] || fail 'the package nginx has no /usr/sbin/nginx'
/usr/sbin/nginx -v
