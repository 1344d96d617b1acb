#!/usr/bin/env bash
# needs: interop (250 MB from npm)
# A current AWS CLI, unmodified: its start URL rule, PKCE, endpoints by the profile's services section. AWS publishes it in an npm
# package for its CDK. usage: test_aws_cli_current.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/clients/stage.sh
. "$(dirname "$0")/clients/stage.sh"

ASSET=@aws-cdk/asset-awscli-v2@2.0.186

stage_new "$@"
LOGIN_OPTIONS=(--use-device-code)
command -v npm >/dev/null || need_packages node

# current_cli DIR: the program's path.
current_cli() {
    local found
    found=$(compgen -G "$1/cli/awscli/v2/*/dist/aws") && { echo "$found"; return; }
    mkdir -p "$1" && timeout 300 npm install --prefix "$1" --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 \
        --fetch-timeout 60000 "$ASSET" >"$1/npm.log" 2>&1 &&
        python3 -m zipfile -e "$1/node_modules/@aws-cdk/asset-awscli-v2/lib/layer.zip" "$1/cli" || return
    rm -rf "$1/node_modules"
    found=$(compgen -G "$1/cli/awscli/v2/*/dist/aws") && chmod +x "$found" && echo "$found"
}

AWS_CLI=$(current_cli "$BUILD/aws-cli") ||
    { say "skip aws-cli-current: the npm registry did not give $ASSET: $BUILD/aws-cli/npm.log"; exit 0; }

start_url() { sed -i "s#^sso_start_url = .*#sso_start_url = $1#" "$CLIENT_HOME/.aws/config"; }

pkce_login() {
    local url status
    rm -f "$W/login"
    aws_run sso login --profile ds --no-browser >"$W/login" 2>&1 &
    LOGIN=$!
    until_true 20 grep -qE 'https:.*/authorize\?.*code_challenge=.{43}' "$W/login" || { kill "$LOGIN" 2>/dev/null; cat "$W/login"; return 1; }
    url=$(grep -oE 'https:[^ ]*/authorize\?[^ ]*' "$W/login" | head -n 1)
    "$ROOT/scripts/demo-browser" --quiet --jar "$W/ada.jar" --cacert "$BRIDGE_CA" --user ada "$url" || { kill "$LOGIN" 2>/dev/null; return 1; }
    wait "$LOGIN"
    status=$?
    LOGIN=''
    [ $status = 0 ] || { echo "status $status: $(tr '\n' ' ' <"$W/login")"; return 1; }
    same "$(wired 0 '.grant == "authorization_code" and (.headers["user-agent"] | startswith("aws-cli"))' | grep -c '^1$')" 1
}

# The resolver refuses an address that leads to nothing of AWS's.
without_alias() { fails_with 'Could not resolve start URL' aws_run sso login --profile ds --no-browser --use-device-code; }

with_alias() {
    MORE_CONFIG+=$'\nsso_start_url: https://acme.awsapps.com/start'
    bridge_config && bridge_restart && cli_login
}

serves_rolebridge_by_alias() {
    same "$(token startUrl)" https://acme.awsapps.com/start || return
    rb whoami >"$W/out" 2>&1
    same $? 3 || return # nobody told the command that this is the bridge
    mkdir -p "$CLIENT_HOME/.config/rolebridge"
    snippet client | sed '/^#/d' >"$CLIENT_HOME/.config/rolebridge/config.yaml" && cli_login_serves_rolebridge
}

# What rolebridge configure --sso writes, and nothing else; the alias is in the command's own configuration.
configured() {
    local config=$CLIENT_HOME/.aws/config
    cp "$config" "$W/by-hand" && printf '[default]\nregion = eu-central-1\n' >"$config" && forget_credentials
    rb configure --sso --yes >"$W/out" 2>&1 || { tail -n 1 "$W/out"; return 1; }
    grep -qxF 'sso_start_url = https://acme.awsapps.com/start' "$config" && PROFILE=analytics-prod.data-scientist cli_login &&
        same "$(aws_run sts get-caller-identity --profile analytics-prod.data-scientist --query Arn --output text 2>&1)" "$ARN" &&
        cp "$W/by-hand" "$config"
}

# The services section alone: no rule sets but for STS.
begins() { comes_up && rm -rf "$CLIENT_HOME/.aws/models"; }

check "aws-cli-current: the service, the sandbox and the tap come up" begins
bridge_ready || exit 1
mark
say "# $("$AWS_CLI" --version)"
check "aws-cli-current: a start URL of ours, and the bridge has no alias" without_alias
check "aws-cli-current: it has one: device code, endpoints by the services section" with_alias
check "aws-cli-current: get-caller-identity" cli_identity
check "aws-cli-current: export-credentials" cli_exports
start_url "$BRIDGE_URL/start"
check "aws-cli-current: PKCE, the start URL with a path" pkce_login
forget_credentials
check "aws-cli-current: get-caller-identity again" cli_identity
check "aws-cli-current: rolebridge works from that sign-in" cli_login_serves_rolebridge
check "aws-cli-current: a role that is not granted" cli_denied
check "aws-cli-current: aws sso logout ends the token at the bridge" cli_logs_out
start_url https://acme.awsapps.com/start
check "aws-cli-current: the alias itself as start URL" cli_login
check "aws-cli-current: rolebridge works from it, told the alias" serves_rolebridge_by_alias
check "aws-cli-current: what rolebridge configure --sso writes" configured
MORE_CONFIG+=$'\nsessions: { token: 5m }'
check "aws-cli-current: the service again, with short tokens" eval 'bridge_config && bridge_restart && cli_login && forget_credentials'
check "aws-cli-current: a token near its end is refreshed" cli_refreshes
check "aws-cli-current: a session that ended at the bridge" cli_session_ended
check "aws-cli-current: the audit log is whole" chain_whole
check "aws-cli-current: the service ends cleanly" bridge_stop
