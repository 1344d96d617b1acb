# shellcheck shell=bash
# What the real parts share: `PART.sh up DIR [options]`, `PART.sh down DIR`. Sourced, never run.
#
# A part keeps everything under DIR, listens on loopback, and runs in process groups of its own, each marked in its
# environment: nothing that somebody else started is ever signalled, even if a process id was used again.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

# part_dir DIR: makes DIR, readable by its owner alone, and prints its absolute path.
part_dir() {
    mkdir -p "$1" && chmod 700 "$1" && realpath -- "$1"
}

# pypi_venv NAME PACKAGE==VERSION: prints the folder of a Python environment with it, which is kept for the next time. The mark
# is written last: an install cut short is never taken for a good one. Fails when PyPI is out of reach.
pypi_venv() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/rolebridge venv
    venv=$cache/$1
    mkdir -p "$cache"
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/installed" ]; then
        rm -rf "$venv"
        if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q "$2"; } >"$venv.log" 2>&1 9>&-; then
            tail -n 5 "$venv.log" >&2
            rm -rf "$venv"
            return 1
        fi
        : >"$venv/installed"
    fi
    printf '%s\n' "$venv"
}

# members DIR NAME: the processes of that group that carry our mark.
members() {
    local group process
    [ -s "$1/$2.group" ] || return 0
    group=$(<"$1/$2.group")
    for process in $(pgrep -g "$group" || true); do
        if tr '\0' '\n' 2>/dev/null <"/proc/$process/environ" | grep -qxF "ROLEBRIDGE_PART=$1/$2"; then
            printf '%s\n' "$process"
        fi
    done
}

running() { # DIR NAME
    [ -n "$(members "$1" "$2")" ]
}

# start_group DIR NAME COMMAND…: in a group of its own, its words in DIR/NAME.log.
start_group() {
    local dir=$1 name=$2
    shift 2
    ROLEBRIDGE_PART=$dir/$name setsid "$@" </dev/null >"$dir/$name.log" 2>&1 &
    printf '%s\n' $! >"$dir/$name.group"
    until running "$dir" "$name" || ! kill -0 $! 2>/dev/null; do # it becomes a group in its own time
        sleep 0.02
    done
}

# stop_group DIR NAME [SECONDS]: asks, waits that long (default 5), then insists. Fine when it isn't running.
stop_group() {
    local end=$((SECONDS + ${3:-5})) process signal=TERM
    while running "$1" "$2"; do
        for process in $(members "$1" "$2"); do
            kill -s "$signal" "$process" 2>/dev/null || true
        done
        [ $SECONDS -lt $end ] || signal=KILL
        sleep 0.1
    done
    rm -f "$1/$2.group"
}

# up_or_fail DIR NAME SECONDS COMMAND…: waits until COMMAND succeeds; else shows the log's end, stops it and fails.
up_or_fail() {
    local dir=$1 name=$2 end=$((SECONDS + $3))
    shift 3
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ] || ! running "$dir" "$name"; then
            tail -n 20 "$dir/$name.log" >&2 || true
            stop_group "$dir" "$name"
            fail "$name did not come up; its last words are above, all of them in $dir/$name.log"
        fi
        sleep 0.1
    done
}

# port_free PORT: fails with a message when something else listens there.
port_free() {
    if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
        fail "port $1 on 127.0.0.1 is taken: choose another with --port"
    fi
}

# since: the seconds this script has run, to a tenth.
since() {
    local now=${EPOCHREALTIME/./} start=${PART_STARTED/./}
    printf '%d.%d' $(((now - start) / 1000000)) $(((now - start) / 100000 % 10))
}
PART_STARTED=$EPOCHREALTIME
