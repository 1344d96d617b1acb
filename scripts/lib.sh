# shellcheck shell=bash
# What the scripts share. Sourced, never run.
#
# Everything a script says goes through say/step/fail; colour only on a terminal. need_packages installs what is missing
# of the named sections of scripts/packages.txt, as root or with sudo, and is quick when nothing is missing.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    BOLD=$'\033[1m' DIM=$'\033[2m' RED=$'\033[31m' GREEN=$'\033[32m' YELLOW=$'\033[33m' PLAIN=$'\033[0m'
else
    BOLD='' DIM='' RED='' GREEN='' YELLOW='' PLAIN=''
fi
export BOLD DIM RED GREEN YELLOW PLAIN

say() { printf '%s\n' "$*"; }
step() { printf '%s== %s%s\n' "$BOLD" "$*" "$PLAIN"; }
warn() { printf '%swarning: %s%s\n' "$YELLOW" "$*" "$PLAIN" >&2; }
fail() {
    printf '%serror: %s%s\n' "$RED" "$*" "$PLAIN" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root: run it as root, or install sudo. It wanted to run: $*"
    fi
}

# packages_of SECTION…: the package names of those sections of scripts/packages.txt.
packages_of() {
    awk -v wanted=" $* " '
        /^\[.*\]$/ { section = substr($0, 2, length($0) - 2); next }
        /^[[:space:]]*(#|$)/ { next }
        index(wanted, " " section " ") { sub(/#.*/, ""); print }' "$ROOT/scripts/packages.txt" | tr -s ' \t' '\n' | sed '/^$/d'
}

# need_packages SECTION…: installs what is missing of them.
need_packages() {
    local missing=() package
    command -v dpkg-query >/dev/null || fail "this needs Debian 12 (dpkg was not found)"
    while read -r package; do
        # shellcheck disable=SC2016
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done < <(packages_of "$@")
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 update ||
        fail "apt-get update failed: is the package mirror in reach?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 --no-install-recommends install "${missing[@]}" >/dev/null ||
        fail "apt-get could not install them; its message is above"
}

# free_port: an unused loopback port.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for WHAT SECONDS COMMAND…: polls until the command succeeds; fails naming WHAT.
wait_for() {
    local what=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { warn "$what did not come up"; return 1; }
        sleep 0.1
    done
}
