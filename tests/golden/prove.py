#!/usr/bin/env python3
"""rolebridgectl prove on the sample organisation and on changes of it; every request that refutes is asked of simulate, too.

Usage: prove.py ROLEBRIDGECTL MAPPINGS
"""
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

CTL, MAPPINGS = sys.argv[1], sys.argv[2]
EXPERIMENT = "policies/run-data-experiment.yaml"

# name, what to replace in which file of NEW (None: nothing), arguments ({OLD}, {NEW}), exit code, texts that must be said
ROWS = [
    ("never, proved", None, ["--mappings", "{OLD}", "--never", "s3:DeleteObject", "--role", "data-scientist"], 0, ["proved: 2 roles"]),
    ("never, refuted and not known", None, ["--mappings", "{OLD}", "--never", "iam:*"], 1,
     ["refuted: iam-administrator", "refuted: release-pipeline", "not known: it-manager", "iam:PassedToService = ecs-tasks.amazonaws.com"]),
    ("never on a resource", None, ["--mappings", "{OLD}", "--never", "s3:PutObject", "--on", "arn:aws:s3:::acme-research-in/*", "--account", "development"], 4,
     ["not known: it-manager"]),
    ("refuted by conditions that must hold", None, ["--mappings", "{OLD}", "--never", "s3:PutObject", "--role", "data-administrator"], 1,
     ["aws:SecureTransport = true", "policies/prepare-data.yaml:14"]),
    ("nothing changed", None, ["--no-new-access", "{OLD}", "{NEW}"], 0, ["proved"]),
    ("a wider wildcard", (EXPERIMENT, '"s3:PutObject"]', '"s3:Put*"]'), ["--no-new-access", "{OLD}", "{NEW}"], 1, ["refuted: data-scientist", "s3:Put"]),
    ("the other way round", (EXPERIMENT, '"s3:PutObject"]', '"s3:Put*"]'), ["--no-new-access", "{NEW}", "{OLD}"], 0, ["proved"]),
    ("a condition gone", (EXPERIMENT, '    condition: { Bool: { "aws:SecureTransport": "true" } }\n', ""), ["--no-new-access", "{OLD}", "{NEW}"], 1,
     ["refuted: data-scientist", "s3:"]),
    ("another bucket", (EXPERIMENT, "${account.input_bucket}/*", "${account.input_bucket}*/*"), ["--no-new-access", "{OLD}", "{NEW}"], 1, ["acme-"]),
    ("the same in other words", (EXPERIMENT, '["elasticmapreduce:RunJobFlow", "elasticmapreduce:Describe*", "elasticmapreduce:List*"]',
     '["elasticmapreduce:List*", "elasticmapreduce:Describe*", "elasticmapreduce:DescribeCluster", "elasticmapreduce:RunJobFlow"]'),
     ["--no-new-access", "{OLD}", "{NEW}"], 0, ["proved"]),
    ("within the accounts", None, ["--mappings", "{OLD}", "--within", "111122223333", "--role", "iam-administrator", "--account", "analytics-prod"], 1, ["refuted"]),
    ("a role that was not there", ("assignments.yaml", "role: tester", "role: developer"), ["--no-new-access", "{NEW}", "{OLD}"], 1,
     ["refuted: tester in development: the role is new there"]),
    ("a bucket's account", None, ["--mappings", "{OLD}", "--within", "444455556666", "--role", "tester"], 4, ["a condition on aws:ResourceAccount would decide it"]),
    ("JSON", None, ["--mappings", "{OLD}", "--never", "s3:DeleteObject", "--json"], 1, ['"allowed_by": "policies/prepare-data.yaml:14"', '"simulate": "']),
    ("two questions", None, ["--mappings", "{OLD}", "--never", "s3:*", "--within", "111122223333"], 2, ["one of --never"]),
    ("no action", None, ["--mappings", "{OLD}", "--never", "delete"], 2, ["--never takes an action"]),
    ("no account", None, ["--mappings", "{OLD}", "--within", "development"], 2, ["no account id of 12 digits"]),
    ("no such role", None, ["--mappings", "{OLD}", "--never", "s3:*", "--role", "nobody"], 2, ["the mapping has no role 'nobody'"]),
    ("no such mapping", None, ["--mappings", "{OLD}/nothing", "--never", "s3:*"], 4, ["nothing"]),
    ("no question", None, ["--mappings", "{OLD}"], 2, ["--never"]),
]


def ctl(*arguments):
    done = subprocess.run([CTL, *arguments], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


wrong, asked = [], 0
for name, change, arguments, code, texts in ROWS:
    with tempfile.TemporaryDirectory() as folder:
        old, new = pathlib.Path(folder, "old"), pathlib.Path(folder, "new")
        shutil.copytree(MAPPINGS, old)
        shutil.copytree(MAPPINGS, new)
        if change is not None:
            path = new / change[0]
            before = path.read_text()
            assert change[1] in before, name
            path.write_text(before.replace(change[1], change[2]))
        # the solver's time is a wall clock's: a busy machine must not make "not known" of an answer
        got, said = ctl("prove", "--timeout", "100", *(a.replace("{OLD}", str(old)).replace("{NEW}", str(new)) for a in arguments))
        if got != code or any(text not in said for text in texts):
            wrong.append(f"{name}: {got}, not {code}:\n{said}")
        for line in re.findall(r"^ +rolebridgectl (simulate .*)$", said, re.M):
            asked += 1
            again, words = ctl(*shlex.split(line))
            if again != 0:
                wrong.append(f"{name}: simulate says {again} of {line}:\n{words}")
if asked < 5:
    wrong.append(f"only {asked} requests were shown")
print("\n".join(wrong) if wrong else f"prove: {len(ROWS)} rows, {asked} requests shown and allowed")
sys.exit(1 if wrong else 0)
