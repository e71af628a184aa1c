# Sourced after recipe.sh: dnf 4 and dnf 5 alike, through the options they share. Reads
#   REPO_BASEURL   repositories, one base URL a line ($releasever and $basearch are dnf's to fill in);
#                  for releases whose mirror list is gone, or for the archive of all updates
#   REPO_ONLY      true: these repositories and no other; false: besides the image's own
#   REPO_GPGKEY    the keys their packages are signed with, separated by blanks: a file of the image or a
#                  URL; `none` does without, which only a fixture of one's own should
#   RELEASEVER     what dnf shall take $releasever for; empty: what the image says

repos=/etc/yum.repos.d/atsmatrix.repo
dnf=$(command -v dnf5 || command -v dnf) || fail 'neither dnf5 nor dnf in this image'

write_repos() {
    key=${REPO_GPGKEY:-file:///etc/pki/rpm-gpg/RPM-GPG-KEY-fedora-\$releasever-\$basearch}
    mkdir -p /etc/yum.repos.d
    n=0
    entries "${REPO_BASEURL:-}" | while read -r url; do
        n=$((n + 1))
        # Out of reach is an answer, and it should come soon.
        printf '[atsmatrix-%s]\nname=atsmatrix-%s\nbaseurl=%s\nenabled=1\nretries=1\ntimeout=20\n' $n $n "$url"
        if [ "$key" = none ]; then echo 'gpgcheck=0'; else printf 'gpgcheck=1\ngpgkey=%s\n' "$key"; fi
    done >$repos
    [ -s $repos ] || rm $repos
}

# The options every call shares. set_options leaves them in $options: words without blanks.
set_options() {
    options='-y --setopt=install_weak_deps=False --setopt=tsflags=nodocs'
    [ -z "${RELEASEVER:-}" ] || options="$options --releasever=$RELEASEVER"
    if [ -e $repos ] && [ "${REPO_ONLY:-true}" = true ]; then
        options="$options --disablerepo=* --enablerepo=atsmatrix-*"
    fi
}

write_repos
set_options

# dnf tells its reason below a bare `Error:`. Nothing: recipe.sh looks for another.
why() {
    grep -m1 -E 'Curl error|GPG check FAILED|is not signed|No match for argument|Unable to find a match|nothing provides' \
        /tmp/atsmatrix.log | sed 's/^[- ]*//'
}

# query ...: leaves the names that dnf repoquery finds in $found. A repository that does not answer ends the
# build: of what cannot be asked nothing is known, whatever its `skip_if_unavailable` says.
query() {
    set -f
    # shellcheck disable=SC2086 # a list of options
    $dnf -q $options --setopt=*.skip_if_unavailable=False --setopt=optional_metadata_types=filelists \
        repoquery --qf '%{name} ' "$@" >/tmp/atsmatrix.found 2>/tmp/atsmatrix.log || {
        cat /tmp/atsmatrix.log
        phase deps
        reason=$(why)
        reason="cannot ask the repositories: ${reason:-$(tail -n1 /tmp/atsmatrix.log)}"
        exit 1
    }
    set +f
    rm /tmp/atsmatrix.log
    found=$(tr '\n' ' ' </tmp/atsmatrix.found)
}

# is_offered NAME: a repository has a package of that name, or one that provides it.
is_offered() {
    query --whatprovides "$1"
    [ -n "${found# }" ]
}

# choose NAME...: leaves those that can be had in $offered.
choose() {
    query "$@"
    offered= named=" $found "
    for name; do
        case $named in
        *" $name "*) offered="$offered $name" ;;
        *) ! is_offered "$name" || offered="$offered $name" ;;
        esac
    done
}

install() {
    set -f
    # shellcheck disable=SC2086 # a list of options
    logged $dnf install $options "$@" && {
        set +f
        return 0
    }
    set +f
    reason=$(why)
    # Both kinds of dnf name the packages that they do not find; whether it is the distro that has none is
    # asked once more, of repositories that must all answer.
    absent=
    for name in $(sed -nE 's/.*(No match for argument|Unable to find a match): *//p' /tmp/atsmatrix.log | sort -u); do
        case " $* " in *" $name "*) is_offered "$name" || absent="$absent $name" ;; esac
    done
    # shellcheck disable=SC2086 # a list of packages
    [ -z "$absent" ] || lacks $absent
    exit 1
}

# look FILE: leaves the package that has this header or library, and can be had, in $offers; nothing: there is
# none.
look() {
    offers=
    query --whatprovides "/usr/include/$1,/usr/lib64/$1,/usr/lib/$1"
    for name in $found; do
        rpm -q "$name" >/dev/null 2>&1 || { offers=$name && return 0; }
    done
}

clean() {
    set -f
    # shellcheck disable=SC2086 # a list of options
    $dnf clean all $options >/dev/null
    set +f
    rm -rf /var/cache/dnf /var/cache/libdnf5 /var/log/dnf* /tmp/atsmatrix.*
}
