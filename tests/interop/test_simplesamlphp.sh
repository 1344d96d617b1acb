#!/usr/bin/env bash
# Signing in to the real service through SimpleSAMLphp: what is accepted, what is refused and with which code and record,
# single logout in both directions, keys that change. usage: test_simplesamlphp.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"

bridge_new "$@"
IDP_PORT=$(free_port)
IDP=http://127.0.0.1:$IDP_PORT
SP=$BRIDGE_URL/saml/corp-saml
at_exit() { "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null; }

idp_up() { # options of the SP
    "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" --slo "$SP/slo" \
        --sp-signing-cert "$BRIDGE_DIR/certs/sp.pem" --sp-encryption-cert "$BRIDGE_DIR/certs/sp.pem" "$@"
}

configure() { # [KEY: VALUE…] of the provider
    PROVIDERS=''
    bridge_provider corp-saml "$W/idp/idp-metadata.xml" "$@"
    bridge_config
}

reconfigure() { bridge_stop && configure "$@" && bridge_start; }

comes_up() { idp_up && configure "${SIGNING[@]}" "${DECRYPTION[@]}" && bridge_start; }

# ---- what is accepted ----

signed() { # WHAT
    idp_up --sign "$1" && mark && sign_in ada && signed_in_as ada \
        '.provider == "corp-saml" and .mfa == false and (.groups | sort) == ["acme-all", "acme-data-science"]'
}

signed_requests() { # the IdP refuses what is unsigned or signed by another key, and takes ours
    idp_up --signed-requests && mark && sign_in ada && signed_in_as ada
}

gcm() { idp_up --sign assertion --gcm && mark && sign_in ada && signed_in_as ada; }

cbc_refused() { idp_up --sign assertion --encrypt && mark && sign_in_refused 403 saml.encryption_algorithm ada; }

cbc_allowed() { # only inside a signed response: else whoever changes the ciphertext learns from our answers
    reconfigure "${SIGNING[@]}" "${DECRYPTION[@]}" 'allow_cbc: true' && mark &&
        sign_in_refused 403 saml.encryption_algorithm ada && idp_up --sign both --encrypt && sign_in ada && signed_in_as ada
}

roles_of() { # JQ-FILTER
    ask_json 200 /api/v1/roles && said "$1"
}

step_up() { # barbara's context proves a second factor, ada's does not; what needs it is refused to the one alone
    idp_up && reconfigure "${SIGNING[@]}" "${DECRYPTION[@]}" && mark && sign_in barbara --next /login?mfa=1 && signed_in_as barbara '.mfa == true' &&
        roles_of '.grants | map(select(.role == "iam-administrator")) | length == 3' &&
        recorded '.kind == "sign-in" and .mfa == true and .authn_context == "https://refeds.org/profile/mfa"'
}

step_up_missing() { # a second factor was asked for, and the answer shows none
    mark && get_form ada --start "$BRIDGE_URL/login?provider=corp-saml&mfa=1" && post_form 403 &&
        { refused saml.mfa_missing sign-in || refused saml.no_authn_context sign-in; }
}

hostile_names() { # what the IdP says of a person is text: on the page, in JSON, in the records
    cat >>"$W/idp/config/authsources.php" <<'PHP'
$config['userpass']['eve:demo-eve'] = ['uid' => ['eve'], 'mail' => ['eve@acme.example'],
    'displayName' => ["<script>alert(1)</script>\u{202e}"], 'costCenter' => ['4711'], 'department' => ["'\"><img src=x onerror=alert(1)>"],
    'groups' => ['acme-data-science', "</td><script>alert(2)</script>", "a\nb\u{202e}c", ' acme-iam-admins', 'ACME-IAM-ADMINS',
        'acme-iam-admins,acme-all']];
$config['userpass']['oops:demo-oops'] = ['uid' => ['<script>alert(3)</script>'], 'mail' => ['o@acme.example'], 'groups' => ['acme-all']];
$config['userpass']['root:demo-root'] = ['uid' => ["ada\u{202e}"], 'mail' => ['ada@acme.example'], 'groups' => ['acme-all']];
PHP
    mark && sign_in eve && ! grep -oiE '<script|<img src=x|<td>' "$W/page" && signed_in_as eve '.groups | length == 6' &&
        roles_of '[.grants[].role] | unique == ["data-scientist"]' &&
        sign_in_refused 403 identity.name_unusable oops && sign_in_refused 403 identity.name_unusable root &&
        idp_up
}

# ---- what is refused ----

wrong_password() { # never comes back to the bridge
    mark
    ! sign_in ada --password wrong && [ "$(records | jq length)" = 0 ]
}

replayed() { # at once, and after a restart: by a browser that started this very sign-in
    mark && get_form ada && cp "$JAR" "$W/before" && post_form 303 && cp "$W/before" "$JAR" && post_form 400 &&
        refused signin.unknown sign-in
}

replayed_unsolicited() { # the same assertion without a transaction: only the replay cache stands against it
    reconfigure "${SIGNING[@]}" 'idp_initiated: true' && mark && rm -f "$JAR" && unsolicited && post_form 303 &&
        post_form 403 && refused saml.replayed sign-in && bridge_restart && mark && post_form 403 && refused saml.replayed sign-in
}

unsolicited() { # an answer that the IdP started, into $W/form
    get_form ada --start "$IDP/saml2/idp/SSOService.php?spentityid=$SP/metadata&RelayState=/"
}

unsolicited_refused() { mark && unsolicited && post_form 403 && refused saml.unsolicited sign-in; }

unsolicited_allowed() { mark && unsolicited && post_form 303 && signed_in_as ada; }

# alter SED-EXPRESSION: the answer in $W/form, changed in the decoded XML.
alter() {
    python3 - "$W/form" "$1" "$2" <<'PY'
import base64, re, sys, urllib.parse
path, old, new = sys.argv[1:]
text = open(path).read()
was = re.search(r'SAMLResponse=([^"]*)', text).group(1)
xml = base64.b64decode(urllib.parse.unquote(was)).decode()
if xml.count(old) < 1:
    sys.exit(f"the answer has no {old}")
open(path, "w").write(text.replace(was, base64.b64encode(xml.replace(old, new, 1).encode()).decode()))
PY
}

tampered() { # one byte of what is signed
    idp_up --sign assertion && mark && get_form ada && alter '>acme-data-science<' '>acme-data-sciencf<' && post_form 403 &&
        refused saml.signature_invalid sign-in && idp_up
}

unsigned() { # the signature taken out
    idp_up --sign assertion && mark && get_form ada && python3 - "$W/form" <<'PY' &&
import base64, re, sys, urllib.parse
text = open(sys.argv[1]).read()
was = re.search(r'SAMLResponse=([^"]*)', text).group(1)
xml = base64.b64decode(urllib.parse.unquote(was)).decode()
bare = re.sub(r'<ds:Signature.*?</ds:Signature>', '', xml, flags=re.S)
assert bare != xml
open(sys.argv[1], "w").write(text.replace(was, base64.b64encode(bare.encode()).decode()))
PY
        post_form 403 && refused saml.unsigned sign-in && idp_up
}

other_browser() { # an answer that another browser asked for: a login CSRF
    mark && get_form ada && rm -f "$JAR" && post_form 400 && refused signin.unknown sign-in
}

other_request() { # this browser's own transaction, with the answer to another request in it
    local relay
    mark && get_form ada && cp "$W/form" "$W/first" &&
        "$HERE/saml_login.sh" "$BRIDGE_URL" corp-saml ada --jar "$JAR" --cacert "$BRIDGE_CA" --form "$W/form" >"$W/at" 2>&1 || return
    relay=$(grep RelayState "$W/first")
    awk -v relay="$relay" '/RelayState=/ { print relay; next } { print }' "$W/form" >"$W/mixed" && cp "$W/mixed" "$W/form" &&
        post_form 403 && refused saml.in_response_to sign-in
}

# ---- signing out ----

csrf() { sed -n 's/.*name="csrf"[^>]*value="\([^"]*\)".*/\1/p' "$W/body" | head -n 1; }

signed_out() { ask 302 / && grep -qi '^location: .*/login' "$W/head"; }

# Whether the IdP still knows this browser: a fresh sign-in of it needs no password.
idp_knows() { # yes|no
    local page
    page=$(curl -sS -m 20 -L -b "$JAR" -c "$JAR" --cacert "$BRIDGE_CA" "$BRIDGE_URL/login?provider=corp-saml") || return 1
    case $page in
        *'name="password"'*) [ "$1" = no ] ;;
        *SAMLResponse*) [ "$1" = yes ] ;;
        *) echo "neither a password nor an answer: ${page:0:200}"; return 1 ;;
    esac || { echo "the IdP's session is not as it should be, $1"; return 1; }
}

logout_here() { # started at the bridge: ends both, and the IdP's answer is matched
    local url
    idp_up --signed-requests && mark && sign_in ada && idp_knows yes && ask 200 / &&
        ask 200 /logout --data-urlencode "csrf=$(csrf)" || return
    url=$(sed -n 's/^[Rr]efresh: 0; url=\(.*\)\r$/\1/p' "$W/head")
    [ -n "$url" ] || { echo "no way on to the IdP"; return 1; }
    curl -sS -m 20 -L --max-redirs 10 -b "$JAR" -c "$JAR" --cacert "$BRIDGE_CA" -o "$W/page" "$url" && signed_out && idp_knows no &&
        recorded '.kind == "sign-out" and .name == "ada"' &&
        logged '.event == "sign-out.idp" and .outcome == "signed out there too"'
}

logout_there() { # started at the IdP: the bridge's session ends, and the IdP goes on as after a good answer
    local ended
    mark && sign_in ada && ask 200 / || return
    ended=$(curl -sS -m 20 -L --max-redirs 10 -b "$JAR" -c "$JAR" --cacert "$BRIDGE_CA" -o "$W/page" \
        -w '%{url_effective}' "$IDP/saml2/idp/initSLO.php?RelayState=$IDP/") || return
    signed_out && idp_knows no && recorded '.kind == "sign-out" and .asked_by == "identity provider" and .sign_ins == 1' &&
        same "$ended" "$IDP/module.php/core/frontpage_welcome.php"
}

logout_forged() { # a LogoutRequest that the IdP did not sign ends nothing
    mark && sign_in ada && ask_json 403 "/saml/corp-saml/slo?SAMLRequest=$(python3 - "$SP/slo" "$IDP/saml2/idp/metadata.php" <<'PY'
import base64, sys, time, urllib.parse, zlib
to, issuer = sys.argv[1:]
xml = (f'<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1"'
       f' Version="2.0" IssueInstant="{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}" Destination="{to}">'
       f'<a:Issuer>{issuer}</a:Issuer><a:NameID>ada</a:NameID></p:LogoutRequest>')
packed = zlib.compressobj(9, zlib.DEFLATED, -15)
print(urllib.parse.quote(base64.b64encode(packed.compress(xml.encode()) + packed.flush()), safe=""))
PY
    )" && refused saml.unsigned sign-out && ask 200 /
}

# ---- the IdP's metadata ----

# The IdP signs with a new key from now on; the old metadata says nothing of it.
new_idp_key() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=idp.acme.example -keyout "$W/idp/cert/new.key" \
        -out "$W/idp/cert/new.crt" 2>/dev/null && mv "$W/idp/cert/new.key" "$W/idp/cert/idp.key" &&
        mv "$W/idp/cert/new.crt" "$W/idp/cert/idp.crt"
}

rollover() { # refused until the metadata has the new key, accepted then; the service goes on
    local process
    process=$(bridge_process)
    mark && new_idp_key && sign_in_refused 403 saml.signature_invalid ada && idp_up && bridge_reload &&
        until_true 40 sign_in ada && signed_in_as ada && [ "$(bridge_process)" = "$process" ]
}

bridge_reload() { kill -HUP "$(bridge_process)"; }

with_valid_until() { # SECONDS: the metadata good for so long
    sed "s/<md:EntityDescriptor /<md:EntityDescriptor validUntil=\"$(date -u -d "+$1 seconds" +%Y-%m-%dT%H:%M:%SZ)\" /" \
        "$W/idp/idp-metadata.xml" >"$W/idp/dated.xml" && grep -q validUntil "$W/idp/dated.xml"
}

expires() { # good at the start, and refused the moment it is over
    PROVIDERS=''
    bridge_stop && with_valid_until 8 && bridge_provider corp-saml "$W/idp/dated.xml" "${SIGNING[@]}" && bridge_config &&
        bridge_start && mark && until_true 20 ask_json 503 '/login?provider=corp-saml' && refused saml.metadata_expired sign-in &&
        ask_json 503 /readyz && said '.details.identity_providers["corp-saml"].usable == false'
}

expired() { # at the start it says so, names the file, and starts nothing or serves what it can
    bridge_stop && with_valid_until -60 && bridge_start answers && ask_json 503 /readyz
}

check "the bridge comes up with SimpleSAMLphp's metadata" comes_up
check "sign-in: both signed" signed both
check "sign-in: the response signed" signed response
check "sign-in: the assertion signed" signed assertion
check "sign-in: the IdP wants signed requests" signed_requests
check "sign-in: encrypted with AES-GCM" gcm
check "encrypted with AES-CBC: saml.encryption_algorithm" cbc_refused
check "encrypted with AES-CBC: accepted with allow_cbc" cbc_allowed
check "second factor: barbara's context proves it" step_up
check "second factor: asked for and not shown is refused" step_up_missing
check "hostile names are text" hostile_names
check "a wrong password never comes back" wrong_password
check "an answer works once" replayed
check "one byte changed: saml.signature_invalid" tampered
check "the signature taken out: saml.unsigned" unsigned
check "another browser's answer: signin.unknown" other_browser
check "the answer to another request: saml.in_response_to" other_request
check "started at the IdP: saml.unsolicited" unsolicited_refused
check "single logout, started here" logout_here
check "single logout, started at the IdP" logout_there
check "a logout that nobody signed: saml.unsigned" logout_forged
check "the IdP's key rolls over without a restart" rollover
check "replayed: saml.replayed, after a restart too" replayed_unsolicited
check "started at the IdP: accepted when configured" unsolicited_allowed
check "metadata expires while the service runs: saml.metadata_expired" expires
check "metadata that expired before the start" expired
check "the audit log is whole" chain_whole
check "the service ends cleanly" bridge_stop
