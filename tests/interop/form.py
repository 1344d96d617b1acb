"""Reads a web page on stdin, prints its first form as a curl --config file: url, then one data-urlencode a field.

usage: [USERNAME=… PASSWORD=…] form.py BASE_URL

The two variables fill a log-in form. Exit 3: the page has no form; its text goes to stderr.
"""
import html.parser
import os
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.words, self.quiet = [], [], False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.quiet = tag in ("script", "style")
        if tag == "form":
            self.forms.append((attrs.get("action") or "", attrs.get("id") or "", {}))
        elif tag in ("input", "button") and self.forms and attrs.get("name"):
            self.forms[-1][2].setdefault(attrs["name"], attrs.get("value") or "")

    def handle_endtag(self, tag):
        self.quiet = False

    def handle_data(self, data):
        if data.strip() and not self.quiet:
            self.words.append(data.strip())


def rank(form):
    """A page may carry other forms (a choice of language): those of the protocol and the log-in come first."""
    return not ({"SAMLResponse", "SAMLRequest", "password"} & form[2].keys())


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'


def main():
    page = Page()
    page.feed(sys.stdin.buffer.read().decode("utf-8", "replace"))
    if not page.forms:
        print(" ".join(page.words)[:600], file=sys.stderr)
        return 3
    action, _, fields = sorted(page.forms, key=rank)[0]
    if "password" in fields and "USERNAME" in os.environ:
        fields["username"], fields["password"] = os.environ["USERNAME"], os.environ["PASSWORD"]
    print("url =", quote(urllib.parse.urljoin(sys.argv[1], action)))
    for name, value in fields.items():
        print("data-urlencode =", quote(f"{urllib.parse.quote(name)}={value}"))
    return 0


sys.exit(main())
