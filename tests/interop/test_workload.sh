#!/usr/bin/env bash
# Unmodified clients of AWS with a workload's token at rolebridge's /sts: the SDK for JavaScript, boto3 and Debian's CLI. Refusals in
# their own words, a token file that changes, keys that change at the issuer, an assertion. The sandbox is AWS; the issuer is a
# node program that signs tokens shaped like GitHub's and Kubernetes's.
# usage: test_workload.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/clients/stage.sh
. "$(dirname "$0")/clients/stage.sh"

need_packages interop
command -v npm >/dev/null || need_packages node
bridge_new "$@"
sandbox_new
at_exit() {
    stop_group "$W" ci
    stop_group "$BRIDGE_DIR" sandbox
}
CI_PORT=$(free_port)
CI=http://127.0.0.1:$CI_PORT
TOKEN=$W/token ROLE=arn:aws:iam::777788889999:role/rolebridge/release-pipeline

ci_answers() { curl -sf -m 5 -o /dev/null "$CI/jwks"; }

issuer_up() {
    start_group "$W" ci env "ROLEBRIDGE_PART=$W/ci" node --no-warnings "$HERE/clients/ci_issuer.mjs" "$CI_PORT"
    (up_or_fail "$W" ci 30 ci_answers)
}

configure() {
    bridge_provider corp-saml "$SANDBOX_URL/idp/metadata" "${SIGNING[@]}" 'sts: true'
    PROVIDERS+="  - { id: ci, type: workload, issuer: \"$CI\", audience: rolebridge, name: \"gh-\${repository_id}-\${run_id}\" }"$'\n'
    PROVIDERS+="  - { id: cluster, type: workload, issuer: \"$CI/cluster\", jwks_uri: cluster.json, audience: rolebridge,"$'\n'
    PROVIDERS+="      name: \"\${kubernetes.io.serviceaccount.name}@\${kubernetes.io.namespace}\" }"$'\n'
    sed -i 's/^separation_of_duties:/  - provider: cluster\n    when: { kubernetes.io.namespace: released, kubernetes.io.serviceaccount.name: deployer }\n    role: release-pipeline\n    accounts: [corporate]\n\n&/' \
        "$BRIDGE_DIR/mappings/assignments.yaml"
    curl -sf -m 5 -o "$BRIDGE_DIR/cluster.json" "$CI/jwks" || return
    sandbox_aws
    MORE_CONFIG="outgoing: { ca_file: certs/ca.pem }"
    sandbox_issuer
    bridge_config && sandbox_issuer_keys
}

comes_up() {
    SIGNING=('signing_key: certs/saml.key' 'signing_certificate: certs/saml.pem')
    sandbox_up && issuer_up && configure && bridge_start && awscli_env "$W/aws" --sts "$BRIDGE_URL/sts" --cacert "$BRIDGE_CA"
}

take_token() { # CLAIMS [SHAPE]: into $TOKEN, as a job or the kubelet writes it
    (umask 077 && curl -sfG -m 5 --data-urlencode "claims=$1" --data "shape=${2:-github}" "$CI/token" >"$TOKEN.new" && mv "$TOKEN.new" "$TOKEN")
}

# An assertion that nobody asked for, as the identity provider hands it to a program.
take_assertion() {
    get_form ada --start "$SANDBOX_URL/idp/start?sp=$(printf %s "$BRIDGE_URL/saml/corp-saml/metadata" | jq -sRr @uri)" --password ada || return
    sed -n 's/^data-urlencode = "SAMLResponse=\(.*\)"$/\1/p' "$W/form" >"$W/assertion"
    [ -s "$W/assertion" ]
}

# ---- Debian's CLI ----

cli() { # ARGUMENTS…: with the token file, as a job has it
    aws_run AWS_WEB_IDENTITY_TOKEN_FILE="$TOKEN" AWS_ROLE_ARN="$ROLE" "$@"
}

# The rule set sends every call of STS to rolebridge: what is answered there shows that the CLI came with credentials.
cli_exchanges() {
    take_token '{"run_id":"9001"}' && mark || return
    fails_with 'InvalidAction.*AWS_ENDPOINT_URL_STS' cli sts get-caller-identity &&
        recorded '.kind == "lease" and .name == "gh-74-9001" and .provider == "ci" and .claims.repository == "acme/data-pipeline" and .proof != null'
}

cli_calls() {
    take_token '{"run_id":"9002"}' || return
    aws_run sts assume-role-with-web-identity --endpoint-url "$BRIDGE_URL/sts" --role-arn "$ROLE" --role-session-name job \
            --web-identity-token "$(<"$TOKEN")" --duration-seconds 900 >"$W/out" 2>&1 || { head -c 400 "$W/out"; return 1; }
    same "$(jq -r '.AssumedRoleUser.Arn' "$W/out")" arn:aws:sts::777788889999:assumed-role/release-pipeline/gh-74-9002 &&
        same "$(jq -r .Provider "$W/out")" "$CI"
}

cli_reads_refusal() {
    take_token '{"repository":"mallory/fork"}' && mark || return
    fails_with 'AccessDenied.*mapping\.(not_assigned|attribute), incident' cli sts get-caller-identity &&
        recorded '.kind == "refusal" and .what == "workload" and .token_subject != null and .subject == null'
}

cli_reads_expiry() {
    take_token "{\"exp\":$(($(date +%s) - 120))}" && fails_with 'ExpiredToken.*jwt\.expired' cli sts get-caller-identity
}

# ---- boto3, where this Python has it: by the setting from 1.28 on, by the rule set before ----

python_with_boto3() {
    for PYTHON in python3 /usr/bin/python3; do
        "$PYTHON" -c 'import boto3' 2>/dev/null && return 0
    done
    return 1
}

# shellcheck disable=SC2031
boto() { # PYTHON
    env -i HOME="$AWSCLI_DIR/home" PATH="$PATH" LC_ALL=C.UTF-8 AWS_DATA_PATH="$AWSCLI_DIR/models" AWS_CA_BUNDLE="$BRIDGE_CA" \
        AWS_EC2_METADATA_DISABLED=true AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1 AWS_WEB_IDENTITY_TOKEN_FILE="$TOKEN" \
        AWS_ROLE_ARN="$ROLE" AWS_ENDPOINT_URL_STS="$BRIDGE_URL/sts" STS="$SANDBOX_URL/sts" "$PYTHON" -c "$1"
}

boto_exchanges() {
    take_token '{"run_id":"9003"}' && boto '
import boto3, os
mine = boto3.Session().get_credentials().get_frozen_credentials()
os.environ.pop("AWS_DATA_PATH")  # from here on AWS itself is meant
sts = boto3.Session(mine.access_key, mine.secret_key, mine.token).client("sts", endpoint_url=os.environ["STS"])
arn = sts.get_caller_identity()["Arn"]
assert arn == "arn:aws:sts::777788889999:assumed-role/release-pipeline/gh-74-9003", arn'
}

boto_reads_refusal() {
    take_token '{"aud":"other"}' && boto '
import boto3, botocore.exceptions, os
try:
    boto3.Session().get_credentials().get_frozen_credentials()
except botocore.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "InvalidIdentityToken", error
    assert "jwt.audience" in str(error) and "incident" in str(error), error
else:
    raise SystemExit("it did not fail")'
}

check "workload: the bridge, the sandbox and the issuer come up" comes_up
check "workload: the CLI exchanges its token file by itself" cli_exchanges
check "workload: aws sts assume-role-with-web-identity --endpoint-url" cli_calls
check "workload: the CLI shows why a job of another repository is refused" cli_reads_refusal
check "workload: the CLI shows that the token has expired" cli_reads_expiry
if python_with_boto3; then
    check "workload: boto3 exchanges its token file by itself" boto_exchanges
    check "workload: boto3 shows why a token for others is refused" boto_reads_refusal
else
    say "skip workload: boto3: this Python has none"
fi
check "workload: an assertion that nobody asked for" take_assertion
if js_modules "$BUILD/node-aws"; then
    # shellcheck disable=SC2031
    env -i PATH="$PATH" HOME="$W" LC_ALL=C.UTF-8 NODE_DIR="$BUILD/node-aws" NODE_EXTRA_CA_CERTS="$BRIDGE_CA" NODE_NO_WARNINGS=1 \
        AWS_EC2_METADATA_DISABLED=true AWS_REGION=eu-central-1 AWS_ENDPOINT_URL_STS="$BRIDGE_URL/sts" AWS_WEB_IDENTITY_TOKEN_FILE="$TOKEN" \
        AWS_ROLE_ARN="$ROLE" STS="$SANDBOX_URL/sts" ISSUER="$CI" ASSERTION="$W/assertion" \
        PRINCIPAL=arn:aws:iam::111122223333:saml-provider/rolebridge PERSON_ROLE=arn:aws:iam::111122223333:role/rolebridge/data-scientist \
        timeout 180 node "$HERE/clients/workload.mjs" || say "not ok workload: the driver ended with status $?"
else
    say "skip workload: the npm registry did not give the AWS SDK: $BUILD/node-aws/npm.log"
fi
check "workload: the audit log is whole" chain_whole
check "workload: the service ends well" bridge_sane
