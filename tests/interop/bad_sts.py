"""An STS that is out of order: bad_sts.py PORT MODE_FILE. Each connection is treated as MODE_FILE says at that moment.

silent: accepts and never answers · slow: one byte a second · garbage: a web page · empty: 200 with nothing · error: 500 ·
redirect: to another place · huge: 16 MB · forged: credentials for somebody else · close: hangs up · throttle: 400 Throttling
good: what was asked for, each time with another key · late: the same after a second
"""
import random
import re
import socket
import sys
import threading
import time

PORT, MODE = int(sys.argv[1]), sys.argv[2]


def answer(status, body, *headers):
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]).encode()


def credentials(name):
    key = "ASIA" + "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    return (f"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>"
            "<SecretAccessKey>0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c</SecretAccessKey><SessionToken>dG9rZW4=</SessionToken>"
            f"<Expiration>{until}</Expiration></Credentials><AssumedRoleUser>"
            f"<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/{name}</Arn></AssumedRoleUser></AssumeRoleResult>"
            "</AssumeRoleResponse>")


ANSWERS = {
    "garbage": answer("200 OK", "<html>Welcome to the hotel's network</html>"),
    "empty": answer("200 OK", ""),
    "error": answer("500 Internal Server Error", "<ErrorResponse><Error><Code>InternalFailure</Code></Error></ErrorResponse>"),
    "redirect": answer("307 Temporary Redirect", "", "Location: http://127.0.0.1:9/"),
    "huge": answer("200 OK", "x" * (16 << 20)),
    "throttle": answer("400 Bad Request", "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
}


def treat(connection):
    mode = open(MODE).read().strip()
    try:
        asked = connection.recv(65536).decode() if mode != "close" else ""
        name = re.search(r"RoleSessionName=([^&]*)", asked)
        if mode == "silent":
            time.sleep(120)
        elif mode == "slow":
            for byte in ANSWERS["garbage"]:
                connection.send(bytes([byte]))
                time.sleep(1)
        elif mode in ("good", "late", "forged"):
            time.sleep(1 if mode == "late" else 0)
            connection.sendall(answer("200 OK", credentials(name.group(1) if name and mode != "forged" else "mallory")))
        elif mode != "close":
            connection.sendall(ANSWERS[mode])
    except OSError:
        pass  # the other side had enough of it
    connection.close()


listener = socket.create_server(("127.0.0.1", PORT), backlog=64)
while True:
    threading.Thread(target=treat, args=(listener.accept()[0],), daemon=True).start()
