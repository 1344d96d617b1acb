#!/usr/bin/env bash
# SimpleSAMLphp (Debian's, unmodified) as the organisation's SAML IdP, under PHP's own web server.
set -euo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

PEOPLE=$(realpath "$(dirname "$0")/people.tsv")
SSP=/usr/share/simplesamlphp
MFA=https://refeds.org/profile/mfa
PASSWORD=urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport

usage() {
    cat <<'USAGE'
Usage: simplesamlphp.sh up DIR [--port N] [SP options]     starts the IdP; writes DIR/idp-metadata.xml
       simplesamlphp.sh sp DIR SP options                  adds or replaces a service provider; no restart needed
       simplesamlphp.sh down DIR

SP options:
  --sp-entity-id ID            its entity id; the others need it
  --acs URL                    its AssertionConsumerService (HTTP-POST)
  --slo URL                    its SingleLogoutService (HTTP-Redirect)
  --sp-signing-cert FILE       PEM certificate that its requests are signed with
  --sp-encryption-cert FILE    PEM certificate to encrypt assertions for
  --sign WHAT                  response, assertion or both (default)
  --encrypt                    encrypted assertions: AES-128-CBC, the only one that SimpleSAMLphp does with RSA keys
  --gcm                        encrypted assertions with AES-256-GCM: one word of one of SimpleSAMLphp's files is
                               replaced in a copy under DIR, for want of a setting; for every SP of this IdP
  --signed-requests            unsigned AuthnRequests and logout messages are refused
  --lifetime SECONDS           how long an assertion is good (default 300)

Everyone in people.tsv can sign in. barbara's authentication context is https://refeds.org/profile/mfa, the others'
PasswordProtectedTransport.

Example:
  simplesamlphp.sh up /tmp/idp --sp-entity-id https://b/saml/corp/metadata --acs https://b/saml/corp/acs --sign assertion
USAGE
}

php_string() { # a PHP literal
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\\\'}"
}

pem_body() { # FILE: the certificate's base64, on one line
    openssl x509 -in "$1" -outform DER | base64 -w0 || fail "'$1' is no PEM certificate"
}

write_config() { # DIR PORT
    local dir=$1 base=http://127.0.0.1:$2/ salt
    mkdir -p "$dir"/{config,metadata,sp,cert,log,data,tmp,sessions}
    if [ ! -s "$dir/cert/idp.key" ]; then
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=idp.acme.example \
            -keyout "$dir/cert/idp.key" -out "$dir/cert/idp.crt" 2>"$dir/log/openssl" ||
            { cat "$dir/log/openssl" >&2; fail "openssl made no IdP key"; }
    fi
    [ -s "$dir/salt" ] || openssl rand -hex 32 >"$dir/salt"
    salt=$(<"$dir/salt")
    cat >"$dir/config/config.php" <<PHP
<?php
\$config = [
    'baseurlpath' => '$base',
    'certdir' => '$dir/cert/', 'loggingdir' => '$dir/log/', 'datadir' => '$dir/data/', 'tempdir' => '$dir/tmp',
    'secretsalt' => '$salt',
    'auth.adminpassword' => '$(openssl rand -hex 16)',
    'technicalcontact_email' => 'na@example.org',
    'timezone' => 'UTC',
    'logging.level' => 7, 'logging.handler' => 'file', 'logging.logfile' => 'simplesamlphp.log',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false, 'session.cookie.samesite' => null,
    'store.type' => 'sql', 'store.sql.dsn' => 'sqlite:$dir/data/store.sqlite',
    'metadata.sources' => [['type' => 'flatfile', 'directory' => '$dir/metadata']],
    'production' => false,
];
PHP
    cat >"$dir/config/authsources.php" <<PHP
<?php
\$people = ['exampleauth:UserPass'];
foreach (file('$PEOPLE', FILE_IGNORE_NEW_LINES) as \$line) {
    if (\$line === '' || \$line[0] === '#') {
        continue;
    }
    \$row = array_map(fn(\$cell) => \$cell === '-' ? [] : [\$cell], explode("\t", \$line));
    [\$uid, \$given, \$family, \$group, \$department, \$costCenter] = \$row;
    \$people[\$uid[0] . ':demo-' . \$uid[0]] = array_filter([
        'uid' => \$uid,
        'mail' => [\$uid[0] . '@acme.example'],
        'displayName' => [\$given[0] . ' ' . \$family[0]],
        'groups' => array_merge(\$group, ['acme-all']),
        'department' => \$department,
        'costCenter' => \$costCenter,
    ]);
}
\$config = ['userpass' => \$people];
PHP
    # The second factor is vouched for, not asked for: what the bridge must see is the authentication context.
    cat >"$dir/metadata/saml20-idp-hosted.php" <<PHP
<?php
\$format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:';
\$mfa = '$(awk -F'\t' '$7 == "mfa" { printf "%s ", $1 }' "$PEOPLE")';
\$metadata['${base}saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'userpass',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'sign.logout' => true, 'validate.authnrequest' => $(yes_no $signed yes),
    'NameIDFormat' => [\$format . 'persistent', 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'],
    'authproc' => [
        10 => ['class' => 'core:PHP', 'code' => '\$state["saml:AuthnContextClassRef"] =
            in_array(\$attributes["uid"][0], explode(" ", "' . \$mfa . '")) ? "$MFA" : "$PASSWORD";'],
        20 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => \$format . 'persistent'],
        21 => ['class' => 'saml:AttributeNameID', 'attribute' => 'mail',
               'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'],
        22 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid',
               'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'],
        23 => ['class' => 'saml:TransientNameID'],
    ],
];
PHP
    cat >"$dir/metadata/saml20-sp-remote.php" <<PHP
<?php
foreach (glob('$dir/sp/*.php') as \$file) {
    \$metadata += require \$file;
}
PHP
}

parse_options() {
    port='' entity='' acs='' slo='' signing='' encryption='' sign=both encrypt=no gcm=no signed=no lifetime=300
    while [ $# -gt 0 ]; do
        case $1 in
            --encrypt) encrypt=yes; shift; continue ;;
            --gcm) encrypt=yes gcm=yes; shift; continue ;;
            --signed-requests) signed=yes; shift; continue ;;
        esac
        [ $# -ge 2 ] || { usage >&2; fail "'$1' is no option, or wants a value"; }
        case $1 in
            --port) port=$2 ;;
            --sp-entity-id) entity=$2 ;;
            --acs) acs=$2 ;;
            --slo) slo=$2 ;;
            --sp-signing-cert) signing=$2 ;;
            --sp-encryption-cert) encryption=$2 ;;
            --sign) sign=$2 ;;
            --lifetime) lifetime=$2 ;;
            *) usage >&2; fail "no option '$1'" ;;
        esac
        shift 2
    done
    case $sign in response | assertion | both) ;; *) fail "--sign is response, assertion or both, not '$sign'" ;; esac
    [[ $lifetime =~ ^[0-9]+$ ]] || fail "--lifetime is a number of seconds, not '$lifetime'"
    [ -z "$entity" ] || [ -n "$acs" ] || fail "--sp-entity-id wants --acs too"
    [ $encrypt = no ] || [ -n "$encryption" ] || fail "--encrypt and --gcm want --sp-encryption-cert"
    [ $signed = no ] || [ -n "$signing" ] || fail "--signed-requests wants --sp-signing-cert"
}

yes_no() { [ "$1" = "$2" ] || [ "$1" = both ] && printf true || printf false; }

write_sp() { # DIR
    local dir=$1 file keys='' body
    if [ -n "$signing" ]; then
        body=$(pem_body "$signing")
        keys+="['type' => 'X509Certificate', 'signing' => true, 'encryption' => false, 'X509Certificate' => '$body'],"
    fi
    if [ -n "$encryption" ]; then
        body=$(pem_body "$encryption")
        keys+="['type' => 'X509Certificate', 'signing' => false, 'encryption' => true, 'X509Certificate' => '$body'],"
    fi
    file=$dir/sp/$(printf '%s' "$entity" | sha256sum | cut -c1-16).php
    {
        printf '<?php\nreturn [%s => [\n' "$(php_string "$entity")"
        printf "    'AssertionConsumerService' => %s,\n" "$(php_string "$acs")"
        [ -z "$slo" ] || printf "    'SingleLogoutService' => %s,\n" "$(php_string "$slo")"
        printf "    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',\n"
        printf "    'saml20.sign.response' => %s, 'saml20.sign.assertion' => %s,\n" \
            "$(yes_no "$sign" response)" "$(yes_no "$sign" assertion)"
        printf "    'assertion.encryption' => %s, 'assertion.lifetime' => %s,\n" "$(yes_no $encrypt yes)" "$lifetime"
        printf "    'validate.authnrequest' => %s, 'validate.logout' => %s,\n" \
            "$(yes_no $signed yes)" "$(yes_no $signed yes)"
        printf "    'sign.logout' => true, 'keys' => [%s],\n]];\n" "$keys"
    } >"$file.new"
    php -l "$file.new" >/dev/null || fail "the SP entry is no PHP: $file.new"
    mv "$file.new" "$file"
}

# SimpleSAMLphp writes AES128_CBC into its code for RSA keys, though its library can do GCM: load a changed copy first.
write_gcm() { # DIR
    local from=$SSP/vendor/simplesamlphp/saml2/src/SAML2/EncryptedAssertion.php
    sed 's/new XMLSecurityKey(XMLSecurityKey::AES128_CBC)/new XMLSecurityKey(XMLSecurityKey::AES256_GCM)/' \
        "$from" >"$1/gcm-assertion.php"
    if cmp -s "$from" "$1/gcm-assertion.php"; then
        fail "$from has changed: --gcm does not know it"
    fi
    printf '<?php\nrequire %s;\nrequire %s;\n' "'$SSP/vendor/autoload.php'" "'$1/gcm-assertion.php'" >"$1/gcm.php"
}

up() {
    local dir base was_gcm=no first=
    dir=$(part_dir "$1")
    shift
    parse_options "$@"
    need_packages run interop
    [ -n "$port" ] || port=$(cat "$dir/port" 2>/dev/null || echo 18090)
    base=http://127.0.0.1:$port
    [ ! -e "$dir/gcm.php" ] || was_gcm=yes
    write_config "$dir" "$port"
    [ -z "$entity" ] || write_sp "$dir"
    if running "$dir" idp && [ "$(cat "$dir/port")" = "$port" ] && [ $gcm = $was_gcm ]; then
        curl -fsS -m 5 -o "$dir/idp-metadata.xml" "$base/saml2/idp/metadata.php" || fail "the IdP does not answer"
        say "SimpleSAMLphp was up already: $base/saml2/idp/metadata.php"
        return
    fi
    stop_group "$dir" idp
    port_free "$port"
    rm -f "$dir/gcm.php"
    [ $gcm = no ] || write_gcm "$dir"
    printf '%s\n' "$port" >"$dir/port"
    [ $gcm = no ] || first=$dir/gcm.php
    start_group "$dir" idp env SIMPLESAMLPHP_CONFIG_DIR="$dir/config" PHP_CLI_SERVER_WORKERS=4 \
        php -d display_errors=0 -d opcache.revalidate_freq=0 -d session.save_path="$dir/sessions" \
        -d auto_prepend_file="$first" \
        -S "127.0.0.1:$port" -t "$SSP/www"
    up_or_fail "$dir" idp 20 curl -fsS -m 5 -o "$dir/idp-metadata.xml" "$base/saml2/idp/metadata.php"
    grep -q '<md:IDPSSODescriptor' "$dir/idp-metadata.xml" || fail "no IdP metadata came: $dir/idp-metadata.xml"
    say "SimpleSAMLphp is up in $(since) s: $base/saml2/idp/metadata.php, metadata in $dir/idp-metadata.xml"
}

add_sp() {
    local dir
    dir=$(part_dir "$1")
    shift
    parse_options "$@"
    [ -n "$entity" ] || fail "sp wants --sp-entity-id"
    running "$dir" idp || fail "no IdP is up in $dir"
    [ $gcm = no ] || [ -e "$dir/gcm.php" ] || fail "--gcm is for the whole IdP: give it to 'up'"
    write_sp "$dir"
    say "SimpleSAMLphp knows the service provider $entity"
}

down() {
    [ -d "$1" ] || { say "SimpleSAMLphp was not up"; return; }
    stop_group "$(realpath "$1")" idp
    say "SimpleSAMLphp is down"
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
case $1 in
    up) shift; up "$@" ;;
    sp) shift; add_sp "$@" ;;
    down) down "$2" ;;
    *) usage >&2; exit 2 ;;
esac
