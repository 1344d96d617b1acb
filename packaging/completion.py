#!/usr/bin/env python3
"""Makes a completion script from what a program's --help says: its commands, and each command's options and words.

completion.py PROGRAM NAME bash|zsh|fish > SCRIPT
"""
import os
import re
import subprocess
import sys

program, name, shell = sys.argv[1:4]
utf8 = dict(os.environ, LC_ALL="C.UTF-8")
sys.stdout.reconfigure(encoding="utf-8")


def ask(*arguments):
    return subprocess.run([program, *arguments, "--help"], capture_output=True, encoding="utf-8", check=True, env=utf8).stdout


def options(text):
    """Every --option that starts a line of @text, with those that share the line."""
    heads = re.findall(r"(?m)^  ((?:-\w, )?--[a-z].*?)(?:  |$)", text)
    return sorted({"--help"} | {option for head in heads for option in re.findall(r"--[a-z][a-z-]+", head)})


def words(command, text):
    """What the usage offers as a|b|c right after the command."""
    offered = re.search(rf"{name} {command} ([a-z-]+(?:\|[a-z-]+)+)", text)
    return offered.group(1).split("|") if offered else []


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


top = ask()
commands = dict(re.findall(r"(?m)^  ([a-z][a-z-]*)  +(\S.*)$", top))
helps = {command: ask(command) for command in commands}
each = {command: words(command, text) + options(text) for command, text in helps.items()}
first = [*commands, *options(top)]
if shell == "bash":
    function = "_" + name.replace("-", "_")
    print(f'{function}() {{\n    local word=${{COMP_WORDS[COMP_CWORD]}} words=""\n    if [ "$COMP_CWORD" = 1 ]; then')
    print(f'        words="{" ".join(first)}"\n    else\n        case ${{COMP_WORDS[1]}} in')
    for command, offered in each.items():
        print(f'            {command}) words="{" ".join(offered)}" ;;')
    print('        esac\n    fi\n    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")\n}')
    print(f"complete -o default -F {function} {name}")
elif shell == "zsh":
    print(f"#compdef {name}\nif (( CURRENT == 2 )); then\n    local -a commands\n    commands=(")
    for command, summary in commands.items():
        print(f"        {quoted(command + ':' + summary.replace(':', chr(92) + ':'))}")
    print("    )\n    _describe command commands\n    compadd -- " + " ".join(options(top)) + "\n    return\nfi\ncase ${words[2]} in")
    for command, offered in each.items():
        print(f"    {command}) compadd -- {' '.join(offered)} ;;")
    print("esac\n_files")
else:
    for command, summary in commands.items():
        print(f"complete -c {name} -n __fish_use_subcommand -f -a {command} -d {quoted(summary)}")
    for option in options(top):
        print(f"complete -c {name} -n __fish_use_subcommand -l {option[2:]}")
    for command, offered in each.items():
        seen = f"'__fish_seen_subcommand_from {command}'"
        for word in offered:
            print(f"complete -c {name} -n {seen} " + (f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"))
