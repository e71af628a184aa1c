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

# dnf COMMAND ...
run_dnf() {
    command=$1
    shift
    set -f # --disablerepo=* is dnf's pattern
    # shellcheck disable=SC2086 # a list of options
    logged $dnf $command $options "$@" || {
        reason=$(why)
        exit 1
    }
    set +f
}

# dnf tells its reason below a bare `Error:`. Nothing: recipe.sh looks for another.
why() {
    grep -m1 -E 'Curl error|GPG check FAILED|is not signed|No match for argument|Unable to find a match|nothing provides' \
        /tmp/atsmatrix.log | sed 's/^[- ]*//'
}

install() {
    run_dnf install "$@"
}

clean() {
    run_dnf clean all >/dev/null
    rm -rf /var/cache/dnf /var/cache/libdnf5 /var/log/dnf* /tmp/atsmatrix.*
}
