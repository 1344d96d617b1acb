#!/usr/bin/env python3
"""A manual page has nothing that mandoc or man would warn of, and holds what it must. Usage: page.py PAGE"""
import re
import shutil
import subprocess
import sys

page = sys.argv[1]
if shutil.which("mandoc"):
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False).stdout
    # the page is of the day that it is read, not of one that is written in it
    said = [line for line in said.splitlines() if "missing date" not in line]
elif shutil.which("man"):
    said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], capture_output=True, text=True, check=False).stderr.splitlines()
else:
    print("skipped: neither mandoc nor man is installed")
    sys.exit(77)
with open(page, encoding="utf-8") as file:
    text = file.read()
said += [f"there is no section {name}" for name in ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO")
         if not re.search(rf"(?m)^\.SH {name}$", text)]
if page.endswith("rolebridgectl.8"):
    said += [f"there is no section {name}" for name in ("CHECK", "EXPLAIN", "DOCTOR", "AUDIT") if f"\n.SH {name}\n" not in text]
if "?" in text.split(".SH DESCRIPTION")[0]:
    said.append("a character was lost in the synopsis")
print("\n".join(said) or f"{page}: fine")
sys.exit(1 if said else 0)
