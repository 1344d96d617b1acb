# shellcheck shell=bash disable=SC2034
# The AWS SDK for JavaScript, from npm, at versions that tests were seen with. Sourced, never run.

JS_PACKAGES=(@aws-sdk/credential-providers@3.1175.0 @aws-sdk/client-sso@3.1164.0 @aws-sdk/client-sso-oidc@3.1164.0
    @aws-sdk/client-sts@3.1174.0)

js_modules() { # DIR: they are in DIR/node_modules
    local package
    for package in "${JS_PACKAGES[@]}"; do
        [ "$(jq -r .version "$1/node_modules/${package%@*}/package.json" 2>/dev/null)" = "${package##*@}" ] || break
        package=''
    done
    [ -n "$package" ] || return 0
    mkdir -p "$1"
    timeout 120 npm install --prefix "$1" --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 \
        --fetch-timeout 20000 "${JS_PACKAGES[@]}" >"$1/npm.log" 2>&1
}
