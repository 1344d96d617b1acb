# shellcheck shell=bash disable=SC2034
# The sandbox beside a test's bridge: identity provider, STS and console of the sample organisation. Sourced after bridge.sh.
#
#   bridge_new BUILD_DIR
#   sandbox_new            ports, and the bridge at https://localhost: the sandbox's certificates are for that name
#   sandbox_up && sandbox_provider && bridge_config && bridge_start

sandbox_new() {
    SANDBOX_PORT=$(free_port) CLEAR_PORT=$(free_port)
    BRIDGE_URL=https://localhost:$BRIDGE_PORT
    SANDBOX_URL=https://localhost:$SANDBOX_PORT
}

# sandbox_up: keys in the bridge's certs/, the sandbox in a group of its own; stop_group "$BRIDGE_DIR" sandbox ends it.
sandbox_up() {
    rm -rf "$BRIDGE_DIR/certs"
    "$BUILD/src/sandbox/rolebridge-sandbox" init "$BRIDGE_DIR/certs" >"$W/init.log" 2>&1 || { cat "$W/init.log"; return 1; }
    BRIDGE_CA=$BRIDGE_DIR/certs/ca.pem
    sed -e "s/localhost:9443/localhost:$SANDBOX_PORT/g; s/127.0.0.1:9443/127.0.0.1:$SANDBOX_PORT/" \
        -e "s/127.0.0.1:9480/127.0.0.1:$CLEAR_PORT/; s/localhost:8443/${BRIDGE_URL#https://}/g" \
        "$ROOT/src/sandbox/acme.yaml" >"$BRIDGE_DIR/sandbox.yaml"
    sandbox_start
}

sandbox_start() {
    start_group "$BRIDGE_DIR" sandbox env -i PATH=/usr/bin:/bin ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
        "ROLEBRIDGE_PART=$BRIDGE_DIR/sandbox" "$BUILD/src/sandbox/rolebridge-sandbox" --config "$BRIDGE_DIR/sandbox.yaml"
    (up_or_fail "$BRIDGE_DIR" sandbox 30 curl -sf -m 5 --cacert "$BRIDGE_CA" -o /dev/null "$SANDBOX_URL/healthz")
}

# sandbox_aws: what the bridge's configuration says of AWS; its own credentials are borrowed there.
sandbox_aws() {
    AWS_NODE="{ region: eu-central-1, sts_endpoint: \"$SANDBOX_URL/sts\", signin_endpoint: \"$SANDBOX_URL/federation\", console_endpoint: \"$SANDBOX_URL/console\" }"
    BRIDGE_ENV=("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$CLEAR_PORT/credentials"
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$BRIDGE_DIR/certs/bridge-aws-token")
}

# sandbox_restart SED: with its configuration changed.
sandbox_restart() {
    stop_group "$BRIDGE_DIR" sandbox
    sed -i "$1" "$BRIDGE_DIR/sandbox.yaml"
    sandbox_start
}

# sandbox_provider: what it says of the sandbox's identity provider, and of AWS.
sandbox_provider() {
    SIGNING=('signing_key: certs/saml.key' 'signing_certificate: certs/saml.pem')
    bridge_provider corp-saml "$SANDBOX_URL/idp/metadata" 'title: Acme sign-in' "${SIGNING[@]}"
    sandbox_aws
}

# sandbox_openid: the same people by OpenID Connect, as provider corp-oidc; both vouch for the same names.
sandbox_openid() {
    PROVIDERS+="  - id: corp-oidc"$'\n'"    type: oidc"$'\n'"    issuer: $SANDBOX_URL/idp/oidc"$'\n'
    PROVIDERS+="    client_id: rolebridge"$'\n'"    client_secret: { file: certs/corp-oidc.secret }"$'\n'
    PROVIDERS+="    realm: acme"$'\n'"    name: email"$'\n'"    groups: groups"$'\n'
}

# sandbox_issuer: rolebridge as the identity provider of the accounts that trust it, as the sandbox has it registered; before
# bridge_config. sandbox_issuer_keys: the keys it signs with; after it.
sandbox_issuer() { MORE_CONFIG+=$'\nissuer: { url: https://bridge.acme.example, keys: certs/issuer }'; }
sandbox_issuer_keys() {
    local use
    install -d -m 700 "$BRIDGE_DIR/certs/issuer"
    for use in token assertion; do
        "$ROLEBRIDGECTL" keys rotate --for $use --config "$BRIDGE_DIR/rolebridge.yaml" >"$W/keys.log" 2>&1 ||
            { tail -n 1 "$W/keys.log"; return 1; }
    done
}
