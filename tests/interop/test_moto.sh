#!/usr/bin/env bash
# moto as the STS: what the real service sends is a request that another implementation of AWS reads, and what it answers is
# read. usage: test_moto.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"
# shellcheck source=tests/interop/awscli_env.sh
. "$(dirname "$0")/awscli_env.sh"

bridge_new "$@"
IDP_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
at_exit() {
    "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null
    "$HERE/moto.sh" down "$W/moto" >/dev/null
}

comes_up() {
    "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" || return
    bridge_provider corp-saml "$W/idp/idp-metadata.xml"
    AWS_NODE="{ region: eu-central-1, sts_endpoint: \"$MOTO_ENDPOINT\" }"
    BRIDGE_ENV=('AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE' 'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
    bridge_config && bridge_start
}

assumed() { # with session tags, source identity and external id of the sample organisation
    mark && sign_in ada && ask_json 200 '/api/v1/credentials?account=analytics-prod&role=data-scientist' &&
        recorded '.kind == "lease" and .name == "ada" and (.assumed_role_arn | test("assumed-role/(rolebridge/)?data-scientist/ada$"))'
}

identity() { # the unmodified AWS CLI, with what came out
    awscli_env "$W/cli" --sts "$MOTO_ENDPOINT" && aws_run "AWS_ACCESS_KEY_ID=$(jq -r .roleCredentials.accessKeyId "$W/body")" \
        "AWS_SECRET_ACCESS_KEY=$(jq -r .roleCredentials.secretAccessKey "$W/body")" \
        "AWS_SESSION_TOKEN=$(jq -r .roleCredentials.sessionToken "$W/body")" sts get-caller-identity >"$W/identity" &&
        cp "$W/identity" "$W/body" && said '.Arn | test("assumed-role/(rolebridge/)?data-scientist/ada$")'
}

# Accounts that trust the bridge itself: a token, then an assertion, and no AWS credentials on the bridge.
trusted_comes_up() {
    bridge_stop || return
    mkdir -m 700 "$BRIDGE_DIR/certs/issuer"
    MORE_CONFIG='issuer: { keys: certs/issuer }'
    BRIDGE_ENV=()
    bridge_config && keys --for token && keys --for assertion && method web-identity oidc-provider/127.0.0.1 && bridge_start
}

keys() { "$ROLEBRIDGECTL" keys rotate "$@" --config "$BRIDGE_DIR/rolebridge.yaml" >"$W/keys" 2>&1 || { tail -n 1 "$W/keys"; return 1; }; }

method() { # METHOD PROVIDER: of analytics-prod
    awk -v line="    issue: { method: $1, provider_arn: \"arn:aws:iam::111122223333:$2\" }" \
        '/^  - id:/ { here = 0 } /name: analytics-prod/ { here = 1 } here && /^    issue:/ { $0 = line } { print }' \
        "$ROOT/mappings/accounts.yaml" >"$BRIDGE_DIR/mappings/accounts.yaml"
}

by_assertion() { # moto reads role and session name from it; who asks later with such a key it does not know
    method saml saml-provider/rolebridge && mark && kill -HUP "$(bridge_process)" &&
        until_true 20 recorded '.kind == "mapping" and .outcome == "loaded"' && assumed
}

by_token() { assumed && identity; }

"$HERE/moto.sh" up "$W/moto" --port "$(free_port)" >"$W/moto.log" 2>&1
case $? in
    0) ;;
    75) say "skip moto: PyPI is out of reach"; exit 0 ;;
    *) say "not ok moto comes up: $(tail -n 1 "$W/moto.log")"; exit 0 ;;
esac
# shellcheck source=/dev/null
. "$W/moto/env"
check "SimpleSAMLphp, moto and the bridge come up" comes_up
check "moto reads our AssumeRole" assumed
check "the AWS CLI is who we said" identity
check "a bridge without AWS credentials comes up" trusted_comes_up
check "moto reads our token, and the AWS CLI is who it says" by_token
check "moto reads our assertion" by_assertion
check "the service ends cleanly" bridge_stop
