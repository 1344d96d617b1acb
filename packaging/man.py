#!/usr/bin/env python3
"""Makes a manual page from what a program's --help says, so that the two never differ.

man.py PROGRAM NAME SECTION TITLE > NAME.SECTION
"""
import os
import re
import subprocess
import sys

program, name, section, title = sys.argv[1:5]
utf8 = dict(os.environ, LC_ALL="C.UTF-8")
sys.stdout.reconfigure(encoding="utf-8")


def ask(*arguments):
    done = subprocess.run([program, *arguments], capture_output=True, encoding="utf-8", check=True, env=utf8)
    return done.stdout


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def block(text):
    return ".nf\n" + roff(re.sub(r"\n{3,}", "\n\n", text.strip("\n"))) + "\n.fi\n"


top = ask("--help")
version = ask("--version").split()[-1]
usage = re.search(r"Usage:\s*(\S.*)\n", top)
synopsis, description = usage.group(1), top[:usage.start()] + top[usage.end():]
commands = re.findall(r"(?m)^  ([a-z][a-z-]*)  +\S", description) if "COMMAND" in synopsis else []
print(f'.TH {name.upper()} {section} "" "rolebridge {version}" "rolebridge"')
print(f".SH NAME\n{name} \\- {roff(title)}")
print(".SH SYNOPSIS\n" + block(synopsis), end="")
print(".SH DESCRIPTION\n" + block(description), end="")
for command in commands:
    print(f".SH {command.upper()}\n" + block(ask(command, "--help")), end="")
print(".SH SEE ALSO")
print(",\n".join(f"\\fB{page}\\fR({number})" for page, number in
                 [("rolebridge", 1), ("rolebridgectl", 8), ("rolebridged", 8)] if page != name))
