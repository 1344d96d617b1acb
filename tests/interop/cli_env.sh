# shellcheck shell=bash
# rolebridge (the command) as ada has it: the sandbox and rolebridged on ports of their own, a HOME, a browser. Sourced.
#
#   . "$(dirname "$0")/cli_env.sh"
#   cli_up BUILD_DIR         $W, $BRIDGE_URL, $SANDBOX_URL, HOME, AWS CLI's endpoints; ends all of it at exit

# shellcheck source=tests/interop/bridge.sh
. "$(dirname "${BASH_SOURCE[0]}")/bridge.sh"
# shellcheck source=tests/interop/sandbox.sh
. "$(dirname "${BASH_SOURCE[0]}")/sandbox.sh"

cli_sandbox() { # the sandbox, from the sample organisation's configuration
    "$BUILD/src/sandbox/rolebridge-sandbox" init "$BRIDGE_DIR/certs" >"$W/init.log" 2>&1 || return 1
    sed -e "s/localhost:9443/localhost:$SANDBOX_PORT/g; s/127.0.0.1:9443/127.0.0.1:$SANDBOX_PORT/" \
        -e "s/127.0.0.1:9480/127.0.0.1:$CLEAR_PORT/; s/localhost:8443/localhost:$BRIDGE_PORT/g" \
        "$ROOT/src/sandbox/acme.yaml" >"$BRIDGE_DIR/sandbox.yaml"
    start_group "$BRIDGE_DIR" sandbox env -i PATH=/usr/bin:/bin "ROLEBRIDGE_PART=$BRIDGE_DIR/sandbox" \
        "$BUILD/src/sandbox/rolebridge-sandbox" --config "$BRIDGE_DIR/sandbox.yaml"
    (up_or_fail "$BRIDGE_DIR" sandbox 30 curl -sf -m 5 --cacert "$BRIDGE_CA" "$SANDBOX_URL/healthz")
}

cli_config() {
    cat >"$BRIDGE_DIR/rolebridge.yaml" <<YAML
rolebridge: 1
public_url: $BRIDGE_URL
listen: "127.0.0.1:$BRIDGE_PORT"
tls: { certificate: certs/tls.pem, key: certs/tls.key }
store: sqlite:state.db
mappings: mappings
outgoing: { ca_file: certs/ca.pem }
mfa: { saml: ["https://refeds.org/profile/mfa"] }
issuer: { url: https://bridge.acme.example, keys: certs/issuer }
log: { format: json }
identity_providers:
  - id: corp-saml
    type: saml
    metadata: $SANDBOX_URL/idp/metadata
    signing_key: certs/saml.key
    signing_certificate: certs/saml.pem
    groups: groups
aws:
  region: eu-central-1
  sts_endpoint: $SANDBOX_URL/sts
  signin_endpoint: $SANDBOX_URL/federation
  console_endpoint: $SANDBOX_URL/console
YAML
    BRIDGE_ENV=("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$CLEAR_PORT/credentials"
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$BRIDGE_DIR/certs/bridge-aws-token")
}

# What an unmodified AWS CLI needs to find the sandbox's STS: see reference in awscli_env.sh.
cli_home() {
    # shellcheck source=tests/interop/awscli_env.sh
    . "$HERE/awscli_env.sh"
    awscli_env "$W/aws" --sts "$SANDBOX_URL/sts" --cacert "$BRIDGE_CA" || return 1
    while read -r name; do unset "$name"; done < <(compgen -e | grep -E '^(AWS_|SSH_|XDG_|ROLEBRIDGE_)' || true)
    export HOME=$W/home AWS_DATA_PATH=$W/aws/models AWS_CA_BUNDLE=$BRIDGE_CA AWS_EC2_METADATA_DISABLED=true
    export BROWSER=$HERE/browser.py BROWSER_CA=$BRIDGE_CA BROWSER_LOG=$W/tabs ROLEBRIDGE_CA_FILE=$BRIDGE_CA
    export NO_PROXY=localhost,127.0.0.1 no_proxy=localhost,127.0.0.1 PATH=$BUILD/src/rolebridge:$PATH TZ=UTC LC_ALL=C.UTF-8
    mkdir -p "$HOME"
    : >"$BROWSER_LOG"
}

cli_up() {
    bridge_new "$@"
    [ -x "$BUILD/src/sandbox/rolebridge-sandbox" ] || fail "no rolebridge-sandbox in $BUILD: build first"
    rm -rf "$BRIDGE_DIR/certs"
    SANDBOX_PORT=$(free_port) CLEAR_PORT=$(free_port)
    BRIDGE_URL=https://localhost:$BRIDGE_PORT SANDBOX_URL=https://localhost:$SANDBOX_PORT BRIDGE_CA=$BRIDGE_DIR/certs/ca.pem
    at_exit() { stop_group "$BRIDGE_DIR" sandbox; }
    cli_sandbox && cli_config && sandbox_issuer_keys && bridge_start && cli_home
}
