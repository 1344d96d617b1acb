#!/usr/bin/env bash
# Accounts as rolebridgectl compile says they must be: the sandbox judges what the service really sends by the compiled trust
# policies of each issuer method. A mapping that the accounts do not have yet is refused there, and works once it is compiled.
# usage: test_compile.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/bridge.sh
. "$(dirname "$0")/bridge.sh"
# shellcheck source=tests/interop/sandbox.sh
. "$HERE/sandbox.sh"

bridge_new "$@"
sandbox_new
at_exit() { stop_group "$BRIDGE_DIR" sandbox; }

# What an administrator put into the accounts.
compiled() {
    "$ROLEBRIDGECTL" compile --mappings "$BRIDGE_DIR/mappings" >"$BRIDGE_DIR/roles.json" || return
    sandbox_restart '/^  roles:/d; s|^  mappings: .*|&\n  roles: roles.json|'
}

comes_up() {
    sandbox_up && compiled && sandbox_provider || return
    # shellcheck disable=SC2034 # bridge_config reads it
    MORE_CONFIG="outgoing: { ca_file: certs/ca.pem }"
    sandbox_issuer
    bridge_config && sandbox_issuer_keys && bridge_start
}

gets() { # PERSON ACCOUNT ROLE
    mark && sign_in "$1" --password "$1" && ask_json 200 "/api/v1/credentials?account=$2&role=$3" &&
        said '.roleCredentials.accessKeyId | startswith("ASIA")' &&
        recorded ".kind == \"lease\" and (.assumed_role_arn | endswith(\"assumed-role/$3/$1@acme.example\"))"
}

# A tag that the mapping asks for and the account does not know.
tag_role() {
    sed -i 's/^tags: { CostCenter/tags: { Project: apollo, CostCenter/' "$BRIDGE_DIR/mappings/roles/data-scientist.yaml"
    mark && kill -HUP "$(bridge_process)" && until_true 20 recorded '.kind == "mapping" and .outcome == "loaded"'
}

refused_in() { # ACCOUNT
    mark && sign_in ada --password ada || return
    ask_json 403 "/api/v1/credentials?account=$1&role=data-scientist" && refused sts.access_denied credentials
}

check "compile: the sandbox has the compiled roles, and the bridge comes up" comes_up
check "compile: assume-role, with external id and tag" gets ada analytics-prod data-scientist
check "compile: web-identity, with tag" gets ada development data-scientist
check "compile: web-identity, a role without tags" gets linus development developer
check "compile: saml" gets katherine corporate accounts-payable-clerk
check "compile: a mapping asks for one more tag" tag_role
check "compile: the account that does not have it refuses a token" refused_in development
check "compile: and an AssumeRole" refused_in analytics-prod
check "compile: compiled anew" compiled
check "compile: it is taken" gets ada development data-scientist
