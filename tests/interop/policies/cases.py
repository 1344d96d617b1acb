#!/usr/bin/env python3
"""Policies and requests for two implementations to judge: N cases, one a line of JSON, from a seed.

usage: cases.py SEED N

Every operator, sets, IfExists, Null, variables with defaults, Not*, wildcards, and all kinds of policies. What the other
implementation is known to answer differently from AWS's documentation is left out here and stands in explained.json, each
with the rule: so a difference on these cases is a mistake of one of the two. Those are marked "explained: NAME" below.
"""
import json
import random
import sys

OURS, THEIRS = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{OURS}:role/rolebridge/data-scientist"
SESSION = f"arn:aws:sts::{OURS}:assumed-role/data-scientist/ada@acme.example"
USER = f"arn:aws:iam::{OURS}:user/ada"
SAML = f"arn:aws:iam::{OURS}:saml-provider/bridge"
OIDC = f"arn:aws:iam::{OURS}:oidc-provider/bridge.acme.example"

# action, its resources, and others of the service to confuse it with
ACTIONS = [
    ("s3:GetObject", ["arn:aws:s3:::in/a.csv", "arn:aws:s3:::in/red/b.csv", "arn:aws:s3:::out/x/y:z"], ["s3:PutObject", "s3:GetObjectTagging", "s3:ListBucket"]),
    ("s3:PutObject", ["arn:aws:s3:::in/ada/b", "arn:aws:s3:::out/a"], ["s3:GetObject", "s3:PutObjectAcl"]),
    ("s3:ListBucket", ["arn:aws:s3:::in", "arn:aws:s3:::out"], ["s3:ListAllMyBuckets", "s3:GetObject"]),
    ("s3:ListAllMyBuckets", ["*"], ["s3:ListBucket"]),
    ("ec2:StartInstances", [f"arn:aws:ec2:eu-central-1:{OURS}:instance/i-1", f"arn:aws:ec2:us-east-1:{OURS}:instance/i-2"], ["ec2:StopInstances", "ec2:RunInstances"]),
    ("ec2:DescribeInstances", ["*"], ["ec2:StartInstances"]),
    ("dynamodb:GetItem", [f"arn:aws:dynamodb:eu-central-1:{OURS}:table/red"], ["dynamodb:PutItem", "dynamodb:Query"]),
    ("sqs:SendMessage", [f"arn:aws:sqs:eu-central-1:{OURS}:jobs", f"arn:aws:sqs:eu-central-1:{THEIRS}:jobs"], ["sqs:ReceiveMessage"]),
    ("lambda:InvokeFunction", [f"arn:aws:lambda:eu-central-1:{OURS}:function:f"], ["lambda:GetFunction"]),
    ("iam:PassRole", [f"arn:aws:iam::{OURS}:role/rolebridge/worker"], ["iam:GetRole", "iam:CreateRole"]),
    ("kms:Decrypt", [f"arn:aws:kms:eu-central-1:{OURS}:key/11111111-2222-3333-4444-555555555555"], ["kms:Encrypt", "kms:GenerateDataKey"]),
]

# single-valued keys by what they hold, with what a request may bring
TEXTS = ["red", "blue", "Red", "re*d", "r?d", "a b", "red/b", "x.y", "(red)", "${red}", "\u00fc"]
TEXT_KEYS = ["aws:PrincipalTag/team", "aws:PrincipalTag/Env", "aws:SourceIdentity", "aws:RequestedRegion", "aws:userid"]
LIST_KEYS = ["aws:TagKeys", "aws:CalledVia", "aws:PrincipalOrgPaths"]
NUMBERS = ["0", "1", "-1", "10", "9", "100", "0.5", "0.25", "3600", "10.0", "1.50"]
DATES = ["2026-11-24T09:00:00Z", "2026-11-24T10:00:00+01:00", "2026-11-24T09:00:00.500Z", "2026-11-24", "2027-01-01T00:00:00Z", "2025-06-30T23:59:59Z"]
SECONDS = ["1795510800", "1795510801", "1700000000", "0"]  # with dates of the other kind: explained: epoch
ADDRESSES = ["203.0.113.7", "203.0.113.200", "10.1.2.3", "2001:db8::1", "2001:db8:1::1", "198.51.100.1"]
BLOCKS = ["203.0.113.0/24", "203.0.113.0/25", "10.0.0.0/8", "0.0.0.0/1", "2001:db8::/32", "2001:db8:1::/48", "203.0.113.7/32", "2001:db8::1/128"]
ARNS = [ROLE, USER, f"arn:aws:iam::{THEIRS}:role/x", "arn:aws:s3:::in", f"arn:aws:sns:eu-central-1:{OURS}:topic:sub"]
BYTES = ["QmFzZTY0", "AAEC", "/+8="]

VARIABLES = {"aws:PrincipalTag/team": TEXTS, "aws:SourceIdentity": ["ada", "red", "*"], "aws:username": ["ada", "bob"]}

rng = random.Random()


def chance(p):
    return rng.random() < p


def one_or_many(values):
    values = list(dict.fromkeys(values))
    return values[0] if len(values) == 1 and chance(0.7) else values


def some(pool, most=3):
    return rng.sample(pool, rng.randint(1, min(most, len(pool))))


def loosened(text, start=0):
    """TEXT with parts behind START replaced by wildcards, or a letter changed."""
    kind = rng.randrange(7)
    if kind == 0 or len(text) - start < 2:
        return text
    at = rng.randrange(start, len(text))
    if kind == 1:
        return text[:at] + "*"
    if kind == 2:
        return text[:at] + "?" + text[at + 1:]
    if kind == 3:
        end = rng.randrange(at, len(text) + 1)
        return text[:at] + "*" + text[end:]
    if kind == 4:
        return text[:start] + "*" + text[at:]
    if kind == 5:
        return text[:at] + "x" + text[at:]
    return text


def pattern_of_action(action, others):
    service, name = action.split(":")
    kind = rng.randrange(10)
    if kind == 0:
        return "*"
    if kind == 1:
        return service + ":*"
    if kind == 2:
        return rng.choice(others)
    if kind == 3:
        return f"{rng.choice(['ec2', 's3', 'sqs'])}:*"
    if kind == 4:
        return f"{service}:{name.swapcase()}"
    if kind < 8:
        return f"{service}:{loosened(name)}"
    return action


def pattern_of_arn(arn):
    """By fields, all six written."""
    fields = arn.split(":", 5)
    for i in (3, 4):
        if fields[i] and chance(0.2):
            fields[i] = rng.choice(["*", fields[i][:3] + "*", fields[i][:-1] + "?", "us-west-2" if i == 3 else THEIRS])
    start = 0  # the other implementation takes what stands before the first / or : as it is written
    if not arn.startswith("arn:aws:s3"):
        start = 1 + max(fields[5].find("/"), fields[5].find(":"), -1)
    fields[5] = loosened(fields[5], start)
    return ":".join(fields)


def pattern_of_resource(resource, context):
    if resource == "*" or chance(0.15):
        return rng.choice(["*", "arn:aws:s3:::in", "arn:aws:s3:::*"]) if resource == "*" else "*"
    if chance(0.15):
        return rng.choice(["arn:aws:s3:::in/*", "arn:aws:s3:::out", f"arn:aws:ec2:*:{OURS}:instance/*"])
    if chance(0.25):
        return pattern_with_variable(resource)
    return pattern_of_arn(resource)


def pattern_with_variable(resource):
    """A variable where a path's part stands; without a value it matches nothing. Explained: NotResource then."""
    head, mark, tail = resource.partition("/")
    if not mark:
        return resource
    first, mark, rest = tail.partition("/")
    key = rng.choice(list(VARIABLES))
    variable = rng.choice(["${%s}" % key, "${%s, 'red'}" % key, "${%s, 'a.csv'}" % key, "${*}"])
    return f"{head}/{variable}{mark}{rest}" if chance(0.7) else f"{head}/{variable}*"


def text_value(negated, like, context):
    base = rng.choice(TEXTS[:3] if chance(0.7) else TEXTS)
    if base.startswith("$") and negated:  # explained: a negated operator on a variable without a value
        base = "red"
    if like:
        base = loosened(base)
    kind = rng.randrange(8)
    if kind == 0:
        key = rng.choice([k for k in VARIABLES if k in context] or [None])
        return "${%s}" % key if key and isinstance(context[key], str) else base
    if kind == 1:
        return "${%s, '%s'}" % (rng.choice(list(VARIABLES)), rng.choice(["red", "blue"]))
    if kind == 2 and not negated:
        return "${%s}" % rng.choice(list(VARIABLES))
    if kind == 3 and like:  # explained: escapes in an operator without wildcards
        return rng.choice(["${*}", "re${*}d", "r${?}d", "${$}{red}"])
    return base


def condition(context):
    """Operator, key and values; the key is often one that the request has."""
    family = rng.choice(["String", "String", "List", "Numeric", "Date", "Bool", "Binary", "Ip", "Arn", "Null"])
    return {"String": texts, "List": lists, "Numeric": numbers, "Date": dates, "Bool": booleans, "Binary": binaries,
            "Ip": addresses, "Arn": arns, "Null": nulls}[family](context)


def if_exists(operator):
    return operator + "IfExists" if chance(0.2) else operator


TEXT_OPERATORS = ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"]


def texts(context):
    operator = rng.choice(TEXT_OPERATORS)
    values = [text_value("Not" in operator, "Like" in operator, context) for _ in range(rng.randint(1, 3))]
    key = rng.choice(TEXT_KEYS)
    prefix = rng.choice(["", "", "", "", "ForAnyValue:", "ForAllValues:"])
    operator = prefix + operator
    return (operator if prefix == "ForAnyValue:" else if_exists(operator)), spelled(key), one_or_many(values)


def lists(context):
    operator = rng.choice(TEXT_OPERATORS)
    values = [text_value("Not" in operator, "Like" in operator, context) for _ in range(rng.randint(1, 3))]
    prefix = rng.choice(["ForAnyValue:", "ForAllValues:", "ForAnyValue:", "ForAllValues:", ""])
    return prefix + operator, rng.choice(LIST_KEYS), one_or_many(values)  # IfExists: explained: any value if exists


def spelled(key):
    return rng.choice([key, key, key.lower(), key.upper()])


SIX = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]


def numbers(context):
    values = [rng.choice(NUMBERS) for _ in range(rng.randint(1, 2))]
    return if_exists("Numeric" + rng.choice(SIX)), "aws:MultiFactorAuthAge", one_or_many(values)


def dates(context):
    operator = "Date" + rng.choice(SIX)
    key, pool = rng.choice([("aws:CurrentTime", DATES), ("aws:EpochTime", SECONDS), ("aws:TokenIssueTime", DATES)])
    return if_exists(operator), key, one_or_many([rng.choice(pool) for _ in range(rng.randint(1, 2))])


def booleans(context):
    return if_exists("Bool"), rng.choice(["aws:SecureTransport", "aws:MultiFactorAuthPresent"]), rng.choice(["true", "false", True, False, "True"])


def binaries(context):
    return if_exists("BinaryEquals"), "aws:PrincipalTag/bytes", one_or_many(some(BYTES, 2))


def addresses(context):
    return if_exists(rng.choice(["IpAddress", "NotIpAddress"])), "aws:SourceIp", one_or_many(some(BLOCKS))


def arns(context):
    operator = rng.choice(["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"])
    values = [loosen_arn(rng.choice(ARNS)) for _ in range(rng.randint(1, 2))]
    return if_exists(operator), rng.choice(["aws:PrincipalArn", "aws:SourceArn"]), one_or_many(values)


def loosen_arn(arn):
    fields = arn.split(":", 5)
    for i in (1, 2, 3, 4):
        if chance(0.15):
            fields[i] = rng.choice(["*", fields[i][:2] + "*", "?"])
    fields[5] = loosened(fields[5])
    return ":".join(fields)


def nulls(context):
    key = rng.choice(TEXT_KEYS + LIST_KEYS + ["aws:SourceIp", "aws:MultiFactorAuthAge"])
    return "Null", key, rng.choice(["true", "false", True, False, ["true", "false"]])


def conditions(context):
    found = {}
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
        operator, key, values = condition(context)
        keys = found.setdefault(operator, {})
        if key.lower() not in (k.lower() for k in keys):
            keys[key] = values
    return found


def make_context(asks_as):
    context = {}
    for key in TEXT_KEYS:
        if chance(0.6):
            context[key] = rng.choice(TEXTS[:3] if chance(0.7) else TEXTS)
    for key in LIST_KEYS:
        if chance(0.5):
            context[key] = some(TEXTS, 3)
    for key, pool in (("aws:MultiFactorAuthAge", NUMBERS), ("aws:CurrentTime", DATES), ("aws:EpochTime", SECONDS),
                      ("aws:TokenIssueTime", DATES), ("aws:SecureTransport", ["true", "false"]), ("aws:SourceIp", ADDRESSES),
                      ("aws:MultiFactorAuthPresent", ["true", "false"]), ("aws:PrincipalTag/bytes", BYTES),
                      ("aws:SourceArn", ARNS), ("aws:PrincipalArn", [ROLE, USER]), ("aws:username", ["ada", "bob"])):
        if chance(0.6):
            context[key] = rng.choice(pool)
    return context


def statement(kind, case, effect=None):
    effect = effect or ("Deny" if chance(0.15) else "Allow")
    action, resource, context = case["action"], case["resource"], case["context"]
    others = case["others"]
    made = {"Sid": f"S{rng.randrange(10 ** 9)}"} if chance(0.3) and kind != "rcp" else {}
    made["Effect"] = effect
    if kind in ("resource", "trust", "rcp"):
        principal(made, kind, case)
    patterns = [pattern_of_action(action, others) for _ in range(rng.randint(1, 3))]
    if kind == "trust":
        made["Action"] = one_or_many([action] + (["sts:TagSession"] if chance(0.5) else []) if chance(0.9) else ["sts:SetSourceIdentity"])
    elif kind == "rcp":
        made["Action"] = one_or_many([p for p in patterns if p != "*"] or [action.split(":")[0] + ":*"])
    elif chance(0.12) and "scp" != kind:
        made["NotAction"] = one_or_many(patterns)
    else:
        made["Action"] = one_or_many(patterns)
    if kind != "trust":
        resources(made, kind, case)
    if chance(0.55):
        made["Condition"] = conditions(context)
    return made


def short_arn(arn):
    """Fewer fields and a last `*`: in an Allow, where both read it widely. Explained: in a Deny."""
    fields = arn.split(":", 5)
    return ":".join(fields[:rng.randint(2, 5)] + ["*"])


def resources(made, kind, case):
    found = [pattern_of_resource(case["resource"], case["context"]) for _ in range(rng.randint(1, 3))]
    if made["Effect"] == "Allow" and case["resource"] != "*" and chance(0.05):
        found.append(short_arn(case["resource"]))
    if kind == "scp" and made["Effect"] == "Allow":
        found = ["*"]
    whole = all(p == "*" or p.count(":") > 4 for p in found)
    if chance(0.12) and kind != "scp" and whole and not any("${aws:" in p for p in found) and case["resource"] != "*":
        made["NotResource"] = one_or_many(found)
    else:
        made["Resource"] = one_or_many(found)


def principal(made, kind, case):
    if kind == "rcp":
        made["Principal"] = "*"
        return
    if kind == "trust" and case["federated"]:
        made["Principal"] = {"Federated": one_or_many([rng.choice([case["federated"], case["federated"], SAML, OIDC])])}
        return
    if case["service"] and chance(0.8):
        made["Principal"] = {"Service": one_or_many(some(["ec2.amazonaws.com", "lambda.amazonaws.com", case["service"]], 2))}
        return
    names = [ROLE, USER, OURS, f"arn:aws:iam::{OURS}:root", THEIRS, f"arn:aws:iam::{THEIRS}:role/x"]
    if not case["session_policies"]:  # explained: a session named by the resource
        names += [SESSION, "*"]
    if made["Effect"] == "Deny" and chance(0.2) and kind == "resource":
        made["NotPrincipal"] = {"AWS": one_or_many(some([n for n in names if n != "*"]))}
    elif "*" in names and chance(0.15):
        made["Principal"] = "*"
    else:
        made["Principal"] = {"AWS": one_or_many(some(names, 2))}


def document(kind, case, effect=None):
    count = rng.choice([1, 1, 2, 2, 3])
    made = {"Version": "2012-10-17", "Statement": [statement(kind, case, effect) for _ in range(count)]}
    for i, one in enumerate(made["Statement"]):
        if "Sid" in one:
            one["Sid"] += f"n{i}"
    if kind == "scp" and chance(0.7):
        made["Statement"].insert(0, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    if kind in ("session", "boundary") and chance(0.5):
        made["Statement"].append({"Effect": "Allow", "Action": case["action"].split(":")[0] + ":*", "Resource": "*"})
    return made


def empty_case(number):
    return {"id": str(number), "identity": [], "session_policies": [], "boundary": [], "scp": [], "rcp": [], "resource_policy": None,
            "trust": False, "principal": "", "session": None, "federated": None, "service": None}


def permissions_case(number):
    """Somebody with a session, or a user, asks for something."""
    case = empty_case(number)
    action, choice, case["others"] = rng.choice(ACTIONS)
    case["action"], case["resource"] = action, rng.choice(choice)
    parts = case["resource"].split(":")
    case["owner"] = parts[4] if len(parts) > 5 and parts[4] else (THEIRS if chance(0.1) and case["resource"] != "*" else OURS)
    case["principal"] = ROLE
    if chance(0.8):
        case["session"] = SESSION
    else:
        case["principal"] = USER
    case["context"] = make_context(case)
    if case["session"] and chance(0.25):
        case["session_policies"] = [document("session", case)]
    case["identity"] = [document("identity", case) for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))]
    if chance(0.25):
        case["boundary"] = [document("boundary", case)]
    if chance(0.25):
        case["scp"] = [[document("scp", case) for _ in range(rng.randint(1, 2))] for _ in range(rng.randint(1, 2))]
    if chance(0.15) and case["resource"] != "*":
        case["rcp"] = [document("rcp", case, "Deny")]
    if case["resource"] != "*" and chance(0.35) and not action.startswith(("iam:", "ec2:")):
        case["resource_policy"] = document("resource", case)
    elif action.startswith("kms:"):
        case["resource_policy"] = document("resource", case)
    if case["resource_policy"] and chance(0.15):
        without_account(case)
    return case


def without_account(case):
    """Nobody who is signed in, or a service: the resource's policy alone decides."""
    case.update(principal="", session=None, identity=[], boundary=[], scp=[], session_policies=[])
    if chance(0.5):
        case["service"] = "lambda.amazonaws.com"
    case["resource_policy"] = document("resource", case)


def trust_case(number):
    """A role's trust policy: of a provider, a service, a role."""
    case = empty_case(number)
    kind = rng.choice(["saml", "oidc", "service", "role"])
    case.update(trust=True, others=["sts:TagSession"], owner=OURS, resource=f"arn:aws:iam::{OURS}:role/rolebridge/worker",
                action={"saml": "sts:AssumeRoleWithSAML", "oidc": "sts:AssumeRoleWithWebIdentity"}.get(kind, "sts:AssumeRole"))
    if kind == "role":
        case["principal"], case["session"] = ROLE, SESSION
    elif kind == "service":
        case["service"] = rng.choice(["ec2.amazonaws.com", "lambda.amazonaws.com"])
    else:
        case["federated"] = SAML if kind == "saml" else OIDC
    case["context"] = make_context(case)
    if kind == "role":
        case["identity"] = [document("identity", case)]
    case["resource_policy"] = document("trust", case)
    if chance(0.1) and kind != "service":
        case["rcp"] = [document("rcp", case, "Deny")]
    return case


def main():
    rng.seed(int(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        case = trust_case(number) if chance(0.15) else permissions_case(number)
        del case["others"]
        print(json.dumps(case))


if __name__ == "__main__":
    main()
