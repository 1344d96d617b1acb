#!/usr/bin/env bash
# The real parts by themselves, without the bridge: when these fail, it isn't the bridge that is broken.
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"
# shellcheck source=tests/interop/awscli_env.sh
. "$(dirname "$0")/awscli_env.sh"

here=$(dirname "$0")
W=$(mktemp -d)
ENTITY=https://bridge.acme.example/saml/corp/metadata
ACS=https://bridge.acme.example/saml/corp/acs

finish() {
    "$here/simplesamlphp.sh" down "$W/idp" >/dev/null
    "$here/ceph.sh" down "$W/ceph" >/dev/null
    rm -rf "$W"
}
trap finish EXIT

check() { # NAME COMMAND…
    local name=$1
    shift
    if "$@" >"$W/said" 2>&1; then
        say "ok $name"
    else
        say "not ok $name: $(tail -n 1 "$W/said")"
    fi
}

# ---- SimpleSAMLphp ----

response() { # USER: the SAMLResponse that the IdP sends, into $W/response.xml
    "$here/saml_login.sh" https://bridge.acme.example corp "$1" --form "$W/form" \
        --start "$idp/saml2/idp/SSOService.php?spentityid=$ENTITY" || return
    sed -n 's/^data-urlencode = "SAMLResponse=\(.*\)"$/\1/p' "$W/form" | base64 -d >"$W/response.xml"
}

idp_up() { # options of the SP
    "$here/simplesamlphp.sh" up "$W/idp" --port "$idp_port" --sp-entity-id "$ENTITY" --acs "$ACS" \
        --sp-signing-cert "$W/sp.crt" --sp-encryption-cert "$W/sp.crt" "$@"
}

verifies() { # ELEMENT FILE: xmlsec1 verifies the signature below ELEMENT ("NAMESPACE:Name")
    xmlsec1 --verify --pubkey-cert-pem "$W/idp/cert/idp.crt" --id-attr:ID "$1" \
        --node-xpath "//*[local-name()='${1##*:}']/*[local-name()='Signature']" "$2"
}

P=urn:oasis:names:tc:SAML:2.0:protocol:Response
A=urn:oasis:names:tc:SAML:2.0:assertion:Assertion

signed_both() {
    response ada && verifies $P "$W/response.xml" && verifies $A "$W/response.xml" &&
        grep -q '>acme-data-science<' "$W/response.xml" && grep -q '>4711<' "$W/response.xml"
}

altered() {
    sed 's/acme-data-science/acme-iam-admins/' "$W/response.xml" >"$W/altered.xml"
    ! verifies $A "$W/altered.xml"
}

mfa_context() {
    response barbara && grep -q '<saml:AuthnContextClassRef>https://refeds.org/profile/mfa<' "$W/response.xml"
}

encrypted() { # ALGORITHM OPTION: decrypts with another implementation, and the signature inside holds
    idp_up --sign assertion "$2" && response ada && grep -q "#$1\"" "$W/response.xml" &&
        ! grep -q acme-data-science "$W/response.xml" &&
        xmlsec1 --decrypt --privkey-pem "$W/sp.key" --output "$W/plain.xml" "$W/response.xml" && verifies $A "$W/plain.xml"
}

unsigned_refused() { # the IdP wants a signature on the AuthnRequest: without one no log-in page comes
    local request
    request=$(python3 - "$ENTITY" "$ACS" "$idp/saml2/idp/SSOService.php" <<'PY'
import base64, sys, time, urllib.parse, zlib
entity, acs, to = sys.argv[1:]
xml = (f'<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion"'
       f' ID="_1" Version="2.0" IssueInstant="{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}" Destination="{to}"'
       f' AssertionConsumerServiceURL="{acs}"><a:Issuer>{entity}</a:Issuer></p:AuthnRequest>')
packed = zlib.compressobj(9, zlib.DEFLATED, -15)
print(urllib.parse.quote(base64.b64encode(packed.compress(xml.encode()) + packed.flush()), safe=""))
PY
    ) || return
    idp_up && curl -fsSL -c "$W/j1" -o "$W/page" "$idp/saml2/idp/SSOService.php?SAMLRequest=$request" &&
        grep -q 'name="password"' "$W/page" && idp_up --signed-requests || return
    curl -sSL -c "$W/j2" -o "$W/page" "$idp/saml2/idp/SSOService.php?SAMLRequest=$request"
    ! grep -q 'name="password"' "$W/page"
}

stays_up() { # `up` twice is one IdP; `down` leaves no process behind
    idp_up | grep -q 'up already' && "$here/simplesamlphp.sh" down "$W/idp" && ! curl -s -o /dev/null "$idp/"
}

# ---- Ceph, by an unmodified AWS CLI ----

assume() { # KEY SECRET FILE ARGUMENTS…
    local key=$1 secret=$2 to=$3
    shift 3
    aws_run "AWS_ACCESS_KEY_ID=$key" "AWS_SECRET_ACCESS_KEY=$secret" sts assume-role --role-arn "$CEPH_ROLE_ARN" \
        --role-session-name ada@acme.example "$@" >"$to"
}

as_caller() { assume "$CEPH_CALLER_ACCESS_KEY_ID" "$CEPH_CALLER_SECRET_ACCESS_KEY" "$@"; }

s3() { # CREDENTIALS WANTED-STATUS METHOD PATH
    local status
    status=$(jq -r '.Credentials | "user = \"\(.AccessKeyId):\(.SecretAccessKey)\"",
        "header = \"x-amz-security-token: \(.SessionToken)\""' "$1" |
        curl -sS -m 20 -K - -o "$W/body" -w '%{http_code}' --aws-sigv4 aws:amz:default:s3 -X "$3" \
            -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' ${PUT_BODY:+-d "$PUT_BODY"} "$CEPH_ENDPOINT$4")
    [ "$status" = "$2" ] || { echo "$3 $4 answered $status, not $2"; return 1; }
}

role_policy() {
    as_caller "$W/role.json" && s3 "$W/role.json" 200 GET "/$CEPH_BUCKET/hello.txt" &&
        s3 "$W/role.json" 200 GET "/$CEPH_OTHER_BUCKET/hello.txt" &&
        PUT_BODY=x s3 "$W/role.json" 403 PUT "/$CEPH_BUCKET/new.txt"
}

session_policy() { # narrows, and adds nothing
    local policy
    policy=$(jq -cn '{Version: "2012-10-17", Statement: [{Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"],
        Resource: "arn:aws:s3:::acme-research-in/*"}]}')
    as_caller "$W/session.json" --policy "$policy" && s3 "$W/session.json" 200 GET "/$CEPH_BUCKET/hello.txt" &&
        s3 "$W/session.json" 403 GET "/$CEPH_OTHER_BUCKET/hello.txt" &&
        PUT_BODY=x s3 "$W/session.json" 403 PUT "/$CEPH_BUCKET/new.txt"
}

stranger() { ! assume "$CEPH_STRANGER_ACCESS_KEY_ID" "$CEPH_STRANGER_SECRET_ACCESS_KEY" "$W/none.json"; }

same_arn() { [ "$CEPH_ROLE_ARN" = arn:aws:iam::111122223333:role/rolebridge/data-scientist ]; }

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bridge -keyout "$W/sp.key" -out "$W/sp.crt" 2>/dev/null ||
    fail "openssl made no key"
idp_port=$(free_port)
idp=http://127.0.0.1:$idp_port
check "SimpleSAMLphp comes up" idp_up --sign both
check "SimpleSAMLphp signs response and assertion" signed_both
check "an altered assertion does not verify" altered
check "barbara's authentication context says MFA" mfa_context
check "SimpleSAMLphp encrypts with AES-CBC" encrypted aes128-cbc --encrypt
check "SimpleSAMLphp encrypts with AES-GCM" encrypted aes256-gcm --gcm
check "SimpleSAMLphp refuses an unsigned request" unsigned_refused
check "SimpleSAMLphp goes down and leaves nothing" stays_up

if "$here/ceph.sh" up "$W/ceph" --port "$(free_port)" --mon-port 18400; then
    # shellcheck source=/dev/null
    . "$W/ceph/env"
    awscli_env "$W/cli" --sts "$CEPH_ENDPOINT" || fail "no AWS CLI"
    check "a Ceph role has the ARN that AWS would give it" same_arn
    check "Ceph: a role's policy allows get and refuses put" role_policy
    check "Ceph: a session policy narrows and adds nothing" session_policy
    check "Ceph: who is not trusted gets nothing" stranger
else
    say "not ok Ceph comes up: its words are above"
fi
