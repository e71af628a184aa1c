# More patches on a compiled tree: make does what they touch.
. /recipe/recipe.sh
. /recipe/patches.sh
. /recipe/steps.sh

phase patch
[ -e $tree/config.status ] || fail "BUILD has no configured tree in $tree"
each_patch apply_patch
compile
install_tree
