# Sourced after recipe.sh: apt without questions and recommends, with extra sources that only
# fill gaps. Reads APT_SOURCES and APT_CHECK_VALID_UNTIL.

export DEBIAN_FRONTEND=noninteractive

lists=/var/lib/apt/lists
extra_list=/etc/apt/sources.list.d/atsmatrix.list
preferences=/etc/apt/preferences.d/atsmatrix

# The engine keeps or drops a layer as a whole; fsync and many small files are what makes dpkg slow.
mkdir -p /etc/dpkg/dpkg.cfg.d /etc/apt/apt.conf.d /etc/apt/preferences.d /etc/apt/sources.list.d
{
    echo force-unsafe-io
    for dir in doc man info locale; do echo "path-exclude=/usr/share/$dir/*"; done
} >/etc/dpkg/dpkg.cfg.d/atsmatrix
{
    echo 'APT::Install-Recommends "false";'
    echo 'APT::Get::Assume-Yes "true";'
    echo 'APT::Update::Error-Mode "any";' # a half-failed update is a failed update
    echo 'Acquire::Languages "none";'
    echo 'Acquire::GzipIndexes "true";'
    echo 'Acquire::Retries "1";'
    echo 'Acquire::http::Timeout "20";'
    echo 'Acquire::https::Timeout "20";'
    echo 'DPkg::Lock::Timeout "60";'
    echo 'Dpkg::Use-Pty "false";'
    if [ "${APT_CHECK_VALID_UNTIL:-true}" = false ]; then
        echo 'Acquire::Check-Valid-Until "false";'
    fi
} >/etc/apt/apt.conf.d/99zz-atsmatrix

updated=no
update() {
    logged apt-get -q update
    updated=yes
}

# Package lists cost 5 to 15 s, and a freshly bootstrapped base has its own.
ensure_lists() {
    ls $lists/*_Packages* >/dev/null 2>&1 || update
}

# fields NAME LIST...: the values of one field in package lists, however they are compressed.
fields() {
    field=$1
    shift
    /usr/lib/apt/apt-helper cat-file "$@" | sed -n "s/^$field: //p"
}

# Pin the extra sources at 100: below the distro's 500. That alone does not make them fill only
# gaps: apt prefers a real package (the old release's libcurl4, libssl3) to the distro's own that
# *provides* it (libcurl4t64, libssl3t64), and the image would run the old release's libraries.
# So what the distro provides under another name is not to be had from the extra sources at all.
add_extra_sources() {
    wanted=$(entries "${APT_SOURCES:-}")
    [ -n "$wanted" ] || return 0
    [ "$wanted" != "$(cat $extra_list 2>/dev/null)" ] || return 0 # an earlier stage did it
    ensure_lists
    cd $lists
    ls ./*_Packages* >/tmp/atsmatrix.own
    printf '%s\n' "$wanted" >$extra_list
    logged apt-get -q update -o Dir::Etc::SourceList=$extra_list -o Dir::Etc::SourceParts=- \
        -o APT::Get::List-Cleanup=false # the distro's own lists are there: keep them
    ls ./*_Packages* | grep -vxFf /tmp/atsmatrix.own >/tmp/atsmatrix.extra || true

    # shellcheck disable=SC2046 # file names of apt have no blanks
    {
        fields Package $(cat /tmp/atsmatrix.own) | sort -u >/tmp/atsmatrix.ours
        fields Provides $(cat /tmp/atsmatrix.own) | tr ',' '\n' | sed 's/^ *//; s/[ (:].*//' | sort -u |
            comm -23 - /tmp/atsmatrix.ours >/tmp/atsmatrix.provided
        ban=$(fields Package $(cat /tmp/atsmatrix.extra) | sort -u |
            comm -12 - /tmp/atsmatrix.provided | tr '\n' ' ')
    }
    cd /

    # A source line may name its suite by suite or by codename.
    sed -E 's/^deb(-src)? +(\[[^]]*\] +)?[^ ]+ +([^ ]+).*/\3/' $extra_list | sort -u | while read -r suite; do
        for by in n a; do
            printf 'Package: *\nPin: release %s=%s\nPin-Priority: 100\n\n' $by "$suite"
            [ -z "$ban" ] || printf 'Package: %s\nPin: release %s=%s\nPin-Priority: -1\n\n' "$ban" $by "$suite"
        done
    done >$preferences
}

# is_offered NAME: the package lists have a package of that name, or one that provides it.
is_offered() {
    apt-cache policy "$1" | grep -q '^  Candidate: [^(]' ||
        apt-cache showpkg "$1" | sed '1,/^Reverse Provides:/d' | grep -q .
}

# choose NAME...: leaves those that can be had in $offered.
choose() {
    offered=
    for name; do ! is_offered "$name" || offered="$offered $name"; done
}

# Old lists name packages that have left the pool, so a failure earns one try with new lists. Whether the
# distro lacks a package only new lists can tell: a mirror that is not there has ended the build before.
install() {
    ensure_lists
    logged apt-get -q install "$@" && return 0
    if [ "$updated" = no ]; then
        echo 'once more, with new package lists'
        update || exit 1
        logged apt-get -q install "$@" && return 0
    fi
    absent=
    for name; do
        name=${name%%[/=]*} # files, which begin with /, are no names
        [ -z "$name" ] || is_offered "$name" || absent="$absent $name"
    done
    # shellcheck disable=SC2086 # a list of packages
    [ -z "$absent" ] || lacks $absent
    return 1
}

# look FILE: leaves the package that has this header or library, and can be had, in $offers; nothing: there is
# none. False: the question found no answer.
look() {
    offers=
    install apt-file || return 1
    logged apt-file update || return 1
    pattern=$(printf '%s' "$1" | sed 's/[.+]/\\&/g') || return 1
    has="^/usr/(include|lib)/($(uname -m)-linux-gnu/)?$pattern\$"
    found=$(apt-file --package-only --regexp search "$has") || [ $? -eq 1 ] || return 1
    for name in $found; do
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null)" != installed ] || continue
        ! is_offered "$name" || { offers=$name && return 0; }
    done
}

clean() {
    apt-get clean
    rm -rf /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /tmp/atsmatrix.*
}
