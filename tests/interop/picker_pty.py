#!/usr/bin/env python3
"""Drives rolebridge's role picker on a real pseudo-terminal. usage: picker_pty.py ROLEBRIDGE

A small honest stand-in answers GET /api/v1/roles (it says so: Server: stand-in for a bridge) with 500 roles and some hostile
text. Looks at the bytes that come, and at the terminal's settings before and after. Prints "ok NAME" or "not ok NAME: why".
"""
import fcntl
import hashlib
import http.server
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import threading
import time

ROLEBRIDGE = os.path.abspath(sys.argv[1])
ROLES = [{"account": f"{i:012d}", "account_name": f"account-{i:03d}", "role": "reader", "role_title": "Reads", "role_purpose": "",
          "environment": "dev", "max_session_s": 3600, "default_session_s": 3600, "reasons": []} for i in range(497)]
ROLES += [
    {"account": "111122223333", "account_name": "analytics-prod", "role": "data-scientist", "role_title": "日本語の役割" * 20},
    {"account": "444455556666", "account_name": "evil\x1b]0;owned\x07\x1b[2J", "role": "x", "role_title": "\u202eabc"},
    {"account": 7, "account_name": ["list"], "role": {"a": 1}, "role_title": None, "max_session_s": "no"},
]


class Bridge(http.server.BaseHTTPRequestHandler):
    server_version = "stand-in for a bridge"

    def do_GET(self):
        body = json.dumps({"grants": ROLES, "refusals": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Terminal:
    """rolebridge console --print on a terminal of its own."""

    def __init__(self, home, url, rows=24, columns=100):
        self.seen = b""
        self.master, self.slave = pty.openpty()
        self.size(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        environment = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8", "ROLEBRIDGE_URL": url,
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.execve(ROLEBRIDGE, [ROLEBRIDGE, "console", "--print"], environment)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """What comes within that time, until nothing does for a while."""
        got, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.3 if got else end - time.monotonic())
            if not ready:
                break
            try:
                got += os.read(self.master, 65536)
            except OSError:
                break
        self.seen += got
        return got.decode("utf-8", "replace")

    def keys(self, text, seconds=5):
        os.write(self.master, text.encode())
        return self.read(seconds)

    def wait_for_list(self):
        end = time.monotonic() + 20
        while b"Role (type" not in self.seen and b"Role: " not in self.seen and time.monotonic() < end:
            self.read(2)
        return self.seen.decode("utf-8", "replace")

    def end(self):
        self.read(1)
        _, status = os.waitpid(self.pid, 0)
        restored = termios.tcgetattr(self.slave)[:4] == self.before[:4]
        os.close(self.master)
        os.close(self.slave)
        return status, restored


def last_screen(text):
    return text[text.rfind("\x1b[J"):]


def chosen(text):
    match = re.search(r"console\?account=(\S+?)&role=(\S+)", text)
    return f"{match[1]}.{match[2]}" if match else None


def exits(status, code):
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == code


def dies(status, number):
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == number


def filter_and_enter(start):
    t = start()
    t.wait_for_list()
    t.keys("ANALYTICS sci")
    t.keys("\r")
    status, restored = t.end()
    assert exits(status, 0) and restored, (status, restored)
    assert chosen(t.seen.decode()) == "analytics-prod.data-scientist", t.seen[-300:]


def recents_first(start):
    t = start()
    text = last_screen(t.wait_for_list())
    t.keys("\x1b")
    status, restored = t.end()
    assert exits(status, 1) and restored, (status, restored)
    assert "analytics-prod.data-scientist" in text.split("\n")[1], text


def arrows(start):
    t = start()
    t.wait_for_list()
    t.keys("account-01")
    t.keys("\x1b[B")
    t.keys("\x1b[B\x1b[B")
    t.keys("\x1b[A")
    t.keys("\x1b[1;5A\x1b[6~\x1b[5~")  # Ctrl-arrow, pages: nothing of them is typed
    t.keys("\x7f1")
    t.keys("\x1bOB")
    t.keys("\r")
    status, restored = t.end()
    assert exits(status, 0) and restored, (status, restored)
    assert chosen(t.seen.decode()) == "account-011.reader", t.seen[-300:]


def nothing_matches(start):
    t = start()
    t.wait_for_list()
    assert "none of your 499 roles matches" in t.keys("zzz\r")
    assert "account-000" in t.keys("\x15account-000")  # Ctrl-U
    t.keys("\x04")
    status, restored = t.end()
    assert exits(status, 1) and restored, (status, restored)


def interrupted(start):
    t = start()
    t.wait_for_list()
    t.keys("\x03")
    status, restored = t.end()
    assert dies(status, signal.SIGINT) and restored, (status, restored)  # a shell sees 130


def signalled(start):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        t = start()
        t.wait_for_list()
        time.sleep(0.1)
        assert termios.tcgetattr(t.slave)[3] & termios.ECHO == 0
        os.kill(t.pid, number)
        status, restored = t.end()
        assert dies(status, number) and restored, (number, status, restored)


def resized(start):
    t = start()
    t.wait_for_list()
    t.size(6, 30)
    os.kill(t.pid, signal.SIGWINCH)
    screen = last_screen(t.read(5))
    t.keys("\x1b")
    status, restored = t.end()
    assert exits(status, 1) and restored, (status, restored)
    lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen).split("\r\n")
    assert 1 < len(lines) <= 5 and all(len(line.rstrip("\r")) < 30 for line in lines), lines


def wide(start):
    t = start(columns=60)
    t.wait_for_list()
    screen = last_screen(t.keys("日本"))
    t.keys("\x1b")
    status, restored = t.end()
    assert exits(status, 1) and restored, (status, restored)
    row = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen).split("\r\n")[1]
    width = sum(2 if ord(c) > 0x2000 else 1 for c in row.rstrip("\r"))
    assert "analytics-prod" in row and 50 < width < 60, (width, row)


def hostile_text(start):
    t = start()
    t.wait_for_list()
    t.keys("evil")
    t.keys("\x1b")
    status, _ = t.end()
    assert exits(status, 1), status
    assert b"\x1b]0;" not in t.seen and b"\x1b[2J" not in t.seen and "\u202e".encode() not in t.seen, t.seen


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bridge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        cache = os.path.join(home, ".aws/sso/cache")
        os.makedirs(cache)
        token = os.path.join(cache, hashlib.sha1(b"rolebridge").hexdigest() + ".json")
        with open(token, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            json.dump({"startUrl": url, "accessToken": "t", "expiresAt": "2099-01-01T00:00:00Z"}, file)
        for case in (filter_and_enter, recents_first, arrows, nothing_matches, interrupted, signalled, resized, wide,
                     hostile_text):
            name = "picker: " + case.__name__.replace("_", " ")
            try:
                case(lambda **size: Terminal(home, url, **size))
                print(f"ok {name}", flush=True)
            except AssertionError as why:
                failed += 1
                print(f"not ok {name}: {str(why)[:400]!r}", flush=True)
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
