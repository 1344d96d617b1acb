#!/usr/bin/env bash
# Signing in to the real service through npm oidc-provider: every algorithm and way of client authentication, pushed
# requests, groups, a second factor, keys that change while both run, signing out in both directions, of the command and AWS's
# clients too. The sandbox is AWS.
# usage: test_oidc.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"
# shellcheck source=tests/interop/sandbox.sh
. "$(dirname "$0")/sandbox.sh"
# shellcheck source=tests/interop/oidc_provider.sh
. "$(dirname "$0")/oidc_provider.sh"

bridge_new "$@"
sandbox_new
op_new
at_exit() {
    stop_group "$W" op 5
    stop_group "$BRIDGE_DIR" sandbox
}

# op_settings [JQ-CHANGE]: a client for each algorithm, each proving in another way who it is.
op_settings() {
    OP_JQ=(--slurpfile client "$W/client.json")
    op_write '[ client("rs"; "RS256"; "client_secret_basic") + { client_secret: "s&cret=1" },
                client("ps"; "PS256"; "client_secret_post") + { client_secret: "s&cret=1" },
                client("es"; "ES256"; "private_key_jwt") + { jwks: { keys: [$client[0]] }, token_endpoint_auth_signing_alg: "RS256" },
                client("es384"; "ES384"; "none") + { require_pushed_authorization_requests: true },
                client("ed"; "EdDSA"; "none") ]' "$@"
}

op_restart() { stop_group "$W" op 5; op_settings "${1:-.}" && op_start; }

configure() {
    PROVIDERS=''
    MFA_NODE='{ oidc_acr: ["urn:acme:2fa"] }'
    oidc_provider rs 'client_secret: { file: certs/client.secret }'
    oidc_provider ps 'client_secret: { file: certs/client.secret }' 'client_auth: client_secret_post' 'name: preferred_username'
    oidc_provider es 'client_key: certs/sp.key' 'client_key_id: sp' 'par: never' 'algorithms: [ES256]'
    oidc_provider es384 'client_auth: none' 'name: preferred_username'
    oidc_provider ed 'client_auth: none' 'userinfo: always'
    sandbox_aws
    MORE_CONFIG="outgoing: { ca_file: certs/ca.pem }"
    bridge_config
}

comes_up() {
    sandbox_up && make_certificate sp && printf 's&cret=1' >"$BRIDGE_DIR/certs/client.secret" && chmod 600 "$BRIDGE_DIR/certs/client.secret" &&
        node -e 'const { createPublicKey } = require("node:crypto"); console.log(JSON.stringify({ kid: "sp", use: "sig", alg: "RS256",
            ...createPublicKey(require("node:fs").readFileSync(process.argv[1])).export({ format: "jwk" }) }))' \
            "$BRIDGE_DIR/certs/sp.pem" >"$W/client.json" &&
        op_keys 1 && op_settings && op_start && configure && bridge_start
}

# ---- a browser ----

# The answer of the issuer, not yet followed: its address into $W/callback.
get_callback() { # PROVIDER USER
    rm -f "$JAR"
    local at
    at=$(browse "$BRIDGE_URL/login?provider=$1&next=/") || return 1
    USERNAME=$2 PASSWORD=demo-$2 python3 "$HERE/form.py" "${at#* }" <"$W/page" >"$W/form" || return 1
    at=$(curl -sS -m 30 -b "$JAR" -c "$JAR" -o /dev/null -w '%{redirect_url}' -K "$W/form") || return 1
    curl -sS -m 30 -b "$JAR" -c "$JAR" -o /dev/null -w '%{redirect_url}' "$at" >"$W/callback" || return 1
    grep -q "^$BRIDGE_URL/oidc/$1/callback?" "$W/callback" || { echo "no callback but $(<"$W/callback")"; return 1; }
}

follow() { # WANTED-STATUS: the callback
    local path
    path=$(<"$W/callback")
    ask_json "$1" "${path#"$BRIDGE_URL"}"
}

# ---- what is accepted ----

signed_in() { # PROVIDER
    mark && oidc_sign_in "$1" ada && signed_in_as ada \
        ".provider == \"$1\" and .mfa == false and (.groups | sort) == [\"acme-all\", \"acme-data-science\"]" &&
        ask_json 200 /api/v1/roles && said '[.grants[].role] | unique == ["data-scientist"]'
}

from_userinfo() { # claims that are at UserInfo alone
    op_restart '. + { userinfo: true }' && mark && oidc_sign_in ed ada && signed_in_as ada '(.groups | length) == 2' &&
        oidc_sign_in ps grace && signed_in_as grace '(.groups | sort) == ["acme-all", "acme-data-admin"]' && op_restart
}

login_address() { mark && oidc_sign_in rs ada '/oidc/rs/login?next=/' && signed_in_as ada; }

step_up() {
    mark && oidc_sign_in rs barbara && signed_in_as barbara '.mfa == false' && ask_json 200 /api/v1/roles &&
        said '[.grants[] | select(.role == "iam-administrator")] | length == 0' &&
        SAME_BROWSER=yes oidc_sign_in rs barbara '/login?provider=rs&mfa=1&next=/' && signed_in_as barbara '.mfa == true' &&
        ask_json 200 /api/v1/roles && said '[.grants[] | select(.role == "iam-administrator")] | length == 3' &&
        recorded '.kind == "sign-in" and .mfa == true and .authn_context == "urn:acme:2fa"'
}

step_up_missing() {
    mark && log_in rs ada '/login?provider=rs&mfa=1&next=/' && grep -q '^403 ' "$W/at" &&
        recorded '.kind == "refusal" and .code == "oidc.mfa_missing"'
}

# ---- what is refused ----

wrong_password() {
    mark && PASSWORD=wrong log_in rs ada && grep -q '^403 ' "$W/at" && recorded '.kind == "refusal" and .code == "oidc.refused"'
}

works_once() { # the answer again: the sign-in is over
    mark && get_callback rs ada && cp "$JAR" "$W/before" && follow 303 && cp "$W/before" "$JAR" && follow 400 && refused signin.unknown sign-in
}

code_once() { # a code that was redeemed, in a sign-in of its own
    local code
    mark && get_callback rs ada && code=$(sed 's/.*[?&]code=\([^&]*\).*/\1/' "$W/callback") && follow 303 && get_callback rs ada &&
        sed -i "s/code=[^&]*/code=$code/" "$W/callback" && follow 403 && refused oidc.token_refused sign-in
}

other_browser() { mark && get_callback rs ada && rm -f "$JAR" && follow 400 && refused signin.unknown sign-in; }

other_provider() { # mix-up: the answer of one provider at another's address
    mark && get_callback rs ada && sed -i 's#/oidc/rs/#/oidc/ed/#' "$W/callback" && follow 400 && refused signin.unknown sign-in
}

other_issuer() {
    mark && get_callback rs ada && grep -q '[?&]iss=' "$W/callback" && sed -i 's#iss=[^&]*#iss=https%3A%2F%2Fevil.example#' "$W/callback" &&
        follow 403 && refused oidc.issuer sign-in
}

without_issuer() { # the issuer promises iss, so an answer without it is none of its
    mark && get_callback rs ada && sed -i 's#&iss=[^&]*##' "$W/callback" && follow 403 && refused oidc.issuer sign-in
}

# ---- keys ----

rollover() { # new keys, while the bridge runs
    op_keys 2 && op_restart && mark && oidc_sign_in rs ada && signed_in_as ada && oidc_sign_in ed grace && signed_in_as grace
}

# ---- signing out ----

signed_out() { ask 302 / && grep -qi '^location: .*/login' "$W/head"; }

logout_here() {
    mark && oidc_sign_in rs ada && sign_out_here || return
    [ -n "$ONWARD" ] || { echo "no way on to the issuer"; return 1; }
    browse "$ONWARD" >/dev/null && confirm "$OP/" && signed_out && recorded '.kind == "sign-out" and .name == "ada"' &&
        logged '.event == "sign-out.idp" and .outcome == "signed out there too"' &&
        browse "$BRIDGE_URL/login?provider=rs" >/dev/null && grep -q 'name="password"' "$W/page"
}

logout_there() { # signing out at the issuer ends the bridge's session before the issuer has its answer
    mark && oidc_sign_in rs ada && ask 200 / && sign_out_there && signed_out &&
        recorded '.kind == "sign-out" and .asked_by == "identity provider" and .sign_ins == 1'
}

# rb ARGUMENTS…: the rolebridge command; the browser of the last sign-in is at hand.
rb() {
    env -i HOME="$W/home" PATH=/usr/bin:/bin LC_ALL=C.UTF-8 ROLEBRIDGE_CA_FILE="$BRIDGE_CA" ROLEBRIDGE_URL="$BRIDGE_URL" \
        ASAN_OPTIONS="${ASAN_OPTIONS:-}" BROWSER="$ROOT/scripts/demo-browser" DEMO_CA="$BRIDGE_CA" DEMO_JAR="$JAR" "$BUILD/src/rolebridge/rolebridge" "$@"
}

# command_signs_in: code and PKCE; its tokens are those of the cache that AWS's clients read.
command_signs_in() {
    mkdir -p "$W/home" && rb login --force && cp "$W/home/.aws/sso/cache/"*.json "$W/command" && jq -e .refreshToken "$W/command" >/dev/null
}

# device_signs_in: as AWS's clients without a browser do.
device_signs_in() {
    local json=(-H 'Content-Type: application/json')
    ask 200 /client/register "${json[@]}" -d '{"clientName":"a device","clientType":"public"}' && cp "$W/body" "$W/client" &&
        ask 200 /device_authorization "${json[@]}" -d "$(jq -c '{clientId, clientSecret, startUrl: "https://acme.awsapps.com/start"}' "$W/client")" &&
        cp "$W/body" "$W/started" && "$ROOT/scripts/demo-browser" --quiet --jar "$JAR" --cacert "$BRIDGE_CA" "$(jq -r .verificationUriComplete "$W/started")" &&
        ask 200 /token "${json[@]}" -d "$(jq -c --slurpfile client "$W/client" '($client[0] | {clientId, clientSecret}) + {deviceCode,
            grantType: "urn:ietf:params:oauth:grant-type:device_code"}' "$W/started")" &&
        jq -s 'add | {clientId, clientSecret, accessToken, refreshToken}' "$W/client" "$W/body" >"$W/device"
}

client_credentials() { # WANTED-STATUS WHO: GetRoleCredentials
    ask "$1" '/federation/credentials?account_id=111122223333&role_name=data-scientist' -H "x-amz-sso_bearer_token: $(jq -r .accessToken "$W/$2")"
}

client_refreshes() { # WANTED-STATUS WHO
    ask "$1" /token -H 'Content-Type: application/json' -d "$(jq -c '{grantType: "refresh_token", clientId, clientSecret, refreshToken}' "$W/$2")"
}

client_ended() { # WHO
    client_credentials 401 "$1" && said '.__type | endswith("#UnauthorizedException")' &&
        client_refreshes 400 "$1" && said '.__type | endswith("#InvalidGrantException")'
}

command_status() { # WANTED COMMAND…
    rb "${@:2}" >"$W/out" 2>&1
    same $? "$1" || { tail -n 1 "$W/out"; return 1; }
}

# Another browser's sign-in of the same person goes on: the issuer names the session that ended.
logout_there_of_clients() {
    mark && oidc_sign_in rs ada && cp "$JAR" "$W/elsewhere" && oidc_sign_in rs ada && command_signs_in && device_signs_in &&
        client_credentials 200 command && said .roleCredentials.sessionToken && client_credentials 200 device && client_refreshes 200 device &&
        jq -s add "$W/device" "$W/body" >"$W/refreshed" && client_credentials 200 refreshed && command_status 0 whoami || return
    sign_out_there && client_ended command && client_ended device && client_ended refreshed &&
        command_status 3 whoami && command_status 3 credentials 111122223333.data-scientist --format process &&
        recorded '.kind == "sign-out" and .asked_by == "identity provider" and .sign_ins == 1' && signed_out && cp "$W/elsewhere" "$JAR" && ask 200 /
}

backchannel() { # WANTED-STATUS TOKEN
    local status
    status=$(curl -sS -m 20 --cacert "$BRIDGE_CA" -o "$W/body" -D "$W/head" -w '%{http_code}' \
        --data-urlencode "logout_token=$2" "$BRIDGE_URL/oidc/rs/backchannel-logout")
    same "$status" "$1" && grep -qi '^cache-control: no-store' "$W/head"
}

logout_forged() { # whoever signs with keys of their own ends nothing
    local token
    mark && oidc_sign_in rs ada && token=$(node -e '
        const { generateKeyPairSync, sign } = require("node:crypto");
        const part = (o) => Buffer.from(JSON.stringify(o)).toString("base64url"), now = Math.floor(Date.now() / 1000);
        const input = part({ alg: "RS256", kid: "rs2", typ: "logout+jwt" }) + "." + part({ iss: process.argv[1], aud: "rs", sub: "ada",
            iat: now, exp: now + 60, jti: "1", events: { "http://schemas.openid.net/event/backchannel-logout": {} } });
        console.log(input + "." + sign("sha256", input, generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey).toString("base64url"));' "$OP") &&
        backchannel 400 "$token" && refused jwt.signature_invalid sign-out && backchannel 400 nonsense && refused jwt.malformed sign-out &&
        ask 200 /
}

# ---- outages ----

issuer_down() { # nobody new, but whoever is in stays in
    mark && oidc_sign_in rs ada && stop_group "$W" op 5 && ask 200 / && ask_json 503 /oidc/rs/login && refused fault.network sign-in
}

issuer_back() { op_start && mark && oidc_sign_in rs ada && signed_in_as ada; }

need_packages run interop
op_install || { say "skip oidc: the npm registry did not give oidc-provider: $BUILD/oidc/npm.log"; exit 0; }

check "the bridge comes up with oidc-provider" comes_up
check "sign-in: RS256, client_secret_basic, pushed request" signed_in rs
check "sign-in: PS256, client_secret_post, pushed request" signed_in ps
check "sign-in: ES256, private_key_jwt, no pushed request" signed_in es
check "sign-in: ES384, public client, pushed request required" signed_in es384
check "sign-in: EdDSA, public client, UserInfo" signed_in ed
check "sign-in at the provider's own address" login_address
check "groups and name from UserInfo alone" from_userinfo
check "second factor: asked for by acr_values, and proved" step_up
check "second factor: asked for and not shown is refused" step_up_missing
check "the issuer refuses: oidc.refused" wrong_password
check "an answer works once" works_once
check "a code works once: oidc.token_refused" code_once
check "another browser's answer: signin.unknown" other_browser
check "another provider's answer: signin.unknown" other_provider
check "another issuer's answer: oidc.issuer" other_issuer
check "an answer without the promised iss: oidc.issuer" without_issuer
check "the issuer's keys roll over while the bridge runs" rollover
check "signing out here signs out there" logout_here
check "signing out there signs out here (back-channel)" logout_there
check "signing out there ends the command's and AWS's clients' tokens (back-channel)" logout_there_of_clients
check "a logout token that the issuer did not sign" logout_forged
check "the issuer is down" issuer_down
check "the issuer is back" issuer_back
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
