#!/usr/bin/env python3
"""Every refusal and fault of the catalogue is produced somewhere in src/ and expected by some test."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
catalogue = (ROOT / "src/base/refusal.h").read_text()
rows = re.findall(r'\bX\(([A-Z0-9_]+),\s*"([a-z0-9_.]+)"', catalogue)
faults_at = catalogue.index("#define RB_FAULTS(X)")
sources = "\n".join(p.read_text() for p in (ROOT / "src").rglob("*.c") if p.name != "refusal.c")
tests = "\n".join(p.read_text(errors="replace") for p in (ROOT / "tests").rglob("*") if p.is_file() and p.suffix in {".c", ".h", ".sh", ".py", ".js", ".json"})

missing = []
for code, name in rows:
    fault = catalogue.index(f"X({code},") > faults_at
    symbol = f"RB_FAULT_{code}" if fault else f"RB_{code}"
    if not re.search(rf"\b{symbol}\b", sources):
        missing.append(f"{name}: nothing produces {symbol}")
    if not re.search(rf"\b{symbol}\b", tests) and name not in tests:
        missing.append(f"{name}: no test expects it")
for line in missing:
    print(line)
print(f"codes: {len(missing)} gaps" if missing else f"codes: all {len(rows)} are produced and tested")
sys.exit(1 if missing else 0)
