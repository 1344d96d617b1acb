#!/usr/bin/env bash
# rolebridgectl plan, apply and drift into the sandbox's empty accounts: every call signed and judged, by the role rolebridge-deployer,
# with lists in short pages and calls throttled; drift made by the AWS CLI, and repaired.
# usage: test_deploy_sandbox.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"
# shellcheck source=tests/interop/awscli_env.sh
. "$(dirname "$0")/awscli_env.sh"

[ $# -ge 1 ] || fail "usage: $0 BUILD_DIR"
BUILD=$(realpath -- "$1")
SANDBOX=$BUILD/src/sandbox/rolebridge-sandbox CTL=$BUILD/src/rolebridgectl/rolebridgectl
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
openssl rand -hex 20 >"$W/deployer.secret"
chmod 600 "$W/deployer.secret"
cat >"$W/sandbox.yaml" <<YAML
rolebridge: 1
public_url: $URL
listen: "127.0.0.1:0"
listen_clear: "127.0.0.1:$PORT"
aws:
  mappings: mappings
  empty_accounts: true
  iam: { page: 3, throttle: 20 }
  users:
    - { account: "999988887777", name: deployer, access_key_id: AKIAI44QH8DHBEXAMPLE, secret: { file: deployer.secret }, administrator: true }
YAML

# In an environment of its own: nothing of the caller's.
deployer() {
    env -i PATH=/usr/bin:/bin HOME="$W" AWS_EC2_METADATA_DISABLED=true ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
        AWS_ACCESS_KEY_ID=AKIAI44QH8DHBEXAMPLE AWS_SECRET_ACCESS_KEY="$(cat "$W/deployer.secret")" AWS_REGION=eu-central-1 \
        AWS_ENDPOINT_URL_STS="$URL" AWS_ENDPOINT_URL_IAM="$URL/iam" timeout 200 "$@"
}
ctl() {
    deployer "$CTL" "$1" --mappings "$W/mappings" --account analytics-prod --account development "${@:2}"; }

# cli ACCOUNT …: the AWS CLI with the deployer's role there; throttled calls are tried again by itself.
cli() {
    local taken
    taken=$(deployer "$AWS_CLI" --endpoint-url "$URL" --region eu-central-1 --output json --no-cli-pager sts assume-role \
        --role-arn "arn:aws:iam::$1:role/rolebridge-deployer" --role-session-name drift) || return
    env -i PATH=/usr/bin:/bin HOME="$W" AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=10 \
        AWS_ACCESS_KEY_ID="$(jq -r .Credentials.AccessKeyId <<<"$taken")" \
        AWS_SECRET_ACCESS_KEY="$(jq -r .Credentials.SecretAccessKey <<<"$taken")" \
        AWS_SESSION_TOKEN="$(jq -r .Credentials.SessionToken <<<"$taken")" \
        timeout 60 "$AWS_CLI" --endpoint-url "$URL/iam" --region eu-central-1 --output json --no-cli-pager iam "${@:2}"
}

says() { grep -qF -- "$1" "$W/out" || { echo "it does not say '$1': $(tail -n 3 "$W/out")"; return 1; }; }

created() {
    ctl plan --output "$W/plan.json" >"$W/out" && ctl apply --plan "$W/plan.json" >"$W/out" 2>&1 && ctl plan >"$W/out" &&
        says 'nothing to do'
}

there() { # what the AWS CLI sees
    cli 444455556666 list-attached-role-policies --role-name developer >"$W/out" &&
        says '"PolicyArn": "arn:aws:iam::444455556666:policy/rolebridge/test-new-features"'
}

repaired() {
    cli 444455556666 attach-role-policy --role-name developer --policy-arn arn:aws:iam::aws:policy/AdministratorAccess &&
        cli 444455556666 update-role --role-name tester --description other --max-session-duration 3600 || return
    ctl drift >"$W/out"
    [ $? = 1 ] && says '- detach from role developer: arn:aws:iam::aws:policy/AdministratorAccess' && says '~ update role tester' || return
    ctl apply --digest "$(ctl plan --json | jq -r .digest)" >"$W/out" 2>&1 && ctl drift >"$W/out" && says 'nothing differs'
}

removed() { # of roles that no assignment brings any more, nothing is left
    sed -i '/groups: \[acme-testers\]/,/accounts:/d' "$W/mappings/assignments.yaml"
    ctl plan --output "$W/plan.json" >"$W/out" && says '- delete role tester' || return
    ctl apply --plan "$W/plan.json" >"$W/out" 2>&1 && ! cli 444455556666 get-role --role-name tester >"$W/out" 2>&1 && says '(NoSuchEntity)'
}

check() { # NAME COMMAND…
    local name=$1 why
    shift
    if why=$("$@" 2>&1); then say "ok $name"; else say "not ok $name: $(tail -n 5 <<<"$why" | tr '\n' ' ')"; fi
}

start_group "$W" sandbox env -i PATH=/usr/bin:/bin ASAN_OPTIONS="${ASAN_OPTIONS:-}" "ROLEBRIDGE_PART=$W/sandbox" "$SANDBOX" --config "$W/sandbox.yaml"
(up_or_fail "$W" sandbox 30 curl -sf -m 5 -o /dev/null "$URL/healthz") || { say "not ok the sandbox comes up"; exit 0; }
check "two empty accounts become what the mapping says" created
check "the AWS CLI sees it there" there
check "what the AWS CLI changed is found, and repaired" repaired
check "a role that goes is closed, emptied and deleted" removed
