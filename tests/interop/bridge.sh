# shellcheck shell=bash disable=SC2034,SC2119,SC2120
# A rolebridged for one test: its own folder, keys, configuration, mapping and store. Sourced, never run.
#
#   . "$(dirname "$0")/bridge.sh"
#   bridge_new BUILD_DIR               $W (removed at the end), $BRIDGE_DIR, $BRIDGE_URL, $BRIDGE_CA, $BRIDGE_PORT
#   bridge_provider corp-saml METADATA [KEY: VALUE…]
#   bridge_start && …                  waits until it answers
#   check "what must be true" COMMAND…
#
# bridge_config writes rolebridge.yaml anew from $AWS_NODE, $MFA_NODE, $MORE_CONFIG and the providers given so far.

# shellcheck source=tests/interop/parts.sh
. "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROVIDERS='' AWS_NODE='' MFA_NODE='' MORE_CONFIG='' LISTEN='' BRIDGE_ENV=()

make_certificate() { # NAME: BRIDGE_DIR/certs/NAME.key, NAME.pem
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$BRIDGE_DIR/certs/$1.key" \
        -out "$BRIDGE_DIR/certs/$1.pem" "${@:2}" 2>"$W/openssl.log" || fail "openssl: $(tail -n 1 "$W/openssl.log")"
    chmod 600 "$BRIDGE_DIR/certs/$1.key"
}

# bridge_new BUILD_DIR: the folder, keys and a copy of the sample organisation's mapping.
bridge_new() {
    [ $# -ge 1 ] || fail "usage: $0 BUILD_DIR"
    BUILD=$(realpath -- "$1")
    ROLEBRIDGED=$BUILD/src/rolebridged/rolebridged
    ROLEBRIDGECTL=$BUILD/src/rolebridgectl/rolebridgectl
    [ -x "$ROLEBRIDGED" ] || fail "no $ROLEBRIDGED: build first"
    [ -x "$ROLEBRIDGECTL" ] || fail "no $ROLEBRIDGECTL: build first"
    W=$(mktemp -d)
    trap bridge_finish EXIT
    trap 'exit 143' TERM INT
    BRIDGE_DIR=$W/bridge
    mkdir -p "$BRIDGE_DIR/certs"
    cp -r "$ROOT/mappings" "$BRIDGE_DIR/mappings"
    make_certificate tls -addext subjectAltName=IP:127.0.0.1
    make_certificate sp
    BRIDGE_CA=$BRIDGE_DIR/certs/tls.pem
    JAR=$W/jar MARK=0
    bridge_port "$(free_port)"
}

bridge_port() { # PORT
    BRIDGE_PORT=$1
    BRIDGE_URL=https://127.0.0.1:$1
    LISTEN=127.0.0.1:$1
}

# What a test started besides the bridge it stops in at_exit.
at_exit() { :; }

bridge_finish() {
    local status=$?
    at_exit || true
    stop_group "$BRIDGE_DIR" rolebridged 15
    [ -z "${KEEP:-}" ] || { say "kept: $W"; exit $status; }
    rm -rf "$W"
    exit $status
}

# bridge_provider ID METADATA ["KEY: VALUE"…]
bridge_provider() {
    local line
    PROVIDERS+="  - id: $1"$'\n'"    type: saml"$'\n'"    metadata: $2"$'\n'"    groups: groups"$'\n'
    for line in "${@:3}"; do
        PROVIDERS+="    $line"$'\n'
    done
}

SIGNING=('signing_key: certs/sp.key' 'signing_certificate: certs/sp.pem')
DECRYPTION=('decryption_key: certs/sp.key' 'decryption_certificate: certs/sp.pem')

bridge_config() {
    {
        printf 'rolebridge: 1\npublic_url: %s\nlisten: "%s"\n' "$BRIDGE_URL" "$LISTEN"
        printf 'tls: { certificate: certs/tls.pem, key: certs/tls.key }\nstore: sqlite:state.db\nmappings: mappings\n'
        printf 'mfa: %s\nlog: { format: json }\n' "${MFA_NODE:-{ saml: [\"https://refeds.org/profile/mfa\"] \}}"
        printf 'aws: %s\n' "${AWS_NODE:-{ region: eu-central-1, sts_endpoint: \"http://127.0.0.1:9\" \}}"
        [ -z "$MORE_CONFIG" ] || printf '%s\n' "$MORE_CONFIG"
        printf 'identity_providers:\n%s' "$PROVIDERS"
    } >"$BRIDGE_DIR/rolebridge.yaml"
}

# The service's environment is its own: nothing of the caller's AWS settings, and no instance to ask.
bridge_run() { # NAME ARGUMENTS…: in a group of its own
    start_group "$BRIDGE_DIR" "$1" env -i PATH=/usr/bin:/bin AWS_EC2_METADATA_DISABLED=true "ROLEBRIDGE_PART=$BRIDGE_DIR/$1" \
        ASAN_OPTIONS="${ASAN_OPTIONS:-}" "${BRIDGE_ENV[@]}" "$ROLEBRIDGED" "${@:2}"
}

bridge_answers() { curl -sf -m 5 --cacert "$BRIDGE_CA" -o /dev/null "$BRIDGE_URL/healthz"; }
bridge_ready() { curl -sf -m 5 --cacert "$BRIDGE_CA" -o "$W/readyz" "$BRIDGE_URL/readyz"; }

# bridge_start [answers]: waits until it is ready, or until it only answers.
bridge_start() {
    bridge_run rolebridged --config "$BRIDGE_DIR/rolebridge.yaml"
    (up_or_fail "$BRIDGE_DIR" rolebridged 30 "bridge_${1:-ready}") || return 1
}

bridge_process() { cat "$BRIDGE_DIR/rolebridged.group"; }

gone() { ! running "$BRIDGE_DIR" rolebridged; }

# bridge_stop: asks it to end, once (a second time would hurry it), and wants a clean end (a sanitizer's report is none).
bridge_stop() {
    kill -TERM "$(bridge_process)" && until_true 20 gone
    stop_group "$BRIDGE_DIR" rolebridged 1
    grep -q '"event":"stopped"' "$BRIDGE_DIR/rolebridged.log" ||
        { echo "it did not end by itself: $(tail -n 1 "$BRIDGE_DIR/rolebridged.log")"; return 1; }
    bridge_sane
}

bridge_sane() {
    ! grep -E 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$BRIDGE_DIR/rolebridged.log"
}

bridge_restart() { bridge_stop && bridge_start; }

# until_true SECONDS COMMAND…: polls.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >"$W/until" 2>&1; do
        [ $SECONDS -lt $end ] || { echo "not in time: $* $(tail -n 1 "$W/until")"; return 1; }
        sleep 0.1
    done
}

same() { [ "$1" = "$2" ] || { echo "got '$1', not '$2'"; return 1; }; } # GOT WANTED

logged() { # JQ-FILTER: a line of the service's log since the start
    grep '^{.*}$' "$BRIDGE_DIR/rolebridged.log" | jq -se "any(.[]; $1)" >/dev/null || { echo "not logged: $1"; return 1; }
}

# ---- the audit log ----

records() { # the records after $MARK, as a JSON array
    "$ROLEBRIDGECTL" audit export --store "sqlite://$BRIDGE_DIR/state.db" 2>"$W/export.log" |
        jq -s --argjson mark "$MARK" 'map(select(.seq > $mark))'
}

# mark: what is recorded from now on counts.
mark() { MARK=$("$ROLEBRIDGECTL" audit head --store "sqlite://$BRIDGE_DIR/state.db" | sed 's/^head \([0-9]*\):.*/\1/'); }

recorded() { # JQ-FILTER: of one record since mark
    records >"$W/records" || return 1
    jq -e "any(.[]; $1)" "$W/records" >/dev/null ||
        { echo "not recorded: $1; but $(jq -c 'map([.kind, .code, .reason])' "$W/records")"; return 1; }
}

chain_whole() { "$ROLEBRIDGECTL" audit verify --store "sqlite://$BRIDGE_DIR/state.db" 2>/dev/null; }

# ---- requests ----

ask() { # WANTED-STATUS PATH CURL-ARGUMENTS…: with the jar; the body into $W/body, the head into $W/head
    local status
    status=$(curl -sS -m 30 --cacert "$BRIDGE_CA" -b "$JAR" -c "$JAR" -o "$W/body" -D "$W/head" -w '%{http_code}' \
        "${@:3}" "$BRIDGE_URL$2") || return 1
    [ "$status" = "$1" ] || { echo "$2 answered $status, not $1: $(head -c 300 "$W/body")"; return 1; }
}

ask_json() { ask "$1" "$2" -H 'Accept: application/json' "${@:3}"; }

said() { # JQ-FILTER: of the body
    jq -e "$1" "$W/body" >/dev/null || { echo "not so: $1: $(head -c 400 "$W/body")"; return 1; }
}

# refused CODE WHAT: the body says so, and the record of that very incident too.
refused() {
    local incident
    said ".code == \"$1\"" || return 1
    incident=$(jq -r .incident "$W/body")
    recorded ".incident == \"$incident\" and .kind == \"refusal\" and .code == \"$1\" and .what == \"$2\""
}

# ---- people ----

# sign_in USER [options of saml_login.sh]: as in a browser of their own; must end signed in at the portal.
sign_in() {
    local user=$1
    shift
    rm -f "$JAR"
    "$HERE/saml_login.sh" "$BRIDGE_URL" "${PROVIDER:-corp-saml}" "$user" --jar "$JAR" --cacert "$BRIDGE_CA" \
        --page "$W/page" "$@" >"$W/at" 2>&1 || { echo "$(tail -n 1 "$W/at") $(page_text)"; return 1; }
}

page_text() { sed -e 's/<[^>]*>/ /g' "$W/page" 2>/dev/null | tr -s ' \n' ' ' | head -c 300; }

# signed_in_as NAME JQ-FILTER: who the session is, and the record of the sign-in.
signed_in_as() {
    ask_json 200 /api/v1/whoami && said ".name == \"$1\" and (${2:-true})" &&
        recorded ".kind == \"sign-in\" and .name == \"$1\""
}

# get_form USER [options]: goes to the IdP and takes its answer, not yet posted, into $W/form.
get_form() {
    local user=$1
    shift
    rm -f "$JAR"
    "$HERE/saml_login.sh" "$BRIDGE_URL" "${PROVIDER:-corp-saml}" "$user" --jar "$JAR" --cacert "$BRIDGE_CA" \
        --page "$W/page" --form "$W/form" "$@" >"$W/at" 2>&1 || { tail -n 1 "$W/at"; return 1; }
}

post_form() { # WANTED-STATUS [CURL-ARGUMENTS…]: $W/form
    local status
    status=$(curl -sS -m 30 --cacert "$BRIDGE_CA" -b "$JAR" -c "$JAR" -o "$W/body" -D "$W/head" -w '%{http_code}' \
        -H 'Accept: application/json' "${@:2}" -K "$W/form") || return 1
    [ "$status" = "$1" ] || { echo "the answer was answered $status, not $1: $(head -c 300 "$W/body")"; return 1; }
}

# A sign-in of USER that must be refused with STATUS and CODE.
sign_in_refused() { get_form "$3" "${@:4}" && post_form "$1" && refused "$2" sign-in; }

# ---- counting ----

check() { # NAME COMMAND…: one line "ok NAME" or "not ok NAME: why"
    local name=$1
    shift
    if "$@" >"$W/said" 2>&1; then
        say "ok $name"
    else
        say "not ok $name: $(grep -v '^[[:space:]]*$' "$W/said" | tail -n 1 | head -c 600)"
    fi
}
