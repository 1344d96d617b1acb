#!/usr/bin/env bash
# Keycloak as the IdP of the real service: signed requests, signed and encrypted answers of another implementation.
# usage: test_keycloak.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"

bridge_new "$@"
IDP_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
at_exit() { "$HERE/keycloak.sh" down "$W/idp" >/dev/null; }

comes_up() {
    bridge_provider corp-saml "$W/idp/idp-metadata.xml" "${SIGNING[@]}" "${DECRYPTION[@]}" 'name: uid' # the NameID is opaque
    bridge_config && bridge_start
}

signed_in() { mark && sign_in ada && signed_in_as ada '.groups | contains(["acme-data-science"])'; }

once_only() { mark && get_form grace && cp "$JAR" "$W/before" && post_form 303 && cp "$W/before" "$JAR" && post_form 400 && refused signin.unknown sign-in; }

encrypted() { # no group of the person can be read from what crossed the browser
    get_form ada && ! sed -n 's/.*SAMLResponse=\([^"]*\)".*/\1/p' "$W/form" | python3 -c 'import sys, urllib.parse, base64
sys.stdout.buffer.write(base64.b64decode(urllib.parse.unquote(sys.stdin.read().strip())))' | grep acme-data-science
}

"$HERE/keycloak.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" --slo "$SP/slo" \
    --sp-signing-cert "$BRIDGE_DIR/certs/sp.pem" --sp-encryption-cert "$BRIDGE_DIR/certs/sp.pem" >"$W/keycloak.log" 2>&1
case $? in
    0) ;;
    75) say "skip Keycloak: Maven Central is out of reach"; exit 0 ;;
    *) say "not ok Keycloak comes up: $(tail -n 1 "$W/keycloak.log")"; exit 0 ;;
esac
check "the bridge comes up with Keycloak's metadata" comes_up
check "sign-in: signed, and encrypted with AES-256-GCM" signed_in
check "what crosses the browser is encrypted" encrypted
check "an answer works once" once_only
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
