#!/usr/bin/env python3
"""Reads meson's testlog.json: one line for the sum of what passed, one for each failure and skip."""
import json
import sys

passed = 0
for line in open(sys.argv[1], encoding="utf-8"):
    test = json.loads(line)
    text = test.get("stdout", "") + test.get("stderr", "")
    cases = text.count("[       OK ]")
    result = test["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        passed += max(1, cases)
    elif result == "SKIP":
        print("skipped", test["name"])
    else:
        passed += cases
        names = [row.split("]", 1)[1].strip() for row in text.splitlines() if row.startswith("[  FAILED  ]") and "test(s)" not in row]
        for name in sorted(set(names)) or ["(no case named)"]:
            print("failed", f"{test['name']}: {name}: {result}")
print("passed", passed)
