#!/usr/bin/env python3
"""The published JSON Schemas are schemas, take the sample organisation, and know no other keys than the loader."""
import json
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error} (python3-jsonschema, python3-yaml)")
    sys.exit(77)

MAPPINGS = pathlib.Path(__file__).resolve().parents[2] / "mappings"
KINDS = {"accounts.yaml": "accounts", "assignments.yaml": "assignments", "policies": "policy", "roles": "role", "assignments": "assignments"}
failed = 0

for path in sorted(MAPPINGS.rglob("*.yaml")):
    kind = KINDS.get(path.name) or KINDS[path.parent.name]
    schema = json.loads((MAPPINGS / "schema" / f"{kind}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = yaml.safe_load(path.read_text())
    for error in validator.iter_errors(document):
        print(f"{path.name}: {error.message}")
        failed += 1
    if not list(validator.iter_errors({**document, "unknown": 1})):
        print(f"{kind}.json takes an unknown key")
        failed += 1
    if f"schema/{kind}.json" not in path.read_text().splitlines()[0]:
        print(f"{path.name}: its first line does not name schema/{kind}.json")
        failed += 1
# What the loader refuses of an assignment without groups, editors mark too.
RULE = {"provider": "ci", "when": {"repository": "acme/app"}, "role": "tester", "accounts": ["development"]}
ASSIGNMENTS = jsonschema.Draft202012Validator(json.loads((MAPPINGS / "schema" / "assignments.json").read_text()))
for change, taken in [
    ({}, True),
    ({"when": {"ref": [1, "main", {"prefix": "v"}, {"regex": "r[0-9]"}]}}, True),
    ({"provider": None}, False),
    ({"when": None}, False),
    ({"when": {}}, False),
    ({"when": {"ref": []}}, False),
    ({"when": {"ref": {"prefix": ""}}}, False),
    ({"when": {"ref": {"prefix": "a", "regex": "b"}}}, False),
    ({"when": {"ref": {"dn_under": "dc=x"}}}, False),
    ({"groups": ["x"], "provider": None, "when": None}, True),
]:
    rule = {key: value for key, value in {**RULE, **change}.items() if value is not None}
    if ASSIGNMENTS.is_valid({"rolebridge": 1, "assignments": [rule]}) != taken:
        print(f"assignments.json {'refuses' if taken else 'takes'} {rule}")
        failed += 1
print(f"schema: {failed} mistakes")
sys.exit(1 if failed else 0)
