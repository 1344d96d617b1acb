#!/usr/bin/env python3
"""Guards the arrows between rooms: which room may include what, of ours and of foreign headers.

The table is style.md's; docs/architecture.md shows it. A static library builds happily with a wrong arrow in it, so the
offending #include is named here. Also checks that each room has one door and that priv.h stays at home.
"""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"

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
    "directory": ["base", "identity", "net"],
    "issue": ["base", "iam", "identity", "sign", "net", "mapping/grant.h"],
    "access": ["base", "iam", "identity", "sign", "net", "mapping", "verify", "store", "directory", "issue"],
    "serve": ["base", "identity", "mapping", "verify", "issue", "store", "access"],
    "rolebridged": ["base", "iam", "identity", "net", "mapping", "verify", "store", "issue", "access", "serve"],
    # doctor must say of rolebridge.yaml what the service will: it has the same reader, and serve's own check
    "rolebridgectl": ["base", "iam", "identity", "net", "mapping", "verify", "store", "issue", "access", "rolebridged/config.h",
                      "serve/serve.h"],
    "rolebridge": ["base", "net"],
    "sandbox": ["base", "iam", "identity", "sign", "net", "mapping"],
}

# One library, one room. Anything not listed here is free (libc, GLib, jansson, OpenSSL).
FOREIGN = {
    r"yaml\.h": ["base"],
    r"cjose/": ["sign"],
    r"xmlsec/": ["sign", "sandbox"],
    r"lasso/": ["verify"],
    r"libxml/": ["sign", "verify", "issue", "serve", "sandbox"],
    r"ldap\.h|lber\.h": ["directory"],
    r"sqlite3\.h": ["store"],
    r"libpq-fe\.h": ["store"],
    r"microhttpd\.h": ["serve", "sandbox", "rolebridge"],
    r"curl/": ["net"],
    r"pcre2\.h": ["mapping"],
    r"libxslt/": ["serve", "sandbox"],
    r"gnutls/": ["serve", "sandbox"],
    r"libsecret/": ["rolebridge"],
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
                for pattern, rooms in FOREIGN.items():
                    if re.match(pattern, header) and room not in rooms:
                        yield f"{where}: <{header}> belongs to {', '.join(rooms)}, not to {room}"
                continue
            target = header.split("/")[0]
            if "/" not in header:
                yield f'{where}: write "{room}/{header}"'
            elif header.endswith("/priv.h") and target != room:
                yield f"{where}: {header} is for {target}/ alone"
            elif target != room and target not in MAY_USE[room] and header not in MAY_USE[room]:
                yield f"{where}: {room}/ may not use {header} (it may use: {', '.join(MAY_USE[room]) or 'nothing of ours'})"


found = list(problems())
for line in found:
    print(line)
print(f"rooms: {len(found)} wrong arrows" if found else "rooms: every arrow points down")
sys.exit(1 if found else 0)
