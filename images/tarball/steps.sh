# Sourced after recipe.sh and patches.sh: the steps that build and rebuild share.

apply_patch() {
    name=${patch_file:-$patch_sha256}
    if [ -n "$patch_file" ]; then
        tar -xOf "$dist/$patch_sha256" "$patch_file" >/tmp/atsmatrix.patch || fail "no $patch_file in the archive"
    else
        cp "$dist/$patch_sha256" /tmp/atsmatrix.patch
    fi
    if [ -n "$patch_only" ]; then
        globs=
        for glob in $patch_only; do globs="$globs --include=$glob"; done
        # shellcheck disable=SC2086 # a list of options; globbing is off in here
        filterdiff --strip-match=1 $globs /tmp/atsmatrix.patch >/tmp/atsmatrix.part
        [ -s /tmp/atsmatrix.part ] || fail "$name changes nothing that matches$patch_only"
        mv /tmp/atsmatrix.part /tmp/atsmatrix.patch
    fi
    echo "applying $name${patch_only:+ (only$patch_only)}"
    logged patch -d $tree -p1 -N </tmp/atsmatrix.patch || fail "$name does not apply"
}

# All of the top directory's list but examples, tests, tools and the plugins. A release before or
# after 9.2 that lacks one of these directories is built without it.
parts() {
    for dir in include src/tscpp/util lib src/tscore iocore proxy mgmt src rc configs; do
        [ ! -e $tree/$dir/Makefile ] || echo $dir
    done
}
plugins='conf_remap/conf_remap.la stats_over_http/stats_over_http.la'

# One compiler a CPU, unless the memory that is free now does not last: one takes up to 1 GiB.
compilers() {
    fit=$(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo) >> 20))
    [ "$fit" -ge 1 ] || fit=1
    [ "$fit" -lt "$(nproc)" ] || fit=$(nproc)
    echo "$fit"
}

# -O keeps the lines of one compiler run together, so that the first error reads as one piece.
make_in() {
    dir=$1
    shift
    logged make -C "$tree/$dir" -j"$(compilers)" -Otarget --no-print-directory "$@"
}

make_all() {
    for part in $(parts); do make_in "$part" || return 1; done
    # shellcheck disable=SC2086 # a list of targets
    make_in plugins $plugins
}

compile() {
    until phase compile && make_all; do
        second_look /tmp/atsmatrix.log || exit 1
    done
}

# wanting LOG...: the file that a build ended for want of, below a folder of headers or libraries. Of
# config.log the last one counts: a configure looks for many a file that it can do without.
wanting() {
    cat "$@" | sed -nE 's/.*fatal error: ([^ :]+): No such file or directory.*/\1/p
        s/.*cannot find -l([^ :]+).*/lib\1.so/p' | tail -n1
}

# second_look LOG...: before a failure is a finding, the build must have had every package that the distro
# offers for it. True: one was installed that has the file which the build ended for want of. False: there
# is none, or nothing is missing; then the phase and the log that has the reason are as they were.
looked_for=' '
second_look() {
    ! grep -qsE "$machine" "$@" || return 1
    want=$(wanting "$@")
    case $want in '' | /* | *..* | *[!A-Za-z0-9_/.+-]*) return 1 ;; esac
    case $looked_for in *" $want "*) return 1 ;; esac
    looked_for="$looked_for$want "
    was=$phase
    cp /tmp/atsmatrix.log /tmp/atsmatrix.build
    # What goes wrong from here on is no finding.
    phase deps
    . /recipe/manager.sh
    look "$want" || fail "cannot ask the distro which package has $want: ${reason:-see above}"
    if [ -n "$offers" ]; then
        echo "once more, with $offers, which has $want"
        install "$offers" || exit 1
        return 0
    fi
    echo "no package of the distro has $want"
    phase "$was"
    tee /tmp/atsmatrix.log </tmp/atsmatrix.build
    return 1
}

install_tree() {
    phase install
    for part in $(parts); do make_in "$part" install >/tmp/atsmatrix.install || { cat /tmp/atsmatrix.install; return 1; }; done
    make_in plugins install-pkglibLTLIBRARIES "pkglib_LTLIBRARIES=$plugins" >/dev/null
    # For people who compile plugins, and plugins of ATS's own tests: nobody here needs them.
    rm -rf $prefix/include $prefix/share/man $prefix/share/doc $prefix/lib/pkgconfig $prefix/lib/plugin_*.so
    find $prefix \( -name '*.la' -o -name '*.a' \) -delete
    mkdir -p $facts
    {
        cat $dist/provenance
        # In a shell of its own: what it sets are names like VERSION.
        (. /etc/os-release && echo "built id=${ID:-} version=${VERSION_ID:-}")
        binary_fact $prefix/bin/traffic_server
    } >$facts/provenance
    sh /recipe/run-deps.sh record
    check_runs $prefix/bin/traffic_server
    rm -rf /tmp/atsmatrix.*
}
