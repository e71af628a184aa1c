# Sourced by every recipe script: phase markers, one reason per failure, downloads.
#
# Whoever reads the build's log relies on nothing but these lines of it:
#   @@atsmatrix phase NAME     the step that begins: deps fetch verify patch configure compile install;
#                              or what the failure is: `machine`, the machine's; `lacking`, a package
#                              that a build needs and that the distro, whose lists are there, does not have
#   @@atsmatrix reason TEXT    why a step failed, for people; the last line of a failed step
# The steps of a build share no state but the image, so every script names its phase anew.

set -eu
export LC_ALL=C
# Docker's classic builder paints stderr red: the escape codes would end up in front of markers,
# and the order of lines between two streams is anyone's guess.
exec 2>&1

tree=/usr/src/ats              # the source: unpacked, then configured, then compiled
dist=/recipe/dist              # verified downloads, and what to make of them
prefix=/opt/ats
facts=$prefix/share/atsmatrix  # what later recipes and the agent want to know of this build
package_facts=/usr/share/atsmatrix # the same of a package, which has no prefix of ours

# What compilers, linkers, make and the kernel say when the machine is too small.
machine='Killed signal|\] Killed$|Error 137$|No space left on device|Cannot allocate memory'
machine="$machine|out of memory|memory exhausted|std::bad_alloc|Resource temporarily unavailable"

phase=start
reason=

phase() {
    phase=$1
    echo "@@atsmatrix phase $1"
}

# Give up for a reason a person can act on.
fail() {
    reason=$*
    exit 1
}

# Without a reason of our own, the first error in the last `logged` command's output has it.
on_exit() {
    status=$?
    [ "$status" -ne 0 ] || exit 0
    # A killed compiler, one that got no memory or no process, or a full disk is no finding about ATS,
    # whatever the step.
    if grep -qsE "$machine" /tmp/atsmatrix.log; then
        phase machine
    fi
    if [ -z "$reason" ] && [ -s /tmp/atsmatrix.log ]; then
        reason=$(grep -m1 -E '(^|: )(fatal )?error: |^(E|Error): |Curl error|undefined reference' /tmp/atsmatrix.log ||
            tail -n1 /tmp/atsmatrix.log)
    fi
    printf '@@atsmatrix reason %s: %s\n' "$phase" \
        "$(printf '%s' "${reason:-exit status $status}" | tr -s '[:space:]' ' ' | cut -c1-400)"
    exit "$status"
}
trap on_exit EXIT

# Runs a command with its output both shown and kept. A pipe into tee hides the exit status,
# so that goes through a file.
logged() {
    { "$@" 2>&1 && echo 0 >/tmp/atsmatrix.status || echo $? >/tmp/atsmatrix.status; } |
        tee /tmp/atsmatrix.log
    read -r status </tmp/atsmatrix.status
    [ "$status" -ne 0 ] || rm /tmp/atsmatrix.log # nothing in it explains a later failure
    return "$status"
}

# A list argument has one entry a line, or `;` between entries where a newline is awkward.
entries() {
    printf '%s\n' "$1" | tr ';' '\n' | sed 's/^[[:blank:]]*//; s/[[:blank:]]*$//; /^$/d'
}

# fetch FILE URL...: the first URL that answers wins and is left in $fetched_from. No retries
# but further URLs: a machine without the internet has to hear of it in seconds.
fetch() {
    fetch_to=$1
    shift
    why='no URL was given'
    for url; do
        echo "fetching $url"
        if why=$(curl -fsSL --connect-timeout 10 --speed-limit 1000 --speed-time 30 \
            -o "$fetch_to" "$url" 2>&1); then
            fetched_from=$url
            return 0
        fi
        why="$url: $why"
        echo "$why"
    done
    rm -f "$fetch_to"
    fail "$why"
}

# lacks NAME...: what there is to say of packages that the distro does not have. Where ATS was to be built
# with them ($building) that is a finding.
lacks() {
    [ "${building:-no}" = no ] || phase lacking
    fail "the distro has no package $*"
}

# check_sha256 FILE HEX NAME
check_sha256() {
    actual=$(sha256sum "$1" | cut -d' ' -f1)
    [ "$actual" = "$2" ] || fail "sha256 of $3 is $actual, expected $2"
    echo "sha256 of $3 is as expected"
}

# binary_fact FILE: the line of a provenance file that ties it to the program it tells of.
binary_fact() {
    echo "binary sha256=$(sha256sum "$1" | cut -d' ' -f1)"
}

# package_facts PACKAGE HOW: what a package's recipe found of where its ATS is from.
package_facts() {
    mkdir -p $package_facts
    {
        echo "package name=${1% *} version=${1#* } verified=$2"
        binary_fact "$(readlink -f "$(command -v traffic_server)")"
    } >$package_facts/provenance
}

# check_runs FILE...: every library is found, and traffic_server (the first file) runs.
check_runs() {
    for file; do
        # Both "libfoo.so.1 => not found" and "version `FOO_1.2' not found" end in these words.
        missing=$(ldd "$file" 2>&1 | grep 'not found' | head -n3) || true
        [ -z "$missing" ] || fail "$file: $missing"
    done
    "$1" -V || fail "$1 -V exits with status $?"
}
