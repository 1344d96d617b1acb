#!/usr/bin/env python3
"""Names each banned call, and a secret or a leftover that must not be in the tree."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

CALLS = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(": "use GLib's",
    r"\b(atoi|atol|atof|sscanf)\s*\(": "use g_ascii_string_to_signed() and friends",
    r"\bsystem\s*\(": "use GSubprocess or g_spawn_async()",
    r"\bmktemp\s*\(": "use g_mkstemp_full()",
    r"\b(rand|random|srand|g_random_int|g_random_int_range)\s*\(": "secrets come from rb_secret_new_random(); jitter from RAND_bytes()",
    r"\bg_strerror\s*\(\s*errno\s*\)\s*,.*g_": None,
}
CLOCKS = re.compile(r"\b(time\s*\(\s*NULL|g_get_real_time\s*\(|g_date_time_new_now|gettimeofday\s*\(|clock_gettime\s*\(\s*CLOCK_REALTIME)")
CLOCK_ROOMS = {"rolebridged", "rolebridge", "rolebridgectl", "sandbox"}
CLOCK_FILES = {"src/base/clock.c", "src/base/log.c"}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)
KEY = re.compile(r"-----BEGIN (RSA |EC |ENCRYPTED |OPENSSH )?PRIVATE KEY-----")
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def code_only(text):
    """The text with comments and strings blanked, line numbers kept."""
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def problems():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".ico", ".pem"}:
            continue
        text = path.read_text(errors="replace")
        if KEY.search(text) and not name.startswith("tests/check/"):
            yield f"{name}: a private key"
        if not name.startswith("src/") or path.suffix not in {".c", ".h"}:
            continue
        code = code_only(text)
        for pattern, instead in CALLS.items():
            for match in re.finditer(pattern, code):
                if instead:
                    yield f"{name}:{code.count(chr(10), 0, match.start()) + 1}: {match.group(0).strip()} is banned; {instead}"
        if name.split("/")[1] not in CLOCK_ROOMS and name not in CLOCK_FILES:
            for match in CLOCKS.finditer(code):
                yield f"{name}:{code.count(chr(10), 0, match.start()) + 1}: reads the clock; take 'now' as an argument"
        for match in LEFTOVER.finditer(text):
            yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(0)}"


found = list(problems())
for line in found:
    print(line)
print(f"banned: {len(found)} found" if found else "banned: nothing found")
sys.exit(1 if found else 0)
