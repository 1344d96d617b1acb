#!/usr/bin/env bash
# Dex as the issuer of the real service: an older one, without PKCE, pushed requests, iss in its answers, auth_time, acr, or an end
# of sessions; its keys change all the time. usage: test_dex.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"
# shellcheck source=tests/interop/oidc_provider.sh
. "$(dirname "$0")/oidc_provider.sh"

bridge_new "$@"
OP_PORT=$(free_port)
OP=http://127.0.0.1:$OP_PORT/dex
at_exit() { "$HERE/dex.sh" down "$W/idp" >/dev/null; }
printf 'secret-of-the-test' >"$BRIDGE_DIR/certs/client.secret"
chmod 600 "$BRIDGE_DIR/certs/client.secret"

comes_up() {
    sed -i 's/^separation_of_duties:/  - { groups: [authors], role: it-manager, accounts: [corporate] }\n\n&/' "$BRIDGE_DIR/mappings/assignments.yaml"
    MFA_NODE='{ oidc_acr: ["urn:acme:2fa"] }'
    oidc_provider corp-oidc 'client_secret: { file: certs/client.secret }' 'name: email'
    PROVIDERS=${PROVIDERS/client_id: corp-oidc/client_id: rolebridge}
    bridge_config && bridge_start
}

begin() { # PATH: its mock connector asks nothing
    rm -f "$JAR"
    browse "$BRIDGE_URL$1" >"$W/at"
}

signed_in() {
    mark && begin '/login?provider=corp-oidc&next=/' && same "$(<"$W/at")" "200 $BRIDGE_URL/" &&
        signed_in_as kilgore@kilgore.trout '.provider == "corp-oidc" and .groups == ["authors"] and .mfa == false' &&
        ask_json 200 /api/v1/roles && said '[.grants[].role] == ["it-manager"]'
}

# It says nothing of when somebody signed in: a second factor that is asked for cannot be believed.
step_up_refused() {
    mark && begin '/login?provider=corp-oidc&mfa=1&next=/' && grep -q '^403 ' "$W/at" &&
        recorded '.kind == "refusal" and .code == "jwt.stale_sign_in"'
}

key_ids() { curl -sS -m 20 "$OP/keys" | jq -c '[.keys[].kid]'; }
signs_anew() { [ "$(key_ids | jq -r '.[0]')" != "$1" ]; } # the first signs

rolled_over() {
    local before
    before=$(key_ids | jq -r '.[0]')
    signed_in && until_true 70 signs_anew "$before" && signed_in
}

# There is nowhere to go on to: signing out ends here.
signed_out() { mark && sign_out_here && same "$ONWARD" '' && ask 302 / && recorded '.kind == "sign-out"'; }

"$HERE/dex.sh" up "$W/idp" --port "$OP_PORT" --redirect "$BRIDGE_URL/oidc/corp-oidc/callback" --secret "$BRIDGE_DIR/certs/client.secret" \
    --rotate 1s >"$W/dex.log" 2>&1
case $? in
    0) ;;
    75) say "skip Dex: $(tail -n 1 "$W/dex.log")"; exit 0 ;;
    *) say "not ok Dex comes up: $(tail -n 1 "$W/dex.log")"; exit 0 ;;
esac
check "the bridge comes up with Dex" comes_up
check "Dex: sign-in, groups and name from the ID token" signed_in
check "Dex: a second factor is refused: jwt.stale_sign_in" step_up_refused
check "Dex: its keys roll over while the bridge runs" rolled_over
check "Dex: signing out ends here" signed_out
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
