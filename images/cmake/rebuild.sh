# More patches on a compiled tree: ninja does what they touch.
. /recipe/recipe.sh
. /recipe/patches.sh
. /recipe/steps.sh
. /recipe/steps-cmake.sh

phase patch
[ -e $build/CMakeCache.txt ] || fail "BUILD has no configured tree in $build"
each_patch apply_patch
compile
install_tree
