#!/usr/bin/env python3
"""rolebridgectl plan, apply and drift against moto's IAM. Prints "ok NAME" or "not ok NAME: why".

usage: deploy.py ROLEBRIDGECTL ENDPOINT WORK_DIR    (run by test_deploy.sh, with moto's own Python: it has boto3)
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import traceback
import urllib.request

import boto3

CTL, ENDPOINT, WORK = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ACCOUNTS, ROLES, KILLS = 50, 40, 6
SEED = int(os.environ.get("RB_SEED", "20261124"))
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ENV = {
    "PATH": os.environ["PATH"],
    "HOME": str(WORK),
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_ENDPOINT_URL": ENDPOINT,
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        ENV[name] = os.environ[name]


def account_id(i):
    return f"{100000000000 + i * 111:012d}"


class Mapping:
    """A mapping directory of ACCOUNTS × ROLES; every role has a task policy of its own and shares one with all."""

    def __init__(self, name, roles=ROLES, action="s3:GetObject"):
        self.dir = WORK / name
        for sub in ("policies", "roles"):
            (self.dir / sub).mkdir(parents=True)
        accounts = [
            f'  - {{ id: "{account_id(i)}", name: account-{i:02d}, issue: {{ method: web-identity, '
            f'provider_arn: "arn:aws:iam::{account_id(i)}:oidc-provider/bridge.acme.example" }} }}'
            for i in range(ACCOUNTS)
        ]
        self.write("accounts.yaml", "bridge: { url: https://bridge.acme.example }", "accounts:", *accounts)
        self.write("policies/look.yaml", "policy: look", "task: Look", "statements:",
                   '  - { effect: Allow, action: "s3:ListAllMyBuckets", resource: "*" }')
        assignments = []
        for i in range(roles):
            name = f"role-{i:02d}"
            self.write(f"policies/task-{i:02d}.yaml", f"policy: task-{i:02d}", f"task: Task {i}", "statements:",
                       f'  - {{ effect: Allow, action: "{action}", resource: "arn:${{partition}}:s3:::b-{i}/*" }}')
            self.write(f"roles/{name}.yaml", f"role: {name}", f"title: Role {i}", "owner: owner@acme.example",
                       "purpose: Is tested.", f"policies: [look, task-{i:02d}]")
            names = ", ".join(f"account-{a:02d}" for a in range(ACCOUNTS))
            assignments.append(f"  - {{ groups: [group-{i:02d}], role: {name}, accounts: [{names}] }}")
        self.write("assignments.yaml", *(["assignments:", *assignments] if assignments else ["assignments: []"]))

    def write(self, name, *lines):
        (self.dir / name).write_text("\n".join(["rolebridge: 1", *lines, ""]))


def ctl(*arguments, mapping, want=0, **more):
    run = subprocess.run([CTL, arguments[0], "--mappings", str(mapping.dir), *arguments[1:]], env=ENV, text=True,
                         capture_output=True, timeout=600, **more)
    assert "Sanitizer" not in run.stderr and "runtime error" not in run.stderr, run.stderr[-2000:]
    assert run.returncode == want, f"{arguments[0]} ended with {run.returncode}, not {want}: {run.stdout[-600:]} {run.stderr[-600:]}"
    return run


def steps(mapping, command="plan", want=0):
    plan = json.loads(ctl(command, "--json", mapping=mapping, want=want).stdout)
    return [(a["account"], s["step"], s["name"], s["detail"]) for a in plan["accounts"] for s in a["steps"]]


def apply_all(mapping, *only):
    plan = WORK / "plan.json"
    ctl("plan", "--output", str(plan), *only, mapping=mapping)
    ctl("apply", "--plan", str(plan), *only, mapping=mapping)


clients = {}


def iam(account):
    if account not in clients:
        there = dict(endpoint_url=ENDPOINT, region_name="us-east-1")
        sts = boto3.client("sts", aws_access_key_id=KEY, aws_secret_access_key=SECRET, **there)
        c = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/test", RoleSessionName="test")["Credentials"]
        clients[account] = boto3.client("iam", aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"],
                                        aws_session_token=c["SessionToken"], **there)
    return clients[account]


def reset():
    clients.clear()
    urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}/moto-api/reset", method="POST"), timeout=30).read()


def state(account, ours):
    """What stands in the account, without ids and times; only ours, or only what is not."""
    out = {}
    pages = iam(account).get_paginator("get_account_authorization_details").paginate(Filter=["Role", "LocalManagedPolicy"])
    for page in pages:
        for role in page["RoleDetailList"]:
            if (role["Path"] == "/rolebridge/") == ours:
                out["role " + role["RoleName"]] = [role["Path"], role["AssumeRolePolicyDocument"],
                                                   sorted(p["PolicyArn"] for p in role["AttachedManagedPolicies"]),
                                                   role["RolePolicyList"], sorted((t["Key"], t["Value"]) for t in role["Tags"])]
        for policy in page["Policies"]:
            if (policy["Path"] == "/rolebridge/") == ours:
                out["policy " + policy["Arn"]] = [v["Document"] for v in policy["PolicyVersionList"] if v["IsDefaultVersion"]]
    return json.dumps(out, sort_keys=True, default=str)


TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
OTHER = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def make_foreign():
    """Neighbours: no tag, another path, a tag without the path."""
    for i in range(ACCOUNTS):
        c = iam(account_id(i))
        c.create_role(RoleName="role-of-others", AssumeRolePolicyDocument=TRUST)
        c.create_role(RoleName="tagged-elsewhere", Path="/elsewhere/", AssumeRolePolicyDocument=TRUST,
                      Tags=[{"Key": "rolebridge", "Value": "managed"}])
        arn = c.create_policy(PolicyName="policy-of-others", PolicyDocument=OTHER)["Policy"]["Arn"]
        c.attach_role_policy(RoleName="role-of-others", PolicyArn=arn)
        c.put_role_policy(RoleName="role-of-others", PolicyName="inline", PolicyDocument=OTHER)


def foreign():
    return [state(account_id(i), False) for i in range(ACCOUNTS)]


def everything():
    return [state(account_id(i), True) for i in range(ACCOUNTS)]


class Test:
    """The cases in their order; each goes on where the one before ended."""

    def baseline(self):
        """First-day settings: everything open that moto can have open; put in order by the commands it names."""
        c = iam(account_id(1))
        c.create_user(UserName="ada")
        c.create_login_profile(UserName="ada", Password="not-a-secret-1A!")
        c.create_access_key(UserName="ada")
        only = ("baseline", "--json", "--account", "account-01")
        open_rows = lambda want: [r["id"] for r in json.loads(ctl(*only, mapping=full, want=want).stdout)[0]["rows"] if r["open"]]
        assert open_rows(1) == ["root-mfa", "password-policy", "alias", "users-mfa", "users"], open_rows(1)
        c.update_account_password_policy(MinimumPasswordLength=14, RequireSymbols=True, RequireNumbers=True,
                                         RequireUppercaseCharacters=True, RequireLowercaseCharacters=True, PasswordReusePrevention=24)
        c.create_account_alias(AccountAlias="acme-01")
        c.delete_login_profile(UserName="ada")
        assert open_rows(1) == ["root-mfa", "users"], open_rows(1)
        reset()

    def created(self):
        make_foreign()
        self.foreign = foreign()
        began = time.monotonic()
        apply_all(full)
        print(f"| {ACCOUNTS} accounts of {ROLES} roles made in {time.monotonic() - began:.0f} s (with sanitizers)")
        assert "nothing to do" in ctl("plan", mapping=full).stdout
        self.whole = everything()
        assert len(json.loads(self.whole[0])) == 2 * ROLES + 1

    def foreign_untouched_by_create(self):
        assert foreign() == self.foreign

    def drift_found(self):
        a, b = iam(account_id(3)), iam(account_id(7))
        ours = f"arn:aws:iam::{account_id(3)}:policy/rolebridge/task-02"
        a.update_assume_role_policy(RoleName="role-00", PolicyDocument=TRUST)
        a.attach_role_policy(RoleName="role-01", PolicyArn=f"arn:aws:iam::{account_id(3)}:policy/policy-of-others")
        a.put_role_policy(RoleName="role-02", PolicyName="more", PolicyDocument=OTHER)
        a.create_policy_version(PolicyArn=ours, PolicyDocument=OTHER, SetAsDefault=True)
        b.detach_role_policy(RoleName="role-05", PolicyArn=f"arn:aws:iam::{account_id(7)}:policy/rolebridge/look")
        b.update_role(RoleName="role-06", MaxSessionDuration=43200)
        b.untag_role(RoleName="role-08", TagKeys=["rolebridge:owner"])
        for p in b.list_attached_role_policies(RoleName="role-07")["AttachedPolicies"]:
            b.detach_role_policy(RoleName="role-07", PolicyArn=p["PolicyArn"])
        b.delete_role(RoleName="role-07")
        got = steps(full, "drift", want=1)
        assert [s[1:3] for s in got] == [
            ("update-policy", "task-02"), ("update-trust", "role-00"), ("detach", "role-01"), ("delete-inline", "role-02"),
            ("create-role", "role-07"), ("update-role", "role-06"), ("attach", "role-05"), ("attach", "role-07"),
            ("attach", "role-07"), ("tag", "role-08")], got
        text = ctl("drift", mapping=full, want=1).stdout
        assert "owner owner@acme.example" in text and "+     to Federated" in text and "- Allow *" in text, text

    def digest_refused(self):
        before = everything()
        refused = ctl("apply", "--digest", "0" * 64, mapping=full, want=1)
        assert "nothing was done" in refused.stderr and everything() == before

    def repaired(self):
        digest = json.loads(ctl("plan", "--json", mapping=full).stdout)["digest"]
        ctl("apply", "--digest", digest, mapping=full)
        assert steps(full, "drift") == [] and everything() == self.whole

    def versions_rotated(self):
        for i in range(7):
            apply_all(Mapping(f"version-{i}", action=f"s3:Get{i}"), "--account", "account-00")
        versions = iam(account_id(0)).list_policy_versions(PolicyArn=f"arn:aws:iam::{account_id(0)}:policy/rolebridge/task-00")["Versions"]
        assert len(versions) == 5 and sum(v["IsDefaultVersion"] for v in versions) == 1, versions
        apply_all(full, "--account", "account-00")
        assert state(account_id(0), True) == self.whole[0]

    def name_taken(self):
        c = iam(account_id(9))
        for p in c.list_attached_role_policies(RoleName="role-03")["AttachedPolicies"]:
            c.detach_role_policy(RoleName="role-03", PolicyArn=p["PolicyArn"])
        c.delete_role(RoleName="role-03")
        c.create_role(RoleName="role-03", AssumeRolePolicyDocument=TRUST)
        before = state(account_id(9), False)
        plan = ctl("plan", "--json", "--account", "account-09", mapping=full, want=1)
        digest = json.loads(plan.stdout)["digest"]
        ctl("apply", "--digest", digest, "--account", "account-09", mapping=full, want=1)
        assert state(account_id(9), False) == before
        c.delete_role(RoleName="role-03")
        apply_all(full, "--account", "account-09")
        assert state(account_id(9), True) == self.whole[9]

    def removed(self):
        fewer = Mapping("fewer", roles=ROLES - 10)
        got = steps(fewer)
        assert {s[1] for s in got} == {"delete-role", "delete-policy"} and len(got) == 20 * ACCOUNTS, got[:5]
        apply_all(fewer)
        assert steps(fewer) == []
        apply_all(Mapping("none", roles=0))
        assert all(json.loads(s) == {} for s in everything())

    def foreign_untouched_by_remove(self):
        assert foreign() == self.foreign

    def killed_and_gone_on(self):
        """apply is killed at moments chosen at random, again and again; the next run with the same plan goes on."""
        reset()
        make_foreign()
        rand = random.Random(SEED)
        plan = WORK / "killed.json"
        ctl("plan", "--output", str(plan), mapping=full)
        kills = 0
        while True:
            run = subprocess.Popen([CTL, "apply", "--plan", str(plan), "--mappings", str(full.dir)], env=ENV, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if kills == KILLS:
                out, err = run.communicate(timeout=300)
                break
            run.stderr.readline()  # the first step is under way
            time.sleep(rand.uniform(0, 1.5))
            run.kill()
            run.communicate()
            kills += 1
        assert run.returncode == 0, out[-500:] + err[-500:]
        print(f"| apply was killed {kills} times (seed {SEED})")
        assert everything() == self.whole and foreign() == self.foreign

    def stopped_gently(self):
        """Ctrl-C: what is under way ends, the rest is left to the next run."""
        reset()
        make_foreign()
        plan = WORK / "stopped.json"
        ctl("plan", "--output", str(plan), mapping=full)
        run = subprocess.Popen([CTL, "apply", "--plan", str(plan), "--mappings", str(full.dir)], env=ENV, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        run.stderr.readline()  # it has begun
        run.terminate()
        out, err = run.communicate(timeout=120)
        assert run.returncode == 4 and "stopped before" in out and "go on: rolebridgectl apply --plan" in out, (run.returncode, out[-600:])
        ctl("apply", "--plan", str(plan), mapping=full)
        assert everything() == self.whole


WORK.mkdir(parents=True)
full = Mapping("full")
test = Test()
for case in [name for name in vars(Test) if not name.startswith("_")]:
    try:
        getattr(test, case)()
        print(f"ok {case}", flush=True)
    except Exception as why:  # noqa: BLE001: whatever it is, it is told
        traceback.print_exc()
        print(f"not ok {case}: {' '.join(str(why).split())[:600] or type(why).__name__}", flush=True)
