#!/usr/bin/env bash
# Keycloak as the IdP of the real service, of another implementation than those of every run. SAML: signed requests, signed and
# encrypted answers. OpenID Connect: code and PKCE, groups, a key that changes while both run, signing out in both directions.
# usage: test_keycloak.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"
# shellcheck source=tests/interop/oidc_provider.sh
. "$(dirname "$0")/oidc_provider.sh"

bridge_new "$@"
IDP_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
OP=http://127.0.0.1:$IDP_PORT/realms/acme
OP_SCOPES='[profile, email]'
printf 'secret-of-the-test' >"$BRIDGE_DIR/certs/client.secret"
chmod 600 "$BRIDGE_DIR/certs/client.secret"
at_exit() { "$HERE/keycloak.sh" down "$W/idp" >/dev/null; }

comes_up() {
    bridge_provider corp-saml "$W/idp/idp-metadata.xml" "${SIGNING[@]}" "${DECRYPTION[@]}" 'name: uid' 'realm: acme' # the NameID is opaque
    oidc_provider corp-oidc 'client_secret: { file: certs/client.secret }' 'name: preferred_username'
    PROVIDERS=${PROVIDERS/client_id: corp-oidc/client_id: rolebridge}
    bridge_config && bridge_start
}

signed_in() { mark && sign_in ada && signed_in_as ada '.groups | contains(["acme-data-science"])'; }

once_only() { mark && get_form grace && cp "$JAR" "$W/before" && post_form 303 && cp "$W/before" "$JAR" && post_form 400 && refused signin.unknown sign-in; }

encrypted() { # no group of the person can be read from what crossed the browser
    get_form ada && ! sed -n 's/.*SAMLResponse=\([^"]*\)".*/\1/p' "$W/form" | python3 -c 'import sys, urllib.parse, base64
sys.stdout.buffer.write(base64.b64decode(urllib.parse.unquote(sys.stdin.read().strip())))' | grep acme-data-science
}

# ---- OpenID Connect ----

oidc_signed_in() {
    mark && oidc_sign_in corp-oidc ada && signed_in_as ada '.provider == "corp-oidc" and .mfa == false
        and (.groups | sort) == ["acme-all", "acme-data-science"]' && ask_json 200 /api/v1/roles && said '[.grants[].role] | unique == ["data-scientist"]'
}

pkce_demanded() { # a request without a challenge is refused there: ours had one
    curl -sS -m 20 -o /dev/null -w '%{redirect_url}' -G --data-urlencode "redirect_uri=$BRIDGE_URL/oidc/corp-oidc/callback" \
        -d 'client_id=rolebridge&response_type=code&scope=openid&state=s&nonce=n' "$OP/protocol/openid-connect/auth" >"$W/at" &&
        grep -q 'error=invalid_request' "$W/at" || { echo "answered $(<"$W/at")"; return 1; }
}

rotated() {
    local before after
    before=$(curl -sS -m 20 "$OP/protocol/openid-connect/certs" | jq -c '[.keys[].kid] | sort') && "$HERE/keycloak.sh" rotate "$W/idp" &&
        after=$(curl -sS -m 20 "$OP/protocol/openid-connect/certs" | jq -c '[.keys[].kid] | sort') || return
    [ "$before" != "$after" ] || { echo "no new key: $after"; return 1; }
    oidc_signed_in
}

signed_out() { ask 302 / && grep -qi '^location: .*/login' "$W/head"; }

# Without an id_token_hint Keycloak asks the person, once, and sends the browser back (docs/decisions/0016).
oidc_logout_here() {
    mark && oidc_sign_in corp-oidc ada && sign_out_here || return
    case $ONWARD in *id_token_hint*) echo "a token is in $ONWARD"; return 1 ;; "$OP"/*) ;; *) echo "no way on to Keycloak: $ONWARD"; return 1 ;; esac
    browse "$ONWARD" >"$W/at" && confirm "$(cut -d' ' -f2 "$W/at")" && same "$(<"$W/at")" "200 $BRIDGE_URL/logout" && signed_out &&
        logged '.event == "sign-out.idp" and .outcome == "signed out there too"' &&
        browse "$BRIDGE_URL/login?provider=corp-oidc" >/dev/null && grep -q 'name="password"' "$W/page"
}

oidc_logout_there() {
    mark && oidc_sign_in corp-oidc ada && ask 200 / && browse "$OP/protocol/openid-connect/logout" >"$W/at" &&
        confirm "$(cut -d' ' -f2 "$W/at")" && until_true 20 signed_out &&
        recorded '.kind == "sign-out" and .asked_by == "identity provider" and .provider == "corp-oidc" and .sign_ins == 1'
}

"$HERE/keycloak.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" --slo "$SP/slo" \
    --sp-signing-cert "$BRIDGE_DIR/certs/sp.pem" --sp-encryption-cert "$BRIDGE_DIR/certs/sp.pem" \
    --oidc "$BRIDGE_URL/oidc/corp-oidc" --oidc-secret "$BRIDGE_DIR/certs/client.secret" --ca "$BRIDGE_CA" >"$W/keycloak.log" 2>&1
case $? in
    0) ;;
    75) say "skip Keycloak: Maven Central is out of reach"; exit 0 ;;
    *) say "not ok Keycloak comes up: $(tail -n 1 "$W/keycloak.log")"; exit 0 ;;
esac
check "the bridge comes up with Keycloak's metadata" comes_up
check "sign-in: signed, and encrypted with AES-256-GCM" signed_in
check "what crosses the browser is encrypted" encrypted
check "an answer works once" once_only
check "OpenID Connect: sign-in, by code and PKCE, groups in the ID token" oidc_signed_in
check "OpenID Connect: Keycloak demands PKCE" pkce_demanded
check "OpenID Connect: Keycloak signs with a new key" rotated
check "OpenID Connect: signing out here signs out there, after one question" oidc_logout_here
check "OpenID Connect: signing out there signs out here (back-channel)" oidc_logout_there
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
