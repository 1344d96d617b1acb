#!/usr/bin/env python3
"""rolebridgectl plan, apply and drift as a person runs them, against an IAM that keeps its rules.

usage: test_deploy.py ROLEBRIDGECTL IAM_SERVER MAPPINGS
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CTL, SERVER, MAPPINGS = sys.argv[1:4]
ACCOUNT = "444455556666"  # development, of the sample organisation


class Deploy(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir)
        self.server = subprocess.Popen([SERVER, ACCOUNT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_ENDPOINT_URL": self.server.stdout.readline().strip(), "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
        self.env.update({name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ})

    def end(self):
        self.server.communicate(timeout=30)
        self.assertEqual(self.server.returncode, 0)

    def tell(self, line):
        self.server.stdin.write(line + "\n")
        self.server.stdin.flush()
        answer = []
        while (got := self.server.stdout.readline()) != ".\n":
            answer.append(got)
        return "".join(answer)

    def ctl(self, *arguments, want=0, account="development"):
        run = subprocess.run([CTL, arguments[0], "--mappings", MAPPINGS, *(["--account", account] if account else []), *arguments[1:]],
                             env=self.env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(run.returncode, want, f"{arguments}: {run.stdout[-1500:]}{run.stderr[-1500:]}")
        return run

    def plan(self, **more):
        return json.loads(self.ctl("plan", "--json", **more).stdout)

    def test_a_plan_is_done_and_then_there_is_nothing_to_do(self):
        text = self.ctl("plan").stdout
        self.assertIn("  + create role developer  owner engineering-leads@acme.example\n", text)
        self.assertIn("      gains: may what is allowed by arn:aws:iam::aws:policy/ReadOnlyAccess\n", text)
        self.assertNotIn("\033", text)
        self.ctl("plan", "--detailed-exitcode", want=1)
        digest = re.search(r"apply --digest ([0-9a-f]{64})$", text, re.M).group(1)
        self.assertEqual(self.plan()["digest"], digest)
        self.assertIn("14 of 14 steps done", self.ctl("apply", "--digest", digest).stdout)
        self.assertIn("nothing to do", self.ctl("plan", "--detailed-exitcode").stdout)
        self.assertIn("nothing differs", self.ctl("drift").stdout)
        refused = self.ctl("apply", "--digest", digest, want=1)
        self.assertIn("not what was planned for; nothing was done", refused.stderr)

    def test_what_failed_goes_on_with_the_same_plan(self):
        file = str(self.dir / "plan.json")
        self.ctl("plan", "--output", file)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.tell("fail 20")
        failed = self.ctl("apply", "--plan", file, want=4)
        self.assertIn("AccessDenied", failed.stdout)
        self.assertRegex(failed.stdout, r"\n\d+ of 14 steps done\ngo on: rolebridgectl apply --plan ")
        self.assertEqual(self.ctl("drift", want=1).stdout.count("development (444455556666)"), 1)
        self.ctl("apply", "--plan", file)
        self.assertEqual(self.plan()["accounts"][0]["steps"], [])
        once = self.tell("state")
        self.ctl("apply", "--plan", file)  # nothing is left of it
        self.assertEqual(self.tell("state"), once)

    def test_what_is_not_in_the_plan_is_not_done(self):
        file = self.dir / "plan.json"
        self.ctl("plan", "--output", str(file))
        plan = json.loads(file.read_text())
        del plan["accounts"][0]["steps"][3]
        file.write_text(json.dumps(plan))
        before = self.tell("state")
        refused = self.ctl("apply", "--plan", str(file), want=1)
        self.assertIn("apply: not in the plan: development: create policy", refused.stderr)
        self.assertEqual(self.tell("state"), before)
        file.write_text("[]")
        self.assertIn("not a plan", self.ctl("apply", "--plan", str(file), want=1).stderr)

    def test_another_account(self):
        there = self.ctl("plan", "--direct", account="analytics-prod", want=4).stdout
        self.assertIn("the credentials at hand are of another account: 444455556666", there)
        self.assertIn("role/rolebridge-deployer", self.ctl("plan", account="analytics-prod", want=4).stdout)
        self.assertIn("nothing was done", self.ctl("apply", "--digest", "0" * 64, account=None, want=4).stderr)
        self.assertIn("nobody", self.ctl("plan", account="nobody", want=1).stderr)

    def test_usage(self):
        for arguments in [["apply"], ["apply", "--digest", "x", "--plan", "y"], ["plan", "--parallel", "0"], ["drift", "x"]]:
            self.ctl(*arguments, want=2)
        self.env["AWS_ENDPOINT_URL_IAM"] = "http://127.0.0.1:1/"
        self.assertIn("127.0.0.1", self.ctl("drift", "--iam-endpoint", self.env["AWS_ENDPOINT_URL"] + "nowhere", "--sts-endpoint",
                                            "http://127.0.0.1:1", want=4).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
