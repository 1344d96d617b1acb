#!/usr/bin/env bash
# moto's IAM beside the sandbox's: the rows of test_sandbox_iam.sh in which moto does as AWS does get the same from it.
# usage: test_moto_iam.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
W=$(mktemp -d)
trap '"$HERE/moto.sh" down "$W/moto" >/dev/null; rm -rf "$W"' EXIT
trap 'exit 143' TERM INT

"$HERE/moto.sh" up "$W/moto" --port "$(free_port)" >"$W/moto.log" 2>&1
case $? in
    0) ;;
    75) say "skip moto's IAM: PyPI is out of reach"; exit 0 ;;
    *) say "not ok moto comes up: $(tail -n 1 "$W/moto.log")"; exit 0 ;;
esac
# shellcheck source=/dev/null
. "$W/moto/env"
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY \
    timeout 600 /usr/bin/python3 -B "$HERE/iam_rows.py" moto "$MOTO_ENDPOINT" --but moto
