#!/usr/bin/env python3
"""The differences from the other implementation that AWS's documentation explains, as cases and as what both must answer.

usage: explained.py cases | explained.py check OURS THEIRS (two files of "ID<tab>ANSWER"): prints ok and not ok
"""
import json
import pathlib
import sys

import cases

HERE = pathlib.Path(__file__).resolve().parent


def case_of(row):
    """A statement that allows s3:GetObject on one object, but for what the row says."""
    case = cases.empty_case(row["name"])
    resource = row.get("resource", "arn:aws:s3:::in/a.csv")
    case.update(principal=cases.ROLE, session=cases.SESSION, owner=cases.OURS, action=row.get("action", "s3:GetObject"),
                resource=resource, context=row.get("context", {}))
    statement = {"Effect": "Allow", "Action": row.get("action_pattern", case["action"]), "Resource": row.get("resource_pattern", resource)}
    if "condition" in row:
        statement["Condition"] = row["condition"]
    statements = [statement]
    for key, element in (("deny_resource", "Resource"), ("deny_not_resource", "NotResource")):
        if key in row:
            statements.append({"Effect": "Deny", "Action": "s3:*", element: row[key]})
    document = {"Version": row.get("version", "2012-10-17"), "Statement": statements}
    if document["Version"] is None:
        del document["Version"]
    case["identity"] = [document]
    case.update(row.get("case", {}))
    return case


def answers(path):
    with open(path, encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split("\t") for line in lines)


def main():
    rows = json.loads((HERE / "explained.json").read_text(encoding="utf-8"))
    if sys.argv[1] == "cases":
        for row in rows:
            print(json.dumps(case_of(row)))
        return
    ours, theirs = answers(sys.argv[2]), answers(sys.argv[3])
    for row in rows:
        name, got = row["name"], (ours.get(row["name"], ""), theirs.get(row["name"], ""))
        if got[0] == row["ours"] and (got[1] == row["theirs"] or got[1].startswith("refused ") and row["theirs"] == "refused"):
            print(f"ok explained: {name} ({row['rule']})")
        else:
            print(f"not ok explained: {name}: we say {got[0]}, they {got[1]}; the row has {row['ours']} and {row['theirs']}")


if __name__ == "__main__":
    main()
