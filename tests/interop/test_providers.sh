#!/usr/bin/env bash
# The sandbox's STS judges tokens and assertions that code of others made: node's crypto signs the tokens, the xmlsec1 program the
# assertions, and the AWS SDK for JavaScript carries them and reads the answers, errors included.
# usage: test_providers.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/clients/stage.sh
. "$(dirname "$0")/clients/stage.sh"
# shellcheck source=tests/interop/sandbox.sh
. "$HERE/sandbox.sh"

need_packages interop
command -v npm >/dev/null || need_packages node
bridge_new "$@"
sandbox_new
at_exit() { stop_group "$BRIDGE_DIR" sandbox; }
js_modules "$BUILD/node-aws" || { say "skip providers: the npm registry did not give the AWS SDK: $BUILD/node-aws/npm.log"; exit 0; }
JWKS_PORT=$(free_port)

# The accounts have other providers registered than the bridge.
other_providers() {
    local certificate
    certificate=$(openssl x509 -in "$BRIDGE_DIR/certs/idp.pem" -outform DER | base64 -w 0)
    printf '%s' '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">' \
        '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">' \
        '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>' "$certificate" \
        '</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>' >"$BRIDGE_DIR/idp-metadata.xml"
    sandbox_restart "s#reach: https://[^ ]*#reach: http://127.0.0.1:$JWKS_PORT#; s#metadata: \"https://[^\"]*\"#metadata: idp-metadata.xml#"
}

check "providers: the sandbox comes up" sandbox_up
check "providers: with other identity providers" other_providers
# shellcheck disable=SC2031
env -i PATH="$PATH" HOME="$W" LC_ALL=C.UTF-8 NODE_DIR="$BUILD/node-aws" NODE_EXTRA_CA_CERTS="$BRIDGE_CA" NODE_NO_WARNINGS=1 \
    AWS_EC2_METADATA_DISABLED=true STS="$SANDBOX_URL/sts" JWKS_PORT="$JWKS_PORT" KEYS="$BRIDGE_DIR/certs" WORK="$W" \
    timeout 120 node "$HERE/clients/providers.mjs" || say "not ok providers: the driver ended with status $?"
