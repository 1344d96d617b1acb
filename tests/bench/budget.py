#!/usr/bin/env python3
"""Instruction counts against tests/bench/budgets.json: what got slower fails, on any machine and under any load.

    budget.py COUNTED              runs each case of COUNTED under callgrind; over its budget by more than TOLERANCE: fails
    budget.py COUNTED --update     writes what was counted as the new budgets

Counts are of one call, in thousands, with Debian 12's libraries on x86-64. Exit status 77: skipped, with the reason.
"""
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOLERANCE = 0.15
BUDGETS = pathlib.Path(__file__).resolve().with_name("budgets.json")


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def count(program, case):
    """Thousands of instructions of one call."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=counted_call", program, case],
        capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})  # meson's MALLOC_PERTURB_ costs instructions of its own
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected or not run.stdout.strip().isdigit():
        sys.exit(f"{case}: it did not run:\n{run.stdout}{run.stderr}")
    return round(int(collected[1]) / int(run.stdout) / 1000, 1)


def main():
    program, update = sys.argv[1], sys.argv[2:] == ["--update"]
    if not shutil.which("valgrind"):
        skip("valgrind is not installed (apt-get install valgrind)")
    if platform.machine() != "x86_64":
        skip(f"the budgets are of x86_64, this is {platform.machine()}")
    budgets = json.loads(BUDGETS.read_text(encoding="utf-8"))
    with ThreadPoolExecutor(2) as pool:
        counted = dict(zip(budgets, pool.map(lambda case: count(program, case), budgets)))
    over = []
    for case, thousands in counted.items():
        ratio = thousands / budgets[case] if budgets[case] else 0
        print(f"{case}: {thousands:,.1f} thousand instructions a call; {ratio:.2f} of its budget of {budgets[case]:,.1f}")
        if ratio > 1 + TOLERANCE:
            over.append(case)
    if update:
        BUDGETS.write_text(json.dumps(counted, indent=2) + "\n", encoding="utf-8")
        print("written:", BUDGETS)
    elif over:
        sys.exit(f"over budget by more than {TOLERANCE:.0%}: {', '.join(over)}. Find what costs more (callgrind), or, where "
                 f"the work is wanted: python3 {BUDGETS.parent}/budget.py {program} --update, and say why in the commit.")


if __name__ == "__main__":
    main()
