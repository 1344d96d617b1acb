#!/usr/bin/env bash
# scripts/demo --once, whole, on free ports: what the README promises. usage: test_demo.sh BUILD_DIR
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"

DEMO_BRIDGE_PORT=$(free_port)
DEMO_SANDBOX_PORT=$(free_port)
DEMO_CLEAR_PORT=$(free_port)
DEMO_DIR=$ROOT/build/demo-test # a demo that somebody left running stays
export DEMO_BRIDGE_PORT DEMO_SANDBOX_PORT DEMO_CLEAR_PORT DEMO_DIR
said=$("$ROOT/scripts/demo" --once 2>&1)
status=$?
last=$(tail -n 1 <<<"$said")
if [ $status = 0 ] && [[ $last =~ ^demo:\ ([0-9]+)\ of\ ([0-9]+)\ steps\ passed$ ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]; then
    say "ok demo: ${BASH_REMATCH[1]} steps, to the AWS CLI's own word for who somebody is"
else
    say "$said"
    say "not ok demo: status $status: $last"
fi
