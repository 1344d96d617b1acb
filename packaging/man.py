#!/usr/bin/env python3
"""Makes a manual page from what a program's --help says, so that the two never differ.

man.py PROGRAM NAME SECTION TITLE > NAME.SECTION
"""
import re
import subprocess
import sys

program, name, section, title = sys.argv[1:5]


def ask(*arguments):
    done = subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def block(text):
    return ".nf\n" + roff(text.rstrip()) + "\n.fi\n"


top = ask()
version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
commands = re.findall(r"(?m)^  ([a-z][a-z-]*)  +\S", top) if "COMMAND" in top.splitlines()[0] else []
print(f'.TH {name.upper()} {section} "" "rolebridge {version}" "rolebridge"')
print(f".SH NAME\n{name} \\- {roff(title)}")
print(".SH SYNOPSIS\n" + block(top.splitlines()[0].replace("Usage:", "").strip()))
print(".SH DESCRIPTION\n" + block("\n".join(top.splitlines()[1:])))
for command in commands:
    print(f".SH {command.upper()}\n" + block(ask(command)))
print(".SH SEE ALSO")
print(", ".join(f"\\fB{page}\\fR({number})" for page, number in
                [("rolebridge", 1), ("rolebridgectl", 8), ("rolebridged", 8)] if page != name))
