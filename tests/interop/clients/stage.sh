# shellcheck shell=bash disable=SC2034
# The service, the sandbox, the tap on the wire, and the AWS CLI ($AWS_CLI) with the rolebridge command beside it, in a home of
# their own that docs/aws-clients.md configures. Sourced by the tests of AWS's clients, never run.

# shellcheck source=tests/interop/bridge.sh
. "$(dirname "${BASH_SOURCE[0]}")/../bridge.sh"
# shellcheck source=tests/interop/sandbox.sh
. "$(dirname "${BASH_SOURCE[0]}")/../sandbox.sh"
# shellcheck source=tests/interop/awscli_env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../awscli_env.sh"
# shellcheck source=tests/interop/clients/modules.sh
. "$(dirname "${BASH_SOURCE[0]}")/modules.sh"

ARN=arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example
LOGIN='' LOGIN_OPTIONS=() # more for aws sso login
PERSON=ada PERSON_JAR='' # who sits at the browser; where it keeps its cookies

# stage_new BUILD_DIR
stage_new() {
    bridge_new "$@"
    CLI=$BUILD/src/rolebridge/rolebridge
    sandbox_new
    BRIDGE_URL=https://localhost:$(free_port) # the tap; what the bridge calls itself
    WIRE=$W/wire.json
}

at_exit() {
    [ -z "$LOGIN" ] || kill "$LOGIN" 2>/dev/null
    stop_group "$BRIDGE_DIR" wire
    stop_group "$BRIDGE_DIR" sandbox
}

# ---- the stage ----

# A second role in one account, for pages with one role each.
second_role() {
    sed -i 's/^separation_of_duties:/  - { groups: [acme-data-science], role: tester, accounts: [development] }\n\n&/' \
        "$BRIDGE_DIR/mappings/assignments.yaml"
}

tap_up() {
    start_group "$BRIDGE_DIR" wire env -i PATH=/usr/bin:/bin "ROLEBRIDGE_PART=$BRIDGE_DIR/wire" /usr/bin/python3 "$HERE/clients/wire.py" \
        "${BRIDGE_URL##*:}" "$BRIDGE_PORT" "$BRIDGE_DIR/certs/tls.pem" "$BRIDGE_DIR/certs/tls.key" "$BRIDGE_CA" "$WIRE"
}

# snippet NAME: that block of docs/aws-clients.md, with this bridge in the example's place.
snippet() {
    awk -v mark="<!-- snippet: $1 -->" '$0 == mark { found = 1; next } found && /^```/ { if (inside) exit; inside = 1; next } inside' \
        "$ROOT/docs/aws-clients.md" | sed "s#https://bridge.acme.example#$BRIDGE_URL#" >"$W/snippet"
    [ -s "$W/snippet" ] || { echo "docs/aws-clients.md has no snippet '$1'" >&2; return 1; }
    cat "$W/snippet"
}

# As the page says: rule sets for the CLI, profiles for everybody. STS is AWS's own; here the sandbox is AWS.
client_home() {
    awscli_env "$W/aws" --sts "$SANDBOX_URL/sts" --cacert "$BRIDGE_CA" || return
    CLIENT_HOME=$AWSCLI_DIR/home
    CACHE=$CLIENT_HOME/.aws/sso/cache/$(printf rolebridge | sha1sum | cut -d' ' -f1).json
    { snippet sso && snippet process && printf '[profile denied]\nsso_session = rolebridge\nsso_account_id = 777788889999\n' &&
        printf 'sso_role_name = it-manager\nregion = eu-central-1\nservices = rolebridge\n' && snippet legacy; } >"$CLIENT_HOME/.aws/config" &&
        snippet rules >"$W/rules.sh" && HOME=$CLIENT_HOME sh -e "$W/rules.sh"
}

comes_up() {
    second_role && sandbox_up && tap_up && client_home || return
    sandbox_provider
    MORE_CONFIG="outgoing: { ca_file: certs/ca.pem }$MORE_CONFIG"
    sandbox_issuer
    bridge_config && sandbox_issuer_keys && bridge_start
}

# rb ARGUMENTS…: the rolebridge command, in the clients' home; the person's browser is at hand.
rb() {
    env -i HOME="$CLIENT_HOME" PATH="$(dirname "$CLI"):/usr/bin:/bin" LC_ALL=C.UTF-8 ROLEBRIDGE_URL="$BRIDGE_URL" \
        ROLEBRIDGE_CA_FILE="$BRIDGE_CA" AWS_REGION=eu-central-1 ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
        BROWSER="$ROOT/scripts/demo-browser" DEMO_CA="$BRIDGE_CA" DEMO_USER="$PERSON" DEMO_JAR="$PERSON_JAR" "$CLI" "$@"
}

token() { jq -r ".$1" "$CACHE"; }
token_edit() { jq "$1" "$CACHE" >"$W/token" && cat "$W/token" >"$CACHE"; }
forget_credentials() { rm -rf "$CLIENT_HOME/.aws/cli/cache" "$CLIENT_HOME/.cache/rolebridge"; }

# ---- the SDKs ----

# shellcheck disable=SC2031
client_env() { # NAME=VALUE… COMMAND…: nothing of the caller's
    env -i HOME="$CLIENT_HOME" PATH="$(dirname "$CLI"):$PATH" LC_ALL=C.UTF-8 AWS_EC2_METADATA_DISABLED=true \
        AWS_ENDPOINT_URL_STS="$SANDBOX_URL/sts" ROLEBRIDGE_URL="$BRIDGE_URL" ROLEBRIDGE_CA_FILE="$BRIDGE_CA" NO_PROXY=localhost,127.0.0.1 \
        ASAN_OPTIONS="${ASAN_OPTIONS:-}" CACHE="$CACHE" ARN="$ARN" BRIDGE="$BRIDGE_URL" CA="$BRIDGE_CA" WIRE="$WIRE" "$@"
}

# ---- the wire ----

# wired FROM JQ-FILTER: how many requests after line FROM of the record are such.
wired() { tail -n +$(($1 + 1)) "$WIRE" | jq -s "map(select($2)) | length"; }
wire_mark() { wc -l <"$WIRE"; }

# status_of TOKEN: what the portal says to it.
status_of() {
    curl -sS -m 10 --cacert "$BRIDGE_CA" -o "$W/body" -w '%{http_code}' -H "x-amz-sso_bearer_token: $1" "$BRIDGE_URL/assignment/accounts"
}

# fails_with PATTERN COMMAND…: it must fail, and say so.
fails_with() {
    local pattern=$1
    shift
    if "$@" >"$W/out" 2>&1; then echo "it did not fail: $(head -c 300 "$W/out")"; return 1; fi
    grep -qE "$pattern" "$W/out" || { echo "it said: $(tr '\n' ' ' <"$W/out" | head -c 500)"; return 1; }
}

# ---- the AWS CLI ----

# aws sso login in the background, the code allowed in the person's browser.
cli_login() {
    local url status
    rm -f "$W/login"
    aws_run sso login --profile "${PROFILE:-ds}" --no-browser "${LOGIN_OPTIONS[@]}" >"$W/login" 2>&1 &
    LOGIN=$!
    until_true 20 grep -qE 'https:.*/device\?user_code=[A-Z]{4}-[A-Z]{4}' "$W/login" || { kill "$LOGIN" 2>/dev/null; cat "$W/login"; return 1; }
    url=$(grep -oE 'https:[^ ]*/device\?user_code=[A-Z]{4}-[A-Z]{4}' "$W/login" | head -n 1)
    "$ROOT/scripts/demo-browser" --quiet --jar "${PERSON_JAR:-$W/ada.jar}" --cacert "$BRIDGE_CA" --user "$PERSON" "$url" || { kill "$LOGIN" 2>/dev/null; return 1; }
    wait "$LOGIN"
    status=$?
    LOGIN=''
    [ $status = 0 ] || { echo "status $status: $(tr '\n' ' ' <"$W/login")"; return 1; }
    grep -q '^Successfully logged into Start URL' "$W/login" && token expiresAt | grep -q T
}

cli_identity() { same "$(aws_run sts get-caller-identity --profile ds --query Arn --output text 2>&1)" "$ARN"; }

cli_exports() {
    local from
    from=$(wire_mark)
    aws_run configure export-credentials --profile ds --format process >"$W/process" 2>&1 || { cat "$W/process"; return 1; }
    jq -e '.Version == 1 and (.AccessKeyId | startswith("ASIA")) and (.Expiration | sub("\\+00:00$"; "Z") | fromdate) > now + 3000 and .SessionToken != null' \
        "$W/process" >/dev/null || { echo "not credential_process: $(jq -c 'del(.SecretAccessKey, .SessionToken)' "$W/process")"; return 1; }
    aws_run configure export-credentials --profile ds --format env >"$W/exports" 2>&1 && grep -q '^export AWS_SESSION_TOKEN=' "$W/exports" || return
    same "$(wired "$from" .)" 0 # they come from the CLI's cache
}

# The token file of a profile without a session has the start URL's name.
cli_legacy() {
    local file
    file=$(dirname "$CACHE")/$(printf %s "$BRIDGE_URL" | sha1sum | cut -d' ' -f1).json
    PROFILE=legacy CACHE=$file cli_login && jq -e .accessToken "$file" >/dev/null || return
    same "$(aws_run sts get-caller-identity --profile legacy --query Arn --output text 2>&1)" "$ARN"
}

quiet_wire() { same "$(wired "$1" '.grant == "refresh_token"')" 0; }

sso() { aws_run sso "$@" --access-token "$(token accessToken)" --region eu-central-1; }

cli_accounts() {
    # shellcheck disable=SC2016
    same "$(sso list-accounts --query 'accountList[].join(`=`, [accountId, accountName])' --output text | tr '\t' ' ')" \
        '111122223333=analytics-prod 444455556666=development'
}

cli_account_pages() {
    local from first next
    from=$(wire_mark)
    first=$(sso list-accounts --max-items 1) || return
    next=$(jq -r .NextToken <<<"$first")
    same "$(jq -r '.accountList | map(.accountName) | join(" ")' <<<"$first")" analytics-prod &&
        same "$(sso list-accounts --starting-token "$next" --query 'accountList[].accountName' --output text)" development &&
        same "$(sso list-accounts --page-size 1 --query 'accountList[].accountName' --output text | tr '\t\n' '  ')" 'analytics-prod development ' &&
        same "$(wired "$from" '.query == ["max_result"]')$(wired "$from" '.query == ["next_token", "max_result"] or .query == ["max_result", "next_token"]')" 11
}

cli_role_pages() {
    same "$(sso list-account-roles --account-id 444455556666 --query 'roleList[].roleName' --output text | tr '\t' ' ')" 'data-scientist tester' &&
        same "$(sso list-account-roles --account-id 444455556666 --page-size 1 --query 'roleList[].roleName' --output text | tr '\t\n' '  ')" \
            'data-scientist tester ' &&
        same "$(sso list-account-roles --account-id 777788889999 --query 'length(roleList)' --output text)" 0
}

cli_denied() {
    fails_with 'ForbiddenException.*GetRoleCredentials.*incident' aws_run sts get-caller-identity --profile denied || return
    recorded '.kind == "refusal" and .code == "mapping.not_assigned" and .name == "ada@acme.example" and .role == "it-manager"'
}

cli_login_serves_rolebridge() {
    rb whoami && rb roles --json >"$W/roles" || return
    jq -e 'tostring | contains("data-scientist")' "$W/roles" >/dev/null && rb credentials analytics-prod.data-scientist --format process >"$W/process" &&
        jq -e .AccessKeyId "$W/process" >/dev/null
}

cli_logs_out() {
    local old
    old=$(token accessToken)
    same "$(status_of "$old")" 200 && aws_run sso logout --profile ds || return
    [ ! -e "$CACHE" ] || { echo "the token file is still there"; return 1; }
    same "$(status_of "$old")" 401 && said '.__type | endswith("#UnauthorizedException")' &&
        fails_with 'Token for rolebridge does not exist|Error loading SSO Token' aws_run sts get-caller-identity --profile ds || return
    rb whoami >"$W/out" 2>&1
    same $? 3
}

cli_refreshes() {
    local from before after old
    from=$(wire_mark) before=$(token refreshToken) old=$(token accessToken)
    cli_identity || return
    after=$(token refreshToken)
    if [ "$before" = "$after" ] || [ "$old" = "$(token accessToken)" ]; then echo "the tokens are what they were"; return 1; fi
    same "$(wired "$from" '.grant == "refresh_token"')" 1 && recorded '.kind == "sign-in" and .via == "refresh token"'
}

# Ended at the bridge, good by the file: only the 401 tells.
cli_session_ended() {
    curl -sS -m 10 --cacert "$BRIDGE_CA" -X POST -H "x-amz-sso_bearer_token: $(token accessToken)" "$BRIDGE_URL/logout" &&
        forget_credentials && fails_with 'has expired or is otherwise invalid' aws_run sts get-caller-identity --profile ds
}

cli_token_expired() {
    token_edit '.expiresAt = "2026-01-01T00:00:00Z" | del(.refreshToken)'
    forget_credentials
    fails_with 'Token has expired and refresh failed|has expired' aws_run sts get-caller-identity --profile ds
}
