#!/usr/bin/env bash
# AWS's own clients, unmodified, against the real service and the sandbox: Debian's AWS CLI, the AWS SDK for JavaScript from npm,
# boto3 where this Python has it; and the rolebridge command beside them on the same cache. Their configuration is that of
# docs/aws-clients.md, word for word. A tap on the wire (clients/wire.py) writes down what each of them sends.
# usage: test_aws_clients.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/clients/stage.sh
. "$(dirname "$0")/clients/stage.sh"

stage_new "$@"
[ -x "$AWS_CLI" ] || need_packages demo
MORE_CONFIG=$'\nsso_start_url: https://acme.awsapps.com/start'

javascript() {
    local endpoints
    command -v npm >/dev/null || need_packages node
    [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 20 ] ||
        { say "skip aws-clients: JavaScript: its SDK wants node 20, here is $(node --version 2>/dev/null || echo none)"; return; }
    js_modules "$BUILD/node-aws" ||
        { say "skip aws-clients: JavaScript: the npm registry did not give the AWS SDK: $BUILD/node-aws/npm.log"; return; }
    mapfile -t endpoints < <(snippet environment | sed 's/^export //')
    check "aws-clients: rolebridge login, for the SDKs" rb login --force
    client_env "${endpoints[@]}" NODE_DIR="$BUILD/node-aws" NODE_EXTRA_CA_CERTS="$BRIDGE_CA" NODE_NO_WARNINGS=1 \
        timeout 60 node "$HERE/clients/javascript.mjs" || say "not ok aws-clients: the JavaScript driver ended with status $?"
}

boto3() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import boto3' 2>/dev/null && break
        python=''
    done
    [ -n "$python" ] || { say "skip aws-clients: boto3: this Python has none"; return; }
    check "aws-clients: rolebridge login, for boto3" rb login --force
    client_env AWS_CA_BUNDLE="$BRIDGE_CA" timeout 60 "$python" "$HERE/clients/boto.py" || say "not ok aws-clients: the boto3 driver ended with status $?"
}


check "aws-clients: the service, the sandbox and the tap come up" comes_up
bridge_ready || exit 1

mark
from=$(wire_mark)
check "aws-clients: CLI: aws sso login, the code allowed in a browser" cli_login
check "aws-clients: CLI: aws sts get-caller-identity --profile" cli_identity
check "aws-clients: CLI: aws configure export-credentials" cli_exports
check "aws-clients: CLI: a profile without a session, as before 2.9" cli_legacy
check "aws-clients: CLI: a token with hours left is not refreshed" quiet_wire "$from"
check "aws-clients: CLI: aws sso list-accounts" cli_accounts
check "aws-clients: CLI: accounts by pages" cli_account_pages
check "aws-clients: CLI: roles of an account, and by pages" cli_role_pages
check "aws-clients: CLI: a role that is not granted" cli_denied
check "aws-clients: rolebridge works from the sign-in of aws sso login" cli_login_serves_rolebridge
check "aws-clients: CLI: aws sso logout ends the token at the bridge" cli_logs_out
MORE_CONFIG+=$'\nsessions: { token: 5m }' # below every client's margin: each of them refreshes
check "aws-clients: the service again, with short tokens" eval 'bridge_config && bridge_restart'
check "aws-clients: CLI: aws sso login again" cli_login
forget_credentials
check "aws-clients: CLI: a token near its end is refreshed, and the refresh token replaced" cli_refreshes
check "aws-clients: rolebridge works from what the CLI refreshed" cli_login_serves_rolebridge
check "aws-clients: CLI: a session that ended at the bridge" cli_session_ended
check "aws-clients: CLI: a token that expired" cli_token_expired
javascript
boto3
# shellcheck source=tests/interop/clients/wire.sh
. "$HERE/clients/wire.sh"
check "aws-clients: the audit log is whole" chain_whole
check "aws-clients: the service ends cleanly" bridge_stop
