# shellcheck shell=bash
# What clients sent, and what else they may send: sourced by test_aws_clients.sh at its end.

# Who sends what, as seen on the wire: client, request, names in the query or the body (in their order).
WIRE_SEEN='
aws-cli     POST /client/register        clientName,clientType,scopes
aws-cli     POST /device_authorization   clientId,clientSecret,startUrl
aws-cli     POST /token                  grantType,clientId,clientSecret,deviceCode
aws-cli     POST /token                  grantType,clientId,clientSecret,refreshToken
aws-cli     GET  /federation/credentials role_name,account_id
aws-cli     GET  /assignment/accounts    max_result,next_token
aws-cli     GET  /assignment/roles       account_id,max_result,next_token
aws-cli     POST /logout                 -
aws-sdk-js  POST /client/register        clientName,clientType,scopes
aws-sdk-js  POST /device_authorization   clientId,clientSecret,startUrl
aws-sdk-js  POST /token                  clientId,clientSecret,grantType,refreshToken
aws-sdk-js  POST /token                  clientId,clientSecret,grantType,deviceCode
aws-sdk-js  GET  /federation/credentials account_id,role_name
aws-sdk-js  GET  /assignment/roles       account_id,max_result,next_token
aws-sdk-js  POST /logout                 -
Boto3       POST /token                  grantType,clientId,clientSecret,refreshToken
Boto3       GET  /federation/credentials role_name,account_id
Boto3       POST /logout                 -
'

wire_ran() { [ "$(wired 0 ".headers[\"user-agent\"] // \"\" | startswith(\"$1\")")" -gt 0 ]; }

# Of the clients that ran at all (a registry may have been out of reach).
wire_as_seen() {
    local client method path names
    jq -r '[(.headers["user-agent"] // "-" | split("/")[0]), .method, .path, ((.members // .query | join(",")) | if . == "" then "-" else . end)] | join(" ")' \
        "$WIRE" | sort -u >"$W/shapes"
    while read -r client method path names; do
        if [ -z "$client" ] || ! wire_ran "$client"; then continue; fi
        grep -qxF "$client $method $path $names" "$W/shapes" ||
            { echo "not sent: $client $method $path $names, but: $(grep -F "$client $method $path " "$W/shapes" | tr '\n' ';')"; return 1; }
    done <<<"$WIRE_SEEN"
}

wire_unsigned() { same "$(wired 0 '(.headers["user-agent"] // "" | test("^(aws|Boto)")) and .headers.authorization != null')" 0; }

JSON=(-H 'Content-Type: application/json')

has_header() { # LINE, as a pattern
    grep -qiE "^$1.?$" "$W/head" || { echo "no header $1: $(tr '\r\n' '  ' <"$W/head")"; return 1; }
}

exception() { # NAME: both places where SDKs look
    has_header "x-amzn-errortype: $1(:.*)?" && said ".__type | endswith(\"#$1\")"
}

new_client() { # the body of a registration into $W/client
    ask 200 /client/register "${JSON[@]}" -d '{"clientName":"wire","clientType":"public","scopes":["sso:account:access"]}' && cp "$W/body" "$W/client"
}

# as_client JQ: a body with the client's id and secret, and more.
as_client() { jq -c "{clientId, clientSecret} + $1" "$W/client"; }
as_cached() { jq -c '{refreshToken, grantType: "refresh_token", clientSecret, clientId}' "$CACHE"; }
bearer() { printf 'x-amz-sso_bearer_token: %s' "$(token accessToken)"; }

wire_members() {
    ask 200 /client/register "${JSON[@]}" -d '{"unheard":{"of":[1,null,{"a":true}]},"scopes":["sso:account:access"],"clientType":"public",
        "entitledApplicationArn":null,"issuerUrl":"https://acme.awsapps.com/start","clientName":"any order"}' && said '.clientId and .clientSecretExpiresAt' &&
        new_client && ask 200 /device_authorization "${JSON[@]}" -d "$(as_client '{startUrl: "https://acme.awsapps.com/start", "unheard": 1.5}')" &&
        said '.deviceCode and .userCode and .interval' && token_refresh '. + {scope: ["sso:account:access"], unheard: {}, deviceCode: null}'
}

token_refresh() { # JQ-FILTER [CURL-ARGUMENTS…]: refreshes what is cached; the file stays as it is
    ask 200 /token "${JSON[@]}" "${@:2}" -d "$(as_cached | jq -c "$1")" && said '.accessToken and .refreshToken and .tokenType == "Bearer"'
}

wire_content_types() {
    local type
    for type in 'application/json; charset=utf-8' 'application/json;charset=UTF-8' 'Application/JSON' application/x-amz-json-1.1; do
        ask 200 /client/register -H "Content-Type: $type" -d '{"clientName":"x","clientType":"public"}' || { echo "with $type: $(cat "$W/said")"; return 1; }
    done
    ask 400 /client/register -H 'Content-Type: text/xml' -d '<clientName/>' && exception InvalidRequestException
}

wire_queries() {
    ask 200 '/federation/credentials?role_name=data-scientist&account_id=111122223333' -H "$(bearer)" && said .roleCredentials.expiration &&
        ask 200 '/federation/credentials?account_id=111122223333&role_name=data%2Dscientist' -H "$(bearer)" &&
        ask 200 '/assignment/accounts?unheard=of&max_result=1' -H "$(bearer)" && said '(.accountList | length) == 1 and .nextToken != null' &&
        ask 200 '/assignment/accounts?next_token=&max_result=100' -H "$(bearer)" && said '(.accountList | length) == 2 and .nextToken == null' &&
        ask 400 '/assignment/accounts?max_result=101' -H "$(bearer)" && exception InvalidRequestException
}

# An answer that got lost on its way is asked for again, under the same id: nobody is signed out by that.
wire_retries() {
    local again=(-H "amz-sdk-invocation-id: 5f0c2f0e-7d0e-4b43-9d3c-0a4a4f5f3a11" -H 'amz-sdk-request: attempt=2; max=3') first second
    token_refresh . "${again[@]}" && first=$(jq -r .accessToken "$W/body") && token_refresh . "${again[@]}" && second=$(jq -r .accessToken "$W/body") || return
    same "$(status_of "$first") $(status_of "$second") $(status_of "$(token accessToken)")" '200 200 200'
}

wire_empty() {
    local path
    for path in /token /client/register /device_authorization; do
        ask 400 $path -X POST "${JSON[@]}" -H 'Content-Length: 0' && exception InvalidRequestException || return
        ask 400 $path -X POST "${JSON[@]}" -d '{}' && exception InvalidRequestException || return
        ask 400 $path -X POST "${JSON[@]}" -d '[' && exception InvalidRequestException || return
    done
    ask 401 /logout -X POST "${JSON[@]}" -H 'Content-Length: 0' -H 'x-amz-sso_bearer_token: of-nobody' && exception UnauthorizedException
}

# Refusals on the way do not end the connection.
wire_keep_alive() {
    local common=(-sS -m 20 --cacert "$BRIDGE_CA" -o "$W/body" -w '%{http_code}/%{num_connects} ')
    same "$(curl "${common[@]}" "${JSON[@]}" -d '{}' "$BRIDGE_URL/token" --next "${common[@]}" "$BRIDGE_URL/assignment/accounts" \
        --next "${common[@]}" -X OPTIONS "$BRIDGE_URL/token" --next "${common[@]}" -H "$(bearer)" "$BRIDGE_URL/assignment/accounts")" \
        '400/1 401/0 405/0 200/0 '
}

wire_continue() {
    token_refresh . -H 'Expect: 100-continue' --expect100-timeout 20 && grep -q '^HTTP/1.1 100' "$W/head" && token_refresh . -H 'Transfer-Encoding: chunked'
}

allows() { has_header "allow: $1"; }

wire_methods() {
    ask 302 /start -I && has_header 'location: https://acme\.awsapps\.com/start' && ask 405 /assignment/accounts -I && allows GET &&
        ask 405 /token -X OPTIONS && allows POST && ask 405 /token && allows POST &&
        ask 405 /federation/credentials -X POST -d '' && allows GET && ask 404 /instance/metadata
}

check "aws-clients: wire: each client sends what the service was made for" wire_as_seen
check "aws-clients: wire: none of these requests is signed" wire_unsigned
check "aws-clients: wire: rolebridge login, for what follows" rb login --force
check "aws-clients: wire: members that nobody knows, in any order" wire_members
check "aws-clients: wire: content types" wire_content_types
check "aws-clients: wire: queries in any order" wire_queries
check "aws-clients: wire: the same request again, under the same invocation id" wire_retries
check "aws-clients: wire: empty bodies" wire_empty
check "aws-clients: wire: one connection for many requests, refused ones among them" wire_keep_alive
check "aws-clients: wire: Expect: 100-continue, and chunks" wire_continue
check "aws-clients: wire: HEAD, OPTIONS and wrong methods" wire_methods
