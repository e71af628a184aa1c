# Does the ATS that was built elsewhere find all it needs here?
. /recipe/recipe.sh
phase install
# shellcheck disable=SC2046 # our own file names have no blanks
check_runs $prefix/bin/traffic_server $(find $prefix -type f -name '*.so*')
