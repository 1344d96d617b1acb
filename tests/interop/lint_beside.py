#!/usr/bin/env python3
"""rolebridgectl check beside parliament (PyPI), on policies that have each of its findings.

    lint_beside.py ROLEBRIDGECTL

Runs in an environment that has parliament. Whatever it finds in a policy must be found by us in the same policy, under one of
the names in OURS, or stand in EXPLAINED with the reason; an explanation that explains nothing is an error, too. Prints a table:
its finding, in how many policies it told it, in how many of these we tell ours, how many differences are explained. Exit 1: there
is a difference that is not.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from parliament import analyze_policy_string

ARN = {"INVALID_ARN_PREFIX", "MISSING_ARN_FIELD", "INVALID_PARTITION", "INVALID_ARN_REGION", "INVALID_ARN_ACCOUNT",
       "INVALID_ARN_RESOURCE", "INVALID_ARN_SERVICE_CASE", "INVALID_SERVICE", "ARN_REGION_NOT_ALLOWED", "ARN_ACCOUNT_NOT_ALLOWED"}
GRAMMAR = {"JSON_SYNTAX_ERROR", "MISSING_STATEMENT", "MISSING_EFFECT", "MISSING_ACTION", "MISSING_RESOURCE", "INVALID_EFFECT",
           "MISSING_PRINCIPAL", "INVALID_POLICY_ELEMENT", "UNSUPPORTED_ELEMENT_COMBINATION", "UNSUPPORTED_PRINCIPAL", "DATA_TYPE_MISMATCH",
           "EMPTY_ARRAY_ACTION", "EMPTY_ARRAY_RESOURCE"}
TYPES = {"TYPE_MISMATCH", "TYPE_MISMATCH_NUMBER", "TYPE_MISMATCH_DATE", "TYPE_MISMATCH_BOOLEAN", "TYPE_MISMATCH_IP_RANGE",
         "INVALID_DATE_VALUE", "DATA_TYPE_MISMATCH"}
# parliament's name: ours
OURS = {
    "MALFORMED_JSON": {"JSON_SYNTAX_ERROR", "DATA_TYPE_MISMATCH"},
    "MALFORMED": GRAMMAR,
    "EXCEPTION": GRAMMAR | {"INVALID_ACTION", "INVALID_SERVICE_IN_ACTION"},
    "DUPLICATE_SID": {"UNIQUE_SIDS_REQUIRED", "UNIQUE_SIDS_RECOMMENDED"},
    "INVALID_SID": {"UNSUPPORTED_SID"},
    "NO_VERSION": {"MISSING_VERSION"},
    "INVALID_VERSION": {"INVALID_VERSION"},
    "OLD_VERSION": {"VARIABLE_UNSUPPORTED_IN_VERSION"},
    "UNKNOWN_ACTION": {"INVALID_ACTION"},
    "UNKNOWN_PREFIX": {"INVALID_SERVICE_IN_ACTION"},
    "INVALID_ARN": ARN,
    "RESOURCE_MISMATCH": {"resource-of-another-action"},
    "RESOURCE_STAR": {"write-on-any-resource", "allow-all-but"},
    "RESOURCE_EFFECTIVELY_STAR": {"write-on-any-resource"},
    "UNKNOWN_OPERATOR": {"INVALID_CONDITION_OPERATOR"},
    "UNKNOWN_CONDITION_FOR_ACTION": {"condition-of-another-action", "INVALID_SERVICE_CONDITION_KEY", "INVALID_GLOBAL_CONDITION_KEY"},
    "MISMATCHED_TYPE": TYPES,
    "MISMATCHED_TYPE_OPERATION_TO_NULL": TYPES,
    "BAD_PATTERN_FOR_MFA": {"second-factor-in-policy"},
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": {"permissions-without-privileged"},
    "UNKNOWN_PRINCIPAL": {"INVALID_PRINCIPAL_FORMAT", "INVALID_PRINCIPAL_KEY", "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
                          "INVALID_SERVICE_PRINCIPAL_FORMAT"},
    "UNKNOWN_FEDERATION_SOURCE": {"INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", "INVALID_PRINCIPAL_FORMAT",
                                  "FEDERATED_PRINCIPAL_NOT_SUPPORTED"},
    "PERMISSIONS_MANAGEMENT_ACTIONS": {"permissions-without-privileged", "privilege-escalation", "PASS_ROLE_WITH_STAR_IN_RESOURCE",
                                       "long-lived-credentials"},
    "PRIVILEGE_ESCALATION": {"privilege-escalation"},
    "NOTPRINCIPAL_WITH_ALLOW": {"ALLOW_WITH_NOT_PRINCIPAL"},
    "NOTRESOURCE_WITH_ALLOW": {"allow-all-but"},
    "SINGLE_VALUE_CONDITION_TOO_PERMISSIVE": {"FORALLVALUES_WITH_SINGLE_VALUED_KEY"},
}
# What parliament tells and we do not, on purpose.
NOT_CLAIMED = {
    "CREDENTIALS_EXPOSURE": "to fetch short-lived credentials is what some tasks are; long-lived-credentials is about those that do not end",
    "MISMATCHED_TYPE_BUT_USABLE": "StringEquals with an ARN is exact, and often meant",
}
B, O = "arn:aws:s3:::bills", "arn:aws:s3:::bills/*"


def one(action, resource="*", condition=None, effect="Allow", **more):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    if condition:
        statement["Condition"] = condition
    statement.update(more)
    return {key: value for key, value in statement.items() if value is not None}


def policy(*statements, version="2012-10-17"):
    return {"Version": version, "Statement": list(statements)} if version else {"Statement": list(statements)}


def under(operator, key, value, action="s3:GetObject", resource=O, effect="Allow"):
    return policy(one(action, resource, {operator: {key: value}}, effect))


def queue(principal, **more):
    return policy(one("sqs:SendMessage", "arn:aws:sqs:eu-central-1:111122223333:bills", Principal=principal, **more))


# name: (document, or text; kind)
POLICIES = {
    "broken": '{"Version": "2012-10-17", "Statement": [',
    "not an object": '["Version"]',
    "no statement": {"Version": "2012-10-17"},
    "an empty document": {},
    "no effect": policy(one("s3:GetObject", O, effect=None)),
    "another effect": policy(one("s3:GetObject", O, effect="Permit")),
    "no action": policy(one(None, O)),
    "no resource": policy(one("s3:GetObject", None)),
    "both actions": policy(one("s3:GetObject", O, NotAction="s3:PutObject")),
    "both resources": policy(one("s3:GetObject", O, NotResource=B)),
    "an unknown element": policy(one("s3:GetObject", O, Resources=O)),
    "an unknown element on top": {**policy(one("s3:GetObject", O)), "Statements": []},
    "an action without a service": policy(one("GetObject", O)),
    "a condition that is a list": policy(one("s3:GetObject", O, [{"Bool": {"aws:SecureTransport": "true"}}])),
    "a Sid twice": policy(one("s3:GetObject", O, Sid="A"), one("s3:ListBucket", B, Sid="A")),
    "a Sid with a space": policy(one("s3:GetObject", O, Sid="read bills")),
    "a Sid with a dash": policy(one("s3:GetObject", O, Sid="read-bills")),
    "no version": policy(one("s3:GetObject", O), version=None),
    "another version": policy(one("s3:GetObject", O), version="2012-10-18"),
    "the old version": policy(one("s3:GetObject", O), version="2008-10-17"),
    "the old version with a variable": policy(one("s3:GetObject", O[:-1] + "${aws:username}"), version="2008-10-17"),
    "a misspelt action": policy(one("s3:GetObjcet", O)),
    "a pattern of nothing": policy(one("s3:Fetch*", O)),
    "a misspelt service": policy(one("s33:GetObject", O)),
    "a service that is none": policy(one("bills:Get*")),
    "an ARN of a few fields": policy(one("s3:GetObject", "arn:aws:s3")),
    "an ARN that is none": policy(one("s3:GetObject", "bills/*")),
    "an ARN of another partition": policy(one("s3:GetObject", "arn:azure:s3:::bills/*")),
    "an ARN with a prefix": policy(one("s3:GetObject", "urn:aws:s3:::bills/*")),
    "objects of a bucket": policy(one("s3:GetObject", B)),
    "a list of objects": policy(one("s3:ListBucket", "arn:aws:s3:::bills/x")),
    "two actions, one resource": policy(one(["s3:ListBucket", "s3:GetObject"], B)),
    "a queue of topics": policy(one("sqs:SendMessage", "arn:aws:sns:eu-central-1:111122223333:bills")),
    "an action without resources": policy(one("s3:ListAllMyBuckets", B)),
    "a role for a user": policy(one("iam:GetUser", "arn:aws:iam::111122223333:role/x")),
    "a table for an index": policy(one("dynamodb:CreateTable", "arn:aws:dynamodb:eu-central-1:111122223333:table/a/index/b")),
    "a write on everything": policy(one("s3:PutObject")),
    "a read of everything": policy(one("s3:GetObject")),
    "a list of everything": policy(one("s3:ListBucket")),
    "several writes on everything": policy(one(["sqs:SendMessage", "sns:Publish", "dynamodb:PutItem"])),
    "a write on every object": policy(one("s3:PutObject", "arn:aws:s3:::*")),
    "a write on every queue": policy(one("sqs:SendMessage", "arn:aws:sqs:*:*:*")),
    "an unknown operator": under("StringIs", "aws:PrincipalTag/team", "a"),
    "an operator in small letters": under("stringequals", "aws:PrincipalTag/team", "a"),
    "a key of another action": under("StringLike", "s3:prefix", "home/*"),
    "a key of another service": under("StringEquals", "sqs:x", "a"),
    "a key of EC2": under("StringEquals", "ec2:InstanceType", "t3.micro"),
    "a key that is none": under("StringEquals", "aws:Nothing", "a"),
    "a key of a start": under("StringEquals", "ec2:Subnet", "subnet-1", "ec2:StartInstances", "arn:aws:ec2:eu-central-1:111122223333:instance/*"),
    "a number that is none": under("NumericLessThan", "aws:MultiFactorAuthAge", "soon"),
    "a text as a number": under("NumericEquals", "aws:PrincipalTag/team", "a"),
    "a text as a date": under("DateGreaterThan", "aws:CurrentTime", "tomorrow"),
    "a text as an address": under("IpAddress", "aws:SourceIp", "office"),
    "an address as a text": under("StringEquals", "aws:SourceIp", "203.0.113.7"),
    "a boolean that is none": under("Bool", "aws:SecureTransport", "yes"),
    "a boolean as a text": under("StringEquals", "aws:SecureTransport", "true"),
    "an ARN as a text": under("StringEquals", "aws:SourceArn", "arn:aws:sns:eu-central-1:111122223333:x"),
    "an ARN as a pattern": under("StringLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/*"),
    "a date as a text": under("StringEquals", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    "null of something": under("Null", "aws:PrincipalTag/team", "maybe"),
    "all of a single value": under("ForAllValues:StringEquals", "aws:PrincipalTag/team", ["a", "b"]),
    "a cluster's ARN as a text": under("StringEquals", "ecs:cluster", "arn:aws:ecs:eu-central-1:111122223333:cluster/x", "ecs:StopTask",
                                       "arn:aws:ecs:eu-central-1:111122223333:task/x/*"),
    "a write on every queue anywhere": policy(one("sqs:SendMessage", "arn:*:sqs:*:*:*")),
    "any of a single value": under("ForAnyValue:StringEquals", "aws:PrincipalArn", ["a", "b"]),
    "a second factor denied": under("Bool", "aws:MultiFactorAuthPresent", "false", effect="Deny"),
    "a second factor allowed without": under("Bool", "aws:MultiFactorAuthPresent", "false"),
    "a second factor if there is one": under("BoolIfExists", "aws:MultiFactorAuthPresent", "true"),
    "a second factor not null": under("Null", "aws:MultiFactorAuthPresent", "false"),
    "a bucket's policy": policy(one("s3:PutBucketPolicy", B)),
    "a bucket's list": policy(one(["s3:PutBucketAcl"], B), one("s3:GetObject", O)),
    "a bucket's days": policy(one("s3:PutLifecycleConfiguration", B)),
    "permissions of roles": policy(one("iam:PutRolePermissionsBoundary", "arn:aws:iam::111122223333:role/x")),
    "permissions of keys": policy(one("kms:PutKeyPolicy", "arn:aws:kms:eu-central-1:111122223333:key/x")),
    "permissions of all": policy(one("*")),
    "IAM whole": policy(one("iam:*")),
    "keys of users": policy(one("iam:CreateAccessKey")),
    "passwords of users": policy(one(["iam:CreateLoginProfile", "iam:UpdateLoginProfile"])),
    "versions of policies": policy(one("iam:CreatePolicyVersion")),
    "old versions of policies": policy(one("iam:SetDefaultPolicyVersion")),
    "policies of users": policy(one("iam:AttachUserPolicy")),
    "policies of groups": policy(one("iam:AttachGroupPolicy")),
    "policies of roles": policy(one(["iam:AttachRolePolicy", "sts:AssumeRole"])),
    "inline policies of users": policy(one("iam:PutUserPolicy")),
    "inline policies of groups": policy(one("iam:PutGroupPolicy")),
    "inline policies of roles": policy(one(["iam:PutRolePolicy", "sts:AssumeRole"])),
    "members of groups": policy(one("iam:AddUserToGroup")),
    "trust of roles": policy(one(["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"])),
    "a machine of any role": policy(one(["iam:PassRole", "ec2:RunInstances"])),
    "a machine of one role": policy(one("iam:PassRole", "arn:aws:iam::111122223333:role/app"), one("ec2:RunInstances")),
    "a function of any role": policy(one(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"])),
    "a function of a table": policy(one(["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"])),
    "code of functions": policy(one("lambda:UpdateFunctionCode")),
    "an endpoint of any role": policy(one(["iam:PassRole", "glue:CreateDevEndpoint"])),
    "an endpoint of others": policy(one("glue:UpdateDevEndpoint")),
    "a stack of any role": policy(one(["iam:PassRole", "cloudformation:CreateStack"])),
    "a pipeline of any role": policy(one(["iam:PassRole", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"])),
    "a pipeline that does nothing": policy(one(["iam:PassRole", "datapipeline:CreatePipeline"])),
    "keys of one user": policy(one("iam:CreateAccessKey", "arn:aws:iam::111122223333:user/${aws:username}")),
    "versions denied": policy(one("iam:CreatePolicyVersion"), one("iam:*", effect="Deny")),
    "everything but": policy({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": O}),
    "all actions but": policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    "a login to a registry": policy(one("ecr:GetAuthorizationToken")),
    "a password of a database": policy(one("redshift:GetClusterCredentials", "arn:aws:redshift:eu-central-1:111122223333:dbuser:x/y")),
    "nothing wrong": policy(one("s3:GetObject", O)),
    "a queue for everybody but": (policy({"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sqs:SendMessage",
                                          "Resource": "arn:aws:sqs:eu-central-1:111122223333:bills"}), "resource"),
    "a queue for an account": (queue({"AWS": "111122223333"}), "resource"),
    "a queue for half an account": (queue({"AWS": "11112222333"}), "resource"),
    "a queue for a name": (queue({"AWS": "ada"}), "resource"),
    "a queue for a service": (queue({"Service": "sns.amazonaws.com"}), "resource"),
    "a queue for a service that is none": (queue({"Service": "sns"}), "resource"),
    "a queue for something": (queue({"Person": "ada"}), "resource"),
    "a queue for a federation": (queue({"Federated": "login.acme.example"}), "resource"),
}
# (policy, parliament's name): why we say nothing
READS = "an action that only reads is not told of: write-on-any-resource is about what changes"
OWN = "AWS's own data has the action as Write, and one resource is named: the role, or oneself"
EXPLAINED = {
    ("the old version", "OLD_VERSION"): "it does what it says; with a variable it does not, and that is told",
    ("a read of everything", "RESOURCE_STAR"): READS,
    ("a list of everything", "RESOURCE_STAR"): READS,
    ("any of a single value", "MISMATCHED_TYPE"): "whether a text is an ARN is not judged for operators on texts",
    ("a bucket's days", "RESOURCE_POLICY_PRIVILEGE_ESCALATION"): "to end objects by their age is what the action is for",
    ("a machine of one role", "PERMISSIONS_MANAGEMENT_ACTIONS"): OWN,
    ("a machine of one role", "PRIVILEGE_ESCALATION"): OWN,
    ("keys of one user", "PRIVILEGE_ESCALATION"): OWN,
    ("a pipeline that does nothing", "PRIVILEGE_ESCALATION"): "a pipeline without a definition runs nothing",
    ("a password of a database", "PERMISSIONS_MANAGEMENT_ACTIONS"): "AWS's own data has redshift:GetClusterCredentials as Write",
}


def ours(program, folder, number, document, kind):
    path = folder / f"{number}.json"
    path.write_text(document)
    done = subprocess.run([program, "check", "--policy", path, "--kind", kind, "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"rolebridgectl check: exit {done.returncode}: {done.stderr}")
    return {found["code"] for found in json.loads(done.stdout)["diagnostics"]}


def theirs(document):
    found = analyze_policy_string(document, include_community_auditors=True)
    return {finding.issue for finding in found.findings}


def main():
    program = sys.argv[1]
    told, met, explained, wrong = defaultdict(int), defaultdict(int), defaultdict(int), []
    texts = {}
    for name, given in POLICIES.items():
        document, kind = given if isinstance(given, tuple) else (given, "identity")
        texts[name] = (document if isinstance(document, str) else json.dumps(document), kind)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        codes = dict(zip(texts, pool.map(lambda item: ours(program, pathlib.Path(folder), item[0], *item[1]), enumerate(texts.values()))))
    unused = set(EXPLAINED)
    for name, (document, _) in texts.items():
        for issue in sorted(theirs(document)):
            told[issue] += 1
            if codes[name] & OURS.get(issue, set()):
                met[issue] += 1
            elif issue in NOT_CLAIMED:
                explained[issue] += 1
            elif (name, issue) in EXPLAINED:
                explained[issue] += 1
                unused.discard((name, issue))
            else:
                wrong.append(f"{name}: parliament says {issue}; we, {', '.join(sorted(filter(None, codes[name]))) or 'nothing'}")
    wrong += [f"explained, and no difference: {name}: {issue}" for name, issue in sorted(unused)]
    wrong += [f"no policy has {issue}" for issue in sorted((OURS.keys() | NOT_CLAIMED.keys()) - told.keys())]
    print(f"| {'parliament':40} {'told':>5} {'found':>6} {'explained':>10}")
    for issue in sorted(told):
        print(f"| {issue:40} {told[issue]:5} {met[issue]:6} {explained[issue]:10}")
    for line in wrong:
        print(line)
    print(f"{len(texts)} policies, {len(told)} kinds of findings, {sum(told.values())} findings: {sum(met.values())} found, "
          f"{sum(explained.values())} explained, {len(wrong)} mistakes")
    return 1 if wrong else 0


sys.exit(main())
