#!/usr/bin/env python3
"""The deployer's policy in docs/deploy.md allows every call that src/deploy makes for plan, apply and drift, and no other."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
page = (ROOT / "docs/deploy.md").read_text()
VERB = r"(?:Get|List|Create|Delete|Update|Attach|Detach|Tag|Untag|Add|Put|Set|Remove)[A-Z][A-Za-z]+"

called = set()
for name in ["state.c", "run.c"]:
    text = (ROOT / "src/deploy" / name).read_text()
    called |= set(re.findall(rf'"({VERB})"', text))
# "Tag" and "Untag" are put before the kind of thing
if re.search(r'tag_action\(step, "Tag"', text):
    called |= {verb + thing for verb in ["Tag", "Untag"] for thing in ["Role", "Policy", "SAMLProvider", "OpenIDConnectProvider"]}
# not calls: names of fields and headings that look alike
called -= {"AttachedManagedPolicies", "AttachedPolicies", "CreateDate", "AttachmentCount", "SetAsDefault"}

policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.S)]
allowed = {action.removeprefix("iam:") for policy in policies for statement in policy["Statement"]
           for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
           if action.startswith("iam:")}

wrong = [f"docs/deploy.md does not allow {name}" for name in sorted(called - allowed)]
wrong += [f"docs/deploy.md allows {name}, which is never called" for name in sorted(allowed - called)]
print("\n".join(wrong) or f"deployer: {len(called)} calls, all of them allowed and no others")
sys.exit(1 if wrong else 0)
