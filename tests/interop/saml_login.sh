#!/usr/bin/env bash
# Signs a person in to the bridge through its SAML IdP, as a browser would, with curl alone.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: saml_login.sh BRIDGE PROVIDER USER [options]

Opens BRIDGE/login?provider=PROVIDER&next=/, follows it to the IdP (SimpleSAMLphp or Keycloak), logs in, and posts the
SAMLResponse to the bridge. Prints "status=…", "url=…" of where that ended; the page is in --page. Exit 0: the bridge
answered 2xx. Exit 4: it refused. Exit 1: there was no SAMLResponse.

  --password P     default demo-USER
  --next PATH      default /
  --start URL      start there instead of BRIDGE/login (an IdP-initiated sign-in)
  --jar FILE       cookie jar, kept for further requests (default: thrown away)
  --cacert FILE    trust that CA for the bridge
  --page FILE      where the last page goes
  --form FILE      the form with the SAMLResponse goes there, as a curl config file, and is NOT posted; print its
                   fields with: sed -n 's/^data-urlencode = "\(.*\)"$/\1/p' FILE. Post it with: curl -b JAR -K FILE

Example:
  saml_login.sh https://127.0.0.1:18443 corp-saml ada --jar /tmp/jar --cacert /tmp/ca.pem
USAGE
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[ $# -ge 3 ] || { usage >&2; exit 2; }
bridge=${1%/} provider=$2 user=$3
shift 3
password=demo-$user next=/ start='' jar='' cacert='' page='' form=''
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || { usage >&2; exit 2; }
    case $1 in
        --password) password=$2 ;;
        --next) next=$2 ;;
        --start) start=$2 ;;
        --jar) jar=$2 ;;
        --cacert) cacert=$2 ;;
        --page) page=$2 ;;
        --form) form=$2 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift 2
done
[ -n "$start" ] || start="$bridge/login?provider=$provider&next=$next"

here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -n "$jar" ] || jar=$work/jar
[ -n "$page" ] || page=$work/page

fetch() { # curl arguments; the page into $page, "STATUS URL" into $work/at
    curl -sS -m 30 -L --max-redirs 10 "$@" >"$work/at" || { echo "error: curl failed for $*" >&2; exit 1; }
}
common=(-b "$jar" -c "$jar" -o "$page" -w '%{http_code} %{url_effective}\n')
[ -z "$cacert" ] || common+=(--cacert "$cacert")

fetch "${common[@]}" "$start"
for ((step = 0; step < 6; step++)); do
    read -r status url <"$work/at"
    USERNAME=$user PASSWORD=$password python3 "$here/form.py" "$url" <"$page" >"$work/form" 2>"$work/said" || {
        echo "error: no SAMLResponse: $url answered $status: $(head -c 600 "$work/said")" >&2
        exit 1
    }
    if grep -q '^data-urlencode = "SAMLResponse=' "$work/form"; then
        if [ -n "$form" ]; then
            cp "$work/form" "$form"
            exit 0
        fi
        fetch "${common[@]}" -K "$work/form"
        read -r status url <"$work/at"
        printf 'status=%s\nurl=%s\n' "$status" "$url"
        case $status in 2??) exit 0 ;; *) exit 4 ;; esac
    fi
    if grep -q '^data-urlencode = "password=' "$work/form"; then
        [ ! -e "$work/tried" ] || { echo "error: the IdP did not accept $user's password" >&2; exit 1; }
        : >"$work/tried"
    fi
    fetch "${common[@]}" -K "$work/form"
done
echo "error: no SAMLResponse after $step pages; the last was $url" >&2
exit 1
