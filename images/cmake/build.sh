# Unpacks, patches, configures, compiles and installs what fetch.sh left in $dist.
. /recipe/recipe.sh
. /recipe/patches.sh
. /recipe/steps.sh
. /recipe/steps-cmake.sh
PATCHES=$(cat $dist/patches)

phase patch
mkdir -p $tree
tar -xf $dist/source -C $tree --strip-components=1
[ -e $tree/CMakeLists.txt ] || fail 'no CMakeLists.txt: only ATS 10 and later build with cmake'
each_patch apply_patch

phase configure
# As little as with autotools: hardly any optimization, no debug information, no warnings; no tests, documentation or
# experimental plugins. Names of options: CMakeLists.txt of 10.x.
configure() {
    # shellcheck disable=SC2046 # a list of options
    logged cmake -G Ninja -S $tree -B $build -DCMAKE_INSTALL_PREFIX=$prefix \
        -DCMAKE_C_FLAGS='-O1 -g0 -w -DNDEBUG' -DCMAKE_CXX_FLAGS='-O1 -g0 -w -DNDEBUG' \
        -DBUILD_TESTING=OFF -DBUILD_REGRESSION_TESTING=OFF -DBUILD_EXPERIMENTAL_PLUGINS=OFF -DENABLE_DOCS=OFF \
        $(cat $dist/configure)
}
until configure; do
    second_look /tmp/atsmatrix.log || exit 1
    phase configure
done

compile
install_tree
