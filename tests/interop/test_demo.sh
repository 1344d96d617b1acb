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

# What people and machines were given is in their own files alone: neither in the store nor in the service's log.
if said=$(python3 - "$DEMO_DIR" "$ROOT/certs/bridge-aws-token" 2>&1 <<'PY'
import json, pathlib, sys
demo = pathlib.Path(sys.argv[1])
secrets, names = {pathlib.Path(sys.argv[2]).read_text().strip()}, set()
texts = [path.read_text() for path in (demo / "home").rglob("*") if path.is_file()]
for given in [json.loads(text) for text in texts if text.startswith("{")]:
    secrets |= {given[key] for key in ("accessToken", "refreshToken", "clientSecret", "secretAccessKey", "sessionToken") if key in given}
    names |= {given[key] for key in ("accessKeyId",) if key in given}
for jar in (demo / "jars").iterdir():
    cookies = [line.split("\t") for line in jar.read_text().splitlines() if line.count("\t") == 6]
    secrets |= {cookie[6] for cookie in cookies if "rolebridge" in cookie[5] and len(cookie[6]) > 20}
kept = b"".join(path.read_bytes() for path in sorted(demo.glob("state.db*")))
log = (demo / "rolebridged.log").read_bytes()
if len(secrets) < 15 or not names or not all(name.encode() in kept for name in names):
    sys.exit(f"{len(secrets)} secrets and {len(names)} leases were found to look for: too few, or the store lacks a lease")
found = [secret[:6] for secret in secrets if secret.encode() in kept + log]
if found:
    sys.exit(f"in the store or the log, beginning with: {', '.join(found)}")
print(f"{len(secrets)} tokens, cookies and keys")
PY
); then
    say "ok no secret in store and log: $said"
else
    say "not ok no secret in store and log: $said"
fi
