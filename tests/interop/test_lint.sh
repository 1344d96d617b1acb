#!/usr/bin/env bash
# What rolebridgectl check says: beside parliament (PyPI), a linter for IAM policies that others wrote, and its SARIF against the
# types that are published for it (npm). usage: test_lint.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

PARLIAMENT=1.6.4
TYPESCRIPT=5.9.2
SARIF_TYPES=2.1.7
BUILD=$(realpath "$1")
HERE=$(cd "$(dirname "$0")" && pwd)
CTL=$BUILD/src/rolebridgectl/rolebridgectl
[ -x "$CTL" ] || fail "no $CTL: build first"
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

beside() {
    local status
    "$VENV/bin/python" "$HERE/lint_beside.py" "$CTL" >"$W/beside" 2>&1
    status=$?
    cat "$W/beside"
    if [ $status = 0 ]; then say "ok parliament: $(tail -n 1 "$W/beside")"; else say "not ok parliament: $(grep -v '^|' "$W/beside" | tail -n 3 | tr '\n' ';')"; fi
}

types_ready() {
    [ -e "$BUILD/sarif/node_modules/@types/sarif/package.json" ] && [ -x "$BUILD/sarif/node_modules/.bin/tsc" ] && return 0
    mkdir -p "$BUILD/sarif"
    timeout 180 npm install --prefix "$BUILD/sarif" --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 \
        --fetch-timeout 20000 "typescript@$TYPESCRIPT" "@types/sarif@$SARIF_TYPES" >"$BUILD/sarif/npm.log" 2>&1
}

# A mapping with a finding of each kind: errors, AWS's and ours, and one without a line.
sarif() {
    mkdir -p "$W/mappings"
    cp -r "$ROOT/mappings/." "$W/mappings"
    cat >"$W/mappings/policies/spare.yaml" <<'YAML'
rolebridge: 1
policy: spare
task: Everything
statements: [{ effect: Allow, action: ["*", "s3:GetObjcet", "iam:PassRole"], resource: "*" }]
YAML
    : >"$W/mappings/notes.txt"
    (cd "$W" && "$CTL" check --sarif >"$W/log.json") # exit 1: it has errors
    jq -e '.runs[0].results | length > 4' "$W/log.json" >/dev/null || { say "not ok SARIF has the findings"; return; }
    { printf 'import type { Log } from "sarif";\nexport const log: Log = '; cat "$W/log.json"; } >"$BUILD/sarif/log.ts"
    if (cd "$BUILD/sarif" && timeout 120 node_modules/.bin/tsc --noEmit --strict --types sarif log.ts >"$W/tsc" 2>&1); then
        say "ok SARIF is of its published types"
    else
        say "not ok SARIF is of its published types: $(head -n 1 "$W/tsc")"
    fi
    # and the types do tell: a level that is none
    sed -i 's/"level": "warning"/"level": "loud"/' "$BUILD/sarif/log.ts"
    if (cd "$BUILD/sarif" && timeout 120 node_modules/.bin/tsc --noEmit --strict --types sarif log.ts >/dev/null 2>&1); then
        say "not ok the types tell a mistake"
    else
        say "ok the types tell a mistake"
    fi
}

need_packages run registries
if VENV=$(pypi_venv "parliament-$PARLIAMENT" "parliament==$PARLIAMENT" 2>"$W/pip"); then
    beside
else
    say "skip parliament: PyPI is out of reach"
fi
command -v npm >/dev/null || need_packages node
if types_ready; then
    sarif
else
    say "skip SARIF: the npm registry is out of reach: $BUILD/sarif/npm.log"
fi
