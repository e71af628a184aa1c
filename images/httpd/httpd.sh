# Installs the distro's Apache httpd. The agent writes its configuration and starts it.
. /recipe/recipe.sh
. /recipe/manager.sh

phase install
if [ "$FAMILY" = debian ]; then
    install apache2
    program=/usr/sbin/apache2
else
    install httpd mod_ssl
    program=/usr/sbin/httpd
fi
clean
[ -x "$program" ] || fail "the package has no $program"
"$program" -v
