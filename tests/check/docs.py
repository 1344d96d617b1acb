#!/usr/bin/env python3
"""What the pages say about the tree is so: links, paths, codes, functions, versions, numbers of decisions."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "certs").glob("*.md")])
LINK = re.compile(r"\]\(([^()\s]+)\)")
# A path of the tree, as prose and tables name it; NAME, ROOM and * stand for many.
PATH = re.compile(r"`((?:src|tests|scripts|packaging|mappings|docs)/[A-Za-z0-9_./*-]*)[^`]*`")
CODE = re.compile(r"`((?:request|identity|saml|jwt|oidc|session|signin|sso|mapping|sts|store|audit|fault)\.[a-z_]+)`")
# Written like codes, and none: names of log lines, configuration keys, files.
NO_CODES = {"audit.lost", "mapping.refused", "sts.answered", "sts.refused", "session.max"}
FILES = {"c", "h", "pem", "key"}


def anchor(heading):
    """GitHub's name for a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page):
    return {anchor(heading) for heading in re.findall(r"(?m)^#+ (.*)$", page.read_text())}


def without_blocks(text):
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def links(page, text):
    for target in LINK.findall(without_blocks(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            yield f"link to {target}: there is no such file"
        elif fragment and file.suffix == ".md" and fragment not in anchors(file):
            yield f"link to {target}: no such heading"


def paths(text):
    for path in PATH.findall(without_blocks(text)):
        if not re.search(r"[A-Z]{3}", path) and not list(ROOT.glob(path.rstrip("/") or ".")):
            yield f"'{path}' is not in the tree"


def codes(text):
    catalogue = set(re.findall(r'\bX\([A-Z0-9_]+,\s*"([a-z0-9_.]+)"', (ROOT / "src/base/refusal.h").read_text()))
    for code in CODE.findall(text):
        if code not in catalogue | NO_CODES and code.split(".")[1] not in FILES:
            yield f"'{code}' is no code of src/base/refusal.h"


def index(problems):
    """README lists every page of docs/, and each leads back to it."""
    listed = set(LINK.findall((ROOT / "README.md").read_text()))
    for page in sorted((ROOT / "docs").glob("*.md")):
        name = f"docs/{page.name}"
        if name not in listed:
            problems.append(f"README.md: {name} is not listed")
        if "(../README.md#documentation)" not in page.read_text():
            problems.append(f"{name}: leads back to nowhere; it wants a link to ../README.md#documentation")
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    told = (ROOT / "docs/decisions/README.md").read_text()
    for number, page in enumerate(decisions, 1):
        title = page.read_text().split("\n", 1)[0]
        if not title.startswith(f"# {number:04} ") or not page.name.startswith(f"{number:04}-"):
            problems.append(f"docs/decisions/{page.name}: should be number {number:04}, in name and title")
        if f"| [{number:04}]({page.name}) | {title[7:]} |" not in told:
            problems.append(f"docs/decisions/README.md: {page.name} is not listed with its title")


def checks(problems):
    """docs/saml.md: each function that makes a check is there, and each row that tests it."""
    sources = "\n".join(p.read_text() for room in ("verify", "sign") for p in (ROOT / "src" / room).glob("*.[ch]"))
    tests = "\n".join(p.read_text() for p in (ROOT / "tests/unit").rglob("*.[ch]"))
    for line in (ROOT / "docs/saml.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 6 or not cells[0].isdigit():
            continue
        for function in re.findall(r"`([a-z_0-9]+)`", cells[3]):
            if not re.search(rf"\b{function}\b", sources):
                problems.append(f"docs/saml.md, check {cells[0]}: no function '{function}'")
        for row in re.findall(r'"([^"]+)"', cells[5]):
            if f'{row.strip(" …")}' not in tests:
                problems.append(f"docs/saml.md, check {cells[0]}: no test row '{row}'")


def oidc_checks(problems):
    """docs/oidc.md: the same; its tests are functions."""
    sources = "\n".join(p.read_text() for room in ("verify", "sign", "access") for p in (ROOT / "src" / room).glob("*.[ch]"))
    tests = "\n".join(p.read_text() for p in (ROOT / "tests/unit").rglob("*.[ch]"))
    rows = 0
    for line in (ROOT / "docs/oidc.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 6 or not cells[0].isdigit():
            continue
        rows += 1
        for text, cell in ((sources, cells[3]), (tests, cells[5])):
            for name in re.findall(r"`([a-z_0-9]+)`", cell):
                if not re.search(rf"\b{name}\b", text):
                    problems.append(f"docs/oidc.md, check {cells[0]}: no '{name}'")
    if rows == 0:
        problems.append("docs/oidc.md: no table of checks")


def pointers(problems):
    """docs/threat-model.md: each row of attackers leads to test functions that are in the file it names."""
    text = (ROOT / "docs/threat-model.md").read_text()
    section = text.split("\n## Attackers\n", 1)[1].split("\n## ", 1)[0]
    for line in [line for line in section.splitlines() if line.startswith("| ")][1:]:
        cell = line.strip("| ").split("|")[-1]
        named = re.findall(r"`(tests/[a-z_/]+\.c)`: ((?:`[a-z_0-9]+` ?)+)", cell)
        if not named and not line.startswith("| ---"):
            problems.append(f"docs/threat-model.md: '{line.split('|')[1].strip()}' leads to no test")
        for path, functions in named:
            source = (ROOT / path).read_text() if (ROOT / path).exists() else ""
            for function in re.findall(r"`([a-z_0-9]+)`", functions):
                if not re.search(rf"(?m)^{function}\(", source):
                    problems.append(f"docs/threat-model.md: no test '{function}' in {path}")


def versions(problems):
    """docs/dependencies.md has each library that meson.build wants, with that version, and the packages with a version."""
    page = (ROOT / "docs/dependencies.md").read_text()
    wanted = dict(re.findall(r"dependency\('([^']+)', version: '>= ([^']+)'", (ROOT / "meson.build").read_text()))
    told = dict(re.findall(r"(?m)^\| [^|]+ \(`([^`]+)`\) \| ([0-9.]+)", page))
    for name in sorted(wanted.keys() | told.keys()):
        if wanted.get(name) != told.get(name):
            problems.append(f"docs/dependencies.md: {name} {told.get(name)}; meson.build: {wanted.get(name)}")
    for name, least in re.findall(r"(?m)^([a-z0-9.+-]+) +([0-9]\S*)$", (ROOT / "scripts/packages.txt").read_text()):
        if f"`{name}` {least}" not in page:
            problems.append(f"docs/dependencies.md: does not say '`{name}` {least}', which scripts/packages.txt asks for")


found = []
for page in PAGES:
    text = page.read_text()
    name = page.relative_to(ROOT)
    found += [f"{name}: {problem}" for check in (lambda t: links(page, t), paths, codes) for problem in check(text)]
index(found)
checks(found)
oidc_checks(found)
pointers(found)
versions(found)
for line in found:
    print(line)
print(f"docs: {len(found)} mistakes" if found else f"docs: {len(PAGES)} pages, and what they name is there")
sys.exit(1 if found else 0)
