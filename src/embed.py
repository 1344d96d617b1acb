#!/usr/bin/env python3
"""Writes a text file as a C string: embed.py NAME INPUT OUTPUT."""
import sys

name, source, target = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    lines = file.read().splitlines()
with open(target, "w", encoding="utf-8") as file:
    # ISO C asks a compiler for 4095 characters a string only; those that build this take any
    file.write('#pragma GCC diagnostic ignored "-Woverlength-strings"\n')
    file.write(f"extern const char {name}[];\nconst char {name}[] =\n")
    for line in lines:
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
        file.write(f'    "{escaped}\\n"\n')
    file.write("    ;\n")
