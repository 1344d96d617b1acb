#!/usr/bin/env bash
# The whole matrix, as a table: signing in by SAML (SimpleSAMLphp) and by OpenID Connect (npm oidc-provider); accounts whose
# credentials come by each issuer method; the rolebridge command, aws sso login of Debian's AWS CLI, and the AWS SDK for JavaScript
# on the cache that a login wrote. Each cell signs a person in anew, gets credentials, and makes a call with them; the sandbox,
# which is AWS here, says by which call of STS they were had.
# usage: test_matrix.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/clients/stage.sh
. "$(dirname "$0")/clients/stage.sh"
# shellcheck source=tests/interop/oidc_provider.sh
. "$(dirname "$0")/oidc_provider.sh"

IDPS=(SAML OIDC)
METHODS=(assume-role web-identity saml)
CLIENTS=(rolebridge 'aws sso login' SDK)
# the sample's accounts
declare -A ACCOUNT=([assume-role]=111122223333 [web-identity]=444455556666 [saml]=777788889999)
declare -A ACTION=([assume-role]=AssumeRole [web-identity]=AssumeRoleWithWebIdentity [saml]=AssumeRoleWithSAML)
declare -A TABLE
ROLE=it-manager PERSON=radia

stage_new "$@"
BRIDGE_URL=https://localhost:$BRIDGE_PORT # no tap
PERSON_JAR=$JAR
op_new
IDP_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
at_exit() {
    [ -z "$LOGIN" ] || kill "$LOGIN" 2>/dev/null
    "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null
    stop_group "$W" op
    stop_group "$BRIDGE_DIR" sandbox
}

# ---- the stage ----

profiles() { # one a method, named for it
    local method
    for method in "${METHODS[@]}"; do
        printf '[profile %s]\nsso_session = rolebridge\nsso_account_id = %s\nsso_role_name = %s\nregion = eu-central-1\nservices = rolebridge\n' \
            "$method" "${ACCOUNT[$method]}" "$ROLE"
    done >>"$CLIENT_HOME/.aws/config"
}

idps_up() {
    "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" --slo "$SP/slo" \
        --sp-signing-cert "$BRIDGE_DIR/certs/saml.pem" && op_keys 1 && op_write '[client("corp-oidc"; "ES256"; "none")]' && op_start
}

matrix_up() {
    sandbox_up && idps_up && client_home && profiles || return
    sandbox_aws
    bridge_provider corp-saml "$W/idp/idp-metadata.xml" 'realm: acme' 'signing_key: certs/saml.key' 'signing_certificate: certs/saml.pem'
    oidc_provider corp-oidc 'client_auth: none'
    MORE_CONFIG="outgoing: { ca_file: certs/ca.pem }"
    sandbox_issuer
    bridge_config && sandbox_issuer_keys && bridge_start
}

# ---- a cell ----

sign_in_by() { # SAML|OIDC
    case $1 in
        SAML) sign_in "$PERSON" ;;
        OIDC) oidc_sign_in corp-oidc "$PERSON" ;;
    esac
}

# identity_by CLIENT METHOD: signs the client in, and prints who it is in AWS.
identity_by() {
    case $1 in
        rolebridge)
            rb login --force && client_env AWS_DATA_PATH="$AWSCLI_DIR/models" AWS_CA_BUNDLE="$BRIDGE_CA" \
                rolebridge exec "${ACCOUNT[$2]}.$ROLE" -- "$AWS_CLI" sts get-caller-identity --query Arn --output text ;;
        'aws sso login')
            PROFILE=$2 cli_login && aws_run sts get-caller-identity --profile "$2" --query Arn --output text ;;
        SDK)
            rb login --force && client_env "${ENDPOINTS[@]}" NODE_DIR="$BUILD/node-aws" NODE_EXTRA_CA_CERTS="$BRIDGE_CA" NODE_NO_WARNINGS=1 \
                timeout 60 node "$HERE/clients/matrix.mjs" "$2" ;;
    esac
}

sts_answered() { # ACTION, since line FROM of the sandbox's log, for that account
    tail -n +$((FROM + 1)) "$BRIDGE_DIR/sandbox.log" | grep -F 'sts.answered' | grep -F "operation=$1 " | grep -qF "$2" ||
        { echo "no $1 for $2 at the sandbox"; return 1; }
}

cell() { # IDP METHOD CLIENT
    local provider=corp-${1,,}
    mark
    FROM=$(wc -l <"$BRIDGE_DIR/sandbox.log")
    rm -rf "$CLIENT_HOME/.aws/sso" "$CLIENT_HOME/.aws/cli" "$CLIENT_HOME/.cache/rolebridge"
    sign_in_by "$1" && identity_by "$3" "$2" >"$W/who" || { tail -n 1 "$W/who"; return 1; }
    same "$(tail -n 1 "$W/who")" "arn:aws:sts::${ACCOUNT[$2]}:assumed-role/$ROLE/$PERSON" && sts_answered "${ACTION[$2]}" "${ACCOUNT[$2]}" &&
        recorded ".kind == \"lease\" and .provider == \"$provider\" and .account == \"${ACCOUNT[$2]}\" and .name == \"$PERSON\""
}

fill() { # IDP METHOD CLIENT
    local said
    said=$(check "matrix: $1, $2, $3" cell "$@")
    say "$said"
    case $said in ok*) TABLE["$1,$2,$3"]=ok ;; *) TABLE["$1,$2,$3"]='not ok' ;; esac
}

print_table() {
    local idp method client row='| sign-in | account by    |' line='| ------- | ------------- |'
    for client in "${CLIENTS[@]}"; do
        row+=$(printf ' %-13s |' "$client") line+=' ------------- |'
    done
    say "$row"
    say "$line"
    for idp in "${IDPS[@]}"; do
        for method in "${METHODS[@]}"; do
            row=$(printf '| %-7s | %-13s |' "$idp" "$method")
            for client in "${CLIENTS[@]}"; do
                row+=$(printf ' %-13s |' "${TABLE["$idp,$method,$client"]:-}")
            done
            say "$row"
        done
    done
}

need_packages run interop
[ -x "$AWS_CLI" ] || need_packages demo
op_install || { say "skip matrix: the npm registry did not give oidc-provider: $BUILD/oidc/npm.log"; exit 0; }
js_modules "$BUILD/node-aws" || { say "skip matrix: the npm registry did not give the AWS SDK: $BUILD/node-aws/npm.log"; exit 0; }
mapfile -t ENDPOINTS < <(snippet environment | sed 's/^export //')
check "matrix: the service, the sandbox and both identity providers come up" matrix_up
bridge_ready || exit 1
for idp in "${IDPS[@]}"; do
    for method in "${METHODS[@]}"; do
        for client in "${CLIENTS[@]}"; do
            fill "$idp" "$method" "$client"
        done
    done
done
print_table
check "matrix: the audit log is whole" chain_whole
check "matrix: the service ends cleanly" bridge_stop
