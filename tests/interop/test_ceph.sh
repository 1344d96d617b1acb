#!/usr/bin/env bash
# From a sign-in at SimpleSAMLphp to an object in Ceph's S3: the real service asks an STS that nobody here wrote, and what
# comes out may do what the policies say. First with AWS credentials of its own, then with tokens of its own and no credentials. usage: test_ceph.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"

bridge_new "$@"
IDP_PORT=$(free_port)
SP=$BRIDGE_URL/saml/corp-saml
at_exit() {
    "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null
    "$HERE/ceph.sh" down "$W/ceph" >/dev/null
}

# The monitor takes a port and the one after it; below those that the kernel gives to whoever connects.
free_pair() {
    local port
    for _ in {1..50}; do
        port=$((19200 + RANDOM % 50 * 2))
        (port_free $port && port_free $((port + 1))) 2>/dev/null && { echo $port; return; }
    done
    fail "no two free ports side by side from 19200 on"
}

ceph_up() { "$HERE/ceph.sh" up "$W/ceph" --port "$(free_port)" --mon-port "$(free_pair)"; }

# The sample organisation in this Ceph: roles that need no external id, and what its S3 knows.
write_mapping() { # "METHOD[, MORE: …]"
    rm -rf "$BRIDGE_DIR/mappings"
    mkdir -p "$BRIDGE_DIR"/mappings/{roles,policies}
    cd "$BRIDGE_DIR/mappings" || return 1
    cat >accounts.yaml <<'YAML'
rolebridge: 1
accounts:
  - id: "111122223333"
    name: analytics-prod
    parameters: { input_bucket: acme-research-in }
YAML
    printf '    issue: { method: %s }\n' "$1" >>accounts.yaml
    cat >assignments.yaml <<'YAML'
rolebridge: 1
assignments:
  - { groups: [acme-data-science], role: data-scientist, accounts: [analytics-prod] }
  - { groups: [acme-data-admin], role: data-administrator, accounts: [analytics-prod] }
  - { groups: [acme-developers], role: developer, accounts: [analytics-prod] }
YAML
    cat >policies/read-data.yaml <<'YAML'
rolebridge: 1
policy: read-data
task: Read Data
statements: [{ effect: Allow, action: "s3:GetObject", resource: "arn:${partition}:s3:::${account.input_bucket}/*" }]
YAML
    write_role data-scientist
    write_role data-administrator
    write_role developer
    cd "$HERE" || return 1
}

write_role() { # NAME [LINE]
    printf 'rolebridge: 1\nrole: %s\ntitle: %s\nowner: leads@acme.example\npurpose: Works.\npolicies: [read-data]\n' "$1" "$1" \
        >"$BRIDGE_DIR/mappings/roles/$1.yaml"
    printf 'session: { default: 1h, max: 8h }\n%s\n' "${2:-}" >>"$BRIDGE_DIR/mappings/roles/$1.yaml"
}

# A role that names somebody else in its trust policy.
untrusting_role() {
    radosgw-admin -n client.rgw.a role create --tenant 111122223333 --role-name data-administrator --path /rolebridge/ \
        --assume-role-policy-doc '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
            "Principal":{"AWS":["arn:aws:iam:::user/stranger"]},"Action":["sts:AssumeRole"]}]}' >"$W/role.json" 2>"$W/admin.log"
}

comes_up() {
    "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" --slo "$SP/slo" \
        --sp-signing-cert "$BRIDGE_DIR/certs/sp.pem" || return
    # shellcheck source=/dev/null
    . "$W/ceph/env"
    write_mapping assume-role && untrusting_role || return
    bridge_provider corp-saml "$W/idp/idp-metadata.xml" "${SIGNING[@]}"
    AWS_NODE="{ region: eu-central-1, sts_endpoint: \"$CEPH_ENDPOINT\" }"
    BRIDGE_ENV=("AWS_ACCESS_KEY_ID=$CEPH_CALLER_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$CEPH_CALLER_SECRET_ACCESS_KEY")
    bridge_config && bridge_start
}

long_lived() { logged '.event == "aws.long_lived_key" and .level == "warning"' && ! grep -qF "$CEPH_CALLER_SECRET_ACCESS_KEY" "$BRIDGE_DIR/rolebridged.log"; }

# obtain STATUS ROLE: credentials by the portal's session.
obtain() { ask_json "$1" "/api/v1/credentials?account=111122223333&role=$2"; }

s3() { # WANTED-STATUS METHOD PATH: with the credentials in $W/body
    local status
    status=$(jq -r '.roleCredentials | "user = \"\(.accessKeyId):\(.secretAccessKey)\"",
        "header = \"x-amz-security-token: \(.sessionToken)\""' "$W/body" |
        curl -sS -m 20 -K - -o "$W/object" -w '%{http_code}' --aws-sigv4 aws:amz:default:s3 -X "$2" \
            -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' ${PUT_BODY:+-d "$PUT_BODY"} "$CEPH_ENDPOINT$3") || return
    [ "$status" = "$1" ] || { echo "S3 answered $2 $3 with $status, not $1"; return 1; }
}

role_policy() { # get is allowed, put is not: the role's own policy in Ceph
    mark && sign_in ada && obtain 200 data-scientist && s3 200 GET /acme-research-in/hello.txt &&
        grep -q 'hello from the research bucket' "$W/object" && s3 200 GET /acme-research-out/hello.txt &&
        PUT_BODY=x s3 403 PUT /acme-research-in/new.txt
}

lease_recorded() { # with what leads from CloudTrail back to the person; decision first, and no secret anywhere
    recorded '.kind == "lease" and .name == "ada" and .role == "data-scientist" and .account == "111122223333"
        and .access_key_id == "'"$(jq -r .roleCredentials.accessKeyId "$W/body")"'"
        and .role_arn == "arn:aws:iam::111122223333:role/rolebridge/data-scientist"
        and (.assumed_role_id | test(":ada$")) and (.request_id | length > 0) and .assignment == "assignments.yaml:3"' &&
        recorded '.kind == "decision" and .name == "ada" and .role == "data-scientist" and .duration_s == 3600' &&
        ! grep -F -e "$(jq -r .roleCredentials.secretAccessKey "$W/body")" -e "$(jq -r .roleCredentials.sessionToken "$W/body")" \
            "$W/records" "$BRIDGE_DIR/rolebridged.log"
}

traced() { # from the access key alone
    "$ROLEBRIDGECTL" audit trace --store "sqlite://$BRIDGE_DIR/state.db" "$(jq -r .roleCredentials.accessKeyId "$W/body")" \
        >"$W/trace" && grep -q 'ada, vouched for by corp-saml' "$W/trace" && grep -q "group 'acme-data-science'" "$W/trace"
}

by_token() { # the same through the API of the AWS CLI: register, device code, token, credentials
    local client device code user token
    mark && sign_in ada && ask 200 /client/register -H 'Content-Type: application/json' \
        -d '{"clientName":"interop","clientType":"public","scopes":["sso:account:access"]}' || return
    client=$(jq -c '{clientId, clientSecret}' "$W/body")
    ask 200 /device_authorization -H 'Content-Type: application/json' -d "$(jq -c ". + {startUrl: \"$BRIDGE_URL/start\"}" <<<"$client")" || return
    device=$(jq -r .deviceCode "$W/body") user=$(jq -r .userCode "$W/body")
    ask 200 "/device?user_code=$user" || return
    device_allow "$user" || return
    ask 200 /token -H 'Content-Type: application/json' \
        -d "$(jq -c --arg code "$device" '. + {grantType: "urn:ietf:params:oauth:grant-type:device_code", deviceCode: $code}' <<<"$client")" || return
    token=$(jq -r .accessToken "$W/body")
    code=$(printf 'header = "x-amz-sso_bearer_token: %s"\n' "$token" | curl -sS -m 30 --cacert "$BRIDGE_CA" -K - -o "$W/body" \
        -w '%{http_code}' "$BRIDGE_URL/federation/credentials?role_name=data-scientist&account_id=111122223333")
    [ "$code" = 200 ] || { echo "the token got $code: $(head -c 300 "$W/body")"; return 1; }
    s3 200 GET /acme-research-in/hello.txt && recorded '.kind == "lease" and .client == "interop" and .name == "ada"'
}

device_allow() { # USER-CODE: the person clicks; the page's own form
    local csrf
    csrf=$(sed -n 's/.*name="csrf"[^>]*value="\([^"]*\)".*/\1/p' "$W/body" | head -n 1)
    ask 200 /device --data-urlencode "user_code=$1" --data-urlencode "csrf=$csrf" --data-urlencode decision=allow
}

session_policy() { # a reload narrows the role: the second bucket is cut off, and nothing is added
    # shellcheck disable=SC2016 # the mapping's own variables
    write_role data-scientist 'session_policy: { statements: [{ effect: Allow, action: ["s3:GetObject", "s3:PutObject"], resource: "arn:${partition}:s3:::${account.input_bucket}/*" }] }'
    mark && kill -HUP "$(bridge_process)" && until_true 20 recorded '.kind == "mapping" and .outcome == "loaded"' &&
        sign_in ada && obtain 200 data-scientist && s3 200 GET /acme-research-in/hello.txt &&
        s3 403 GET /acme-research-out/hello.txt && PUT_BODY=x s3 403 PUT /acme-research-in/new.txt
}

too_long() { # said before anything is asked of STS
    mark && ask_json 400 "/api/v1/credentials?account=111122223333&role=data-scientist&duration=7200" &&
        refused sts.duration credentials && said '.detail | test("at most 1h.*role chaining")' && ! recorded '.kind == "decision"'
}

not_assigned() { # somebody without the group: STS is never asked
    mark && sign_in mallory && obtain 403 data-scientist && refused mapping.not_assigned credentials &&
        ! recorded '.kind == "decision"' && recorded '.kind == "refusal" and .name == "mallory" and .role == "data-scientist"'
}

not_trusted() { # ROLE PERSON SAID: the decision is on record, then the refusal with what STS said; no lease
    mark && sign_in "$2" && obtain 403 "$1" && refused sts.access_denied credentials &&
        recorded '.kind == "decision" and .role == "'"$1"'"' && ! recorded '.kind == "lease"' &&
        recorded '.code == "sts.access_denied" and (.reason | test("'"$3"'")) and (.reason | test("trust policy"))'
}

# ---- the account trusts the bridge itself ----

keys() { "$ROLEBRIDGECTL" keys "$@" --config "$BRIDGE_DIR/rolebridge.yaml" --json >"$W/keys" 2>&1 || { tail -n 1 "$W/keys"; return 1; }; }

trusted() { # AUDIENCE: a bridge without any AWS credentials
    write_mapping "web-identity, provider_arn: \"arn:aws:iam::111122223333:oidc-provider/127.0.0.1:$BRIDGE_PORT\""
    MORE_CONFIG="issuer: { keys: certs/issuer, audience: $1 }"
    BRIDGE_ENV=()
    bridge_config && bridge_start
}

trusted_comes_up() {
    bridge_stop || return
    mkdir -m 700 "$BRIDGE_DIR/certs/issuer"
    MORE_CONFIG='issuer: { keys: certs/issuer }'
    bridge_config && keys rotate --for token && "$HERE/ceph.sh" trust "$W/ceph" "$BRIDGE_URL" sts.amazonaws.com &&
        trusted sts.amazonaws.com
}

holds_no_secret() { # neither in the environment, nor anywhere that its kind of program looks
    tr '\0' '\n' <"/proc/$(pgrep -g "$(bridge_process)" -x rolebridged)/environ" >"$W/environ" && [ -s "$W/environ" ] &&
        ! grep '^AWS_' "$W/environ" | grep -v '^AWS_EC2_METADATA_DISABLED=true$' &&
        ! grep -rqF -e "$CEPH_CALLER_SECRET_ACCESS_KEY" -e "$CEPH_CALLER_ACCESS_KEY_ID" "$BRIDGE_DIR" --include='*.yaml' --include='*.json'
}

reads_not_writes() {
    sign_in ada && obtain 200 data-scientist && s3 200 GET /acme-research-in/hello.txt &&
        grep -q 'hello from the research bucket' "$W/object" && PUT_BODY=x s3 403 PUT /acme-research-in/new.txt
}

by_own_token() {
    mark && reads_not_writes && recorded '.kind == "lease" and .name == "ada" and .role == "data-scientist"
        and .access_key_id == "'"$(jq -r .roleCredentials.accessKeyId "$W/body")"'" and .client == null'
}

by_own_token_policy() {
    # shellcheck disable=SC2016 # the mapping's own variables
    write_role data-scientist 'session_policy: { statements: [{ effect: Allow, action: "s3:GetObject", resource: "arn:${partition}:s3:::${account.input_bucket}/*" }] }'
    mark && kill -HUP "$(bridge_process)" && until_true 20 recorded '.kind == "mapping" and .outcome == "loaded"' &&
        reads_not_writes && s3 403 GET /acme-research-out/hello.txt
}

published() { # JQ-FILTER: of /jwks.json
    ask 200 /jwks.json && said "$1"
}

kid() { # STATE: of the token key that is in it
    keys list && jq -re ".keys[] | select(.state == \"$1\") | .kid" "$W/keys"
}

rotated() { # published first, then signing: Ceph takes what either has signed, while the old one is published and after it
    local old new
    old=$(kid signs) && keys rotate --for token --overlap 1h && until_true 40 published '.keys | length == 2' &&
        reads_not_writes || return
    keys retire "$(kid next)" && keys rotate --for token --overlap 0s --algorithm RS256 || return
    new=$(kid signs) && [ "$old" != "$new" ] && until_true 40 published ".keys | map(.kid) == [\"$new\", \"$old\"]" &&
        reads_not_writes && keys retire "$old" && until_true 40 published ".keys | map(.kid) == [\"$new\"]" && reads_not_writes
}

other_audience() { # CODE: a client id that the account's provider does not list
    bridge_stop && trusted somebody.else && mark && sign_in ada && obtain 403 data-scientist &&
        refused "$1" credentials && recorded '.kind == "decision"' && ! recorded '.kind == "lease"'
}

if ! ceph_up; then
    say "not ok Ceph comes up: its words are above"
    exit 0
fi
check "SimpleSAMLphp, Ceph and the bridge come up" comes_up
check "a long-lived key of the service's own draws a warning" until_true 10 long_lived
check "S3: the role's policy allows get and refuses put" role_policy
check "the lease is on record: key, role id, request, reason" lease_recorded
check "the access key leads back to the person" traced
check "S3 with credentials by a client's token" by_token
check "S3: a session policy cuts the second bucket" session_policy
check "two hours of a chained role: sts.duration" too_long
check "without the group: mapping.not_assigned" not_assigned
check "a role that does not trust the bridge: sts.access_denied" not_trusted data-administrator grace "AWS: 403 AccessDenied"
check "a role that is not there: sts.access_denied" not_trusted developer linus "AWS: 404 NoSuchEntity"
check "a bridge without AWS credentials, which the account trusts, comes up" trusted_comes_up
check "web identity: no AWS secret in its environment and files" holds_no_secret
check "web identity: get is allowed and put refused" by_own_token
check "web identity: a session policy cuts the second bucket" by_own_token_policy
check "web identity: keys rotate and are retired, Ceph goes along" rotated
check "web identity: another audience" other_audience sts.access_denied
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
