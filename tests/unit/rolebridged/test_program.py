#!/usr/bin/env python3
"""rolebridged as a program: options, --check, start, reload, signals. Usage: test_program.py ROLEBRIDGED"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.example">
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
public_url: http://127.0.0.1:{port}
listen: "127.0.0.1:{port}"
tls: off
store: sqlite:state.db
identity_providers:
  - {{ id: corp, type: saml, metadata: idp.xml, groups: [groups] }}
aws: {{ region: eu-central-1 }}
limits: {{ drain: 2s }}
"""


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
    return "\n".join((folder / "cert.pem").read_text().splitlines()[1:-1])


class Scratch(unittest.TestCase):
    """A folder with a configuration that works."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rb-daemon-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.port = free_port()
        for name, text in MAPPING.items():
            path = self.folder / "mappings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.folder / "idp.xml").write_text(METADATA.format(certificate=certificate(self.folder)))
        self.config = self.folder / "rolebridge.yaml"
        self.config.write_text(CONFIG.format(port=self.port))

    def run_it(self, *options):
        return subprocess.run([PROGRAM, *options], capture_output=True, text=True, timeout=60, check=False)


class Options(Scratch):
    def test_version(self):
        done = self.run_it("--version")
        self.assertEqual((done.returncode, done.stdout.split()[0]), (0, "rolebridged"))

    def test_help(self):
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--config", "--check", "--version"):
            self.assertIn(option, done.stdout)

    def test_usage(self):
        for wrong in (["--nonsense"], ["word"]):
            done = self.run_it(*wrong)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--help", done.stderr)

    def test_check_fine(self):
        done = self.run_it("--check", "--config", self.config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 identity provider, 1 account, 1 role, 1 assignment", done.stdout)
        self.assertFalse((self.folder / "state.db").exists())

    def test_example_is_fine(self):
        example = pathlib.Path(__file__).resolve().parents[3] / "packaging/rolebridge.yaml.example"
        self.config.write_text(example.read_text().replace("/var/lib/rolebridge", str(self.folder)))
        shutil.copy(self.folder / "cert.pem", self.folder / "tls.pem")
        shutil.copy(self.folder / "key.pem", self.folder / "tls.key")
        os.environ["CREDENTIALS_DIRECTORY"] = str(self.folder)
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY")
        done = self.run_it("--check", "--config", self.config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_check_names_every_mistake(self):
        self.config.write_text(CONFIG.format(port=self.port).replace("tls: off", "tls: { certificate: none.pem, key: none.key }")
                               .replace("idp.xml", "gone.xml") + "listn: x\n")
        (self.folder / "mappings/assignments.yaml").write_text(MAPPING["assignments.yaml"].replace("looker", "loker"))
        done = self.run_it("--check", "--config", self.config)
        self.assertEqual(done.returncode, 1)
        for word in ("none.pem", "gone.xml", "did you mean 'listen'", "did you mean 'looker'"):
            self.assertIn(word, done.stderr)

    def test_check_warns(self):
        (self.folder / "mappings/assignments.yaml").write_text(
            MAPPING["assignments.yaml"].replace("groups", "provider: crp, groups"))
        for name, value in (("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "x" * 40)):
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name)
        done = self.run_it("--check", "--config", self.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("assignments.yaml:3:5: warning: no identity provider 'crp' is configured; did you mean 'corp'?",
                      done.stderr)
        self.assertIn("warning: the service would sign with an access key that never expires (environment)", done.stderr)
        self.assertNotIn("x" * 40, done.stderr)

    def test_does_not_start_with_mistakes(self):
        self.config.write_text(CONFIG.format(port=self.port) + "listn: x\n")
        done = self.run_it("--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("did you mean 'listen'", done.stderr)
        self.assertFalse((self.folder / "state.db").exists())

    def test_no_configuration(self):
        done = self.run_it("--config", self.folder / "nothing.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing.yaml", done.stderr)


class Service(Scratch):
    def start(self, **environment):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(self.folder / "notify"))
        notify.settimeout(60)
        self.addCleanup(notify.close)
        self.notify = notify
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        clean.update(NOTIFY_SOCKET=str(self.folder / "notify"), AWS_EC2_METADATA_DISABLED="true", HOME=str(self.folder),
                     **environment)
        self.process = subprocess.Popen([PROGRAM, "--config", self.config], stderr=self.log, env=clean)
        self.addCleanup(self.stop_hard)
        self.await_state("READY=1")

    def stop_hard(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def await_state(self, state):
        while True:
            try:
                got = self.notify.recv(4096).decode()
            except TimeoutError:
                self.fail(f"no {state}; log:\n{self.text()}")
            if got.startswith(state):
                return

    def text(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def await_log(self, words, seconds=30):
        until = time.monotonic() + seconds
        while words not in self.text():
            self.assertLess(time.monotonic(), until, f"no '{words}' in\n{self.text()}")
            time.sleep(0.1)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.await_state("STOPPING=1")
        return self.process.wait(timeout=30)

    def test_life(self):
        self.start()
        self.assertEqual(self.get("/healthz")[0], 200)
        status, body = self.get("/readyz")
        self.assertEqual(status, 200, body)
        self.assertTrue(json.loads(body)["details"]["identity_providers"]["corp"]["usable"])
        self.assertEqual(self.stop(), 0)
        for words in ("listening", "1 accounts, 1 roles, 1 assignments", "stopped"):
            self.assertIn(words, self.text())
        self.assertEqual((self.folder / "state.db").stat().st_mode & 0o077, 0)

    def test_two_do_not_share_a_store(self):
        self.start()
        self.config.write_text(CONFIG.format(port=free_port()))
        done = self.run_it("--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use by another", done.stderr)
        self.assertEqual(self.get("/healthz")[0], 200)

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            done = self.run_it("--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.port), done.stderr)

    def test_reload(self):
        self.start()
        (self.folder / "mappings/assignments.yaml").write_text(MAPPING["assignments.yaml"].replace("looker", "loker"))
        self.await_log("mapping.refused")
        self.await_log("did you mean 'looker'")
        self.assertEqual(self.get("/readyz")[0], 200)
        (self.folder / "mappings/assignments.yaml").write_text(
            MAPPING["assignments.yaml"] + "  - { groups: [other], role: looker, accounts: [prod] }\n")
        until = time.monotonic() + 30
        while json.loads(self.get("/readyz")[1])["details"]["mapping"]["assignments"] != 2:
            self.assertLess(time.monotonic(), until, self.text())
            time.sleep(0.1)
        (self.folder / "idp.xml").write_text("<no metadata")
        self.process.send_signal(signal.SIGHUP)
        self.await_state("RELOADING=1")
        self.await_state("READY=1")
        self.await_log("provider.refresh", seconds=10)  # at once, not in half a minute
        self.assertTrue(json.loads(self.get("/readyz")[1])["details"]["identity_providers"]["corp"]["usable"])
        self.assertEqual(self.stop(), 0)

    def served_certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port)).strip()

    def test_certificate_is_renewed(self):
        self.config.write_text(CONFIG.format(port=self.port).replace("http:", "https:", 1).replace(
            "tls: off", "tls: { certificate: cert.pem, key: key.pem }"))
        self.start()
        first = (self.folder / "cert.pem").read_text().strip()
        self.assertEqual(self.served_certificate(), first)
        good_key = (self.folder / "key.pem").read_bytes()
        certificate(self.folder)
        second = (self.folder / "cert.pem").read_text().strip()
        new_key = (self.folder / "key.pem").read_bytes()
        (self.folder / "key.pem").write_bytes(good_key)  # of the old certificate
        self.process.send_signal(signal.SIGHUP)
        self.await_log("tls.refused")
        self.assertEqual(self.served_certificate(), first)
        (self.folder / "key.pem").write_bytes(new_key)
        self.process.send_signal(signal.SIGHUP)
        self.await_log("tls.loaded")
        self.assertEqual(self.served_certificate(), second)
        self.assertEqual(self.stop(), 0)

    def test_unreachable_metadata(self):
        self.config.write_text(CONFIG.format(port=self.port).replace(
            "  - {", "  - { id: gone, type: saml, metadata: \"http://127.0.0.1:9/metadata\" }\n  - {", 1))
        self.start()
        status, body = self.get("/readyz")
        self.assertEqual(status, 200, body)
        self.assertFalse(json.loads(body)["details"]["identity_providers"]["gone"]["usable"])
        self.await_log("provider.not_ready")
        self.assertEqual(self.stop(), 0)

    def test_unknown_provider_of_an_assignment(self):
        (self.folder / "mappings/assignments.yaml").write_text(
            MAPPING["assignments.yaml"].replace("groups", "provider: crp, groups"))
        self.start()
        self.await_log("no identity provider 'crp' is configured")
        self.assertEqual(self.stop(), 0)

    def test_long_lived_key(self):
        self.start(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY="x" * 40)
        self.await_log("aws.long_lived_key")
        self.assertNotIn("x" * 40, self.text())
        self.assertEqual(self.stop(), 0)


unittest.main()
