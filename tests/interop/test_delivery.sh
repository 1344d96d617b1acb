#!/usr/bin/env bash
# The ways that credentials reach programs by the command `rolebridge`: its agent, the local servers for SDKs, EKS tokens, profiles.
# With the real service, the sandbox's IdP and STS, Debian's AWS CLI, boto3 where there is one, and the AWS SDK for JavaScript.
# usage: test_delivery.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/cli_env.sh
. "$(dirname "$0")/cli_env.sh"

cli_up "$@" || { say "not ok delivery: the service does not start"; exit 0; }
PROFILE=analytics-prod.data-scientist
ARN=arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example
TOKEN=$HOME/.aws/sso/cache/$(printf rolebridge | sha1sum | cut -d' ' -f1).json
CACHE=$HOME/.cache/rolebridge
STARTED=()
export XDG_RUNTIME_DIR=$W/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
SOCKET=$XDG_RUNTIME_DIR/rolebridge/agent-rolebridge.sock
at_exit() {
    [ ${#STARTED[@]} = 0 ] || kill -KILL "${STARTED[@]}" 2>/dev/null
    stop_group "$BRIDGE_DIR" sandbox
}

# rb WANTED-STATUS ARGUMENTS…: stdout into $W/out, stderr into $W/err
rb() {
    local want=$1 got=0
    shift
    timeout 60 rolebridge "$@" >"$W/out" 2>"$W/err" </dev/null || got=$?
    sane "$W/err" || return 1
    [ $got = "$want" ] || { echo "'rolebridge $*' ended with $got, not $want: $(tail -n 3 "$W/err" | tr '\n' ' ')"; return 1; }
}

sane() { # FILE: no sanitizer speaks in it
    ! grep -qE 'Sanitizer|runtime error' "$1" || { echo "sanitizer: $(grep -m1 -E 'Sanitizer|runtime error' "$1")"; return 1; }
}
out_has() { grep -qF -- "$1" "$W/out" || { echo "not printed: '$1' but: $(head -c 300 "$W/out")"; return 1; }; }
err_has() { grep -qF -- "$1" "$W/err" || { echo "not said: '$1' but: $(head -c 300 "$W/err")"; return 1; }; }
out_is() { jq -e "$1" "$W/out" >/dev/null || { echo "not so: $1: $(head -c 600 "$W/out")"; return 1; }; }
forget_leases() { rm -rf "$CACHE/credentials"; }
count() { records | jq "[.[] | select($1)] | length"; } # JQ-FILTER: records since mark

# begin LOG COMMAND…: in the background; its process is $PID
begin() {
    local log=$1
    shift
    "$@" >"$log" 2>"$log.err" </dev/null &
    PID=$!
    STARTED+=("$PID")
}

# ended PID WANTED-STATUS LOG: waits for it
ended() {
    local got=0
    wait "$1" || got=$?
    same "$got" "$2" && sane "$3.err"
}

# many N ARGUMENTS…: N processes at once; how many got credentials
many() {
    local n=$1 i pids=()
    shift
    for i in $(seq "$n"); do
        rolebridge credentials "$@" --format process >"$W/many.$i" 2>"$W/said.$i" </dev/null &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat "$W"/said.* >"$W/said.all"
    sane "$W/said.all" && cat "$W"/many.* | jq -s 'map(select(.Version == 1)) | length'
}

# ---- the agent ----

agent_begins() {
    begin "$W/agent" rolebridge agent
    AGENT=$PID
    until_true 20 grep -q agent.listening "$W/agent.err"
}

agent_alone() { # before a sign-in there is nothing to hold; a bad folder is none
    rb 3 agent --url "$BRIDGE_URL" && err_has 'rolebridge login' && rb 1 agent --status && out_has 'No agent' && rb 1 agent --status --json && out_is '.running == false' &&
        rb 0 agent --stop && rb 2 agent --stop --status || return 1
    chmod 755 "$XDG_RUNTIME_DIR/rolebridge" && rb 0 login "$BRIDGE_URL" && rb 4 agent && err_has 'yours alone' && chmod 700 "$XDG_RUNTIME_DIR/rolebridge"
}

agent_up() {
    agent_begins || return 1
    same "$(stat -c %a "$SOCKET")" 600 && same "$(stat -c %a "$(dirname "$SOCKET")")" 700 || return 1
    rb 1 agent && err_has 'running already' || return 1
    rb 0 agent --status --json && out_is '.running and .name == "ada@acme.example" and .sign_in.good and .leases == []' || return 1
    same "$(awk '/^Max core/ { print $5 }' "/proc/$AGENT/limits")" 0
}

agent_fetches_once() {
    forget_leases && mark
    same "$(many 50 $PROFILE)" 50 || { sort "$W/said.all" | uniq -c | head -n 3; return 1; }
    same "$(cat "$W"/many.* | sort -u | wc -l)" 1 && same "$(count '.kind == "lease"')" 1 || return 1
    [ ! -e "$CACHE/credentials" ] || [ -z "$(find "$CACHE/credentials" -type f)" ] || { echo "credentials on disk"; return 1; }
    rb 0 agent --status --json && out_is '.leases | length == 1 and .[0].calls == 50 and .[0].issues == 1 and .[0].account_id == "111122223333"' || return 1
    ! grep -qE 'ASIA|"secret' "$W/out" && rb 0 agent --status && out_has "$PROFILE until"
}

agent_says_no() { # as the bridge says it
    rb 1 credentials corporate.iam-administrator && err_has mapping. && rb 1 credentials $PROFILE --duration 12h && err_has sts.duration
}

agent_other_bridge() { # it is not asked for what it does not serve
    rb 3 credentials $PROFILE --url https://127.0.0.1:1 && err_has 'not one at'
}

agent_strangers() { # another user of this machine
    chmod 711 "$W" "$XDG_RUNTIME_DIR" "$(dirname "$SOCKET")" && chmod 666 "$SOCKET" || return 1 # were it not for the mode
    setpriv --reuid 65534 --clear-groups /usr/bin/python3 - "$SOCKET" >"$W/out" 2>&1 <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"rolebridge":1,"ask":"status","session":"rolebridge"}\n')
except BrokenPipeError:
    pass
try:
    print("got", s.recv(1000))
except ConnectionResetError:
    print("got", b"")
PY
    chmod 700 "$XDG_RUNTIME_DIR" "$(dirname "$SOCKET")" && chmod 600 "$SOCKET"
    same "$(<"$W/out")" "got b''"
}

connected() { [ "$(grep -cF "$SOCKET" /proc/net/unix)" -ge "$1" ]; }

agent_killed() { # midway: everybody gets credentials all the same
    local killer
    forget_leases
    kill -STOP "$(bridge_process)" # so that all of them wait for it
    (until_true 20 connected 51 && kill -KILL "$AGENT"; kill -CONT "$(bridge_process)") &
    killer=$!
    same "$(many 50 $PROFILE --duration 20m)" 50 || { sort "$W/said.all" | uniq -c | head -n 3; return 1; }
    wait $killer || return 1
    wait "$AGENT" 2>/dev/null
    rb 1 agent --status && rb 0 credentials $PROFILE && agent_begins # what it left behind is taken away
}

agent_frozen() { # it does not hold everybody up
    kill -STOP "$AGENT"
    rb 0 credentials $PROFILE
    local status=$?
    kill -CONT "$AGENT"
    return $status
}

agent_terminates() {
    kill -TERM "$AGENT" && ended "$AGENT" 0 "$W/agent" && [ ! -e "$SOCKET" ] && agent_begins && kill -INT "$AGENT" && ended "$AGENT" 0 "$W/agent" &&
        ! grep -qE 'ASIA' "$W/agent.err"
}

agent_logout() {
    agent_begins && rb 0 credentials $PROFILE && rb 0 logout && ended "$AGENT" 0 "$W/agent" && rb 3 credentials $PROFILE && rb 0 login
}

agent_another_person() { # what was held for one is not given to the next
    agent_begins && rb 0 credentials $PROFILE || return 1
    BROWSER_USER=linus rb 0 login --force && rb 0 agent --status --json && out_is '.leases == []' && rb 1 credentials $PROFILE && err_has mapping. || return 1
    rb 0 agent --status --json && out_is '.name == "linus@acme.example"' && rb 0 agent --stop && ended "$AGENT" 0 "$W/agent" && rb 0 login --force
}

agent_by_systemd() { # a socket that was there before it
    begin "$W/agent" systemd-socket-activate --listen="$SOCKET" -E HOME -E PATH -E XDG_RUNTIME_DIR -E ROLEBRIDGE_CA_FILE -E ASAN_OPTIONS "$BUILD/src/rolebridge/rolebridge" agent
    AGENT=$PID
    until_true 20 test -S "$SOCKET" && rb 0 credentials $PROFILE && rb 0 agent --status --json && out_is '.running and (.leases | length) == 1' &&
        rb 0 agent --stop && ended "$AGENT" 0 "$W/agent" && [ -S "$SOCKET" ] && rm "$SOCKET"
}

check "delivery: agent: no sign-in, no agent, a folder of others: it says so" agent_alone
check "delivery: agent: socket 0600, one a session, --status, no core" agent_up
check "delivery: agent: fifty calls, one lease, nothing on disk" agent_fetches_once
check "delivery: agent: refusals are the bridge's" agent_says_no
check "delivery: agent: another bridge is not asked through it" agent_other_bridge
if [ "$(id -u)" = 0 ]; then
    check "delivery: agent: another user gets nothing" agent_strangers
else
    say "skip delivery: agent: another user gets nothing: only root can be another user"
fi
check "delivery: agent: killed midway, fifty calls get credentials" agent_killed
check "delivery: agent: a stopped one holds nobody up" agent_frozen
check "delivery: agent: SIGTERM and SIGINT end it cleanly" agent_terminates
check "delivery: agent: logout ends it" agent_logout
check "delivery: agent: another person signs in" agent_another_person
if command -v systemd-socket-activate >/dev/null; then
    check "delivery: agent: socket activation" agent_by_systemd
else
    say "skip delivery: agent: socket activation: there is no systemd-socket-activate"
fi
check "delivery: the service ends cleanly" bridge_stop
exit 0
