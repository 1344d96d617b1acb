#!/usr/bin/env bash
# The AWS SDKs for Go v2 and Java v2, unmodified, on the sign-in that rolebridge login left in the cache: a program of a few lines
# each (clients/go, clients/java) that says who it is with a profile. usage: test_aws_sdks.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/clients/stage.sh
. "$(dirname "$0")/clients/stage.sh"

stage_new "$@"

# ---- the programs ----

go_builds() {
    command -v go >/dev/null || { echo "there is no Go here"; return 1; }
    (cd "$HERE/clients/go" && GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' timeout 400 go build -o "$BUILD/aws-go" .)
}

java_builds() {
    need_packages registries
    command -v javac >/dev/null || { echo "there is no Java compiler here"; return 1; }
    mkdir -p "$BUILD/aws-java" && timeout 300 mvn -q -B -f "$HERE/clients/java/pom.xml" dependency:build-classpath \
        "-Dmdep.outputFile=$BUILD/aws-java/classpath" && javac -d "$BUILD/aws-java" -cp "$(<"$BUILD/aws-java/classpath")" "$HERE/clients/java/Identity.java"
}

go_is() { client_env "${MORE_ENV[@]}" AWS_CA_BUNDLE="$BRIDGE_CA" timeout 60 "$BUILD/aws-go" "$1"; }

java_is() { # the client that fetches credentials reads the services section of AWS_PROFILE's profile, whatever profile was named
    client_env "${MORE_ENV[@]}" AWS_PROFILE="$1" timeout 60 java -Djavax.net.ssl.trustStore="$W/trust.p12" -Djavax.net.ssl.trustStorePassword=public \
        -cp "$BUILD/aws-java:$(<"$BUILD/aws-java/classpath")" Identity
}

java_trusts() {
    keytool -importcert -noprompt -file "$BRIDGE_CA" -alias ca -keystore "$W/trust.p12" -storetype PKCS12 -storepass public >"$W/keytool.log" 2>&1
}

# ---- what must be true of each ----

MORE_ENV=()
declare -A REFRESHES=([go]=-5 [java]=20) # seconds: Go refreshes what has expired, Java what soon will and nothing that has

identity() { # LANGUAGE PROFILE
    "$1_is" "$2" >"$W/who" 2>"$W/why" || { grep -v '^[[:space:]]*at \|^SLF4J\|^[[:space:]]*$' "$W/why" | grep -v '\.\.\. [0-9]* more' | cut -c1-300 | tail -n 2 | tr '\n\t' '  '; return 1; }
    same "$(<"$W/who")" "$ARN"
}

from_environment() { # no services section
    local endpoints
    mapfile -t endpoints < <(snippet environment | sed 's/^export //')
    sed '/^services = /d; /^\[services /,$d' "$CLIENT_HOME/.aws/config" >"$W/config"
    grep -q 'profile ds' "$W/config" || return
    local MORE_ENV=("${endpoints[@]}" AWS_CONFIG_FILE="$W/config")
    identity "$1" ds
}

denied() { fails_with 'ForbiddenException|mapping.not_assigned, incident' "$1_is" denied && recorded '.kind == "refusal" and .code == "mapping.not_assigned" and .role == "it-manager"'; }

refreshed() { # LANGUAGE: by the client itself, into the file that all share
    local from before after
    token_edit ".expiresAt = (now + ${REFRESHES[$1]} | floor | todate)"
    from=$(wire_mark) before=$(token refreshToken)
    identity "$1" ds && after=$(token refreshToken) || return
    same "$(wired "$from" '.grant == "refresh_token"')" 1 && [ "$before" != "$after" ] && rb whoami && rb roles
}

ended() { # LANGUAGE: at the bridge; by the file it is good
    curl -sS -m 10 --cacert "$BRIDGE_CA" -o /dev/null -X POST -H "x-amz-sso_bearer_token: $(token accessToken)" "$BRIDGE_URL/logout" &&
        fails_with 'Unauthorized.*incident' "$1_is" ds
}

proves() { # LANGUAGE
    mark
    check "aws-sdks: $1: rolebridge login" rb login --force
    check "aws-sdks: $1: fromSSO, endpoints by the services section" identity "$1" ds
    check "aws-sdks: $1: fromSSO, endpoints by the environment" from_environment "$1"
    check "aws-sdks: $1: credential_process" identity "$1" ds-process
    check "aws-sdks: $1: a role that is not granted" denied "$1"
    check "aws-sdks: $1: it refreshes the token for all" refreshed "$1"
    check "aws-sdks: $1: a session that ended at the bridge" ended "$1"
}

check "aws-sdks: the service, the sandbox and the tap come up" comes_up
bridge_ready || exit 1
LANGUAGES=()
for language in go java; do
    if "${language}_builds" >"$W/build.log" 2>&1; then
        LANGUAGES+=("$language")
    else
        say "skip aws-sdks: $language: $(grep -v '^[[:space:]]*$' "$W/build.log" | tail -n 1 | head -c 300)"
    fi
done
java_trusts
for language in "${LANGUAGES[@]}"; do
    proves "$language"
done
check "aws-sdks: the audit log is whole" chain_whole
check "aws-sdks: the service ends cleanly" bridge_stop
