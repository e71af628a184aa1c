#!/bin/sh
# How steady a passing cell is: runs it again and again, alone and beside busy loops, and tells how often it was green.
#
#   scripts/steady.sh [REPEATS [LOAD...]]        (default: 100 0 4 10)
#
# LOAD is the number of busy loops beside it. CELL=debian-12/9.2.9 names another cell, ATSMATRIX=... another program. Its images
# have to be there: nothing is built beside the measurement. TRIALS='tls-*,nginx-*' runs those alone, in a cell that fails elsewhere. Ends with 1 when a run was not green.
set -eu
repeats=${1:-100}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 0 4 10
cell=${CELL:-debian-12/9.2.9}
program=${ATSMATRIX:-target/release/atsmatrix}
folder=$(mktemp -d)
loops=
stop() {
    for pid in $loops; do kill "$pid" 2>/dev/null || true; done
    loops=
}
trap 'stop; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
bad=0
for load in "$@"; do
    n=0
    while [ "$n" -lt "$load" ]; do
        while :; do :; done &
        loops="$loops $!"
        n=$((n + 1))
    done
    green=0
    run=0
    begun=$(date +%s)
    while [ "$run" -lt "$repeats" ]; do
        run=$((run + 1))
        code=0
        "$program" run --quiet --no-build --distro "${cell%/*}" --ats "${cell#*/}" --trial "${TRIALS:-*}" \
            --results "$folder/$load-$run" >"$folder/said" 2>&1 || code=$?
        if [ "$code" -eq 0 ]; then
            green=$((green + 1))
            rm -rf "${folder:?}/$load-$run"
        else
            bad=1
            echo "load $load, run $run: exit code $code"
            cat "$folder/said"
        fi
    done
    stop
    echo "$cell beside $load busy loops: $green of $repeats green, $((($(date +%s) - begun) / repeats)) s a run," \
        "load average at the end $(cut -d' ' -f1-3 /proc/loadavg)"
done
exit "$bad"
