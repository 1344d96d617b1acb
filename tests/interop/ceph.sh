#!/usr/bin/env bash
# Ceph RGW as an STS and S3 that are not ours: a monitor, one OSD in memory, one gateway. A tenant is an AWS account.
set -euo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

ACCOUNT=111122223333
ROLE=data-scientist
BUCKET=acme-research-in
OTHER=acme-research-out

usage() {
    cat <<'USAGE'
Usage: ceph.sh up DIR [--port N] [--mon-port N]     starts it; writes DIR/env (mode 0600), to be sourced
       ceph.sh trust DIR ISSUER CLIENT-ID            the role trusts ISSUER's tokens for CLIENT-ID besides
       ceph.sh down DIR

Account 111122223333 (a Ceph tenant) has the buckets acme-research-in, with object hello.txt, and acme-research-out,
and the role rolebridge/data-scientist, which the user 'caller' may assume. Its policy allows s3:GetObject and
s3:ListBucket on both buckets and nothing else.

DIR/env sets
  CEPH_ENDPOINT CEPH_REGION CEPH_ROLE_ARN CEPH_BUCKET CEPH_OTHER_BUCKET CEPH_OBJECT
  CEPH_CALLER_ARN CEPH_CALLER_ACCESS_KEY_ID CEPH_CALLER_SECRET_ACCESS_KEY      may assume the role, has no caps
  CEPH_STRANGER_ACCESS_KEY_ID CEPH_STRANGER_SECRET_ACCESS_KEY                  the role's trust does not name it
  CEPH_ADMIN_ACCESS_KEY_ID CEPH_ADMIN_SECRET_ACCESS_KEY                        caps roles, oidc-provider, user-policy
  CEPH_OWNER_ACCESS_KEY_ID CEPH_OWNER_SECRET_ACCESS_KEY                        owns the buckets, caps oidc-provider
and CEPH_CONF, for radosgw-admin -n client.rgw.a.

The gateway listens on --port (default 17480), the monitor on --mon-port and the port after it (default 13300).
USAGE
}

uuid() { cat /proc/sys/kernel/random/uuid; }

admin() { radosgw-admin -n client.rgw.a "$@" 2>>"$dir/admin.log"; }

write_conf() {
    mkdir -p "$dir"/{mon,osd,run,log,rgw}
    cat >"$CEPH_CONF" <<CONF
[global]
fsid = $(uuid)
mon host = [v2:127.0.0.1:$mon_port/0,v1:127.0.0.1:$((mon_port + 1))/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $dir/keyring
run dir = $dir/run
admin socket = $dir/run/\$name.\$pid.asok
pid file = $dir/run/\$name.pid
log file = $dir/log/\$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
mon data = $dir/mon
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 1073741824
paxos propose interval = 0.05
paxos min wait = 0.01
osd mon report interval = 1
[client.rgw.a]
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
rgw sts key = $(openssl rand -hex 8)
rgw s3 auth use sts = true
rgw verify ssl = false
CONF
}

start_cluster() {
    local osd
    ceph-authtool -C "$dir/keyring" --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
    ceph-authtool "$dir/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
    ceph-authtool "$dir/keyring" --gen-key -n client.rgw.a --cap mon 'allow rw' --cap osd 'allow rwx'
    monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CEPH_CONF")" \
        --addv a "[v2:127.0.0.1:$mon_port,v1:127.0.0.1:$((mon_port + 1))]" "$dir/monmap"
    ceph-mon -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
    start_group "$dir" mon ceph-mon -i a -f
    osd=$(uuid)
    timeout 30 ceph osd new "$osd" 0
    ceph-osd -i 0 --mkfs --osd-uuid "$osd"
    start_group "$dir" osd ceph-osd -i 0 -f
    start_group "$dir" rgw radosgw -n client.rgw.a -f
}

make_user() { # PREFIX UID ARGUMENTS…: makes the user, appends its keys to DIR/env
    local prefix=$1 name=$2 made
    shift 2
    made=$(admin user create --uid "$name" --display-name "$name" "$@") ||
        fail "radosgw-admin made no user $name: $(tail -n 1 "$dir/admin.log")"
    jq -r --arg p "$prefix" '.keys[0] | "export CEPH_\($p)_ACCESS_KEY_ID=\(.access_key | @sh)",
        "export CEPH_\($p)_SECRET_ACCESS_KEY=\(.secret_key | @sh)"' <<<"$made" >>"$dir/env.new"
}

# as_owner METHOD PATH [FILE]: a signed S3 request; the keys go through a pipe, not through argv.
as_owner() {
    local body=() hash
    [ $# -lt 3 ] || body=(--data-binary "@$3")
    hash=$(sha256sum <"${3:-/dev/null}" | cut -d' ' -f1)
    printf 'user = "%s:%s"\n' "$CEPH_OWNER_ACCESS_KEY_ID" "$CEPH_OWNER_SECRET_ACCESS_KEY" |
        curl -fsS -m 20 -K - -X "$1" --aws-sigv4 aws:amz:default:s3 -H "x-amz-content-sha256: $hash" \
            -H 'Content-Type: application/octet-stream' "${body[@]}" "http://127.0.0.1:$port$2" ||
        fail "S3 refused $1 $2 of the owner"
}

fill() {
    local trust policy arns
    : >"$dir/env.new"
    make_user ADMIN admin --caps 'roles=*;oidc-provider=*;user-policy=*'
    make_user CALLER caller
    make_user STRANGER stranger
    make_user OWNER owner --tenant "$ACCOUNT" --caps 'oidc-provider=*'
    # shellcheck source=/dev/null
    . "$dir/env.new"
    printf 'hello from the research bucket\n' >"$dir/hello.txt"
    as_owner PUT "/$BUCKET"
    as_owner PUT "/$OTHER"
    as_owner PUT "/$BUCKET/hello.txt" "$dir/hello.txt"
    as_owner PUT "/$OTHER/hello.txt" "$dir/hello.txt"
    trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/caller"]},
        "Action":["sts:AssumeRole"]}]}'
    arns=$(jq -cn '[$ARGS.positional[] | "arn:aws:s3:::\(.)", "arn:aws:s3:::\(.)/*"]' --args "$BUCKET" "$OTHER")
    policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],
        "Resource":'$arns'}]}'
    admin role create --tenant "$ACCOUNT" --role-name "$ROLE" --path /rolebridge/ \
        --assume-role-policy-doc "$trust" >"$dir/role.json" ||
        fail "radosgw-admin made no role: $(tail -n 1 "$dir/admin.log")"
    admin role-policy put --tenant "$ACCOUNT" --role-name "$ROLE" --policy-name task \
        --policy-doc "$policy" >>"$dir/admin.log" ||
        fail "radosgw-admin put no role policy: $(tail -n 1 "$dir/admin.log")"
    cat >>"$dir/env.new" <<ENV
export CEPH_CONF=$CEPH_CONF
export CEPH_ENDPOINT=http://127.0.0.1:$port
export CEPH_REGION=default
export CEPH_ROLE_ARN=$(jq -r '.Arn // .arn' "$dir/role.json")
export CEPH_CALLER_ARN=arn:aws:iam:::user/caller
export CEPH_BUCKET=$BUCKET CEPH_OTHER_BUCKET=$OTHER CEPH_OBJECT=hello.txt
ENV
    mv "$dir/env.new" "$dir/env"
}

# iam QUERY: a signed request of the account's owner.
iam() {
    printf 'user = "%s:%s"\n' "$CEPH_OWNER_ACCESS_KEY_ID" "$CEPH_OWNER_SECRET_ACCESS_KEY" |
        curl -fsS -m 20 -K - -o "$dir/iam.xml" --aws-sigv4 aws:amz:default:iam -d "$1" "$CEPH_ENDPOINT/" ||
        fail "IAM refused $1 of the owner"
}

# The provider is one of the account, as IAM has it; the thumbprint is asked for, and not looked at by this version.
trust() {
    dir=$(part_dir "$1")
    local issuer=$2 client=$3 name=${2#*://} policy
    # shellcheck source=/dev/null
    . "$dir/env"
    iam "Action=CreateOpenIDConnectProvider&Version=2010-05-08&Url=$(jq -rn --arg u "$issuer" '$u | @uri')&ClientIDList.member.1=$client&ThumbprintList.member.1=$(printf '0%.0s' {1..40})"
    policy=$(jq -cn --arg arn "arn:aws:iam::$ACCOUNT:oidc-provider/$name" --arg key "$name:app_id" --arg client "$client" \
        '{Version: "2012-10-17", Statement: [
            {Effect: "Allow", Principal: {AWS: ["arn:aws:iam:::user/caller"]}, Action: ["sts:AssumeRole"]},
            {Effect: "Allow", Principal: {Federated: [$arn]}, Action: ["sts:AssumeRoleWithWebIdentity"],
             Condition: {StringEquals: {($key): $client}}}]}')
    admin role modify --tenant "$ACCOUNT" --role-name "$ROLE" --assume-role-policy-doc "$policy" >>"$dir/admin.log" ||
        fail "radosgw-admin did not change the role: $(tail -n 1 "$dir/admin.log")"
    say "$ROLE trusts $issuer for $client"
}

stop_all() {
    stop_group "$dir" rgw 3
    stop_group "$dir" osd 1
    stop_group "$dir" mon 3
}

abandon() {
    [ -s "$dir/env" ] || stop_all
}

up() {
    dir=$(part_dir "$1")
    shift
    local port=17480 mon_port=13300
    export CEPH_CONF=$dir/ceph.conf
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        case $1 in
            --port) port=$2 ;;
            --mon-port) mon_port=$2 ;;
            *) usage >&2; exit 2 ;;
        esac
        shift 2
    done
    umask 077
    need_packages run interop
    if [ -s "$dir/env" ] && running "$dir" mon && running "$dir" osd && running "$dir" rgw; then
        say "Ceph was up already: $(sed -n 's/^export CEPH_ENDPOINT=//p' "$dir/env"); credentials in $dir/env"
        return
    fi
    stop_all
    rm -rf "$dir"/{mon,osd,run,log,rgw,keyring,monmap,env,env.new}
    port_free "$port"
    port_free "$mon_port"
    trap abandon EXIT
    write_conf
    # In a subshell of its own, so that its first failure ends it (set -e is off on the left of ||).
    bash -euo pipefail "$0" start-cluster "$dir" "$mon_port" >"$dir/start.log" 2>&1 ||
        { tail -n 20 "$dir/start.log" >&2; fail "the Ceph cluster did not start; $dir/start.log"; }
    up_or_fail "$dir" rgw 90 curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$port/"
    fill
    say "Ceph is up in $(since) s: http://127.0.0.1:$port, credentials in $dir/env"
}

down() {
    [ -d "$1" ] || { say "Ceph was not up"; return; }
    dir=$(realpath "$1")
    stop_all
    rm -rf "$dir"/{mon,osd,run,rgw,keyring,env}
    say "Ceph is down"
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
case $1 in
    up) shift; up "$@" ;;
    start-cluster) dir=$2 mon_port=$3; start_cluster ;;
    trust) [ $# -eq 4 ] || { usage >&2; exit 2; }; trust "$2" "$3" "$4" ;;
    down) down "$2" ;;
    *) usage >&2; exit 2 ;;
esac
