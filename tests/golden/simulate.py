#!/usr/bin/env python3
"""rolebridgectl simulate on the sample organisation: what is answered, by which statement, with which exit code.

Usage: simulate.py ROLEBRIDGECTL MAPPINGS
"""
import json
import os
import subprocess
import sys
import tempfile

SCIENTIST = ["--role", "data-scientist", "--account", "analytics-prod"]
OUT = "arn:aws:s3:::acme-research-out/x"
CLUSTER = "arn:aws:elasticmapreduce:eu-central-1:111122223333:cluster/j-1"
ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
DENY = '{"Version":"2012-10-17","Statement":[\n{"Sid":"NoBuckets","Effect":"Deny","Action":"s3:*","Resource":"*"}]}'

# name, arguments ({FILE:…} is a file with that text), exit code, texts that must be said
ROWS = [
    ("allowed, by file and line", [*SCIENTIST, "--action", "s3:GetObject", "--resource", "arn:aws:s3:::acme-research-in/x"], 0,
     ["allowed: ", "policies/run-data-experiment.yaml:19: ReadInput"]),
    ("the case of an action does not matter", [*SCIENTIST, "--action", "S3:getobject", "--resource", "arn:aws:s3:::acme-research-in/x"], 0, ["allowed: "]),
    ("another bucket", [*SCIENTIST, "--action", "s3:GetObject", "--resource", "arn:aws:s3:::other/x"], 1, ["not allowed: "]),
    ("another account's bucket of the same role", ["--role", "data-scientist", "--account", "development", "--action", "s3:GetObject",
     "--resource", "arn:aws:s3:::acme-research-in/x"], 1, ["not allowed: "]),
    ("the nearest statement and what did not hold", [*SCIENTIST, "--action", "s3:PutObject", "--resource", OUT, "--context", "aws:SecureTransport=false"], 1,
     ["Nearest: policies/run-data-experiment.yaml:23: WriteResults", "What did not hold: Bool aws:SecureTransport: 'true'; the request has 'false'"]),
    ("a key that is not there", [*SCIENTIST, "--action", "s3:PutObject", "--resource", OUT, "--context", "aws:SecureTransport"], 1, ["not allowed: "]),
    ("a session tag", [*SCIENTIST, "--action", "elasticmapreduce:TerminateJobFlows", "--resource", CLUSTER, "--tag", "CostCenter=4711",
     "--context", "elasticmapreduce:ResourceTag/CostCenter=4711"], 0, ["OwnClusters"]),
    ("another value of it", [*SCIENTIST, "--action", "elasticmapreduce:TerminateJobFlows", "--resource", CLUSTER, "--tag", "CostCenter=4712",
     "--context", "elasticmapreduce:ResourceTag/CostCenter=4711"], 1, ["OwnClusters"]),
    ("a document of AWS's that is in managed/", ["--role", "iam-administrator", "--account", "corporate", "--action", "iam:CreateUser", "--resource",
     "arn:aws:iam::777788889999:user/x"], 0, ["managed/IAMFullAccess.json:4"]),
    ("one that is not", ["--role", "it-manager", "--account", "corporate", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::x/y"], 4,
     ["not known: ", "ReadOnlyAccess"]),
    ("a Deny decides even so", ["--role", "it-manager", "--account", "corporate", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::x/y", "--scp",
     "{FILE:%s}" % DENY], 1, ["denied", "NoBuckets"]),
    ("a boundary limits", [*SCIENTIST, "--action", "s3:GetObject", "--resource", "arn:aws:s3:::acme-research-in/x", "--boundary",
     "{FILE:%s}" % ALL.replace('"Action":"*"', '"Action":"ec2:*"')], 1, ["permissions boundary"]),
    ("a session policy limits", [*SCIENTIST, "--action", "s3:GetObject", "--resource", "arn:aws:s3:::acme-research-in/x", "--session-policy",
     "{FILE:%s}" % ALL.replace('"Action":"*"', '"Action":"ec2:*"')], 1, ["session policy"]),
    ("a policy file alone", ["--file", "{FILE:%s}" % ALL, "--action", "sqs:SendMessage"], 0, ["allowed: "]),
    ("a file that is no policy", ["--file", "{FILE:{}}", "--action", "sqs:SendMessage"], 4, ["MISSING_STATEMENT"]),
    ("a role that is not there", ["--role", "data-scientst", "--account", "corporate", "--action", "s3:GetObject"], 2, ["data-scientist"]),
    ("no action", SCIENTIST, 2, ["--action"]),
]


def run(arguments):
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for i, argument in enumerate(arguments):
            if argument.startswith("{FILE:"):
                path = os.path.join(folder, f"{i}.json")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(argument[6:-1])
                argument = path
            made.append(argument)
        where = [] if "--file" in made else ["--mappings", sys.argv[2]]
        return subprocess.run([sys.argv[1], "simulate", *where, *made], capture_output=True, text=True, timeout=60, check=False)


wrong = []
for name, arguments, code, texts in ROWS:
    done = run(arguments)
    said = done.stdout + done.stderr
    if done.returncode != code or any(text not in said for text in texts):
        wrong.append(f"{name}: {done.returncode}, not {code}:\n{said}")
    if code in (0, 1) and done.returncode == code:
        answer = json.loads(run([*arguments, "--json"]).stdout)
        if (answer["outcome"] == "allowed") != (code == 0):
            wrong.append(f"{name}: JSON says {answer['outcome']}")
print("\n".join(wrong) if wrong else f"simulate: {len(ROWS)} rows")
sys.exit(1 if wrong else 0)
