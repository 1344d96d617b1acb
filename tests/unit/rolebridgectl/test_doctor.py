#!/usr/bin/env python3
"""rolebridgectl doctor on a machine that is well, and with one thing wrong after the other.

Usage: test_doctor.py ROLEBRIDGECTL ROLEBRIDGED
"""
import email.utils
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

CTL, DAEMON = sys.argv[1:3]
del sys.argv[1:3]
METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.example"{valid}>
 <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>
{certificate}
  </X509Certificate></X509Data></KeyInfo></KeyDescriptor>
  <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/sso"/>
 </IDPSSODescriptor>
</EntityDescriptor>
"""
MAPPING = {
    "accounts.yaml": 'rolebridge: 1\naccounts:\n  - { id: "111122223333", name: prod, issue: { method: assume-role } }\n',
    "policies/look.yaml": "rolebridge: 1\npolicy: look\ntask: Look\nstatements:\n"
    '  - { sid: Look, effect: Allow, action: "s3:Get*", resource: "*" }\n',
    "roles/looker.yaml": "rolebridge: 1\nrole: looker\ntitle: Looker\nowner: o@acme.example\npurpose: Looks.\npolicies: [look]\n",
    "assignments.yaml": "rolebridge: 1\nassignments:\n  - { groups: [staff], role: looker, accounts: [prod] }\n",
}
CONFIG = """rolebridge: 1
public_url: https://localhost:{port}
listen: "127.0.0.1:{port}"
tls: {{ certificate: cert.pem, key: key.pem }}
outgoing: {{ ca_file: cert.pem }}
store: sqlite:state/state.db
identity_providers:
  - {{ id: corp, type: saml, metadata: idp.xml, groups: [groups] }}
aws: {{ region: eu-central-1, sts_endpoint: "http://127.0.0.1:{sts}" }}
"""


def certificate(folder, name="cert", days="30", host="localhost"):
    """A self-signed one. -days wants a positive number, so an expired one is made by 'openssl x509 -days -1'."""
    request = folder / f"{name}.csr"
    subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}", "-keyout", folder / f"{name.replace('cert', 'key')}.pem", "-out", request],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-signkey", folder / f"{name.replace('cert', 'key')}.pem",
                    "-copy_extensions", "copyall", "-days", days, "-out", folder / f"{name}.pem"], check=True, capture_output=True)
    (folder / f"{name.replace('cert', 'key')}.pem").chmod(0o600)
    return "\n".join((folder / f"{name}.pem").read_text().splitlines()[1:-1])


class Sts(http.server.BaseHTTPRequestHandler):
    """Says what time it is there."""
    offset, status = 0, 302

    def send_response(self, code, message=None):
        self.send_response_only(code, message)
        self.send_header("Date", email.utils.formatdate(time.time() + Sts.offset, usegmt=True))

    def do_GET(self):
        self.send_response(Sts.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certs = pathlib.Path(tempfile.mkdtemp(prefix="rb-doctor-certs-"))
        cls.addClassCleanup(shutil.rmtree, cls.certs)
        cls.idp = certificate(cls.certs)
        certificate(cls.certs, "cert-old", "-1")
        certificate(cls.certs, "cert-soon", "5")
        certificate(cls.certs, "cert-other", host="elsewhere.acme.example")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rb-doctor-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name, text in MAPPING.items():
            path = self.folder / "mappings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o644)
        (self.folder / "state").mkdir(mode=0o700)
        (self.folder / "idp.xml").write_text(METADATA.format(certificate=self.idp, valid=""))
        for name in ("cert.pem", "key.pem"):
            shutil.copy(self.certs / name, self.folder / name)
        Sts.offset, Sts.status = 0, 302
        self.sts = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sts)
        threading.Thread(target=self.sts.serve_forever, daemon=True).start()
        self.addCleanup(self.sts.server_close)
        self.addCleanup(self.sts.shutdown)
        self.port = free_port()
        self.config = self.folder / "rolebridge.yaml"
        self.text = CONFIG.format(port=self.port, sts=self.sts.server_address[1])
        self.write(self.text)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CREDENTIALS_"))}
        self.env.update(HOME=str(self.folder), AWS_EC2_METADATA_DISABLED="true", AWS_ACCESS_KEY_ID="ASIAIOSFODNN7EXAMPLE",
                        AWS_SECRET_ACCESS_KEY="x" * 40, AWS_SESSION_TOKEN="t" * 40)

    def write(self, text):
        self.config.write_text(text)
        self.config.chmod(0o644)

    def ask(self, *options):
        return subprocess.run([CTL, "doctor", "--config", self.config, *options], capture_output=True, text=True,
                              timeout=60, check=False, env=self.env)

    def expect(self, code, *lines):
        """Each of @lines is CHECK, STATE and words of the detail or of what to do."""
        done = self.ask("--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(told["ok"], code == 0)
        self.assertNotIn("x" * 40, done.stdout)
        for check, state, words in lines:
            self.assertTrue(any(c["check"] == check and c["state"] == state and words in c["detail"] + "; " + c.get("next", "")
                                for c in told["checks"]), f"no '{check}: {state}: {words}' in {done.stdout}")
        if code == 0:
            self.assertFalse([c for c in told["checks"] if c["state"] in ("wrong", "unknown")])
        return told["checks"]

    def test_all_is_well(self):
        checks = self.expect(
            0, ("configuration", "ok", "localhost"), ("files", "ok", ""), ("tls", "ok", "valid until"),
            ("tls", "ok", "for 'localhost'"), ("tls", "ok", "authority that this machine trusts"),
            ("tls", "ok", "the key is that"), ("ports", "ok", "is free"),
            ("mapping", "ok", "1 accounts, 1 roles, 1 assignments"), ("store", "warning", "is not there yet"),
            ("disk", "ok", "MiB free"), ("identity provider", "ok", "'corp': 1 signing key"), ("sts", "ok", "(302)"),
            ("clock", "ok", "s from that of STS"), ("aws credentials", "ok", "from environment"))
        self.assertEqual([c["check"] for c in checks if c["state"] == "warning"], ["store"])
        self.assertFalse((self.folder / "state/state.db").exists())

    def test_text(self):
        done = self.ask()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("1 warning, 0 wrong, 0 unknown", done.stdout)
        self.assertNotIn("\033", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ok       mapping +/")

    def test_beside_the_service(self):
        daemon = subprocess.Popen([DAEMON, "--config", self.config], env=self.env, stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        try:
            for line in daemon.stderr:
                if " started" in line:
                    break
            self.expect(0, ("ports", "ok", "answers: the service runs"), ("store", "ok", "the audit log ends at "))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=30)
        self.assertEqual(daemon.returncode, 0)

    def test_configuration(self):
        self.config.unlink()
        self.expect(4, ("configuration", "unknown", "--config FILE"))
        self.write("rolebridge: [1")
        self.expect(1, ("configuration", "wrong", "rolebridge.yaml:"))
        self.write(self.text + "listn: x\n")
        self.expect(1, ("configuration", "wrong", "did you mean 'listen'"))
        self.write(self.text + "trusted_proxies: [nonsense]\n")
        self.expect(1, ("configuration", "wrong", "nonsense"))
        self.write(self.text.replace("127.0.0.1", "192.0.2.77", 1))
        self.expect(1, ("ports", "wrong", "192.0.2.77"))

    def test_files(self):
        self.config.chmod(0o646)
        self.expect(1, ("files", "wrong", f"chmod o-w {self.config}"))
        self.config.chmod(0o644)
        (self.folder / "mappings/roles/looker.yaml").chmod(0o666)
        self.expect(1, ("files", "wrong", "roles/looker.yaml"))

    def test_tls(self):
        for name, code, state, words in (
                ("old", 1, "wrong", "was valid until"), ("soon", 0, "warning", "4 days from now"),
                ("other", 1, "wrong", "is not for 'localhost'")):
            with self.subTest(name):
                self.write(self.text.replace("cert.pem, key: key.pem", f"cert-{name}.pem, key: key-{name}.pem"))
                shutil.copy(self.certs / f"cert-{name}.pem", self.folder)
                shutil.copy(self.certs / f"key-{name}.pem", self.folder)
                self.expect(code, ("tls", state, words), ("tls", "ok", "the key is that"))
        self.write(self.text.replace("key: key.pem", "key: key-old.pem"))
        self.expect(1, ("tls", "wrong", "not that of the certificate"))
        self.write(self.text.replace("key: key.pem", "key: { credential: key.pem }"))
        self.expect(0, ("tls", "warning", "set CREDENTIALS_DIRECTORY"))
        self.env["CREDENTIALS_DIRECTORY"] = str(self.folder)
        self.expect(0, ("tls", "ok", "the key is that"))
        self.write(self.text.replace("outgoing: { ca_file: cert.pem }\n", ""))
        self.expect(0, ("tls", "warning", "does not trust the certificate: self-signed"))
        self.write(self.text)
        (self.folder / "key.pem").chmod(0o644)
        self.expect(1, ("tls", "wrong", "key.pem"))
        shutil.copy(self.certs / "cert-other.pem", self.folder / "chain.pem")
        (self.folder / "chain.pem").write_text((self.folder / "cert.pem").read_text() + (self.folder / "chain.pem").read_text())
        (self.folder / "key.pem").chmod(0o600)
        self.write(self.text.replace("certificate: cert.pem", "certificate: chain.pem"))
        self.expect(1, ("tls", "wrong", "not issued by the next one"))

    def test_port_of_another(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            self.expect(0, ("ports", "warning", "is taken, and"))

    def test_mapping(self):
        assignments = self.folder / "mappings/assignments.yaml"
        assignments.write_text(MAPPING["assignments.yaml"].replace("looker", "loker"))
        self.expect(1, ("mapping", "wrong", "assignments.yaml:3:"), ("mapping", "wrong", "did you mean 'looker'"))
        assignments.write_text(MAPPING["assignments.yaml"].replace("groups", "provider: crp, groups"))
        self.expect(0, ("mapping", "warning", "no identity provider 'crp' is configured; did you mean 'corp'?"))

    def test_store(self):
        (self.folder / "state/state.db").write_text("no database")
        (self.folder / "state/state.db").chmod(0o600)
        self.expect(1, ("store", "wrong", "state.db"))
        shutil.rmtree(self.folder / "state")
        self.expect(1, ("store", "wrong", "there is no folder"))

    def test_identity_providers(self):
        self.write(self.text.replace("idp.xml", '"http://127.0.0.1:9/metadata"'))
        self.expect(1, ("identity provider", "wrong", "'corp':"), ("identity provider", "wrong", "with curl"))
        self.write(self.text)
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 24 * 3600))
        (self.folder / "idp.xml").write_text(METADATA.format(certificate=self.idp, valid=f' validUntil="{soon}"'))
        self.expect(0, ("identity provider", "warning", f"valid until {soon} only"))
        (self.folder / "idp.xml").write_text(METADATA.format(certificate=self.idp, valid=' validUntil="2020-01-01T00:00:00Z"'))
        self.expect(1, ("identity provider", "wrong", "the metadata expired"))

    def test_clock(self):
        Sts.offset = 1000
        self.expect(1, ("clock", "wrong", "keep time"))
        Sts.offset = -100
        self.expect(0, ("clock", "warning", "100 s from that of STS"))

    def test_sts(self):
        Sts.status = 503
        self.expect(1, ("sts", "wrong", "(503)"))
        self.write(self.text.replace(str(self.sts.server_address[1]), str(free_port())))
        self.expect(1, ("sts", "wrong", "127.0.0.1"))

    def test_own_credentials(self):
        del self.env["AWS_SESSION_TOKEN"]
        self.env["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE"
        self.expect(0, ("aws credentials", "warning", "never expires"), ("aws credentials", "warning", "(environment)"))
        del self.env["AWS_ACCESS_KEY_ID"], self.env["AWS_SECRET_ACCESS_KEY"]
        self.expect(1, ("aws credentials", "wrong", "no AWS credentials"))
        (self.folder / ".aws").mkdir()
        (self.folder / ".aws/credentials").write_text("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
                                                      f"aws_secret_access_key = {'x' * 40}\n")
        (self.folder / ".aws/credentials").chmod(0o600)
        self.expect(0, ("aws credentials", "warning", "(profile 'default')"))

    def test_usage(self):
        self.assertEqual(self.ask("--nonsense").returncode, 2)
        self.assertEqual(self.ask("word").returncode, 2)
        self.assertIn("Exit codes: 0 all is well", self.ask("--help").stdout)


unittest.main()
