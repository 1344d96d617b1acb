#!/usr/bin/env python3
"""The completion scripts: each is read by its shell without an error, and bash's complete what they should.

Usage: completions.py SCRIPT…
"""
import pathlib
import shutil
import subprocess
import sys

# script: words so far, the last of them begun → some of what must be offered, and what must not
WANTED = {
    "rolebridge": [(["rolebridge", "lo"], {"login", "logout"}, {"roles"})],
    "rolebridgectl": [
        (["rolebridgectl", ""], {"check", "explain", "doctor", "audit", "--version"}, {"show", "--mappings"}),
        (["rolebridgectl", "do"], {"doctor"}, {"check"}),
        (["rolebridgectl", "audit", ""], {"show", "export", "verify", "head", "trace", "--since", "--access-key"}, {"--mappings"}),
        (["rolebridgectl", "check", "--"], {"--mappings", "--json", "--sarif", "--strict", "--explain", "--help"}, {"--since"}),
        (["rolebridgectl", "doctor", "--c"], {"--config"}, {"--json"}),
    ],
}


def offered(script, words):
    quoted = " ".join(f"'{word}'" for word in words)
    run = (f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
           f"_{words[0]}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return set(subprocess.run(["bash", "--norc", "-c", run], capture_output=True, text=True, check=True).stdout.split())


wrong = []
for path in map(pathlib.Path, sys.argv[1:]):
    shell = "fish" if path.suffix == ".fish" else "zsh" if path.name.startswith("_") else "bash"
    if not shutil.which(shell):
        print(f"{path.name}: not read: {shell} is not installed")
        continue
    done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        wrong.append(f"{path}: {shell} says {done.stderr}")
    for words, some, none in WANTED[path.name] if shell == "bash" else []:
        got = offered(path, words)
        if not some <= got or none & got:
            wrong.append(f"{path}: {words} offers {sorted(got)}")
print("\n".join(wrong) or f"{len(sys.argv) - 1} completion scripts: fine")
sys.exit(1 if wrong else 0)
