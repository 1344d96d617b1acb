#!/usr/bin/env python3
"""A person's browser for tests of the command line: BROWSER=tests/interop/browser.py.

Opens the address it is started with, signs in at the sandbox's form, answers the consent page, and follows the way back to
the terminal. Settings come by environment: BROWSER_USER (default ada; the password is the same word), BROWSER_CA,
BROWSER_LOG (each start adds a line), BROWSER_DOES: allow (default), deny, or nothing.
"""
import html.parser
import http.cookiejar
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request


class Forms(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []  # (method, action, fields, decisions)

    def handle_starttag(self, tag, attrs):
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((at.get("method", "get").lower(), at.get("action", ""), {}, []))
        elif self.found and tag == "input" and "name" in at:
            self.found[-1][2][at["name"]] = at.get("value", "")
        elif self.found and tag == "button" and at.get("name") == "decision":
            self.found[-1][3].append(at.get("value", ""))


def main():
    does = os.environ.get("BROWSER_DOES", "allow")
    user = os.environ.get("BROWSER_USER", "ada")
    with open(os.environ.get("BROWSER_LOG", "/dev/null"), "a", encoding="utf-8") as log:
        log.write(sys.argv[1].split("?")[0] + "\n")
    if does == "nothing":
        return 0
    trust = ssl.create_default_context(cafile=os.environ.get("BROWSER_CA"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust),
                                         urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    opener.addheaders = [("Accept", "text/html")]
    request = urllib.request.Request(sys.argv[1])
    for _ in range(12):
        try:
            answer = opener.open(request, timeout=30)
        except urllib.error.HTTPError as refused:
            print(f"browser: {refused.url.split('?')[0]} answered {refused.code}", file=sys.stderr)
            return 4
        url, body = answer.url, answer.read().decode("utf-8", "replace")
        if "/oauth/callback" in url:
            return 0
        forms = Forms()
        forms.feed(body)
        for method, action, fields, decisions in forms.found:
            if "password" in fields:
                fields["username"] = fields["password"] = user
                fields["factor"] = "password"
            elif does in decisions:
                fields["decision"] = does
            elif "SAMLResponse" not in fields:
                continue
            target, here = urllib.parse.urljoin(url, action), urllib.parse.urlsplit(url)
            request = urllib.request.Request(target, urllib.parse.urlencode(fields).encode() if method == "post" else None)
            request.add_header("Origin", f"{here.scheme}://{here.netloc}")
            break
        else:
            return 0
    print("browser: still not there", file=sys.stderr)
    return 1


sys.exit(main())
