#!/usr/bin/env python3
"""What zsh offers for a line, on a real terminal. usage: zsh_complete.py FUNCTION_FOLDER LINE"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

folder, line = sys.argv[1:3]
child, terminal = pty.fork()
if child == 0:
    os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "xterm", "HOME": folder})


fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))


def read(seconds):
    got, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        try:
            got += os.read(terminal, 65536)
        except OSError:
            break
    return got


read(1)
os.write(terminal, f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; setopt auto_list no_list_beep\n".encode())
read(3)
os.write(terminal, line.encode() + b"\t\t")
sys.stdout.write(read(3).decode("utf-8", "replace"))
os.write(terminal, b"\x15exit\n")
os.close(terminal)
os.waitpid(child, 0)
