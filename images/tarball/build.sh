# Unpacks, patches, configures, compiles and installs what fetch.sh left in $dist.
. /recipe/recipe.sh
. /recipe/patches.sh
. /recipe/steps.sh
PATCHES=$(cat $dist/patches)

phase patch
mkdir -p $tree
tar -xf $dist/source -C $tree --strip-components=1
[ -e $tree/configure.ac ] || fail 'no configure.ac: ATS 10 and later build with cmake, which this recipe does not know'
each_patch apply_patch

phase configure
cd $tree
# A release brings its generated files; a patched one has to make them anew.
if [ -n "$PATCHES" ] || [ ! -x configure ]; then
    logged autoreconf -if
fi
# Little optimization: it is the compile time that hurts. No debug information: it would be most
# of the tree's size. No warnings: errors shall be all there is to read. Not --disable-docs:
# naming the option turns docs on.
configure() {
    # shellcheck disable=SC2046 # a list of options
    logged ./configure --quiet --prefix=$prefix --enable-silent-rules \
        CFLAGS='-O1 -g0 -w' CXXFLAGS='-O1 -g0 -w' $(cat $dist/configure)
}
until configure; do
    # A message of the compiler is only in there.
    tail -n 40 config.log | sed 's/^/config.log: /'
    second_look config.log || exit 1
    phase configure
done

compile
install_tree
