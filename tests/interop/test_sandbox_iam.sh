#!/usr/bin/env bash
# The sandbox's IAM, driven by the unmodified AWS CLI: roles, policies and their versions, providers, settings; what AWS refuses is
# refused by its code. What is made is what STS judges by.
# usage: test_sandbox_iam.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"
# shellcheck source=tests/interop/awscli_env.sh
. "$(dirname "$0")/awscli_env.sh"

[ $# -ge 1 ] || fail "usage: $0 BUILD_DIR"
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(realpath -- "$1")
SANDBOX=$BUILD/src/sandbox/rolebridge-sandbox
CTL=$BUILD/src/rolebridgectl/rolebridgectl
[ -x "$SANDBOX" ] || fail "no $SANDBOX: build first"
[ -x "$CTL" ] || fail "no $CTL: build first"
W=$(mktemp -d)
finish() {
    stop_group "$W" sandbox
    rm -rf "$W"
}
trap finish EXIT
trap 'exit 143' TERM INT

PORT=$(free_port)
URL=http://127.0.0.1:$PORT
cp -r "$ROOT/mappings" "$W/mappings"
openssl rand -hex 20 >"$W/admin.secret"
openssl rand -hex 20 >"$W/other.secret"
openssl rand -hex 20 >"$W/token.secret"
chmod 600 "$W"/*.secret
cat >"$W/sandbox.yaml" <<YAML
rolebridge: 1
public_url: $URL
listen: "127.0.0.1:0"
listen_clear: "127.0.0.1:$PORT"
aws:
  mappings: mappings
  empty_accounts: true
  iam: { page: 5 }
  credentials_token: { file: token.secret }
  users:
    - { account: "123456789012", name: admin, access_key_id: AKIAIOSFODNN7EXAMPLE, secret: { file: admin.secret }, administrator: true, mfa: true }
    - { account: "999988887777", name: deployer, access_key_id: AKIAI44QH8DHBEXAMPLE, secret: { file: other.secret }, administrator: true, key_age: 100d }
YAML

# as KEY SECRET [TOKEN] COMMAND…: with these credentials, and no others of the caller's.
as() (
    unset AWS_PROFILE AWS_SESSION_TOKEN
    export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2
    [ -z "$3" ] || export AWS_SESSION_TOKEN=$3
    shift 3
    "$@"
)
as_admin() { as AKIAIOSFODNN7EXAMPLE "$(cat "$W/admin.secret")" '' "$@"; }
as_deployer() { as AKIAI44QH8DHBEXAMPLE "$(cat "$W/other.secret")" '' cli "$@"; }
as_session() { # FILE …: what assume-role answered
    as "$(jq -r .Credentials.AccessKeyId "$1")" "$(jq -r .Credentials.SecretAccessKey "$1")" "$(jq -r .Credentials.SessionToken "$1")" cli "${@:2}"
}
cli() { HOME=$W AWS_EC2_METADATA_DISABLED=true "$AWS_CLI" --endpoint-url "$URL" --region eu-central-1 --output json --no-cli-pager "$@"; }
is_denied() { ! "$@" >"$W/denied" 2>&1 && grep -q '(AccessDenied)' "$W/denied"; }
result() { if [ "$2" = 0 ]; then say "ok $1"; else say "not ok $1: $(tail -n 1 "$W/said")"; fi; }

# From nothing to a session: whoever deploys enters an account, makes a role, and its sessions are what it allows.
create_then_assume() {
    local trust='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"sts:AssumeRole"}}'
    as_deployer sts assume-role --role-arn arn:aws:iam::111122223333:role/rolebridge-deployer --role-session-name deploy >"$W/taken" || return
    in_account() { as_session "$W/taken" "$@"; }
    [ "$(in_account iam list-roles --query 'length(Roles)')" = 1 ] || { echo "the account is not empty"; return 1; }
    in_account iam create-role --role-name made --path /rolebridge/ --assume-role-policy-document "$trust" >/dev/null || return
    as_deployer sts assume-role --role-arn arn:aws:iam::111122223333:role/rolebridge/made --role-session-name ada >"$W/made" || return
    [ "$(jq -r .AssumedRoleUser.Arn "$W/made")" = arn:aws:sts::111122223333:assumed-role/made/ada ] || { cat "$W/made"; return 1; }
    # It has no policy, so it may not look; with one it may; deleted, its session is worth nothing.
    in_made() { as_session "$W/made" iam list-roles; }
    is_denied in_made || { echo "it may look without a policy"; return 1; }
    in_account iam attach-role-policy --role-name made --policy-arn arn:aws:iam::aws:policy/AdministratorAccess && in_made >/dev/null || return
    in_account iam detach-role-policy --role-name made --policy-arn arn:aws:iam::aws:policy/AdministratorAccess &&
        in_account iam delete-role --role-name made || return
    is_denied in_made || { echo "a role's session outlives its role"; return 1; }
    is_denied as_deployer sts assume-role --role-arn arn:aws:iam::111122223333:role/rolebridge/made --role-session-name ada
}

sandbox_up() {
    start_group "$W" sandbox env -i PATH=/usr/bin:/bin ASAN_OPTIONS="${ASAN_OPTIONS:-}" "ROLEBRIDGE_PART=$W/sandbox" "$SANDBOX" --config "$W/sandbox.yaml"
    (up_or_fail "$W" sandbox 30 curl -sf -m 5 -o /dev/null "$URL/healthz")
}

# Again with nothing in it, and one call of ten refused for now.
sandbox_anew() {
    stop_group "$W" sandbox
    sed -i 's/{ page: 5 }/{ page: 3, throttle: 10 }/' "$W/sandbox.yaml"
    sandbox_up
}

ctl() { # COMMAND…: in the two accounts that need no metadata, as the hub's role
    env -u AWS_PROFILE -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN AWS_REGION=eu-central-1 \
        AWS_ENDPOINT_URL_IAM="$URL/iam" AWS_ENDPOINT_URL_STS="$URL" AWS_CONTAINER_CREDENTIALS_FULL_URI="$URL/credentials" \
        AWS_CONTAINER_AUTHORIZATION_TOKEN="$(cat "$W/token.secret")" timeout 300 "$CTL" "$@" --mappings "$W/mappings" \
        --account analytics-prod --account development
}

plan_and_apply() {
    local digest
    ctl plan --json >"$W/plan.json" || return
    digest=$(jq -r .digest "$W/plan.json")
    [ "$(jq '[.accounts[].steps | length] | add' "$W/plan.json")" -gt 10 ] || { echo "there is nothing to do in empty accounts"; return 1; }
    ctl apply --digest "$digest" && ctl plan --detailed-exitcode && ctl drift || return
    grep -q 'code=Throttling' "$W/sandbox.log" || { echo "nothing was refused for now"; return 1; }
}

# As the bridge: the role that apply made lets it in by its trust policy, and not without a source identity.
sign_in_to_what_was_made() {
    local role=arn:aws:iam::111122223333:role/rolebridge/data-scientist
    as_bridge() (
        unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
        export AWS_CONTAINER_CREDENTIALS_FULL_URI=$URL/credentials AWS_CONTAINER_AUTHORIZATION_TOKEN
        AWS_CONTAINER_AUTHORIZATION_TOKEN=$(cat "$W/token.secret")
        cli sts assume-role --role-arn $role --role-session-name ada --external-id acme-bridge-analytics --tags Key=CostCenter,Value=4711 "$@"
    )
    as_bridge --source-identity ada >"$W/session" && [ "$(jq -r .SourceIdentity "$W/session")" = ada ] || return
    is_denied as_bridge || { echo "it came in without a source identity"; return 1; }
}

says_what_is_open() {
    ctl baseline --json >"$W/baseline.json"
    [ $? = 1 ] || { cat "$W/baseline.json"; return 1; }
    local open
    open=$(jq -r '.[] | select(.account == "111122223333") | [.rows[] | select(.open) | .id] | join(" ")' "$W/baseline.json")
    [ "$open" = "root-mfa password-policy alias" ] || { echo "open: '$open'"; return 1; }
}

sandbox_up || { say "not ok the sandbox comes up"; exit 0; }
as_admin timeout 600 /usr/bin/python3 -B "$HERE/iam_rows.py" sandbox "$URL/iam"
create_then_assume >"$W/said" 2>&1
result "a role that was made is assumed, and lives as IAM says" $?
sandbox_anew || { say "not ok the sandbox comes up again"; exit 0; }
plan_and_apply >"$W/said" 2>&1
result "rolebridgectl plan and apply, from empty accounts to no drift, with calls refused for now" $?
sign_in_to_what_was_made >"$W/said" 2>&1
result "the role that apply made lets the bridge in, as its trust policy says" $?
says_what_is_open >"$W/said" 2>&1
result "rolebridgectl baseline says what is open" $?
