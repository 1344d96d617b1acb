#!/usr/bin/env bash
# The real service ends in the middle of its work, by force and by request, and loads mappings while it works: nothing that
# was acknowledged is lost, nothing is granted twice, no decision mixes two mappings. usage: test_restart.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"

bridge_new "$@"
IDP_PORT=$(free_port) STS_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
BRIDGE_ENV=('AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE' 'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
WORKERS=()
at_exit() {
    [ ${#WORKERS[@]} = 0 ] || kill "${WORKERS[@]}" 2>/dev/null
    "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null
    stop_group "$W" sts 1
}

comes_up() {
    "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" || return
    printf 'good\n' >"$W/mode"
    start_group "$W" sts python3 "$HERE/bad_sts.py" "$STS_PORT" "$W/mode"
    bridge_provider corp-saml "$W/idp/idp-metadata.xml"
    AWS_NODE="{ region: eu-central-1, sts_endpoint: \"http://127.0.0.1:$STS_PORT\", timeout: 5s }"
    bridge_config && bridge_start && sign_in ada && cp "$JAR" "$W/ada"
}

# ---- people at work, each a process with a browser of its own ----

# Signs in and takes credentials again and again; what was acknowledged goes to DIR/NAME: "session JAR" and "lease KEY".
work() { # DIR NAME USER
    local n=0 key
    JAR=$1/$2.jar
    W=$1/$2.work
    mkdir -p "$W"
    while [ ! -e "$1/stop" ]; do
        n=$((n + 1))
        sign_in "$3" >/dev/null 2>&1 || continue
        cp "$JAR" "$1/$2.$n.jar" && printf 'session %s\n' "$1/$2.$n.jar" >>"$1/$2"
        ask_json 200 '/api/v1/credentials?account=analytics-prod&role=data-scientist' >/dev/null 2>&1 || continue
        key=$(jq -r .roleCredentials.accessKeyId "$W/body") && printf 'lease %s\n' "$key" >>"$1/$2"
    done
}

start_work() { # DIR
    local n
    mkdir -p "$1"
    WORKERS=()
    for n in 1 2 3; do
        (work "$1" "w$n" ada) &
        WORKERS+=($!)
    done
    until_true 30 worked "$1" 3
}

worked() { [ "$(cat "$1"/w? 2>/dev/null | grep -c '^lease')" -ge "$2" ]; } # DIR LEASES

end_work() { # DIR
    : >"$1/stop"
    wait "${WORKERS[@]}"
    WORKERS=()
}

acknowledged() { cat "$1"/w? | sed -n "s/^$2 //p"; } # DIR KIND

# Every session that somebody was told of is there, every lease is on record once, and the chain is whole.
nothing_lost() { # DIR
    local jar
    MARK=0
    records >"$W/records" && chain_whole >/dev/null || return
    for jar in $(acknowledged "$1" session); do
        JAR=$jar ask_json 200 /api/v1/whoami && said '.name == "ada"' || return
    done
    [ -z "$(jq -r '.[] | select(.kind == "lease") | .access_key_id' "$W/records" | sort | uniq -d)" ] ||
        { echo "a lease is on record twice"; return 1; }
    [ -z "$(comm -23 <(acknowledged "$1" lease | sort -u) <(jq -r '.[] | select(.kind == "lease") | .access_key_id' "$W/records" | sort -u))" ] ||
        { echo "a lease was given out and is not on record"; return 1; }
    jq -e 'map(select(.kind == "lease") | .incident) as $l | map(select(.kind == "decision") | .incident) as $d | ($l - $d) == []' \
        "$W/records" >/dev/null || { echo "a lease without a decision"; return 1; }
}

killed() { # by force, three times, under load
    local process
    for _ in 1 2 3; do
        rm -rf "$W/load"
        start_work "$W/load" || return
        process=$(pgrep -g "$(bridge_process)" -x rolebridged) && kill -KILL "$process" || return
        stop_group "$BRIDGE_DIR" rolebridged 5
        bridge_start && until_true 30 worked "$W/load" 8 || return
        end_work "$W/load" && nothing_lost "$W/load" || return
    done
}

drained() { # a request under way gets its answer after SIGTERM; a new one gets none
    printf 'late\n' >"$W/mode"
    cp "$W/ada" "$JAR"
    mark || return # before the call: its decision may be on record at once
    (ask_json 200 '/api/v1/credentials?account=analytics-prod&role=data-scientist' >"$W/drain.said" 2>&1) &
    local caller=$!
    until_true 10 recorded '.kind == "decision"' && bridge_stop || return
    wait $caller || { cat "$W/drain.said"; return 1; }
    printf 'good\n' >"$W/mode"
    recorded '.kind == "lease" and .name == "ada"' && recorded '.kind == "service" and .outcome == "stopped"' &&
        jq -e .roleCredentials.accessKeyId "$W/body" >/dev/null && bridge_start
}

# While the mapping changes from one to another and back, no request is lost, and each decision is of one of the two: under
# the first ada is data scientist twice, under the second tester once.
reloads() {
    local n answers
    cp "$BRIDGE_DIR/mappings/assignments.yaml" "$W/first.yaml"
    sed 's/groups: \[acme-data-science\]/groups: [acme-nobody]/; s/groups: \[acme-testers\]/groups: [acme-data-science]/' "$W/first.yaml" >"$W/second.yaml"
    mark && rm -f "$W/asked."* "$W/asking.stop"
    for n in 1 2 3; do
        (while [ ! -e "$W/asking.stop" ]; do
            curl -s -m 20 --cacert "$BRIDGE_CA" -b "$W/ada" -w '\n%{http_code}\n' "$BRIDGE_URL/api/v1/roles" |
                jq -Rsr 'split("\n") | "\(.[1]) \(.[0] | try (fromjson | [.grants[] | "\(.account_name):\(.role)"] | join(",")) catch "?")"' >>"$W/asked.$n"
        done) &
        WORKERS+=($!)
    done
    for n in 1 2 3 4 5 6; do
        cp "$W/second.yaml" "$BRIDGE_DIR/mappings/assignments.yaml"
        [ $((n % 2)) = 1 ] || cp "$W/first.yaml" "$BRIDGE_DIR/mappings/assignments.yaml"
        kill -HUP "$(bridge_process)" && until_true 20 loaded "$n" || return
    done
    : >"$W/asking.stop"
    wait "${WORKERS[@]}"
    WORKERS=()
    answers=$(sort "$W"/asked.? | uniq -c)
    [ "$(sort -u "$W"/asked.?)" = $'200 analytics-prod:data-scientist,development:data-scientist\n200 development:tester' ] ||
        { echo "answers: $answers" | tr '\n' ';'; return 1; }
}

loaded() { records | jq -e "map(select(.kind == \"mapping\" and .outcome == \"loaded\")) | length >= $1" >/dev/null; } # N

check "the bridge comes up" comes_up
check "killed under load: nothing acknowledged is lost" killed
check "SIGTERM: a request under way gets its answer" drained
check "SIGHUP under load: no request lost, no decision mixed" reloads
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
