#!/usr/bin/env bash
# Keycloak (Maven Central) as a second SAML IdP and OpenID Connect issuer: realm 'acme' with the sample organisation's people.
# needs: interop
set -euo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

KEYCLOAK=26.7.3
PEOPLE=$(dirname "$0")/people.tsv

usage() {
    cat <<'USAGE'
Usage: keycloak.sh up DIR [--port N] --sp-entity-id ID --acs URL [options]   starts it; writes DIR/idp-metadata.xml
       keycloak.sh rotate DIR                                                a new key signs tokens from now on
       keycloak.sh down DIR

  --port N                     default 18340
  --slo URL                    the SP's SingleLogoutService (HTTP-Redirect)
  --sp-signing-cert FILE       PEM certificate; with it, the SP's requests must be signed
  --sp-encryption-cert FILE    PEM certificate; with it, assertions are encrypted (AES-256-GCM, RSA-OAEP)
  --sign WHAT                  response, assertion or both (default)
  --oidc URL                   an OpenID Connect client 'rolebridge' too, of the bridge's provider at URL (…/oidc/ID): code, PKCE
                               S256 demanded, groups in the ID token, back-channel logout
  --oidc-secret FILE           that client's secret
  --ca FILE                    PEM: trusted for back-channel logout

The distribution stays in ${XDG_CACHE_HOME:-~/.cache}/rolebridge. Exit 75: Maven Central is out of reach (skip, don't fail).
Other options want a new start: `down` first.
USAGE
}

# install_keycloak: prints the folder of a distribution that is built for `start --optimized`.
install_keycloak() {
    local cache home name=keycloak-quarkus-dist
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/rolebridge
    home=$cache/keycloak-$KEYCLOAK
    mkdir -p "$cache"
    exec 9>"$home.lock"
    flock 9
    if [ ! -e "$home/installed" ]; then
        rm -rf "$home"
        if ! mvn -q -B dependency:copy "-Dartifact=org.keycloak:$name:$KEYCLOAK:tar.gz" \
            "-DoutputDirectory=$cache" >"$home.log" 2>&1 9>&-; then
            tail -n 5 "$home.log" >&2
            warn "Keycloak $KEYCLOAK could not be fetched from Maven Central; Maven's words are above"
            exit 75
        fi
        tar -xzf "$cache/$name-$KEYCLOAK.tar.gz" -C "$cache" || fail "the Keycloak archive cannot be read"
        rm -f "$cache/$name-$KEYCLOAK.tar.gz"
        "$home/bin/kc.sh" build --db=dev-mem --cache=local >"$home.log" 2>&1 9>&- ||
            { tail -n 20 "$home.log" >&2; fail "kc.sh build failed"; }
        : >"$home/installed"
    fi
    printf '%s\n' "$home"
}

certificate() { # FILE: base64 of its DER, or nothing for no file
    [ -z "$1" ] || openssl x509 -in "$1" -outform DER | base64 -w0 || fail "'$1' is no PEM certificate"
}

write_realm() { # FILE
    local signing encryption
    signing=$(certificate "$signing_cert")
    encryption=$(certificate "$encryption_cert")
    grep -v '^#' "$PEOPLE" | jq -Rn --arg entity "$entity" --arg acs "$acs" --arg slo "$slo" --arg sign "$sign" \
        --arg signing "$signing" --arg encryption "$encryption" --arg oidc "$oidc" --rawfile secret "${oidc_secret:-/dev/null}" '
        def mapper($name; $type; $config): {name: $name, protocol: "saml", protocolMapper: $type,
            config: ({"attribute.name": $name, "attribute.nameformat": "Basic"} + $config)};
        def oidc: { clientId: "rolebridge", protocol: "openid-connect", enabled: true, publicClient: false, secret: $secret,
            standardFlowEnabled: true, implicitFlowEnabled: false, directAccessGrantsEnabled: false, fullScopeAllowed: false,
            redirectUris: ["\($oidc)/callback"], attributes: {
                "pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "\($oidc)/logout",
                "backchannel.logout.url": "\($oidc)/backchannel-logout", "backchannel.logout.session.required": "true"},
            protocolMappers: [{name: "groups", protocol: "openid-connect", protocolMapper: "oidc-group-membership-mapper",
                config: {"claim.name": "groups", "full.path": "false", "id.token.claim": "true"}}, {name: "costCenter",
                protocol: "openid-connect", protocolMapper: "oidc-usermodel-attribute-mapper",
                config: {"user.attribute": "costCenter", "claim.name": "costCenter", "jsonType.label": "String", "id.token.claim": "true"}}]};
        def person: split("\t") as [$uid, $given, $family, $group, $department, $cost] | {
            username: $uid, email: "\($uid)@acme.example", emailVerified: true, enabled: true,
            firstName: $given, lastName: $family,
            groups: ([$group, "acme-all"] | map(select(. != "-") | "/" + .)),
            attributes: ({department: [$department], costCenter: [$cost]} | map_values(select(. != ["-"]))),
            credentials: [{type: "password", value: "demo-\($uid)", temporary: false}]};
        [inputs | person] as $people | {
        realm: "acme", enabled: true, sslRequired: "none",
        groups: ([$people[].groups[]] | unique | map({name: ltrimstr("/")})),
        users: $people,
        clients: ([{
            clientId: $entity, protocol: "saml", enabled: true, frontchannelLogout: true, fullScopeAllowed: false,
            defaultClientScopes: [], optionalClientScopes: [], redirectUris: [$acs],
            attributes: ({
                "saml_assertion_consumer_url_post": $acs, "saml.force.post.binding": "true", "saml.authnstatement": "true",
                "saml_name_id_format": "persistent", "saml.signature.algorithm": "RSA_SHA256",
                "saml_idp_initiated_sso_url_name": "rolebridge",
                "saml.server.signature": ($sign != "assertion" | tostring),
                "saml.assertion.signature": ($sign != "response" | tostring),
                "saml.client.signature": ($signing != "" | tostring), "saml.signing.certificate": $signing,
                "saml.encrypt": ($encryption != "" | tostring), "saml.encryption.certificate": $encryption,
                "saml.encryption.algorithm": "http://www.w3.org/2009/xmlenc11#aes256-gcm",
                "saml.encryption.keyAlgorithm": "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
                "saml_single_logout_service_url_redirect": $slo} | map_values(select(. != ""))),
            protocolMappers: [
                mapper("uid"; "saml-user-property-mapper"; {"user.attribute": "username"}),
                mapper("mail"; "saml-user-property-mapper"; {"user.attribute": "email"}),
                mapper("department"; "saml-user-attribute-mapper"; {"user.attribute": "department"}),
                mapper("costCenter"; "saml-user-attribute-mapper"; {"user.attribute": "costCenter"}),
                mapper("groups"; "saml-group-membership-mapper"; {"full.path": "false", single: "true"})]}]
            + (if $oidc == "" then [] else [oidc] end))}' >"$1"
}

parse_options() {
    port=18340 entity='' acs='' slo='' signing_cert='' encryption_cert='' sign=both oidc='' oidc_secret='' ca=''
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || { usage >&2; fail "'$1' is no option, or wants a value"; }
        case $1 in
            --port) port=$2 ;;
            --sp-entity-id) entity=$2 ;;
            --acs) acs=$2 ;;
            --slo) slo=$2 ;;
            --sp-signing-cert) signing_cert=$2 ;;
            --sp-encryption-cert) encryption_cert=$2 ;;
            --sign) sign=$2 ;;
            --oidc) oidc=$2 ;;
            --oidc-secret) oidc_secret=$2 ;;
            --ca) ca=$2 ;;
            *) usage >&2; fail "no option '$1'" ;;
        esac
        shift 2
    done
    if [ -z "$entity" ] || [ -z "$acs" ]; then
        usage >&2
        fail "up wants --sp-entity-id and --acs"
    fi
    case $sign in response | assertion | both) ;; *) fail "--sign is response, assertion or both, not '$sign'" ;; esac
}

up() {
    local dir home base
    dir=$(part_dir "$1")
    shift
    parse_options "$@"
    need_packages run registries
    if running "$dir" keycloak; then
        say "Keycloak was up already; metadata in $dir/idp-metadata.xml"
        return
    fi
    home=$(install_keycloak)
    PART_STARTED=$EPOCHREALTIME
    port_free "$port"
    base=http://127.0.0.1:$port
    rm -rf "$dir/keycloak"
    cp -al "$home" "$dir/keycloak" 2>/dev/null || { rm -rf "$dir/keycloak"; cp -a "$home" "$dir/keycloak"; }
    mkdir -p "$dir/keycloak/data/import"
    write_realm "$dir/keycloak/data/import/acme-realm.json"
    printf '%s' "$base" >"$dir/base"
    openssl rand -hex 16 >"$dir/admin"
    start_group "$dir" keycloak env JAVA_OPTS_KC_HEAP='-Xms64m -Xmx512m' KC_BOOTSTRAP_ADMIN_USERNAME=admin \
        KC_BOOTSTRAP_ADMIN_PASSWORD="$(<"$dir/admin")" "$dir/keycloak/bin/kc.sh" start --optimized --import-realm --http-enabled=true \
        --http-host=127.0.0.1 --http-port="$port" --hostname="$base" ${ca:+--truststore-paths="$(realpath -- "$ca")"}
    up_or_fail "$dir" keycloak 120 curl -fsS -m 5 -o "$dir/idp-metadata.xml" "$base/realms/acme/protocol/saml/descriptor"
    say "Keycloak is up in $(since) s: $base/realms/acme, metadata in $dir/idp-metadata.xml"
}

# rotate DIR: the key of the highest priority signs; the one before is published on.
rotate() {
    local base token
    base=$(<"$1/base")
    token=$(curl -fsS -m 20 --data-urlencode "password=$(<"$1/admin")" -d 'grant_type=password&client_id=admin-cli&username=admin' \
        "$base/realms/master/protocol/openid-connect/token" | jq -r .access_token)
    printf 'header = "Authorization: Bearer %s"\n' "$token" >"$1/token"
    jq -n '{name: "next", providerId: "rsa-generated", providerType: "org.keycloak.keys.KeyProvider",
        config: {priority: ["1000"], active: ["true"], enabled: ["true"], algorithm: ["RS256"], keySize: ["2048"]}}' |
        curl -fsS -m 20 -K "$1/token" -H 'Content-Type: application/json' -d @- "$base/admin/realms/acme/components"
    rm -f "$1/token"
}

down() {
    [ -d "$1" ] || { say "Keycloak was not up"; return; }
    stop_group "$(realpath "$1")" keycloak 10
    rm -rf "$1/keycloak"
    say "Keycloak is down"
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
case $1 in
    up) shift; up "$@" ;;
    rotate) rotate "$2" ;;
    down) down "$2" ;;
    *) usage >&2; exit 2 ;;
esac
