#!/bin/sh
# Sees to it that everything `make run` and `make test` need is there: a C compiler with the static
# C library, git, and a container engine that answers; and mmdebstrap, where nothing else gives the first base image.
# `setup.sh test` also sees to what tests need: rustfmt and clippy, the docker program, a static busybox,
# xmllint, shellcheck, the shells that completion is tried in, and the browser that opens the HTML report; `setup.sh check` to what those of them need that do
# without an engine. Installs what is missing where it can, says what it does, and does nothing twice.
set -eu

mode=${1:-run}

say() { printf 'setup: %s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# engine_has PATH: the engine that atsmatrix itself would find answers that with success.
engine_has() {
    case "${DOCKER_HOST:-}" in
        unix://*) sockets=${DOCKER_HOST#unix://} ;;
        ?*) return 0 ;; # a remote engine: `atsmatrix doctor` looks closer
        *) sockets="/var/run/docker.sock ${XDG_RUNTIME_DIR:-/nonexistent}/docker.sock \
            ${XDG_RUNTIME_DIR:-/nonexistent}/podman/podman.sock /run/podman/podman.sock" ;;
    esac
    for socket in $sockets; do
        [ -S "$socket" ] || continue
        python3 - "$socket" "$1" <<'PY' 2>/dev/null && return 0
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
s.sendall(b"GET " + sys.argv[2].encode() + b" HTTP/1.0\r\n\r\n")
sys.exit(0 if b" 200 " in s.recv(64) else 1)
PY
    done
    return 1
}

engine_answers() { engine_has /_ping; }

# Bases are made in a container. What that container is made of comes from a registry, or from the engine
# (`docker load`); the host's mmdebstrap is the last resort, so it is installed only where it will be needed.
first_base_at_hand() {
    engine_has /images/docker.io/library/debian:trixie-slim/json && return 0
    python3 - <<'PY' 2>/dev/null
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen("https://registry-1.docker.io/v2/", timeout=5)
except urllib.error.HTTPError:
    pass # it answers; what it wants is the engine's to know
except Exception:
    sys.exit(1)
PY
}

missing=
need() { # FILE-OR-PROGRAM PACKAGE: notes the package when the thing is not there
    case $1 in
        /*) [ -e "$1" ] && return 0 ;;
        *) have "$1" && return 0 ;;
    esac
    missing="$missing $2"
}

may_install() { [ "$(id -u)" = 0 ] && have apt-get; }

install() { # PACKAGE...: or says what to install, and ends
    if ! may_install; then
        say "missing: $*" >&2
        say "as root, on Debian or Ubuntu: apt-get install $* (elsewhere: the packages with the same content)" >&2
        exit 1
    fi
    say "installing $*"
    get "$@" >/dev/null 2>&1 || {
        apt-get update -qq
        get "$@" >/dev/null
    }
}

get() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; }

need cc gcc
need /usr/include/stdio.h libc6-dev
need git git
[ "$mode" = check ] || need python3 python3-minimal
if [ "$mode" != run ]; then
    need xmllint libxml2-utils
    need shellcheck shellcheck
fi
if [ "$mode" = test ]; then
    need fish fish
    need zsh zsh
    need /bin/busybox busybox-static
    have chromium-browser || have google-chrome || need chromium chromium
fi

if ! have cargo; then
    say "cargo is not on PATH: install a Rust toolchain (1.95 or later), see https://rustup.rs" >&2
    exit 1
fi

# shellcheck disable=SC2086 # a list of package names
[ -z "$missing" ] || install $missing

if [ "$mode" != run ]; then
    for tool in fmt clippy; do
        if ! cargo "$tool" --version >/dev/null 2>&1; then
            say "cargo $tool is missing: rustup component add rustfmt clippy (or your distro's packages)" >&2
            exit 1
        fi
    done
fi
[ "$mode" != check ] || exit 0

# Only now there is certainly a python3 to ask with.
start_engine=no
if ! engine_answers; then
    # A podman that is not running is started by atsmatrix itself.
    have dockerd || have podman || install docker.io
    if have dockerd; then start_engine=yes; fi
fi

if [ "$mode" = test ]; then
    if ! have docker; then
        # A package of its own from Debian 13 on; before, the engine's.
        if may_install && ! { get docker-cli >/dev/null 2>&1 && have docker; }; then install docker.io; fi
        have docker || install docker-cli
    fi
fi

if [ "$start_engine" = yes ] && ! engine_answers; then
    if [ "$(id -u)" != 0 ]; then
        say "no container engine answers; as root: systemctl start docker (and add yourself to the group docker)" >&2
        exit 1
    fi
    say "starting the Docker Engine"
    if [ -d /run/systemd/system ]; then
        systemctl start docker
    else
        # No init system (a container, a CI machine): dockerd as a daemon of its own, in a session of its
        # own, which a Ctrl-C during `make run` does not reach.
        setsid dockerd </dev/null >/var/log/dockerd.log 2>&1 &
    fi
    tries=0
    until engine_answers; do
        tries=$((tries + 1))
        if [ "$tries" -gt 60 ]; then
            say "the Docker Engine does not answer; its log ends with:" >&2
            tail -n 5 /var/log/dockerd.log >&2 || true
            exit 1
        fi
        sleep 1
    done
fi

if [ "$mode" != check ] && ! have mmdebstrap && ! first_base_at_hand; then
    if may_install; then
        install mmdebstrap debian-archive-keyring
    else
        say "no way to a registry from here, and no mmdebstrap: if the engine has none either, install it, or \`docker load\`"
        say "an image docker.io/library/debian:trixie-slim"
    fi
fi
