#!/usr/bin/env bash
# moto (PyPI) as AWS's other side for message shapes. It checks no signature and takes a forged assertion: what it
# accepts proves nothing, what it answers has the shape that SDKs know.
# needs: interop
set -euo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

MOTO=5.2.5

usage() {
    cat <<'USAGE'
Usage: moto.sh up DIR [--port N]      starts it (default port 18320); writes DIR/env: MOTO_ENDPOINT
       moto.sh down DIR
       moto.sh version              which one it installs

The package stays in ${XDG_CACHE_HOME:-~/.cache}/rolebridge. Exit 75: PyPI is out of reach (skip, don't fail).
USAGE
}

up() {
    local dir port=18320 venv
    dir=$(part_dir "$1")
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --port) port=${2:?--port needs a number}; shift 2 ;;
            *) usage >&2; exit 2 ;;
        esac
    done
    need_packages run registries
    if running "$dir" moto; then
        say "moto was up already: $(sed -n 's/.*MOTO_ENDPOINT=//p' "$dir/env")"
        return
    fi
    venv=$(pypi_venv "moto-$MOTO" "moto[server]==$MOTO") || { warn "moto $MOTO could not be installed from PyPI; pip's words are above"; exit 75; }
    PART_STARTED=$EPOCHREALTIME
    port_free "$port"
    start_group "$dir" moto "$venv/bin/moto_server" -H 127.0.0.1 -p "$port"
    up_or_fail "$dir" moto 30 curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$port/moto-api/"
    printf 'export MOTO_ENDPOINT=http://127.0.0.1:%s\n' "$port" >"$dir/env"
    say "moto is up in $(since) s: http://127.0.0.1:$port"
}

down() {
    [ -d "$1" ] || { say "moto was not up"; return; }
    stop_group "$(realpath "$1")" moto
    say "moto is down"
}

case ${1:-} in
    -h | --help) usage; exit 0 ;;
    version) say "$MOTO"; exit 0 ;;
esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
case $1 in
    up) shift; up "$@" ;;
    down) down "$2" ;;
    *) usage >&2; exit 2 ;;
esac
