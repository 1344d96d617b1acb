#!/usr/bin/env python3
"""A stand-in that is no bridge: it answers `rolebridge` with whatever a broken or hostile one could.

usage: hostile_bridge.py PORT_FILE: listens on loopback, writes its port there. The answer is chosen by the access token that is
shown: the name of a function below.
"""
import http.server
import json
import os
import sys


def credentials(**changes):
    whole = {"accessKeyId": "ASIAX", "secretAccessKey": "s", "sessionToken": "t", "expiration": 4102444800000}
    return json.dumps({"roleCredentials": {**whole, **changes}})


ANSWERS = {
    "escape": (200, json.dumps({"name": "a\x1b[2Jb\x9b\u202ec", "groups": ["g\x07\r\nh", 7, None, {}]})),
    "types": (200, json.dumps({"name": [], "subject": 7, "groups": {"a": 1}, "mfa": "yes", "expires_at": []})),
    "claims": (200, json.dumps({"grants": [{"account": "111122223333", "account_name": "a", "role": "r", "max_session_s": 3600, "reasons": [
        {"claims": {"repo\x1b[2J": "acme/app\x9b", "ref": 7}, "assignment": "assignments.yaml:4"}, {"claims": []}, {"claims": {}}, {}]}], "refusals": []})),
    "list": (200, "[]"),
    "html": (200, "<html>captive portal</html>"),
    "twice": (200, '{"name": "a", "name": "b"}'),
    "deep": (200, "[" * 100000),
    "huge": (200, '{"name": "' + "x" * 9_000_000 + '"}'),
    "code": (403, json.dumps({"code": "mapping.mfa_required", "message": "m\x1b[31m", "incident": "i\x1b[1m", "detail": 7})),
    "refusal": (403, json.dumps({"refusal": "mapping.mfa_required", "code": "fault.store", "message": "m"})),
    "number": (403, json.dumps({"code": 7, "message": [], "error": {}, "incident": None})),
    "fault": (500, json.dumps({"code": "fault.store", "message": "down", "incident": "abc"})),
    "unknown": (418, json.dumps({"code": "no.such_code", "message": "%s%n%s"})),
    "shell": (200, credentials(secretAccessKey="x'; touch pwned; '")),
    "newline": (200, credentials(sessionToken="a\nexport PATH=/evil")),
    "past": (200, credentials(expiration=-1)),
    "end": (200, credentials(expiration=2**63 - 1)),
    "text": (200, credentials(expiration="tomorrow")),
    "null": (200, json.dumps({"roleCredentials": None})),
    "account": (200, credentials(accountId="1; rm", assumedRoleArn="arn:aws:sts::evil\n:assumed-role/a/b")),
}


class Bridge(http.server.BaseHTTPRequestHandler):
    server_version = "stand-in, no bridge"

    def do_GET(self):
        status, body = ANSWERS.get(self.headers.get("x-amz-sso_bearer_token", ""), (404, "{}"))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        try:
            self.wfile.write(body.encode())
        except OSError:
            pass  # too much: the client went away

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bridge)
with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
