#!/usr/bin/env bash
# The ways that credentials reach programs by the command `rolebridge`: its agent, the local servers for SDKs, EKS tokens, profiles.
# With the real service, the sandbox's IdP and STS, Debian's AWS CLI, boto3 where there is one, and the AWS SDK for JavaScript.
# usage: test_delivery.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/cli_env.sh
. "$(dirname "$0")/cli_env.sh"
# shellcheck source=tests/interop/clients/modules.sh
. "$HERE/clients/modules.sh"

cli_up "$@" || { say "not ok delivery: the service does not start"; exit 0; }
PROFILE=analytics-prod.data-scientist
ARN=arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example
CACHE=$HOME/.cache/rolebridge
STARTED=()
export XDG_RUNTIME_DIR=$W/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
SOCKET=$XDG_RUNTIME_DIR/rolebridge/agent-rolebridge.sock
at_exit() {
    [ ${#STARTED[@]} = 0 ] || kill -KILL "${STARTED[@]}" 2>/dev/null
    stop_group "$BRIDGE_DIR" sandbox
}

# rb WANTED-STATUS ARGUMENTS…: stdout into $W/out, stderr into $W/err
rb() {
    local want=$1 got=0
    shift
    timeout 60 rolebridge "$@" >"$W/out" 2>"$W/err" </dev/null || got=$?
    sane "$W/err" || return 1
    [ $got = "$want" ] || { echo "'rolebridge $*' ended with $got, not $want: $(tail -n 3 "$W/err" | tr '\n' ' ')"; return 1; }
}

sane() { # FILE: no sanitizer speaks in it
    ! grep -qE 'Sanitizer|runtime error' "$1" || { echo "sanitizer: $(grep -m1 -E 'Sanitizer|runtime error' "$1")"; return 1; }
}
out_has() { grep -qF -- "$1" "$W/out" || { echo "not printed: '$1' but: $(head -c 300 "$W/out")"; return 1; }; }
err_has() { grep -qF -- "$1" "$W/err" || { echo "not said: '$1' but: $(head -c 300 "$W/err")"; return 1; }; }
out_is() { jq -e "$1" "$W/out" >/dev/null || { echo "not so: $1: $(head -c 600 "$W/out")"; return 1; }; }
forget_leases() { rm -rf "$CACHE/credentials"; }
count() { records | jq "[.[] | select($1)] | length"; } # JQ-FILTER: records since mark

# begin LOG COMMAND…: in the background; its process is $PID
begin() {
    local log=$1
    shift
    rm -f "$log" "$log.err" # what an earlier one said is not waited for
    "$@" >"$log" 2>"$log.err" </dev/null &
    PID=$!
    STARTED+=("$PID")
}

# ended PID WANTED-STATUS LOG: waits for it
ended() {
    local got=0
    wait "$1" || got=$?
    same "$got" "$2" && sane "$3.err"
}

# many N ARGUMENTS…: N processes at once; how many got credentials
many() {
    local n=$1 i pids=()
    shift
    for i in $(seq "$n"); do
        rolebridge credentials "$@" --format process >"$W/many.$i" 2>"$W/said.$i" </dev/null &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat "$W"/said.* >"$W/said.all"
    sane "$W/said.all" && cat "$W"/many.* | jq -s 'map(select(.Version == 1)) | length'
}

# ---- the agent ----

agent_begins() {
    begin "$W/agent" rolebridge agent
    AGENT=$PID
    until_true 20 grep -q agent.listening "$W/agent.err"
}

agent_alone() { # before a sign-in there is nothing to hold; a bad folder is none
    rb 3 agent --url "$BRIDGE_URL" && err_has 'rolebridge login' && rb 1 agent --status && out_has 'No agent' && rb 1 agent --status --json && out_is '.running == false' &&
        rb 0 agent --stop && rb 2 agent --stop --status || return 1
    chmod 755 "$XDG_RUNTIME_DIR/rolebridge" && rb 0 login "$BRIDGE_URL" && rb 4 agent && err_has 'yours alone' && chmod 700 "$XDG_RUNTIME_DIR/rolebridge"
}

agent_up() {
    agent_begins || return 1
    same "$(stat -c %a "$SOCKET")" 600 && same "$(stat -c %a "$(dirname "$SOCKET")")" 700 || return 1
    rb 1 agent && err_has 'running already' || return 1
    rb 0 agent --status --json && out_is '.running and .name == "ada@acme.example" and .sign_in.good and .leases == []' || return 1
    same "$(awk '/^Max core/ { print $5 }' "/proc/$AGENT/limits")" 0
}

agent_fetches_once() {
    forget_leases && mark
    same "$(many 50 $PROFILE)" 50 || { sort "$W/said.all" | uniq -c | head -n 3; return 1; }
    same "$(cat "$W"/many.* | sort -u | wc -l)" 1 && same "$(count '.kind == "lease"')" 1 || return 1
    [ ! -e "$CACHE/credentials" ] || [ -z "$(find "$CACHE/credentials" -type f)" ] || { echo "credentials on disk"; return 1; }
    rb 0 agent --status --json && out_is '.leases | length == 1 and .[0].calls == 50 and .[0].issues == 1 and .[0].account_id == "111122223333"' || return 1
    ! grep -qE 'ASIA|"secret' "$W/out" && rb 0 agent --status && out_has "$PROFILE until"
}

agent_says_no() { # as the bridge says it
    rb 1 credentials corporate.iam-administrator && err_has mapping. && rb 1 credentials $PROFILE --duration 12h && err_has sts.duration
}

agent_other_bridge() { # it is not asked for what it does not serve
    rb 3 credentials $PROFILE --url https://127.0.0.1:1 && err_has 'not one at'
}

agent_strangers() { # another user of this machine
    chmod 711 "$W" "$XDG_RUNTIME_DIR" "$(dirname "$SOCKET")" && chmod 666 "$SOCKET" || return 1 # were it not for the mode
    setpriv --reuid 65534 --clear-groups /usr/bin/python3 - "$SOCKET" >"$W/out" 2>&1 <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"rolebridge":1,"ask":"status","session":"rolebridge"}\n')
except BrokenPipeError:
    pass
try:
    print("got", s.recv(1000))
except ConnectionResetError:
    print("got", b"")
PY
    chmod 700 "$XDG_RUNTIME_DIR" "$(dirname "$SOCKET")" && chmod 600 "$SOCKET"
    same "$(<"$W/out")" "got b''"
}

agent_of_another() { # who has taken the agent's place: what it says is not believed
    local folder=$XDG_RUNTIME_DIR/rolebridge
    chmod 711 "$W" "$XDG_RUNTIME_DIR" && mkdir -p "$folder" && chmod 777 "$folder" || return 1
    begin "$W/fake" setpriv --reuid 65534 --clear-groups /usr/bin/python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
s.listen()
print("listens", flush=True)
while True:
    c = s.accept()[0]
    try:
        c.sendall(b"\n")
        c.recv(65536)
        c.sendall(b"{\"rolebridge\":1,\"credentials\":{\"accessKeyId\":\"ASIAFAKE\",\"secretAccessKey\":\"x\",\"sessionToken\":\"x\",\"expiration\":4102444800000}}\n")
    except OSError:
        pass
    c.close()
' "$SOCKET"
    until_true 20 grep -q listens "$W/fake" && rb 0 credentials $PROFILE --format process
    local status=$?
    kill "$PID" && rm -f "$SOCKET" && chmod 700 "$W" "$XDG_RUNTIME_DIR" "$folder"
    [ $status = 0 ] && out_is '.AccessKeyId != "ASIAFAKE"'
}

connected() { [ "$(grep -cF "$SOCKET" /proc/net/unix)" -ge "$1" ]; }

agent_killed() { # midway: everybody gets credentials all the same
    local killer
    forget_leases
    kill -STOP "$(bridge_process)" # so that all of them wait for it
    (until_true 20 connected 51 && kill -KILL "$AGENT"; kill -CONT "$(bridge_process)") &
    killer=$!
    same "$(many 50 $PROFILE --duration 20m)" 50 || { sort "$W/said.all" | uniq -c | head -n 3; return 1; }
    wait $killer || return 1
    wait "$AGENT" 2>/dev/null
    rb 1 agent --status && rb 0 credentials $PROFILE && agent_begins # what it left behind is taken away
}

agent_frozen() { # it does not hold everybody up
    kill -STOP "$AGENT"
    rb 0 credentials $PROFILE
    local status=$?
    kill -CONT "$AGENT"
    return $status
}

agent_terminates() {
    kill -TERM "$AGENT" && ended "$AGENT" 0 "$W/agent" && [ ! -e "$SOCKET" ] && agent_begins && kill -INT "$AGENT" && ended "$AGENT" 0 "$W/agent" &&
        ! grep -qE 'ASIA' "$W/agent.err"
}

agent_logout() {
    agent_begins && rb 0 credentials $PROFILE && rb 0 logout && ended "$AGENT" 0 "$W/agent" && rb 3 credentials $PROFILE && rb 0 login
}

agent_another_person() { # what was held for one is not given to the next
    agent_begins && rb 0 credentials $PROFILE || return 1
    BROWSER_USER=linus rb 0 login --force && rb 0 agent --status --json && out_is '.leases == []' && rb 1 credentials $PROFILE && err_has mapping. || return 1
    rb 0 agent --status --json && out_is '.name == "linus@acme.example"' && rb 0 agent --stop && ended "$AGENT" 0 "$W/agent" && rb 0 login --force
}

agent_by_systemd() { # a socket that was there before it
    begin "$W/agent" systemd-socket-activate --listen="$SOCKET" -E HOME -E PATH -E XDG_RUNTIME_DIR -E ROLEBRIDGE_CA_FILE -E ASAN_OPTIONS "$BUILD/src/rolebridge/rolebridge" agent
    AGENT=$PID
    until_true 20 test -S "$SOCKET" && rb 0 credentials $PROFILE && rb 0 agent --status --json && out_is '.running and (.leases | length) == 1' &&
        rb 0 agent --stop && ended "$AGENT" 0 "$W/agent" && [ -S "$SOCKET" ] && rm "$SOCKET"
}

# ---- servers ----

serve() { # ARGUMENTS…: in the background; what it printed is $W/serve
    begin "$W/serve" rolebridge serve "$@"
    SERVER=$PID
    until_true 20 grep -q 'until it is stopped' "$W/serve.err" || { cat "$W/serve.err"; return 1; }
}
serve_ends() { kill -TERM "$SERVER" && ended "$SERVER" 0 "$W/serve" && ! grep -qE 'ASIA' "$W/serve" "$W/serve.err"; }
variable() { sed -n "s/^export $1='\(.*\)'$/\1/p" "$W/serve"; }

# asked WANTED-STATUS URL CURL-ARGUMENTS…: the answer into $W/body
asked() {
    local got
    got=$(curl -sS -m 20 -o "$W/body" -w '%{http_code}' "${@:3}" "$2") || return 1
    same "$got" "$1"
}

# clean COMMAND…: with nothing of the caller's AWS settings but where STS is, and what it is given
clean() {
    env -i HOME="$W/nobody" PATH="$PATH" LC_ALL=C.UTF-8 AWS_CA_BUNDLE="$BRIDGE_CA" NODE_EXTRA_CA_CERTS="$BRIDGE_CA" NODE_NO_WARNINGS=1 \
        AWS_ENDPOINT_URL_STS="$SANDBOX_URL/sts" AWS_DATA_PATH="$AWS_DATA_PATH" AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1 \
        NODE_DIR="$BUILD/node-aws" NO_PROXY=localhost,127.0.0.1 "$@"
}

container() { # COMMAND…: it finds the server
    clean AWS_EC2_METADATA_DISABLED=true AWS_CONTAINER_CREDENTIALS_FULL_URI="$(variable AWS_CONTAINER_CREDENTIALS_FULL_URI)" \
        AWS_CONTAINER_AUTHORIZATION_TOKEN="$(variable AWS_CONTAINER_AUTHORIZATION_TOKEN)" "$@"
}
instance() { clean AWS_EC2_METADATA_SERVICE_ENDPOINT="$(variable AWS_EC2_METADATA_SERVICE_ENDPOINT)" "$@"; }

arn_by() { # WAY COMMAND…: an SDK's own opinion of who it is
    same "$("$@" 2>&1 | tail -n 1)" "$ARN"
}

serve_container() {
    local uri token
    serve $PROFILE || return 1
    uri=$(variable AWS_CONTAINER_CREDENTIALS_FULL_URI) token=$(variable AWS_CONTAINER_AUTHORIZATION_TOKEN)
    [[ $uri == http://127.0.0.1:*/ecs/analytics-prod/data-scientist ]] && [ ${#token} -ge 40 ] || { echo "variables: $uri"; return 1; }
    asked 200 "$uri" -H "Authorization: $token" || return 1
    jq -e '(.AccessKeyId | startswith("ASIA")) and .SecretAccessKey and .Token and (.Expiration | test("Z$")) and .AccountId == "111122223333" and
        (.RoleArn | test("data-scientist"))' "$W/body" >/dev/null || { echo "not container credentials"; return 1; }
    asked 401 "$uri" && asked 401 "$uri" -H "Authorization: ${token}x" && asked 421 "$uri" -H "Authorization: $token" -H 'Host: evil.example' &&
        asked 404 "${uri%/*}/iam-administrator" -H "Authorization: $token" && asked 404 "${uri%/ecs/*}/latest/api/token" -X PUT || return 1
}

serve_metadata() {
    local url token
    serve --imds $PROFILE || return 1
    url=$(variable AWS_EC2_METADATA_SERVICE_ENDPOINT)
    url=${url%/}
    asked 401 "$url/latest/meta-data/iam/security-credentials/" && asked 400 "$url/latest/api/token" -X PUT || return 1
    asked 200 "$url/latest/api/token" -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' && token=$(<"$W/body") || return 1
    asked 200 "$url/latest/meta-data/iam/security-credentials/" -H "X-aws-ec2-metadata-token: $token" && same "$(<"$W/body")" data-scientist || return 1
    asked 403 "$url/latest/meta-data/iam/security-credentials/data-scientist" -H "X-aws-ec2-metadata-token: $token" -H 'X-Forwarded-For: 1.1.1.1'
}

metadata_strangers() { # another user of this machine, who finds the port
    local code
    chmod 711 "$W"
    code=$(setpriv --reuid 65534 --clear-groups curl -sS -m 20 -o /dev/null -w '%{http_code}' -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
        "$(variable AWS_EC2_METADATA_SERVICE_ENDPOINT)latest/api/token")
    chmod 700 "$W"
    same "$code" 403
}

serve_files() { # a token that stays, a port that is given, several roles
    local port
    port=$(free_port)
    serve --listen "127.0.0.1:$port" --token-file "$W/token" $PROFILE development.data-scientist || return 1
    same "$(stat -c %a "$W/token")" 600 && same "$(variable AWS_CONTAINER_AUTHORIZATION_TOKEN)" "$(<"$W/token")" || return 1
    grep -qF "http://127.0.0.1:$port/ecs/development/data-scientist" "$W/serve.err" || return 1
    asked 200 "http://127.0.0.1:$port/ecs/development/data-scientist" -H "Authorization: $(<"$W/token")" && rb 4 serve --listen "$port" $PROFILE &&
        err_has 'port taken' && serve_ends || return 1
    serve --token-file "$W/token" --json $PROFILE && jq -e --arg token "$(<"$W/token")" '.AWS_CONTAINER_AUTHORIZATION_TOKEN == $token' "$W/serve" >/dev/null && serve_ends || return 1
    chmod 644 "$W/token" && rb 4 serve --token-file "$W/token" $PROFILE && printf short >"$W/token2" && chmod 600 "$W/token2" &&
        rb 2 serve --token-file "$W/token2" $PROFILE && rb 2 serve --listen 0.0.0.0:1 $PROFILE && err_has 'nowhere else' && rb 2 serve
}

beside() { # exec --server: exit codes, signals, environment
    rb 7 exec --server $PROFILE -- sh -c 'exit 7' && rb 127 exec --server $PROFILE -- /no/such/command && rb 126 exec --server $PROFILE -- /etc/passwd || return 1
    AWS_PROFILE=x AWS_ACCESS_KEY_ID=x AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x rb 0 exec --server $PROFILE -- env || return 1
    out_has AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1: && ! grep -qE '^AWS_(ACCESS|SECRET|SESSION|PROFILE|CONTAINER_CREDENTIALS_RELATIVE)' "$W/out" || return 1
    # shellcheck disable=SC2016
    rb 0 exec --server $PROFILE -- sh -c 'curl -sf -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI"' && out_is .AccessKeyId || return 1
    rb 0 exec --server $PROFILE -- "$AWS_CLI" sts get-caller-identity --query Arn --output text && same "$(<"$W/out")" "$ARN" || return 1
    # shellcheck disable=SC2016
    rb 0 exec --server $PROFILE -- sh -c 'grep -E "Sig(Blk|Ign)" /proc/self/status' && same "$(awk '{ print $2 }' "$W/out" | sort -u)" 0000000000000000 || return 1
    begin "$W/beside" rolebridge exec --server $PROFILE -- sh -c 'trap "exit 9" TERM; echo here; while :; do sleep 0.1; done'
    until_true 20 grep -q here "$W/beside" && kill -TERM "$PID" && ended "$PID" 9 "$W/beside" || return 1
    printf '[default]\nrole_arn = x\n' >"$W/default" && AWS_CONFIG_FILE=$W/default rb 1 exec --server $PROFILE -- true && err_has role_arn
}

# ---- SDKs ----

python_with() { # MODULE: $PYTHON has it
    for PYTHON in python3 /usr/bin/python3; do
        "$PYTHON" -c "import $1" 2>/dev/null && return 0
    done
    say "skip delivery: $1: this Python has none"
    return 1
}

NODE=''
node_ready() { # the SDK from npm is there
    if [ -z "$NODE" ]; then
        NODE=no
        if [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -lt 20 ]; then
            say "skip delivery: JavaScript: its SDK wants node 20, here is $(node --version 2>/dev/null || echo none)"
        elif ! js_modules "$BUILD/node-aws"; then
            say "skip delivery: JavaScript: the npm registry did not give the AWS SDK: $BUILD/node-aws/npm.log"
        else
            NODE=yes
        fi
    fi
    [ $NODE = yes ]
}

session() { clean HOME="$HOME" AWS_PROFILE=$PROFILE "$@"; }

# ---- EKS ----

eks() {
    local url token
    AWS_ENDPOINT_URL_STS=$SANDBOX_URL/sts rb 0 eks-token --cluster research --region eu-central-1 $PROFILE || return 1
    out_is '.kind == "ExecCredential" and .apiVersion == "client.authentication.k8s.io/v1beta1" and .spec == {} and
        (.status.expirationTimestamp | fromdate - now) > 800 and (.status.expirationTimestamp | fromdate - now) <= 840' || return 1
    token=$(jq -r .status.token "$W/out")
    url=$(python3 -c 'import base64, sys; t = sys.argv[1].removeprefix("k8s-aws-v1."); print(base64.urlsafe_b64decode(t + "=" * (-len(t) % 4)).decode())' "$token")
    # as a cluster verifies it, with STS
    asked 200 "$url" --cacert "$BRIDGE_CA" -H 'x-k8s-aws-id: research' && grep -qF "<Arn>$ARN</Arn>" "$W/body" || { head -c 300 "$W/body"; return 1; }
    asked 403 "$url" --cacert "$BRIDGE_CA" -H 'x-k8s-aws-id: other' || return 1
    KUBERNETES_EXEC_INFO='{"apiVersion":"client.authentication.k8s.io/v1"}' rb 0 eks-token --cluster research $PROFILE &&
        out_is '.apiVersion == "client.authentication.k8s.io/v1"' || return 1
    KUBERNETES_EXEC_INFO='{"apiVersion":"client.authentication.k8s.io/v1alpha1"}' rb 2 eks-token --cluster research $PROFILE && rb 2 eks-token $PROFILE &&
        rb 2 eks-token --cluster 'a b' $PROFILE && rb 2 eks-token --cluster a --region 'x y' $PROFILE
}

eks_as_aws() { # the same as `aws eks get-token` makes at the same time, but for the time
    AWS_ENDPOINT_URL_STS=https://sts.eu-central-1.amazonaws.com rb 0 eks-token --cluster research --region eu-central-1 $PROFILE && cp "$W/out" "$W/ours" || return 1
    env -u AWS_DATA_PATH "$AWS_CLI" --profile $PROFILE eks get-token --cluster-name research --region eu-central-1 >"$W/theirs" 2>"$W/err" || { tail -n 1 "$W/err"; return 1; }
    python3 - "$W/ours" "$W/theirs" <<'PY'
import base64, json, sys, urllib.parse

def parts(path):
    credential = json.load(open(path))
    token = credential["status"]["token"].removeprefix("k8s-aws-v1.")
    url = urllib.parse.urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = dict(urllib.parse.parse_qsl(url.query))
    for name in ("X-Amz-Date", "X-Amz-Signature"):
        query.pop(name)
    return credential["kind"], credential["apiVersion"], url.scheme, url.netloc, url.path, query

ours, theirs = parts(sys.argv[1]), parts(sys.argv[2])
assert ours == theirs, (ours[:5], theirs[:5], {k for k in ours[5].keys() | theirs[5].keys() if ours[5].get(k) != theirs[5].get(k)})
PY
}

kubeconfig() {
    rb 0 eks-token --cluster research --region eu-central-1 --kubeconfig $PROFILE || return 1
    python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' <"$W/out" >"$W/kube" 2>/dev/null || { sed -n 's/^      args: //p' "$W/out" | jq -c '{users: [{user: {exec: {args: .}}}]}' >"$W/kube"; }
    same "$(jq -r '.users[0].user.exec.args | join(" ")' "$W/kube")" "eks-token --cluster research --region eu-central-1 --login $PROFILE"
}

# ---- profiles of a session ----

session_profiles() {
    local config=$HOME/.aws/config
    mkdir -p "$HOME/.aws" && printf '# by hand\n[profile mine]\nregion = x\n' >"$config" && cp "$config" "$W/before"
    rb 0 configure --sso --yes --aws-data-path "$W/models" && grep -q '^sso_session = rolebridge' "$config" && cp "$config" "$W/after" || return 1
    ! grep -q '^sts' "$config" || return 1
    rb 0 configure --yes --aws-data-path "$W/models" && cmp "$config" "$W/after" && rb 0 configure --sso --dry-run --aws-data-path "$W/models" && rb 2 configure --sso --process || return 1
    same "$(find "$W/models" -type f | wc -l)" 2
}

session_cli() { # Debian's, by the rule set files; AWS_DATA_PATH has STS's too
    same "$(AWS_DATA_PATH=$W/models:$AWS_DATA_PATH "$AWS_CLI" --profile $PROFILE sts get-caller-identity --query Arn --output text 2>&1)" "$ARN"
}

session_reverted() {
    local config=$HOME/.aws/config other=$W/models/sso/2019-06-10/endpoint-rule-set-1.json
    cp "$other" "$W/ours.json" && printf '{}' >"$other" && rb 1 configure --sso --yes --aws-data-path "$W/models" && err_has 'was not written by' &&
        same "$(<"$other")" '{}' && cp "$W/ours.json" "$other" || return 1
    rb 0 configure --process --yes && grep -q credential_process "$config" && ! grep -q sso_session "$config" || return 1
    rb 0 configure --remove --yes --aws-data-path "$W/models" && cmp "$config" "$W/before" && same "$(find "$W/models" -type f | wc -l)" 0
}

check "delivery: agent: no sign-in, no agent, a folder of others: it says so" agent_alone
check "delivery: agent: socket 0600, one a session, --status, no core" agent_up
check "delivery: agent: fifty calls, one lease, nothing on disk" agent_fetches_once
check "delivery: agent: refusals are the bridge's" agent_says_no
check "delivery: agent: another bridge is not asked through it" agent_other_bridge
if [ "$(id -u)" = 0 ]; then
    check "delivery: agent: another user gets nothing" agent_strangers
else
    say "skip delivery: agent: another user gets nothing: only root can be another user"
fi
check "delivery: agent: killed midway, fifty calls get credentials" agent_killed
check "delivery: agent: a stopped one holds nobody up" agent_frozen
check "delivery: agent: SIGTERM and SIGINT end it cleanly" agent_terminates
[ "$(id -u)" != 0 ] || check "delivery: agent: another user's in its place is not believed" agent_of_another
check "delivery: agent: logout ends it" agent_logout
check "delivery: agent: another person signs in" agent_another_person
if command -v systemd-socket-activate >/dev/null; then
    check "delivery: agent: socket activation" agent_by_systemd
else
    say "skip delivery: agent: socket activation: there is no systemd-socket-activate"
fi
check "delivery: serve: container credentials, the token always, this host alone" serve_container
check "delivery: serve: Debian's AWS CLI by container credentials" arn_by container "$AWS_CLI" sts get-caller-identity --query Arn --output text
python_with boto3 && check "delivery: serve: boto3 by container credentials" arn_by container "$PYTHON" "$HERE/clients/delivery.py" container-role
node_ready && check "delivery: serve: JavaScript, fromHttp" arn_by container node "$HERE/clients/delivery.mjs" fromHttp
node_ready && check "delivery: serve: JavaScript, fromContainerMetadata" arn_by container node "$HERE/clients/delivery.mjs" fromContainerMetadata
check "delivery: serve: it ends cleanly" serve_ends
check "delivery: serve: metadata service, version 2 alone" serve_metadata
check "delivery: serve: Debian's AWS CLI by the metadata service" arn_by instance "$AWS_CLI" sts get-caller-identity --query Arn --output text
python_with boto3 && check "delivery: serve: boto3 by the metadata service" arn_by instance "$PYTHON" "$HERE/clients/delivery.py" iam-role
node_ready && check "delivery: serve: JavaScript, fromInstanceMetadata" arn_by instance node "$HERE/clients/delivery.mjs" fromInstanceMetadata
if [ "$(id -u)" = 0 ]; then
    check "delivery: serve: the metadata service tells another user nothing" metadata_strangers
else
    say "skip delivery: serve: another user at the metadata service: only root can be another user"
fi
check "delivery: serve: it ends cleanly again" serve_ends
check "delivery: serve: a port, a token file, several roles, mistakes" serve_files
check "delivery: exec --server" beside
check "delivery: eks-token: STS takes it, for its cluster alone" eks
check "delivery: configure, for the AWS CLI" rb 0 configure --yes
check "delivery: eks-token as aws eks get-token" eks_as_aws
check "delivery: eks-token --kubeconfig" kubeconfig
check "delivery: configure --sso: idempotent, keeps its style, rule set files" session_profiles
check "delivery: configure --sso: Debian's AWS CLI" session_cli
python_with boto3 && check "delivery: configure --sso: boto3" arn_by session "$PYTHON" "$HERE/clients/delivery.py" sso
node_ready && check "delivery: configure --sso: JavaScript, fromSSO" arn_by session env AWS_ENDPOINT_URL_SSO="$BRIDGE_URL" AWS_ENDPOINT_URL_SSO_OIDC="$BRIDGE_URL" node "$HERE/clients/delivery.mjs" fromSSO
check "delivery: configure --sso: a file of others, back to --process, --remove" session_reverted
check "delivery: the service ends cleanly" bridge_stop
exit 0
