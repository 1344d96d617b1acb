#!/usr/bin/env python3
"""`meson install` puts exactly these files below DESTDIR, with the right modes. Usage: installed.py BUILD_DIR"""
import json
import pathlib
import subprocess
import sys
import tempfile

build = sys.argv[1]
SHELLS = ["{datadir}/bash-completion/completions/NAME", "{datadir}/zsh/site-functions/_NAME", "{datadir}/fish/vendor_completions.d/NAME.fish"]
PROGRAMS = ["{bindir}/rolebridge", "{bindir}/rolebridge-sandbox", "{sbindir}/rolebridged", "{sbindir}/rolebridgectl"]
FILES = [
    "{mandir}/man1/rolebridge.1", "{mandir}/man8/rolebridgectl.8", "{mandir}/man8/rolebridged.8",
    "lib/systemd/system/rolebridged.service", "lib/systemd/user/rolebridge-agent.service", "lib/systemd/user/rolebridge-agent.socket",
    "{datadir}/rolebridge/rolebridge.yaml.example",
    *[f"{{datadir}}/rolebridge/schema/{name}.json" for name in ("accounts", "assignments", "policy", "role")],
    *[place.replace("NAME", name) for place in SHELLS for name in ("rolebridge", "rolebridgectl")],
]


def meson(*arguments):
    return subprocess.run(["meson", *arguments], capture_output=True, text=True, check=False)


options = {o["name"]: o["value"] for o in json.loads(meson("introspect", "--buildoptions", build).stdout)}
prefix = pathlib.PurePath(options["prefix"])
wrong = []
with tempfile.TemporaryDirectory(prefix="rb-installed-") as scratch:
    done = meson("install", "-C", build, "--no-rebuild", "--quiet", "--destdir", scratch)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    root = pathlib.Path(scratch)
    want = {str(prefix / path.format(**options)): mode for paths, mode in ((PROGRAMS, 0o755), (FILES, 0o644)) for path in paths}
    got = {"/" + str(p.relative_to(root)): p.stat().st_mode & 0o7777 for p in root.rglob("*") if not p.is_dir()}
    wrong += [f"not installed: {path}" for path in sorted(want.keys() - got.keys())]
    wrong += [f"not expected: {path}" for path in sorted(got.keys() - want.keys())]
    wrong += [f"mode {got[path]:o}, not {mode:o}: {path}" for path, mode in want.items() if got.get(path, mode) != mode]
    if not wrong:
        unit = (root / str(prefix / "lib/systemd/system/rolebridged.service").lstrip("/")).read_text()
        started = str(prefix / options["sbindir"] / "rolebridged")
        if f"\nExecStart={started} " not in unit or f"\nExecStartPre={started} --check" not in unit:
            wrong.append(f"the unit does not start {started}")
        for path in PROGRAMS:
            program = root / str(prefix / path.format(**options)).lstrip("/")
            if subprocess.run([program, "--version"], capture_output=True, check=False).returncode != 0:
                wrong.append(f"{path} does not run from where it was installed")
print("\n".join(wrong) or f"{len(want)} files, where they belong")
sys.exit(1 if wrong else 0)
