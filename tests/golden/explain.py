#!/usr/bin/env python3
"""What `rolebridgectl explain` says of each person of the sample organisation, as text and as JSON.

    explain.py ROLEBRIDGECTL            compares with explain/*.txt and *.json, and shows the difference
    explain.py ROLEBRIDGECTL --update   writes them anew; the change is then reviewed as a diff
"""
import difflib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MAPPINGS = HERE.parents[1] / "mappings"
MONDAY = ["--at", "2026-11-30T10:00:00Z"]
OFFICE = ["--ip", "203.0.113.7"]


def groups(*names):
    return [arg for name in names for arg in ("--group", name)]


def ci(*stated):
    return [arg for fact in ("repository=acme/data-pipeline", *stated) for arg in ("--attribute", fact)] + ["--provider", "ci"]


# person: what their sign-in says, and the moment.
PEOPLE = {
    "ada": groups("acme-data-science", "acme-all") + ["--attribute", "department=Research", "--attribute", "costCenter=4711"],
    "ada-without-cost-center": groups("acme-data-science", "acme-all") + ["--attribute", "department=Research"],
    "grace": groups("acme-data-admin"),
    "linus": groups("acme-developers"),
    "edsger": groups("acme-testers"),
    "katherine": groups("acme-accounts-payable-clerks"),
    "katherine-also-approver": groups("acme-accounts-payable-clerks", "acme-accounts-payable-approvers") + OFFICE,
    "approver-in-the-office": groups("acme-accounts-payable-approvers") + OFFICE,
    "approver-at-home": groups("acme-accounts-payable-approvers") + ["--ip", "198.51.100.9"],
    "approver-on-sunday": groups("acme-accounts-payable-approvers") + OFFICE + ["--at", "2026-11-29T10:00:00Z"],
    "radia": groups("acme-it-managers"),
    "barbara": groups("acme-iam-admins"),
    "barbara-with-second-factor": groups("acme-iam-admins") + ["--mfa"],
    "release-of-main": ci("ref=refs/heads/main"),
    "release-of-branch": ci("ref=refs/heads/try-it"),
    "release-by-another-issuer": ci("ref=refs/heads/main") + ["--provider", "corp-oidc"],
    "release-of-fork": ["--provider", "ci", "--attribute", "repository=mallory/data-pipeline", "--attribute", "ref=refs/heads/main"],
    "mallory": groups("acme-all"),
    "mallory-asks-for-developer": groups("acme-all") + ["--role", "developer", "--account", "development"],
}
# The one question of them that exits 1: a check that says no.
SAYS_NO = {"mallory-asks-for-developer"}


def explain(program, person, args, json):
    command = [program, "explain", "--mappings", MAPPINGS, "--provider", "corp-saml", "--name", person.split("-")[0], *MONDAY, *args]
    done = subprocess.run(command + (["--json"] if json else []), capture_output=True, text=True, check=False)
    wanted = 1 if person in SAYS_NO else 0
    if done.returncode != wanted or done.stderr:
        print(f"{person}: exit {done.returncode}, wanted {wanted}\n{done.stderr}")
        return None
    return done.stdout


def main():
    program, update = sys.argv[1], "--update" in sys.argv[2:]
    failed = 0
    for person, args in PEOPLE.items():
        for suffix in ("txt", "json"):
            path = HERE / "explain" / f"{person}.{suffix}"
            said = explain(program, person, args, suffix == "json")
            if said is None:
                failed += 1
            elif update:
                path.parent.mkdir(exist_ok=True)
                path.write_text(said)
            else:
                wanted = path.read_text() if path.exists() else ""
                difference = list(difflib.unified_diff(wanted.splitlines(), said.splitlines(), path.name, "now", lineterm=""))
                failed += bool(difference)
                print(*difference, sep="\n", end="\n" if difference else "")
    strays = {p.stem for p in (HERE / "explain").iterdir()} - set(PEOPLE)
    for stray in sorted(strays):
        print(f"explain/{stray}.*: nobody of this name")
    print(f"golden: {len(PEOPLE)} people, {failed + len(strays)} differences")
    return 1 if failed or strays else 0


sys.exit(main())
