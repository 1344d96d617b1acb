#!/usr/bin/env python3
"""What `rolebridgectl compile` makes of the sample organisation, in each of its forms.

    compile.py ROLEBRIDGECTL            compares with compile/, and shows the difference
    compile.py ROLEBRIDGECTL --update   writes it anew; the change is then reviewed as a diff
"""
import difflib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MAPPINGS = HERE.parents[1] / "mappings"
WANTED = HERE / "compile"


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def compile_into(program, folder):
    for form in ("json", "cloudformation", "terraform"):
        done = subprocess.run([program, "compile", "--mappings", MAPPINGS, "--format", form, "--output", folder],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            print(f"{form}: exit {done.returncode}\n{done.stderr}")
            return False
    return True


def main():
    program, update = sys.argv[1], "--update" in sys.argv[2:]
    with tempfile.TemporaryDirectory() as once, tempfile.TemporaryDirectory() as again:
        if not all(compile_into(program, folder) for folder in (once, again)):
            return 1
        now, then = files(pathlib.Path(once)), files(pathlib.Path(again))
    if now != then:
        print("the same mapping gave two different outputs")
        return 1
    if update:
        for name, text in now.items():
            (WANTED / name).parent.mkdir(parents=True, exist_ok=True)
            (WANTED / name).write_text(text)
    wanted = files(WANTED)
    different = 0
    for name in sorted(wanted.keys() | now.keys()):
        lines = list(difflib.unified_diff(wanted.get(name, "").splitlines(), now.get(name, "").splitlines(), name, "now", lineterm=""))
        different += bool(lines)
        print(*lines, sep="\n", end="\n" if lines else "")
    print(f"golden: {len(now)} files, {different} differences")
    return 1 if different else 0


sys.exit(main())
