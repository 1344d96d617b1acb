# shellcheck shell=bash
# What the scripts share. Sourced, never run.
#
# Everything a script says goes through say/step/fail; colour only on a terminal. need_packages installs what is missing
# or too old of the named sections of scripts/packages.txt, as root or with sudo, and is quick when nothing is.

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
    else
        sudo "$@"
    fi
}

# packages_of SECTION…: "NAME LEAST" of those sections of scripts/packages.txt; LEAST is - where any version will do.
packages_of() {
    awk -v wanted=" $* " '
        /^\[.*\]$/ { section = substr($0, 2, length($0) - 2); next }
        /^[[:space:]]*(#|$)/ { next }
        index(wanted, " " section " ") { print $1, (NF > 1 ? $2 : "-") }' "$ROOT/scripts/packages.txt" | sort -u
}

# lacking SECTION…: which of them are not installed, or older than they must be; one "NAME VERSION LEAST" a line.
lacking() {
    local name status version least names=()
    local -A have=()
    while read -r name least; do names+=("$name"); done < <(packages_of "$@")
    while read -r name status version; do
        [ "$status" != installed ] || have[$name]=$version
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' "${names[@]}" 2>/dev/null)
    while read -r name least; do
        version=${have[$name]:--}
        [ "$version" != - ] && { [ "$least" = - ] || dpkg --compare-versions "$version" ge "$least"; } ||
            printf '%s %s %s\n' "$name" "$version" "$least"
    done < <(packages_of "$@")
}

# need_packages SECTION…: installs what is missing of them, and what is older than the last security fix that matters.
need_packages() {
    local wanted=() name version least
    command -v dpkg-query >/dev/null || fail "this needs Debian 12 (dpkg was not found)"
    while read -r name _; do wanted+=("$name"); done < <(lacking "$@")
    [ ${#wanted[@]} = 0 ] && return 0
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -v; } ||
        fail "${#wanted[@]} Debian packages are missing or too old, and to install them takes root or sudo. As root, run:
  apt-get update && apt-get install --no-install-recommends ${wanted[*]}"
    say "installing ${#wanted[@]} Debian packages: ${wanted[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 update ||
        fail "apt-get update failed: is the package mirror in reach?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 --no-install-recommends install "${wanted[@]}" >/dev/null ||
        fail "apt-get could not install them; its message is above"
    while read -r name version least; do
        fail "$name is $version here, and $least or later is needed (security fixes): does /etc/apt/sources.list have bookworm-security?"
    done < <(lacking "$@")
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
