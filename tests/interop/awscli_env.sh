# shellcheck shell=bash
# An unmodified AWS CLI 2.9.19 (Debian's /usr/bin/aws) that talks to our own endpoints. Sourced, never run.
#
#   . tests/interop/awscli_env.sh
#   awscli_env DIR --url https://127.0.0.1:18443 --cacert DIR/ca.pem    # sso and sso-oidc there, sts at /sts
#   awscli_sso_profile ds corp https://acme.awsapps.com/start 111122223333 data-scientist
#   aws_run sso login --sso-session corp --no-browser
#   aws_run AWS_PROFILE=ds sts get-caller-identity
#
# This CLI knows no AWS_ENDPOINT_URL_*: rule sets below AWS_DATA_PATH, which botocore reads before its own, send the
# services elsewhere. It runs with nothing of the caller's environment, and a HOME of its own.

AWS_CLI=/usr/bin/aws

# awscli_endpoint SERVICE VERSION URL: all of SERVICE's requests go to URL. A path in it is kept.
awscli_endpoint() {
    local service=$1 folder=$AWSCLI_DIR/models/$1/$2
    [[ $3 =~ ^https?://[^\"\\[:space:]]+$ ]] || { echo "error: the endpoint of $1 is no http(s) URL: '$3'" >&2; return 1; }
    mkdir -p "$folder"
    jq -n --arg url "${3%/}" --arg service "$service" '
        def given($name; $type): {builtIn: $name, type: $type, documentation: "-"};
        def flag($name): given($name; "boolean") + {required: true, default: false};
        {version: "1.0",
         parameters: ({Region: (given("AWS::Region"; "string") + {required: false}),
                       UseDualStack: flag("AWS::UseDualStack"), UseFIPS: flag("AWS::UseFIPS"),
                       Endpoint: (given("SDK::Endpoint"; "string") + {required: false})}
                      + if $service == "sts" then {UseGlobalEndpoint: flag("AWS::STS::UseGlobalEndpoint")} else {} end),
         rules: [{conditions: [], type: "endpoint", endpoint: {url: $url, properties: {}, headers: {}}}]}' \
        >"$folder/endpoint-rule-set-1.json"
}

# awscli_env DIR [--url URL] [--sts URL] [--sso URL] [--sso-oidc URL] [--cacert FILE] [--region R]
awscli_env() {
    local url='' sts='' sso='' oidc='' cacert=/etc/ssl/certs/ca-certificates.crt region=eu-central-1
    [ -x "$AWS_CLI" ] || { echo "error: no $AWS_CLI: apt-get install --no-install-recommends awscli" >&2; return 1; }
    [ $# -ge 1 ] || { echo "error: awscli_env wants a folder" >&2; return 1; }
    mkdir -p "$1"/home/.aws "$1/models"
    AWSCLI_DIR=$(realpath -- "$1")
    chmod 700 "$AWSCLI_DIR"
    shift
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || { echo "error: awscli_env: $1 wants a value" >&2; return 1; }
        case $1 in
            --url) url=${2%/} ;;
            --sts) sts=$2 ;;
            --sso) sso=$2 ;;
            --sso-oidc) oidc=$2 ;;
            --cacert) cacert=$(realpath -- "$2") ;;
            --region) region=$2 ;;
            *) echo "error: awscli_env has no option '$1'" >&2; return 1 ;;
        esac
        shift 2
    done
    if [ -n "$url" ]; then
        sts=${sts:-$url/sts} sso=${sso:-$url} oidc=${oidc:-$url}
    fi
    [ -r "$cacert" ] || { echo "error: awscli_env: cannot read the CA file '$cacert'" >&2; return 1; }
    AWSCLI_CA=$cacert
    [ -z "$sts" ] || awscli_endpoint sts 2011-06-15 "$sts" || return 1
    [ -z "$sso" ] || awscli_endpoint sso 2019-06-10 "$sso" || return 1
    [ -z "$oidc" ] || awscli_endpoint sso-oidc 2019-06-10 "$oidc" || return 1
    AWSCLI_REGION=$region
    printf '[default]\nregion = %s\noutput = json\n' "$region" >"$AWSCLI_DIR/home/.aws/config"
}

# awscli_sso_profile PROFILE SESSION START_URL ACCOUNT ROLE: as `aws configure sso` would have written it.
awscli_sso_profile() {
    local config=$AWSCLI_DIR/home/.aws/config
    grep -qxF "[sso-session $2]" "$config" ||
        printf '[sso-session %s]\nsso_start_url = %s\nsso_region = %s\nsso_registration_scopes = sso:account:access\n' \
            "$2" "$3" "$AWSCLI_REGION" >>"$config"
    printf '[profile %s]\nsso_session = %s\nsso_account_id = %s\nsso_role_name = %s\nregion = %s\noutput = json\n' \
        "$1" "$2" "$4" "$5" "$AWSCLI_REGION" >>"$config"
}

# aws_run [NAME=VALUE…] ARGUMENTS…: the CLI with those variables, ours, and none of the caller's. Values are exported
# by the shell, so that keys never stand in a command line.
aws_run() (
    for name in $(compgen -e); do
        unset "$name" 2>/dev/null || true
    done
    export HOME=$AWSCLI_DIR/home PATH=/usr/bin:/bin LC_ALL=C.UTF-8 AWS_DATA_PATH=$AWSCLI_DIR/models AWS_CA_BUNDLE=$AWSCLI_CA
    export AWS_EC2_METADATA_DISABLED=true AWS_PAGER=''
    while [[ ${1:-} =~ ^[A-Z_]+= ]]; do
        # shellcheck disable=SC2163
        export "$1"
        shift
    done
    exec "$AWS_CLI" "$@"
)
