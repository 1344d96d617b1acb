#!/usr/bin/env bash
# The pages in a real browser: Debian's Chromium, driven by playwright-core, against the real service, the sandbox and
# SimpleSAMLphp. Screenshots of every page end up in BUILD_DIR/screenshots. usage: test_browser.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"
# shellcheck source=tests/interop/sandbox.sh
. "$(dirname "$0")/sandbox.sh"

PLAYWRIGHT=1.49.1 AXE=4.10.3

# No browser is downloaded: playwright-core is the driver alone.
modules() {
    [ -e "$1/node_modules/playwright-core/package.json" ] && [ -e "$1/node_modules/axe-core/axe.min.js" ] && return 0
    mkdir -p "$1"
    timeout 120 npm install --prefix "$1" --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 \
        --fetch-timeout 20000 "playwright-core@$PLAYWRIGHT" "axe-core@$AXE" >"$1/npm.log" 2>&1
}

bridge_new "$@"
need_packages run interop
command -v npm >/dev/null || need_packages node
modules "$BUILD/node" || { say "skip browser: the npm registry did not give playwright-core and axe-core: $BUILD/node/npm.log"; exit 0; }

sandbox_new # at localhost; and the second identity provider at 127.0.0.1: another site
IDP_PORT=$(free_port)
IDP_URL=http://127.0.0.1:$IDP_PORT
SP=$BRIDGE_URL/saml/partner
at_exit() {
    "$HERE/simplesamlphp.sh" down "$W/idp" >/dev/null
    stop_group "$BRIDGE_DIR" sandbox
}

# Roles for groups, names and purposes that nobody sane would choose.
hostile_mapping() {
    local long
    long=$(printf 'Verwaltungsangelegenheiten%.0s' {1..6})
    cat >"$BRIDGE_DIR/mappings/roles/hostile.yaml" <<YAML
rolebridge: 1
role: hostile
title: "<b>$long</b>"
owner: "a.very.long.address.that.never.ends.$long@acme.example"
purpose: "</div><script>alert(1)</script> $long"
policies: []
managed_policies: [ReadOnlyAccess]
session: { default: 1h, max: 8h }
YAML
    cat >>"$BRIDGE_DIR/mappings/accounts.yaml" <<YAML

  - id: "123412341234"
    name: an-account-whose-name-was-made-by-a-committee-in-two-long-days
    labels: { env: "production-of-the-committee-for-names-of-environments" }
    parameters: { input_bucket: in, output_bucket: out }
    issue: { method: assume-role }
YAML
    sed -i 's/^separation_of_duties:/  - { groups: [{ prefix: "hostile" }], role: hostile, accounts: ["123412341234", corporate] }\n\n&/' \
        "$BRIDGE_DIR/mappings/assignments.yaml"
}

# eve's groups are as hostile as the service lets in, the longest just within its limit; big's is one byte longer.
hostile_people() {
    cat >>"$W/idp/config/authsources.php" <<'PHP'
$config['userpass']['eve:demo-eve'] = ['uid' => ['eve'], 'mail' => ['eve@acme.example'],
    'displayName' => ["<script>alert(1)</script>\u{202e}" . str_repeat('x', 4000)], 'department' => ["'\"><img src=x onerror=alert(1)>"],
    'groups' => ['acme-iam-admins', "hostile</code></bdi><script>alert(2)</script>", "hostile\u{202e}gnihton",
        'hostile' . str_repeat('x', 4089), "hostile\u{0301}\u{0301}\u{0301} <img src=x onerror=alert(3)>"]];
$config['userpass']['big:demo-big'] = ['uid' => ['big'], 'mail' => ['big@acme.example'], 'groups' => [str_repeat('x', 4097)]];
$config['userpass']['alexandria.konstantinopolitanou-von-hohenzollern.of-acme@x.test:long'] = ['uid' =>
    ['alexandria.konstantinopolitanou-von-hohenzollern.of-acme@x.test'], 'mail' => ['a@x.test'], 'groups' => ['acme-it-managers', 'acme-iam-admins']];
PHP
}

comes_up() {
    hostile_mapping && sandbox_up &&
        "$HERE/simplesamlphp.sh" up "$W/idp" --port "$IDP_PORT" --sp-entity-id "$SP/metadata" --acs "$SP/acs" --slo "$SP/slo" \
            --sp-signing-cert "$BRIDGE_DIR/certs/saml.pem" && hostile_people || return
    curl -sSL -m 30 -o /dev/null "$IDP_URL/module.php/core/frontpage_welcome.php" || return # it makes its tables at its first page
    sandbox_provider
    bridge_provider partner "$W/idp/idp-metadata.xml" 'title: Partner & Söhne <GmbH>' "${SIGNING[@]}"
    MORE_CONFIG="outgoing: { ca_file: certs/ca.pem }"
    sandbox_issuer
    bridge_config && sandbox_issuer_keys && bridge_start
}

# The key of the certificate that the bridge and the sandbox share, as Chromium names it.
key_name() {
    openssl x509 -in "$BRIDGE_DIR/certs/tls.pem" -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64
}

check "browser: the service, the sandbox and SimpleSAMLphp come up" comes_up
bridge_ready || exit 1
mkdir -p "$W/home" "$BUILD/screenshots"
env -i PATH=/usr/bin:/bin HOME="$W/home" LC_ALL=C.UTF-8 TZ=UTC NO_PROXY='localhost,127.0.0.1' NODE_DIR="$BUILD/node" \
    TRUSTED_KEYS="$(key_name)" NODE_EXTRA_CA_CERTS="$BRIDGE_CA" BRIDGE="$BRIDGE_URL" SANDBOX="$SANDBOX_URL" IDP="$IDP_URL" CA="$BRIDGE_CA" WORK="$W" SCREENSHOTS="$BUILD/screenshots" \
    CLI="$BUILD/src/rolebridge/rolebridge" ONLY="${ONLY:-}" ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
    timeout 300 node "$HERE/browser/run.mjs" || say "not ok browser: the driver ended with status $?"
check "browser: the audit log is whole" chain_whole
check "browser: the service ends cleanly" bridge_stop
