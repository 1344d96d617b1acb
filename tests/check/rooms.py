#!/usr/bin/env python3
"""Guards the arrows between rooms: which room may include what, of ours and of foreign headers.

docs/architecture.md shows the same tables, and is compared with these. A static library builds happily with a wrong arrow
in it, so the offending #include is named here. Also checks that priv.h stays at home.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

# room: rooms whose headers it may include (besides its own).
MAY_USE = {
    "base": [],
    "iam": ["base"],
    "identity": ["base"],
    "sign": ["base"],
    "net": ["base"],
    "mapping": ["base", "iam", "identity"],
    "verify": ["base", "identity", "sign", "net"],
    "store": ["base", "identity"],
    "issue": ["base", "iam", "identity", "sign", "net", "mapping/grant.h"],
    "access": ["base", "iam", "identity", "sign", "net", "mapping", "verify", "store", "issue"],
    "compile": ["base", "iam", "mapping"],
    "lint": ["base", "iam", "mapping", "compile"],
    "prove": ["base", "iam", "mapping", "compile"],
    "review": ["base", "iam", "mapping", "compile"],
    "deploy": ["base", "iam", "net", "mapping", "compile", "issue"],
    "serve": ["base", "identity", "mapping", "verify", "issue", "store", "access"],
    "rolebridged": ["base", "iam", "identity", "net", "mapping", "verify", "store", "issue", "access", "serve"],
    # doctor must say of rolebridge.yaml what the service will: it has the same reader, and serve's own check
    "rolebridgectl": ["base", "iam", "identity", "net", "mapping", "verify", "store", "issue", "access", "compile", "lint",
                      "prove", "review", "deploy", "rolebridged/config.h", "serve/serve.h"],
    "rolebridge": ["base", "iam", "net"],
    "sandbox": ["base", "net"],
}

# library: its headers, and the rooms that may include them. Anything not listed here is free (libc, GLib, jansson, OpenSSL).
FOREIGN = {
    "libyaml": (r"yaml\.h", ["base"]),
    "PCRE2": (r"pcre2\.h", ["mapping"]),
    "libcurl": (r"curl/", ["net"]),
    "SQLite": (r"sqlite3\.h", ["store"]),
    "libxml2": (r"libxml/", ["sign", "verify", "issue", "serve", "sandbox"]),
    "xmlsec1": (r"xmlsec/", ["sign", "sandbox"]),
    "p11-kit": (r"p11-kit/", ["sign"]),
    "libxslt": (r"libxslt/", ["serve"]),
    "zlib": (r"zlib\.h", ["verify", "rolebridgectl"]),
    "libmicrohttpd": (r"microhttpd\.h", ["serve", "sandbox", "rolebridge"]),
    "GnuTLS": (r"gnutls/", ["serve"]),
    "Z3": (r"z3", ["prove"]),
    "lasso": (r"lasso/", []),
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def problems():
    for path in sorted(SRC.rglob("*.[ch]")):
        room = path.relative_to(SRC).parts[0]
        if room not in MAY_USE:
            yield f"{path.relative_to(SRC.parent)}: no room named '{room}' in tests/check/rooms.py"
            continue
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            where = f"{path.relative_to(SRC.parent)}:{line}"
            quoted, header = match.group(1) == '"', match.group(2)
            if not quoted:
                for pattern, rooms in FOREIGN.values():
                    if re.match(pattern, header) and room not in rooms:
                        yield f"{where}: <{header}> belongs to {', '.join(rooms) or 'tests alone'}, not to {room}"
                continue
            target = header.split("/")[0]
            if "/" not in header:
                yield f'{where}: write "{room}/{header}"'
            elif header.endswith("/priv.h") and target != room:
                yield f"{where}: {header} is for {target}/ alone"
            elif target != room and target not in MAY_USE[room] and header not in MAY_USE[room]:
                yield f"{where}: {room}/ may not use {header} (it may use: {', '.join(MAY_USE[room]) or 'nothing of ours'})"


def rows(page, heading):
    """The cells of the table under a heading, without its head."""
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    return cells[2:]


def names(cell):
    return re.findall(r"`([a-z0-9/_.]+)`", cell)


def differences():
    """Where docs/architecture.md says something else than the tables above."""
    page = (ROOT / "docs/architecture.md").read_text()
    floors, told = {}, {}
    for floor, rooms, uses in rows(page, "Floors"):
        for room in names(rooms):
            floors[room] = int(floor)
            told[room] = names(uses)
    libraries = {library: names(rooms) for library, rooms in rows(page, "Libraries")}
    for what, here, there in [
        ("room", MAY_USE, told),
        ("library", {name: rooms for name, (_, rooms) in FOREIGN.items()}, libraries),
    ]:
        for name in sorted(here.keys() | there.keys()):
            if sorted(here.get(name, ["(not listed)"])) != sorted(there.get(name, ["(not listed)"])):
                yield f"docs/architecture.md: {what} {name}: {there.get(name)}; tests/check/rooms.py: {here.get(name)}"
    for room, uses in MAY_USE.items():
        for used in uses:
            if floors.get(used.split("/")[0], 9) >= floors.get(room, 0) and "/" not in used:
                yield f"docs/architecture.md: {room} (floor {floors.get(room)}) uses {used} (floor {floors.get(used)}): not below it"
    for path in SRC.iterdir():
        if path.is_dir() and path.name not in told:
            yield f"docs/architecture.md: src/{path.name}/ is on no floor"


found = list(problems()) + list(differences())
for line in found:
    print(line)
print(f"rooms: {len(found)} mistakes" if found else "rooms: every arrow points down, and docs/architecture.md says so")
sys.exit(1 if found else 0)
