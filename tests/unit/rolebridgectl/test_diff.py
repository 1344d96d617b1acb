#!/usr/bin/env python3
"""rolebridgectl diff as a program: directories and git revisions, names nobody should give, exit codes, nothing left behind.

Usage: test_diff.py ROLEBRIDGECTL MAPPINGS
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM, MAPPINGS = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
FAILED = []


def git(repo, *args):
    who = ["-c", "user.name=t", "-c", "user.email=t@acme.example", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, "-C", str(repo), *args], check=True, capture_output=True)


def edit(repo, name, before, after):
    path = repo / "mappings" / name
    text = path.read_text()
    assert before in text, name
    path.write_text(text.replace(before, after, 1))


def make_repo(repo, ran):
    """main~1: the sample; main: a gain; a branch with a link in it; the working tree: one more loss. Hooks leave a mark."""
    repo.mkdir()
    git(repo, "init", "-q")
    shutil.copytree(MAPPINGS, repo / "mappings")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "one")
    edit(repo, "roles/data-scientist.yaml", "max: 8h", "max: 12h")
    git(repo, "commit", "-qam", "two")
    git(repo, "checkout", "-qb", "linked")
    os.symlink("/etc/passwd", repo / "mappings" / "policies" / "link.yaml")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a link")
    git(repo, "checkout", "-q", "main")
    edit(repo, "roles/tester.yaml", "max: 8h", "max: 4h")
    mark = repo / "mark.sh"
    mark.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    mark.chmod(0o755)
    git(repo, "config", "core.fsmonitor", str(mark))
    git(repo, "config", "filter.mark.smudge", str(mark))
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/attributes").write_text("* filter=mark\n")


# name: arguments, exit code, what is said on stdout, what on stderr
ROWS = {
    "a revision and the working tree": (["main"], 0, "From main to mappings: 0 gains, 1 loss, 0 other changes.", ""),
    "two revisions": (["main~1", "main"], 0, "  + Data Scientist: longest session: 12h; before: 8h. That is looser.", ""),
    "the other way": (["main", "main~1"], 0, "  - Data Scientist: longest session: 8h; before: 12h. That is tighter.", ""),
    "a directory of a revision": (["HEAD~1:mappings", "HEAD:mappings"], 0, ": 1 gain, 0 losses, 0 other changes.", ""),
    "two directories": (["mappings", "./mappings"], 0, "From mappings to ./mappings: nothing changes.", ""),
    "json": (["main~1", "main", "--json"], 0, '"gains": 1', ""),
    "markdown": (["main~1", "main", "--markdown"], 0, "| **looser** | Data Scientist |", ""),
    "a gate that is passed": (["main", "--fail-on", "gain"], 0, "1 loss", ""),
    "a gate that is not": (["main~1", "main", "--fail-on", "gain"], 1, "1 gain", ""),
    "a gate for losses": (["main", "--fail-on", "loss"], 1, "1 loss", ""),
    "anything": (["main", "--exit-code"], 1, "", ""),
    "nothing": (["main", "main", "--exit-code"], 0, "nothing changes", ""),
    "an option as a revision": (["--", "--upload-pack=touch x"], 2, "", "no revision is called that"),
    "an option of git's": (["--", "-h"], 2, "", "no revision is called that"),
    "a line's end": (["main\nHEAD"], 2, "", "control characters"),
    "an escape": (["\033[31mmain"], 2, "", "\\x1b[31mmain"),
    "empty": ([""], 2, "", "no revision is called that"),
    "over-long": (["m" * 501], 2, "", "no revision is called that"),
    "a shell's words": (["$(touch x)"], 4, "", "no git revision"),
    "no such revision": (["nosuch"], 4, "", "no git revision that has the mapping"),
    "no such directory there": (["main:nosuch"], 4, "", "no git revision that has the mapping"),
    "a range": (["main~1..main"], 4, "", "no git revision"),
    "a file": (["main:mappings/accounts.yaml"], 4, "", ""),
    "a link in the tree": (["linked"], 4, "", "is no plain file there"),
    "a tree that is no mapping": (["main:"], 4, "", "has errors"),
    "nothing to compare": ([], 2, "", "say what to compare with"),
    "three": (["main", "main", "main"], 2, "", "two are compared"),
    "both forms": (["main", "--json", "--markdown"], 2, "", "either --json or --markdown"),
    "a gate for nothing known": (["main", "--fail-on", "rain"], 2, "", "gain or loss"),
}


def check(name, row, repo, scratch):
    args, code, out, err = row
    env = {**os.environ, "TMPDIR": str(scratch), "NO_COLOR": "1"}
    done = subprocess.run([PROGRAM, "diff", *args], cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=False)
    left = list(scratch.iterdir())
    if done.returncode != code or out not in done.stdout or err not in done.stderr or left or (code in (2, 4) and done.stdout):
        FAILED.append(name)
        print(f"not ok {name}: exit {done.returncode}, left {left}\n{done.stdout}{done.stderr}")
    else:
        print(f"ok {name}")


def main():
    with tempfile.TemporaryDirectory() as place:
        repo, scratch, ran = pathlib.Path(place) / "repo", pathlib.Path(place) / "tmp", pathlib.Path(place) / "ran"
        scratch.mkdir()
        make_repo(repo, ran)
        ran.unlink(missing_ok=True)  # setting up may have run them
        for name, row in ROWS.items():
            check(name, row, repo, scratch)
        if ran.exists() or (repo / "x").exists():
            FAILED.append("nothing of the repository runs")
            print("not ok a program that the repository names was run")
    sys.exit(1 if FAILED else 0)


main()
