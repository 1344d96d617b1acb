#!/usr/bin/env bash
# rolebridge as an issuer, as a program: what it publishes, read by others' code (the OASIS schema and SimpleSAMLphp's parser,
# OpenSSL), and its keys, made and rotated beside the running service, in files and on a SoftHSM token.
# Usage: test_issuer.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"

bridge_new "${1:-}"
KEYS=$BRIDGE_DIR/certs/issuer
MODULE=/usr/lib/softhsm/libsofthsm2.so

keys() { "$ROLEBRIDGECTL" keys "$@" --config "$BRIDGE_DIR/rolebridge.yaml" >"$W/keys" 2>&1 || { tail -n 1 "$W/keys"; return 1; }; }
get() { ask 200 "$1" -H 'Host: some.internal.name' && grep -qi '^cache-control: public, max-age=3600' "$W/head"; }
kids() { get /jwks.json && jq -r '.keys[].kid' "$W/body"; }
has_keys() { [ "$(kids | wc -l)" = "$1" ]; }

comes_up() {
    mkdir -m 700 "$KEYS" && make_certificate idp && metadata && bridge_provider corp-saml "$W/idp.xml" &&
        MORE_CONFIG='issuer: { keys: certs/issuer }' && bridge_config && keys rotate --for token && keys rotate --for assertion &&
        bridge_start
}

metadata() {
    printf '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.example"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/sso"/></IDPSSODescriptor></EntityDescriptor>' \
        "$(grep -v -- ----- "$BRIDGE_DIR/certs/idp.pem" | tr -d '\n')" >"$W/idp.xml"
}

discovery() {
    get /.well-known/openid-configuration &&
        said ".issuer == \"$BRIDGE_URL\" and .jwks_uri == \"$BRIDGE_URL/jwks.json\" and (.claims_supported | length) > 0" &&
        ask 200 /jwks.json -I && ask 405 /jwks.json -X POST -d x
}

# The certificate in x5c is of the key beside it: OpenSSL's reading of both.
jwks() {
    local x
    get /jwks.json && said '.keys | length == 1 and .[0].alg == "ES256" and .[0].use == "sig"' || return 1
    jq -r '.keys[0].x5c[0]' "$W/body" | base64 -d | openssl x509 -inform der -noout -pubkey >"$W/pub.pem" || return 1
    x=$(openssl pkey -pubin -in "$W/pub.pem" -outform der | tail -c 64 | head -c 32 | base64 -w0 | tr '+/' '-_' | tr -d =)
    same "$(jq -r '.keys[0].x' "$W/body")" "$x"
}

saml_metadata() { # COUNT: of keys, by the schema and by SimpleSAMLphp
    get /saml/metadata && cp "$W/body" "$W/metadata.xml" && [ "$(wc -c <"$W/metadata.xml")" -ge 1000 ] || return 1
    # shellcheck disable=SC2016
    php -d error_reporting=0 -r '
        require "/usr/share/simplesamlphp/lib/_autoload.php";
        $xml = file_get_contents($argv[1]);
        $doc = new DOMDocument(); $doc->loadXML($xml);
        if (!$doc->schemaValidate("/usr/share/simplesamlphp/schemas/saml-schema-metadata-2.0.xsd")) { echo "not valid"; exit(1); }
        $idp = SimpleSAML\Metadata\SAMLParser::parseString($xml)->getMetadata20IdP();
        echo $idp["entityid"], " ", count(array_filter($idp["keys"], fn($k) => $k["signing"])), " ", count($idp["SingleSignOnService"]);
    ' "$W/metadata.xml" >"$W/parsed" 2>"$W/php.log" || { echo "$(cat "$W/parsed") $(tail -n 1 "$W/php.log")"; return 1; }
    same "$(cat "$W/parsed")" "$BRIDGE_URL/saml $1 2"
}

rotated() { # beside the running service, which sees it by itself when asked to look
    keys rotate --for token && keys rotate --for assertion && kill -HUP "$(bridge_process)" && until_true 20 has_keys 2 &&
        saml_metadata 2
}

broken() { # is refused, said with its place, and changes nothing
    cp "$KEYS/keys.json" "$W/good.json" && printf '{"rolebridge": 1, "keys": [{"kid": 1}]}' >"$KEYS/keys.json" &&
        kill -HUP "$(bridge_process)" &&
        until_true 20 logged '.event == "keys.refused" and (.reason | contains("keys.json:1:28"))' && has_keys 2 &&
        cp "$W/good.json" "$KEYS/keys.json"
}

leaked() { # its successor signs, and nothing of it is published
    local old
    old=$(jq -r '[.keys[] | select(.use == "token")][0].kid' "$KEYS/keys.json")
    keys retire "$old" --now --yes && [ ! -e "$KEYS/$old.key" ] && kill -HUP "$(bridge_process)" && until_true 20 has_keys 1 &&
        ! kids | grep -qx "$old"
}

on_a_token() { # new keys are made there; those in files go on
    mkdir -p "$W/tokens" && printf 'directories.tokendir = %s\n' "$W/tokens" >"$W/softhsm2.conf" && export SOFTHSM2_CONF="$W/softhsm2.conf" &&
        softhsm2-util --init-token --free --label rolebridge --so-pin 12345678 --pin 47110815 >"$W/softhsm.log" 2>&1 || return 1
    (umask 077 && echo 47110815 >"$BRIDGE_DIR/certs/pin")
    MORE_CONFIG="issuer: { keys: certs/issuer, pkcs11: { module: $MODULE, token: rolebridge, pin: { file: certs/pin } } }"
    BRIDGE_ENV=("SOFTHSM2_CONF=$SOFTHSM2_CONF")
    bridge_config && ! keys rotate --for assertion --overlap 0s >"$W/refused" && grep -q 'waits already' "$W/refused" &&
        keys retire "$(jq -r '[.keys[] | select(.use == "assertion")][1].kid' "$KEYS/keys.json")" &&
        keys rotate --for assertion --overlap 0s && jq -e '.keys[-1].key | startswith("pkcs11:token=rolebridge;id=%")' "$KEYS/keys.json" >/dev/null &&
        bridge_restart && saml_metadata 2 && ! grep -rq 47110815 "$BRIDGE_DIR/rolebridged.log" "$KEYS"
}

check "the bridge comes up with its keys" comes_up
check "discovery is there, by any name of the host" discovery
check "OpenSSL reads the same key from x5c as from the JWK" jwks
check "the metadata is valid by the OASIS schema, and SimpleSAMLphp reads it" saml_metadata 1
check "a rotation beside the running service is published" rotated
check "a broken keys.json is refused, and the old keys stay" broken
check "a leaked key is gone at once" leaked
check "keys on a SoftHSM token beside keys in files" on_a_token
check "the service ends cleanly" bridge_stop
