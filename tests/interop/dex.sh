#!/usr/bin/env bash
# Dex 2.13 as an issuer: the newest release that the Go module proxy has under its path, its server package in a program of a few
# lines (tests/interop/dex), with its mock connector.
# needs: interop
set -euo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

usage() {
    cat <<'USAGE'
Usage: dex.sh up DIR --redirect URI --secret FILE [--port N] [--rotate DURATION]   http://127.0.0.1:N/dex (default 18360)
       dex.sh down DIR

The client is 'rolebridge'. Whoever asks is Kilgore Trout, kilgore@kilgore.trout, of the group "authors". Keys older than
DURATION (default 6h) are replaced at the next half minute.

The program stays in ${XDG_CACHE_HOME:-~/.cache}/rolebridge. Exit 75: there is no Go of the version that tests/interop/dex/go.mod
names, or the Go module proxy is out of reach (skip, don't fail).
USAGE
}

# install_dex: prints the folder with the program and Dex's pages. Go knows itself what is built and fetched already.
install_dex() {
    local home source
    source=$(realpath -- "$(dirname "$0")/dex")
    home=${XDG_CACHE_HOME:-$HOME/.cache}/rolebridge/dex
    mkdir -p "$home"
    exec 9>"$home.lock"
    flock 9
    command -v go >/dev/null || { warn "there is no Go here"; exit 75; }
    if ! (cd "$source" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly timeout 300 go mod download) >"$home.log" 2>&1 9>&-; then
        tail -n 3 "$home.log" >&2
        warn "the modules of Dex could not be fetched; Go's words are above"
        exit 75
    fi
    (cd "$source" && GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' go build -o "$home/dex" .) >"$home.log" 2>&1 9>&- ||
        { tail -n 20 "$home.log" >&2; fail "Dex could not be built"; }
    ln -sfn "$(cd "$source" && GOTOOLCHAIN=local go list -m -f '{{.Dir}}' github.com/dexidp/dex)/web" "$home/web"
    printf '%s\n' "$home"
}

up() {
    local dir home port=18360 redirect='' secret='' rotate=6h
    dir=$(part_dir "$1")
    shift
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        case $1 in
            --port) port=$2 ;;
            --redirect) redirect=$2 ;;
            --secret) secret=$2 ;;
            --rotate) rotate=$2 ;;
            *) usage >&2; exit 2 ;;
        esac
        shift 2
    done
    if [ -z "$redirect" ] || [ -z "$secret" ]; then
        usage >&2
        fail "up wants --redirect and --secret"
    fi
    need_packages run
    home=$(install_dex)
    PART_STARTED=$EPOCHREALTIME
    port_free "$port"
    start_group "$dir" dex "$home/dex" "http://127.0.0.1:$port/dex" "127.0.0.1:$port" "$home/web" rolebridge "$(<"$secret")" "$redirect" "$rotate"
    up_or_fail "$dir" dex 30 curl -fsS -m 5 -o /dev/null "http://127.0.0.1:$port/dex/.well-known/openid-configuration"
    say "Dex is up in $(since) s: http://127.0.0.1:$port/dex"
}

down() {
    [ -d "$1" ] || { say "Dex was not up"; return; }
    stop_group "$(realpath "$1")" dex
    say "Dex is down"
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
case $1 in
    up) shift; up "$@" ;;
    down) down "$2" ;;
    *) usage >&2; exit 2 ;;
esac
