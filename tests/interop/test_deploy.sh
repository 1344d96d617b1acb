#!/usr/bin/env bash
# plan, apply and drift against moto's IAM: 50 accounts of 40 roles, made, changed behind our back, repaired, killed and gone on
# with, removed; and what is not rolebridge's stays as it is. usage: test_deploy.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
W=$(mktemp -d)
at_exit() {
    "$HERE/moto.sh" down "$W/moto" >/dev/null
    rm -rf "$W"
}
trap at_exit EXIT
status=0
"$HERE/moto.sh" up "$W/moto" --port "$(free_port)" >"$W/up.log" 2>&1 || status=$?
cat "$W/up.log"
if [ $status = 75 ]; then
    say "skip deploy: moto cannot be installed from PyPI"
    exit 0
elif [ $status != 0 ]; then
    say "not ok deploy: moto does not start"
    exit 0
fi
# shellcheck source=/dev/null
. "$W/moto/env"
"${XDG_CACHE_HOME:-$HOME/.cache}/rolebridge/moto-$("$HERE/moto.sh" version)/bin/python" "$HERE/deploy.py" \
    "$1/src/rolebridgectl/rolebridgectl" "$MOTO_ENDPOINT" "$W/work"
