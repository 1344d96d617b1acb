#!/usr/bin/env python3
"""What the review commands say of the sample organisation and of edits to it.

    review.py ROLEBRIDGECTL            compares with review/*, and shows the difference
    review.py ROLEBRIDGECTL --update   writes them anew; the change is then reviewed as a diff
"""
import difflib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MAPPINGS = HERE.parents[1] / "mappings"

# edit: (file, what stands there, what stands there then)…
EDITS = {
    "scientists-in-all-accounts": [
        ("assignments.yaml", "accounts: [analytics-prod, { label: env=dev }]", "accounts: [analytics-prod, development, { label: team=analytics }]"),
        ("assignments.yaml", "groups: [acme-data-science]", "groups: [acme-data-science, acme-data-interns]"),
    ],
    "wider-results": [
        ("policies/run-data-experiment.yaml", 'action: ["s3:GetObject", "s3:PutObject"]', 'action: ["s3:Get*", "s3:PutObject", "s3:DeleteObject"]'),
    ],
    "reordered": [
        ("policies/run-data-experiment.yaml", 'action: ["s3:GetObject", "s3:PutObject"]', 'action: ["s3:PutObject", "S3:getobject"]'),
    ],
    "administrators-without-second-factor": [
        ("roles/iam-administrator.yaml", "privileged: true", "privileged: false"),
        ("roles/iam-administrator.yaml", "max: 1h", "max: 12h"),
    ],
    "duties-joined": [
        ("assignments.yaml", "groups: [acme-accounts-payable-approvers]", "groups: [acme-accounts-payable-approvers, acme-accounts-payable-clerks]"),
        ("roles/accounts-payable-approver.yaml", '  source_ip: ["203.0.113.0/24", "2001:db8:ac3e::/48"]\n', ""),
    ],
}
ASKED = {
    "who-can-put-results": ["who-can", "s3:PutObject", "arn:aws:s3:::acme-research-out/run-1"],
    "who-can-iam": ["who-can", "iam:*", "*"],
    "what-scientists-can": ["what-can", "--group", "acme-data-science", "--attribute", "costCenter=4711"],
    "what-scientists-can-full": ["what-can", "--group", "acme-data-science", "--attribute", "costCenter=4711", "--full"],
}


def run(program, args, codes=(0,)):
    done = subprocess.run([program, *args], capture_output=True, text=True, check=False)
    if done.returncode not in codes or done.stderr:
        print(f"{args}: exit {done.returncode}\n{done.stderr}")
        return None
    return done.stdout


def edited(folder, edits):
    shutil.copytree(MAPPINGS, folder)
    for name, before, after in edits:
        text = (folder / name).read_text()
        if before not in text:
            sys.exit(f"{name} has no '{before}' any more")
        (folder / name).write_text(text.replace(before, after, 1))


def said(program):
    """name of a file → what is said now."""
    with tempfile.TemporaryDirectory() as scratch:
        for edit, changes in EDITS.items():
            folder = pathlib.Path(scratch) / edit
            edited(folder, changes)
            for suffix, options in (("txt", []), ("md", ["--markdown"]), ("json", ["--json"])):
                text = run(program, ["diff", str(MAPPINGS), str(folder), *options])
                if text is not None:
                    text = text.replace(str(MAPPINGS), "mappings").replace(str(folder), edit)
                    text = re.sub(r'_digest": "[0-9a-f]{64}"', '_digest": "…"', text)
                yield f"{edit}.{suffix}", text
    for name, args in ASKED.items():
        text = run(program, [*args, "--mappings", str(MAPPINGS)])
        yield f"{name}.txt", text


def main():
    program, update = sys.argv[1], "--update" in sys.argv[2:]
    failed, names = 0, set()
    (HERE / "review").mkdir(exist_ok=True)
    for name, text in said(program):
        path = HERE / "review" / name
        names.add(name)
        if text is None:
            failed += 1
        elif update:
            path.write_text(text)
        else:
            wanted = path.read_text() if path.exists() else ""
            difference = list(difflib.unified_diff(wanted.splitlines(), text.splitlines(), name, "now", lineterm=""))
            failed += bool(difference)
            print(*difference, sep="\n", end="\n" if difference else "")
    strays = {p.name for p in (HERE / "review").iterdir()} - names
    for stray in sorted(strays):
        print(f"review/{stray}: nobody asks for it")
    print(f"golden: {len(names)} answers, {failed + len(strays)} differences")
    return 1 if failed or strays else 0


sys.exit(main())
