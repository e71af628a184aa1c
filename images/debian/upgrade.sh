# Sourced by upgrade/in-place.sh after manager.sh: apt's part of an upgrade in place. Reads SOURCES, the lines of
# sources.list of the new release.

list_packages() {
    dpkg-query --show --showformat='${binary:Package} ${Version} ${db:Status-Status}\n' |
        sed -n "s/:$(dpkg --print-architecture) / /; s/ installed\$//p"
}

leftovers() {
    find /etc \( -name '*.dpkg-dist' -o -name '*.dpkg-new' -o -name '*.ucf-dist' \)
}

owner() {
    package=$(dpkg-query --search "$1" 2>/dev/null | sed -n '1s/:.*//p')
    [ -z "$package" ] || dpkg-query --show --showformat='${Package} ${Version}\n' "$package"
}

# Every list of the old release goes, those of atsmatrix too.
switch_sources() {
    wanted=$(entries "${SOURCES:-}")
    # Scripts of packages of a release name manual pages as alternatives, and fail without them.
    sed -i '/path-exclude.*man/d' /etc/dpkg/dpkg.cfg.d/atsmatrix
    [ -n "$wanted" ] || fail 'the sources of the new release are unknown: write the `bootstrap` of that distro in matrix.yaml'
    rm -f /etc/apt/sources.list.d/* $preferences
    printf '%s\n' "$wanted" >/etc/apt/sources.list
    update || exit 1
}

# merge_usr: /bin and the like become links into /usr, which Debian 12 needs. Its package usrmerge renames the folders, and
# the file systems of container engines cannot rename a folder of a lower layer: so by copies. The last part starts no
# program: there is no loader meanwhile.
merge_usr() {
    apart=
    for folder in bin sbin lib lib32 lib64 libx32; do
        [ -d /$folder ] && [ ! -L /$folder ] || continue
        apart="$apart $folder"
        mkdir -p /usr/$folder
        for file in /$folder/*; do
            there=/usr/$folder/${file##*/}
            if [ -d "$file" ] && [ ! -L "$file" ]; then
                cp -a "$file" /usr/$folder/
            elif [ "$(readlink -f "$file")" != "$there" ]; then
                cp -a --remove-destination "$file" "$there"
            fi
        done
    done
    # shellcheck disable=SC2016,SC2086 # variables of perl; a list of folders
    perl -e '
        sub remove {
            my ($path) = @_;
            return unlink($path) || die "$path: $!" if -l $path || !-d $path;
            opendir(my $folder, $path) || die "$path: $!";
            remove("$path/$_") for grep { !/^\.\.?$/ } readdir($folder);
            rmdir($path) || die "$path: $!";
        }
        for (@ARGV) {
            remove("/$_");
            symlink("usr/$_", "/$_") || die "/$_: $!";
        }' $apart
}

# What a person answers who keeps the configuration.
keep='-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold'

fetch_upgrade() {
    logged apt-get -q dist-upgrade --download-only || exit 1
}

full_upgrade() {
    merge_usr
    # shellcheck disable=SC2086 # a list of options
    logged apt-get -q dist-upgrade --no-download $keep
}
