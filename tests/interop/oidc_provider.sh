# shellcheck shell=bash disable=SC2034
# npm oidc-provider as the issuer of a test's bridge, and a browser that signs people in there. Sourced after bridge.sh.
#
#   op_new                              $OP_PORT, $OP: its address
#   op_install || skip…                 from npm, into BUILD_DIR/oidc
#   op_keys 1 && op_write '[client("rs"; "RS256"; "none")]' && op_start
#   oidc_provider ID "KEY: VALUE"…      what the bridge's configuration says of it, as bridge_provider does
#   oidc_sign_in ID USER                stop_group "$W" op ends it

OIDC_PROVIDER=9.13.3
OP_JQ=() # more for op_write's jq
OP_SCOPES='[profile, email, groups]'

op_new() {
    OP_PORT=$(free_port)
    OP=http://127.0.0.1:$OP_PORT
}

op_install() {
    command -v npm >/dev/null || need_packages node
    op_modules "$BUILD/oidc" && ln -s "$BUILD/oidc/node_modules" "$W/node_modules"
}

op_modules() { # into DIR
    [ -e "$1/node_modules/oidc-provider/package.json" ] && return 0
    mkdir -p "$1"
    timeout 120 npm install --prefix "$1" --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 \
        --fetch-timeout 20000 "oidc-provider@$OIDC_PROVIDER" >"$1/npm.log" 2>&1
}

# op_keys GENERATION: one key of each kind in $W/keys.json, their ids ending in it.
op_keys() {
    node -e '
        const { generateKeyPairSync } = require("node:crypto");
        const kinds = [["rs", "RS256", "rsa", { modulusLength: 2048 }], ["ps", "PS256", "rsa", { modulusLength: 2048 }],
            ["es", "ES256", "ec", { namedCurve: "P-256" }], ["es384", "ES384", "ec", { namedCurve: "P-384" }], ["ed", "EdDSA", "ed25519", {}]];
        console.log(JSON.stringify(kinds.map(([id, alg, kind, options]) => ({ alg, use: "sig", kid: id + process.argv[1],
            ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }) }))));' "$1" >"$W/keys.json"
}

# op_write CLIENTS [JQ-CHANGE]: settings with the people of the sample organisation; CLIENTS is a list, for jq, of
# client(ID; ALGORITHM; AUTHENTICATION), the last two as in the OpenID Connect registry.
op_write() {
    jq -n --argjson port "$OP_PORT" --arg bridge "$BRIDGE_URL" --slurpfile keys "$W/keys.json" --rawfile people "$HERE/people.tsv" "${OP_JQ[@]}" '
        def client($id; $alg; $auth): { client_id: $id, id_token_signed_response_alg: $alg, token_endpoint_auth_method: $auth,
            redirect_uris: ["\($bridge)/oidc/\($id)/callback"], post_logout_redirect_uris: ["\($bridge)/oidc/\($id)/logout"],
            backchannel_logout_uri: "\($bridge)/oidc/\($id)/backchannel-logout", backchannel_logout_session_required: true,
            response_types: ["code"], grant_types: ["authorization_code"], scope: "openid profile email groups" };
        { port: $port, bridge: $bridge, keys: $keys[0],
          people: ($people | split("\n") | map(select(length > 0 and (startswith("#") | not)) | split("\t")
              | { uid: .[0], department: .[4], costCenter: .[5], mfa: (.[6] == "mfa"), groups: (["acme-all"] + (if .[3] == "-" then [] else [.[3]] end)) })),
          clients: '"$1"' } | '"${2:-.}" >"$W/op.json"
}

op_answers() { curl -sf -m 5 -o /dev/null "$OP/.well-known/openid-configuration"; }

op_start() {
    start_group "$W" op env "ROLEBRIDGE_PART=$W/op" "NODE_EXTRA_CA_CERTS=$BRIDGE_CA" node --no-warnings "$HERE/oidc_provider.mjs" "$W/op.json"
    (up_or_fail "$W" op 30 op_answers) || return 1
}

# oidc_provider ID "KEY: VALUE"…
oidc_provider() {
    local line
    PROVIDERS+="  - id: $1"$'\n'"    type: oidc"$'\n'"    issuer: $OP"$'\n'"    client_id: $1"$'\n'
    for line in 'realm: acme' 'groups: groups' "scopes: $OP_SCOPES" "${@:2}"; do
        PROVIDERS+="    $line"$'\n'
    done
}

# ---- a browser ----

browse() { # CURL-ARGUMENTS…: prints "STATUS URL" of where it ends; the page into $W/page
    curl -sS -m 30 -L --max-redirs 12 -b "$JAR" -c "$JAR" --cacert "$BRIDGE_CA" -o "$W/page" -w '%{http_code} %{url_effective}' "$@"
}

# log_in PROVIDER USER [PATH]: as in a browser of their own (with SAME_BROWSER set: in the one before).
log_in() {
    local at
    [ -n "${SAME_BROWSER:-}" ] || rm -f "$JAR"
    at=$(browse "$BRIDGE_URL${3:-/login?provider=$1&next=/}") || return 1
    USERNAME=$2 PASSWORD=${PASSWORD:-demo-$2} python3 "$HERE/form.py" "${at#* }" <"$W/page" >"$W/form" 2>"$W/said" ||
        { echo "no log-in form at $at: $(page_text)"; return 1; }
    at=$(browse -H 'Accept: text/html' -K "$W/form") || return 1
    echo "$at" >"$W/at"
}

oidc_sign_in() { # PROVIDER USER [PATH]
    log_in "$@" && case $(<"$W/at") in "200 $BRIDGE_URL/"*) ;; *) echo "ended at $(<"$W/at"): $(page_text)"; return 1 ;; esac
}

confirm() { # the issuer asks whether to sign out there
    python3 "$HERE/form.py" "$1" <"$W/page" >"$W/form" 2>"$W/said" || { echo "no form: $(page_text)"; return 1; }
    browse -K "$W/form" >"$W/at"
}

logouts_taken() { grep -c '^backchannel.success' "$W/op.log"; }
more_logouts_taken() { [ "$(logouts_taken)" -gt "$1" ]; }

# sign_out_there: at the issuer. Ends as soon as the bridge has answered its logout token: what that meant is over by then.
sign_out_there() {
    local before
    before=$(logouts_taken)
    browse "$OP/session/end" >/dev/null && confirm "$OP/" && until_true 20 more_logouts_taken "$before"
}

# sign_out_here: by the portal's button; $ONWARD: where the browser is sent on to, or nothing.
sign_out_here() {
    local csrf
    ask 200 / || return
    csrf=$(sed -n 's/.*name="csrf"[^>]*value="\([^"]*\)".*/\1/p' "$W/body" | head -n 1)
    ask 200 /logout --data-urlencode "csrf=$csrf" && ONWARD=$(sed -n 's/^[Rr]efresh: 0; url=\(.*\)\r$/\1/p' "$W/head")
}
