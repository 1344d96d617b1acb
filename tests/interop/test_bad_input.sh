#!/usr/bin/env bash
# What is wrong around the real service: hostile and broken files, a wrong configuration, an STS and an IdP that do not
# answer, a full disk. Each gets a message that says what, the right status, and the rest goes on. usage: test_bad_input.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"

bridge_new "$@"
IDP_PORT=$(free_port) STS_PORT=$(free_port) META_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
MAPPINGS=$BRIDGE_DIR/mappings
KEYS=('AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE' 'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
BRIDGE_ENV=("${KEYS[@]}")
DISK=
at_exit() {
    "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null
    stop_group "$W" sts 1
    stop_group "$W" meta 1
    stop_group "$BRIDGE_DIR" rolebridged 15
    [ -z "$DISK" ] || umount "$DISK"
}

comes_up() {
    "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" || return
    bridge_provider corp-saml "$W/idp/idp-metadata.xml"
    AWS_NODE="{ region: eu-central-1, sts_endpoint: \"http://127.0.0.1:$STS_PORT\", timeout: 2s }"
    bridge_config && bridge_start && sign_in ada && cp "$JAR" "$W/ada" && cp -r "$MAPPINGS" "$W/mappings"
}

# ---- the mapping, while the service runs ----

restore() { rm -rf "$MAPPINGS" && cp -r "$W/mappings" "$MAPPINGS"; }

digest() { ask_json 200 /readyz && DIGEST=$(jq -r .details.mapping.digest "$W/body"); }

serves_ada() {
    cp "$W/ada" "$JAR"
    ask_json 200 /api/v1/roles && said '[.grants[].role] == ["data-scientist", "data-scientist"]'
}

# refuses REGEX COMMAND…: COMMAND spoils the mapping; the old one stays, with a record and a log line that say REGEX.
refuses() {
    local said_why=$1
    shift
    digest && mark && "$@" && kill -HUP "$(bridge_process)" &&
        until_true 20 recorded ".kind == \"mapping\" and .outcome == \"refused\" and .mapping == \"$DIGEST\" and (.reason | test(\"$said_why\"))" &&
        until_true 10 logged ".event == \"mapping.problem\" and ((.place + .message + .hint) | test(\"$said_why\"))" &&
        ask_json 200 /readyz && said ".details.mapping.digest == \"$DIGEST\"" && serves_ada
    local status=$?
    restore
    return $status
}

put() { printf '%b' "$2" >"$MAPPINGS/$1"; } # FILE TEXT
add() { printf '%b' "$2" >>"$MAPPINGS/$1"; }
noise() { head -c 65536 /dev/urandom >"$MAPPINGS/$1"; }
deep() { python3 -c 'print("rolebridge: 1\nrole: " + "[" * 100000)' >"$MAPPINGS/roles/deep.yaml"; }
large() { head -c 17000000 /dev/zero | tr '\0' '#' >"$MAPPINGS/roles/large.yaml"; }
laughs() {
    python3 -c 'print("rolebridge: 1\na: &a [x]"); [print(f"{c}: &{c} [" + ",".join([f"*{p}"] * 9) + "]") for p, c in zip("abcdefgh", "bcdefghi")]' \
        >"$MAPPINGS/roles/laughs.yaml"
}
outside() { ln -s /etc/passwd "$MAPPINGS/roles/passwd.yaml"; }
circle() { ln -s circle.yaml "$MAPPINGS/roles/circle.yaml"; }
pipe() { mkfifo "$MAPPINGS/roles/pipe.yaml"; }
taken_away() { mv "$MAPPINGS" "$W/away"; rm -rf "$W/away"; }
edit() { sed -i "$2" "$MAPPINGS/$1"; } # FILE SED

many_mistakes() { # in one file and several: all of them are told, each with its place
    edit assignments.yaml 's/role: developer/role: devloper/; s/\[development\]/[develoment]/' && edit accounts.yaml 's/"777788889999"/777788889999/'
}

all_at_once() {
    refuses 'an account id must be in quotes' many_mistakes && until_true 10 logged '(.message // "") | test("devloper")' &&
        until_true 10 logged '(.message // "") | test("develoment")' && recorded '.kind == "mapping" and .errors >= 3'
}

escapes() { # what a file says is shown, not obeyed
    refuses 'esc' put roles/esc.yaml 'rolebridge: 1\nrole: "\\u001b[31mred\\u202e"\n' && ! grep -q $'\e' "$BRIDGE_DIR/rolebridged.log"
}

regex_bomb() { # a pattern that takes for ever is bounded: an answer comes, and grants nothing by it
    local start=$EPOCHREALTIME
    put assignments.yaml 'rolebridge: 1\nassignments:\n  - { groups: [{ regex: "^(a|a?)+(a+)+$" }], role: tester, accounts: [development] }\n  - { groups: [acme-data-science], role: data-scientist, accounts: [analytics-prod, { label: env=dev }] }\n'
    cat >>"$W/idp/config/authsources.php" <<'PHP'
$config['userpass']['eve:demo-eve'] = ['uid' => ['eve'], 'mail' => ['eve@acme.example'], 'groups' => [str_repeat('a', 4000) . '!']];
PHP
    kill -HUP "$(bridge_process)" && sign_in eve && start=$EPOCHREALTIME && ask_json 200 /api/v1/roles && said '.grants == []' &&
        [ $((${EPOCHREALTIME/./} - ${start/./})) -lt 5000000 ]
    local status=$?
    restore && kill -HUP "$(bridge_process)"
    return $status
}

taken_up() { # a good mapping after all of that is taken at once
    mark && edit roles/data-scientist.yaml 's/title: Data Scientist/title: Scientist/' && kill -HUP "$(bridge_process)" &&
        until_true 20 recorded '.kind == "mapping" and .outcome == "loaded"' && serves_ada && restore && bridge_sane
}

# ---- at the start ----

once() { # WANTED-STATUS REGEX… : rolebridged with $ARGS ends so and says all of it; nothing secret in it
    local status=0 word
    timeout 30 env -i PATH=/usr/bin:/bin "${KEYS[@]}" "$ROLEBRIDGED" --config "$BRIDGE_DIR/rolebridge.yaml" "${ARGS[@]}" \
        </dev/null >"$W/out" 2>&1 || status=$?
    [ $status = "$1" ] || { echo "ended with $status, not $1: $(tail -n 1 "$W/out")"; return 1; }
    shift
    for word in "$@"; do
        grep -qE -e "$word" "$W/out" || { echo "does not say '$word': $(head -c 500 "$W/out" | tr '\n' ' ')"; return 1; }
    done
    ! grep -E 'SECRET|BEGIN .*PRIVATE|Sanitizer|runtime error' "$W/out"
}

# wrong CONFIGURATION-EDIT REGEX…: by --check and by a start
wrong() {
    local edit=$1
    shift
    bridge_config && sed -i "$edit" "$BRIDGE_DIR/rolebridge.yaml" && ARGS=(--check) && once 1 "$@" && ARGS=() && once 1 "$@"
    local status=$?
    bridge_config
    return $status
}

broken_mapping() {
    many_mistakes && ARGS=(--check) && once 1 'assignments.yaml:[0-9]+:[0-9]+: .*devloper' "did you mean 'developer'" \
        'develoment' 'accounts.yaml:[0-9]+:[0-9]+: ' && ARGS=() && once 1 'devloper' 'develoment' 'accounts.yaml:[0-9]+'
    local status=$?
    restore
    return $status
}

open_key() { # NAME: others may read it
    chmod 644 "$BRIDGE_DIR/certs/$1.key"
    wrong "$2" "$1.key.*others may read.*chmod 600"
    local status=$?
    chmod 600 "$BRIDGE_DIR/certs/$1.key"
    return $status
}

foreign_certificate() { wrong 's|certificate: certs/tls.pem|certificate: certs/sp.pem|' 'certificate|key'; }

bad_metadata() { # TEXT REGEX
    printf '%b' "$1" >"$BRIDGE_DIR/bad.xml"
    wrong 's|metadata: .*|metadata: bad.xml|' 'rolebridge.yaml:[0-9]+:[0-9]+: ' "$2"
}

port_taken() {
    bridge_config && start_group "$W" sts python3 -m http.server -b 127.0.0.1 "$BRIDGE_PORT" &&
        until_true 10 curl -s -o /dev/null "http://127.0.0.1:$BRIDGE_PORT/" && ARGS=() && once 1 "$BRIDGE_PORT"
    local status=$?
    stop_group "$W" sts 1
    return $status
}

no_folder() { bridge_config && sed -i 's|sqlite:state.db|sqlite:nowhere/state.db|' "$BRIDGE_DIR/rolebridge.yaml" && ARGS=() && once 1 nowhere; }

# ---- an IdP whose metadata cannot be had ----

other_idp() { # METADATA-URL
    PROVIDERS=''
    bridge_provider corp-saml "$W/idp/idp-metadata.xml"
    bridge_provider other "$1"
    MORE_CONFIG='outgoing: { ca_file: certs/tls.pem }'
    bridge_config
}

others_serve() {
    mark && ask_json 200 /readyz && said '.details.identity_providers | .other.usable == false and ."corp-saml".usable == true' &&
        logged '.event == "provider.not_ready" and .provider == "other"' && ask_json 503 '/login?provider=other' &&
        refused fault.network sign-in && sign_in ada && signed_in_as ada
}

unreachable() { other_idp "https://127.0.0.1:$META_PORT/idp-metadata.xml" && bridge_start && others_serve; }

reachable_again() { # by https with a private CA; SIGHUP asks at once
    cat >"$W/meta.py" <<'PY'
import functools, http.server, ssl, sys
port, certificate, key, folder = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PY
    start_group "$W" meta python3 "$W/meta.py" "$META_PORT" "$BRIDGE_DIR/certs/tls.pem" "$BRIDGE_DIR/certs/tls.key" "$W/idp" &&
        until_true 10 curl -sf --cacert "$BRIDGE_CA" -o /dev/null "https://127.0.0.1:$META_PORT/idp-metadata.xml" &&
        kill -HUP "$(bridge_process)" && until_true 20 other_usable && bridge_stop
}

other_usable() { ask_json 200 /readyz && said '.details.identity_providers.other.usable == true'; }

untrusted() { # the same server, and a service that does not know its CA
    other_idp "https://127.0.0.1:$META_PORT/idp-metadata.xml" && MORE_CONFIG='' && bridge_config && bridge_start && others_serve && bridge_stop
    local status=$?
    stop_group "$W" meta 1
    return $status
}

silent_idp() { # metadata that never comes: the start is not held up for long
    local start=$SECONDS
    sts_is silent && other_idp "http://127.0.0.1:$STS_PORT/metadata" && bridge_start && [ $((SECONDS - start)) -lt 15 ] && others_serve && bridge_stop
}

# ---- an STS that is out of order ----

listens() { (: 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

sts_is() { # MODE
    printf '%s\n' "$1" >"$W/mode"
    running "$W" sts || start_group "$W" sts python3 "$HERE/bad_sts.py" "$STS_PORT" "$W/mode"
    until_true 10 listens "$STS_PORT"
}

credentials() { ask_json "$1" '/api/v1/credentials?account=analytics-prod&role=data-scientist'; }

# A truthful answer within the time limit (2 s, and a second attempt may be under way), a decision on record, no lease.
sts_fails() { # CODE
    local start=$EPOCHREALTIME
    mark && cp "$W/ada" "$JAR" && credentials 503 && [ $((${EPOCHREALTIME/./} - ${start/./})) -lt 6000000 ] &&
        refused "$1" credentials && recorded '.kind == "decision" and .name == "ada"' && ! recorded '.kind == "lease"' &&
        ! grep -q 'roleCredentials' "$W/body"
}

sts_down() {
    stop_group "$W" sts 1
    sts_fails fault.network
}

sts_mode() { sts_is "$1" && sts_fails "$2"; }

decisions() { curl -s -m 10 --cacert "$BRIDGE_CA" "$BRIDGE_URL/metrics" | sed -n 's/^rolebridge_decisions_total //p'; }

decided() { [ "$(decisions)" -ge "$1" ]; } # AT LEAST

# While forty requests wait for an STS that says nothing, pages and sign-ins are as quick as ever.
others_stay_quick() {
    local start most=0 took before callers=()
    sts_is silent && cp "$W/ada" "$JAR" && before=$(decisions) || return
    for _ in {1..40}; do
        curl -s -m 30 --cacert "$BRIDGE_CA" -b "$W/ada" -o /dev/null "$BRIDGE_URL/api/v1/credentials?account=analytics-prod&role=data-scientist" &
        callers+=($!)
    done
    until_true 10 decided $((before + 20)) || return
    for _ in {1..10}; do
        start=$EPOCHREALTIME
        ask_json 200 /api/v1/roles && ask 200 /healthz && ask_json 200 /readyz || return
        took=$((${EPOCHREALTIME/./} - ${start/./}))
        [ $took -le $most ] || most=$took
    done
    mark && sign_in grace && signed_in_as grace || return
    wait "${callers[@]}"
    [ $most -lt 2000000 ] || { echo "three quick requests took $most us"; return 1; }
}

# ---- the store ----

on_small_disk() {
    bridge_stop && mkdir -p "$W/disk" && mount -t tmpfs -o size=4m tmpfs "$W/disk" && DISK=$W/disk && chmod 700 "$DISK" &&
        bridge_config && sed -i "s|sqlite:state.db|sqlite://$DISK/state.db|" "$BRIDGE_DIR/rolebridge.yaml" && bridge_start && sign_in ada
}

cannot_write() { # nobody signs in, and it says so; what needs no record still answers
    ask_json 503 '/login?provider=corp-saml' && said '.code == "fault.store"' && ask 200 /healthz
}

disk_full() {
    local before
    before=$(bridge_process)
    head -c 8000000 /dev/zero >"$DISK/ballast" 2>/dev/null
    until_true 20 cannot_write && rm "$DISK/ballast" && until_true 20 sign_in ada && [ "$(bridge_process)" = "$before" ] &&
        "$ROLEBRIDGECTL" audit verify --store "sqlite://$DISK/state.db" >/dev/null 2>&1
}

disk_read_only() { # at the start: it says so, and does not run without a record
    local status=0
    bridge_stop && mount -o remount,ro "$DISK" || return
    ARGS=()
    bridge_config && sed -i "s|sqlite:state.db|sqlite://$DISK/state.db|" "$BRIDGE_DIR/rolebridge.yaml" && once 1 state.db || status=$?
    mount -o remount,rw "$DISK"
    return $status
}

check "the bridge comes up" comes_up
check "mapping: bytes that are no text" refuses 'noise.yaml' noise roles/noise.yaml
check "mapping: a hundred thousand brackets" refuses 'deep.yaml' deep
check "mapping: a billion laughs" refuses 'laughs.yaml' laughs
check "mapping: 17 MB" refuses 'large.yaml' large
check "mapping: a link to another file of the machine" refuses 'outside of the mapping directory' outside
check "mapping: a link to itself" refuses 'circle.yaml' circle
check "mapping: a pipe instead of a file" refuses 'not a regular file' pipe
check "mapping: a tag" refuses 'tag.yaml' put roles/tag.yaml 'rolebridge: 1\nrole: !!python/object/apply:os.system ["id"]\n'
check "mapping: an empty file" refuses 'empty.yaml' put roles/empty.yaml ''
check "mapping: another version" refuses 'next.yaml' put roles/next.yaml 'rolebridge: 2\nrole: next\n'
check "mapping: a key twice" refuses 'owner' add roles/tester.yaml 'owner: mallory@acme.example\n'
check "mapping: an unknown key" refuses 'privileged' edit roles/iam-administrator.yaml 's/privileged: true/privilegd: true/'
check "mapping: a key word that is not true or false" refuses 'privileged' edit roles/iam-administrator.yaml 's/privileged: true/privileged: perhaps/'
check "mapping: a role that is not there" refuses "did you mean 'tester'" edit assignments.yaml 's/role: tester/role: testr/'
check "mapping: a pattern that is none" refuses 'assignments.yaml' edit assignments.yaml 's/groups: \[acme-testers\]/groups: [{ regex: "(" }]/'
check "mapping: the folder is gone" refuses 'mappings|No such' taken_away
check "mapping: control characters are shown, not obeyed" escapes
check "mapping: every mistake at once" all_at_once
check "mapping: a pattern that takes for ever" regex_bomb
check "mapping: a good one is taken up after that" taken_up
check "STS is down" sts_down
check "STS never answers" sts_mode silent fault.network
check "STS sends a byte a second" sts_mode slow fault.network
check "STS hangs up" sts_mode close fault.network
check "STS answers with a web page" sts_mode garbage fault.sts
check "STS answers with nothing" sts_mode empty fault.sts
check "STS answers 500" sts_mode error fault.sts
check "STS throttles" sts_mode throttle fault.sts
check "STS sends us elsewhere" sts_mode redirect fault.sts
check "STS sends 16 MB" sts_mode huge fault.network
check "STS answers for somebody else" sts_mode forged fault.sts
check "everything else is quick while STS says nothing" others_stay_quick
check "the service ends cleanly after that" bridge_stop
check "start: a broken mapping, every mistake" broken_mapping
check "start: an unknown key" wrong 's/^listen:/listn:/' 'rolebridge.yaml:3:1: ' "did you mean 'listen'"
check "start: several mistakes at once" wrong 's/^listen:/listn:/; s/^log: .*/log: { level: loud }/; s/region: eu-central-1/region: "?"/' "listen" loud region
check "start: an AWS key in the file" wrong 's/region: eu-central-1/region: eu-central-1, secret_access_key: SECRET/' 'rolebridge.yaml:[0-9]+' 'does not belong'
check "start: no TLS key" wrong 's|key: certs/tls.key|key: certs/gone.key|' 'gone.key'
check "start: a TLS key that others may read" open_key tls ''
# shellcheck disable=SC2016 # sed's last line
check "start: a SAML key that others may read" open_key sp '$a\    signing_key: certs/sp.key\n    signing_certificate: certs/sp.pem'
check "start: a certificate of another key" foreign_certificate
check "start: no YAML" wrong '3s/.*/listen: [/' 'rolebridge.yaml:[0-9]+'
check "start: people by http" wrong 's|public_url: .*|public_url: http://bridge.acme.example|' https
check "start: no metadata" wrong 's|metadata: .*|metadata: gone.xml|' 'gone.xml'
check "start: metadata that is none" bad_metadata 'hello' 'bad.xml|XML|metadata'
check "start: metadata with a DTD" bad_metadata '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>' 'bad.xml|DTD|metadata'
check "start: the port is taken" port_taken
check "start: the store's folder is not there" no_folder
check "an IdP out of reach: the others serve" unreachable
check "an IdP in reach again" reachable_again
check "an IdP with an unknown CA: the others serve" untrusted
check "an IdP that never answers: the others serve" silent_idp
PROVIDERS='' MORE_CONFIG=''
bridge_provider corp-saml "$W/idp/idp-metadata.xml"
if [ "$(id -u)" = 0 ] && mkdir -p "$W/try" && mount -t tmpfs -o size=1m tmpfs "$W/try" 2>/dev/null && umount "$W/try"; then
    bridge_config && bridge_start >/dev/null
    check "store: on a disk of 4 MB" on_small_disk
    check "store: the disk is full, and has room again" disk_full
    check "store: a read-only disk at the start" disk_read_only
else
    say "skip store: a full disk: only root may mount a small one"
fi
