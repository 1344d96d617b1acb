#!/usr/bin/python3
"""The AWS CLI (Debian's, in this process) against an IAM endpoint: one row a call, in order, each with what must come.

usage: iam_rows.py NAME ENDPOINT [--but WORD]   prints "ok/not ok NAME: ROW"; rows marked WORD are left out
What an endpoint other than AWS's gets wrong by its own account is marked: 'moto' are rows that moto answers otherwise.
"""
import contextlib
import io
import json
import os
import sys
import tempfile

import awscli.clidriver
import jmespath

TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"%s"}]}'
GOOD_TRUST = TRUST % ("111122223333", "sts:AssumeRole")


def policy(action, n=1):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::bucket-%04d/*" % i} for i in range(n)]})


READ, WRITE, WIDE = policy("s3:GetObject"), policy("s3:PutObject"), policy("s3:GetObject", 90)
METADATA = ('<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">%s'
            '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
            'Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>' % ("<!-- a -->" * 100))
A = "123456789012"
POLICY = "arn:aws:iam::" + A + ":policy/rolebridge/read"
OIDC = "arn:aws:iam::" + A + ":oidc-provider/issuer.example/a"
SAML = "arn:aws:iam::" + A + ":saml-provider/corp"


def role(name, *more, trust=GOOD_TRUST):
    return ["create-role", "--role-name", name, "--assume-role-policy-document", trust, *more]


def tags(n):
    return ["Key=k%d,Value=v" % i for i in range(n)]


# name, arguments, the error's code or None, a query of the answer and what it must give, mark
ROWS = [
    ("a role with path, tags, description", role("reader", "--path", "/rolebridge/", "--description", "reads", "--max-session-duration", "7200", "--tags", "Key=rolebridge,Value=managed", "Key=Team,Value=a b"), None, "Role.[Arn, MaxSessionDuration, length(Tags)]", ["arn:aws:iam::" + A + ":role/rolebridge/reader", 7200, 2], None),
    ("its trust policy comes back decoded", ["get-role", "--role-name", "reader"], None, "Role.[AssumeRolePolicyDocument.Statement[0].Action, Description, Tags[0].Value]", ["sts:AssumeRole", "reads", "managed"], None),
    ("the same name in other letters", role("READER"), "EntityAlreadyExists", None, None, "moto"),
    ("the same name", role("reader"), "EntityAlreadyExists", None, None, None),
    ("no such role", ["get-role", "--role-name", "nobody"], "NoSuchEntity", None, None, None),
    ("a name with a blank", role("a b"), "ValidationError", None, None, "moto"),
    ("a path without its end", role("x", "--path", "/a"), "ValidationError", None, None, "moto"),
    ("a session of thirteen hours", role("x", "--max-session-duration", "46800"), "ValidationError", None, None, "moto"),
    ("a trust policy that is no JSON", role("x", trust="{"), "MalformedPolicyDocument", None, None, "moto"),
    ("a trust policy with a resource", role("x", trust=GOOD_TRUST.replace('"Action"', '"Resource":"*","Action"')), "MalformedPolicyDocument", None, None, "moto"),
    ("a trust policy about S3", role("x", trust=TRUST % ("111122223333", "s3:GetObject")), "MalformedPolicyDocument", None, None, "moto"),
    ("a trust policy that trusts nobody there is", role("x", trust=TRUST % ("arn:aws:iam::" + A + ":role/gone", "sts:AssumeRole")), "MalformedPolicyDocument", None, None, "moto"),
    ("a trust policy of more than 2048", role("x", trust=TRUST % ("111122223333\",\"" + "\",\"".join("%012d" % i for i in range(150)), "sts:AssumeRole")), "MalformedPolicyDocument", None, None, "moto"),
    ("a trust policy of more than 2048 characters", role("x", trust=json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ["%012d" % i for i in range(150)]}}})), "LimitExceeded", None, None, "moto"),
    ("51 tags", role("x", "--tags", *tags(51)), "LimitExceeded", None, None, "moto"),
    ("a tag of aws:", role("x", "--tags", "Key=aws:x,Value=1"), "InvalidInput", None, None, "moto"),
    ("a tag twice", role("x", "--tags", "Key=Team,Value=1", "Key=team,Value=2"), "InvalidInput", None, None, "moto"),
    ("a role without tags", role("plain"), None, "Role.RoleName", "plain", None),
    ("the other fields of it", ["get-role", "--role-name", "plain"], None, "Role.[Path, MaxSessionDuration, not_null(Tags, `[]`)]", ["/", 3600, []], None),
    ("description and longest session change", ["update-role", "--role-name", "plain", "--description", "new", "--max-session-duration", "3600"], None, None, None, None),
    ("they did", ["get-role", "--role-name", "plain"], None, "Role.Description", "new", None),
    ("the trust policy changes", ["update-assume-role-policy", "--role-name", "plain", "--policy-document", TRUST % ("444455556666", "sts:AssumeRole")], None, None, None, None),
    ("it did", ["get-role", "--role-name", "plain"], None, "contains(to_string(Role.AssumeRolePolicyDocument), '444455556666')", True, None),
    ("a tag more, and one changed", ["tag-role", "--role-name", "reader", "--tags", "Key=team,Value=b", "Key=more,Value=1"], None, None, None, "moto"),
    ("three tags then", ["list-role-tags", "--role-name", "reader"], None, "length(Tags)", 3, "moto"),
    ("a tag off", ["untag-role", "--role-name", "reader", "--tag-keys", "more", "never"], None, None, None, "moto"),
    ("two tags then", ["list-role-tags", "--role-name", "reader"], None, "length(Tags)", 2, None),

    ("a policy", ["create-policy", "--policy-name", "read", "--path", "/rolebridge/", "--policy-document", READ, "--description", "reads", "--tags", "Key=rolebridge,Value=managed"], None, "Policy.[Arn, DefaultVersionId, AttachmentCount]", [POLICY, "v1", 0], None),
    ("the same in other letters", ["create-policy", "--policy-name", "READ", "--policy-document", READ], "EntityAlreadyExists", None, None, "moto"),
    ("a policy of more than 6144", ["create-policy", "--policy-name", "wide", "--policy-document", WIDE], "LimitExceeded", None, None, "moto"),
    ("a policy with a principal", ["create-policy", "--policy-name", "x", "--policy-document", GOOD_TRUST], "MalformedPolicyDocument", None, None, None),
    ("an action without its service", ["create-policy", "--policy-name", "x", "--policy-document", policy("GetObject")], "MalformedPolicyDocument", None, None, None),
    ("the same Sid twice", ["create-policy", "--policy-name", "x", "--policy-document", json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}] * 2})], "MalformedPolicyDocument", None, None, None),
    ("the policy", ["get-policy", "--policy-arn", POLICY], None, "Policy.[Description, length(Tags)]", ["reads", 1], None),
    ("its tags", ["list-policy-tags", "--policy-arn", POLICY], None, "Tags[0].Key", "rolebridge", None),
    ("version 2", ["create-policy-version", "--policy-arn", POLICY, "--policy-document", WRITE, "--set-as-default"], None, "PolicyVersion.[VersionId, IsDefaultVersion]", ["v2", True], None),
    ("version 3", ["create-policy-version", "--policy-arn", POLICY, "--policy-document", READ], None, "PolicyVersion.IsDefaultVersion", False, None),
    ("version 4", ["create-policy-version", "--policy-arn", POLICY, "--policy-document", READ], None, None, None, None),
    ("version 5", ["create-policy-version", "--policy-arn", POLICY, "--policy-document", READ], None, None, None, None),
    ("a sixth", ["create-policy-version", "--policy-arn", POLICY, "--policy-document", READ], "LimitExceeded", None, None, None),
    ("what version 2 says", ["get-policy-version", "--policy-arn", POLICY, "--version-id", "v2"], None, "PolicyVersion.Document.Statement[0].Action", "s3:PutObject", None),
    ("version 9", ["get-policy-version", "--policy-arn", POLICY, "--version-id", "v9"], "NoSuchEntity", None, None, None),
    ("the default version stays", ["delete-policy-version", "--policy-arn", POLICY, "--version-id", "v2"], "DeleteConflict", None, None, None),
    ("version 1 goes", ["delete-policy-version", "--policy-arn", POLICY, "--version-id", "v1"], None, None, None, None),
    ("version 6 after it", ["create-policy-version", "--policy-arn", POLICY, "--policy-document", READ], None, "PolicyVersion.VersionId", "v6", None),
    ("version 3 is the default", ["set-default-policy-version", "--policy-arn", POLICY, "--version-id", "v3"], None, None, None, None),
    ("five versions, 3 the default", ["list-policy-versions", "--policy-arn", POLICY], None, "[length(Versions), Versions[?IsDefaultVersion].VersionId]", [5, ["v3"]], None),

    ("it is attached", ["attach-role-policy", "--role-name", "reader", "--policy-arn", POLICY], None, None, None, None),
    ("and again", ["attach-role-policy", "--role-name", "reader", "--policy-arn", POLICY], None, None, None, None),
    ("one that is not there", ["attach-role-policy", "--role-name", "reader", "--policy-arn", POLICY + "x"], "NoSuchEntity", None, None, None),
    ("AWS's own", ["attach-role-policy", "--role-name", "reader", "--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"], None, None, None, "moto"),
    ("two are attached", ["list-attached-role-policies", "--role-name", "reader"], None, "sort(AttachedPolicies[].PolicyName)", ["ReadOnlyAccess", "read"], "moto"),
    ("an inline policy", ["put-role-policy", "--role-name", "reader", "--policy-name", "own", "--policy-document", READ], None, None, None, None),
    ("it comes back", ["get-role-policy", "--role-name", "reader", "--policy-name", "own"], None, "PolicyDocument.Statement[0].Action", "s3:GetObject", None),
    ("another is not there", ["get-role-policy", "--role-name", "reader", "--policy-name", "other"], "NoSuchEntity", None, None, None),
    ("inline policies of more than 10240", ["put-role-policy", "--role-name", "reader", "--policy-name", "more", "--policy-document", policy("s3:GetObject", 140)], "LimitExceeded", None, None, "moto"),
    ("one inline policy", ["list-role-policies", "--role-name", "reader"], None, "PolicyNames", ["own"], None),
    ("the whole account", ["get-account-authorization-details", "--filter", "Role", "LocalManagedPolicy"], None, "[RoleDetailList[?RoleName=='reader'] | [0].[length(AttachedManagedPolicies), RolePolicyList[0].PolicyName], Policies[?PolicyName=='read'] | [0].[length(PolicyVersionList), AttachmentCount]]", [[2, "own"], [5, 1]], "moto"),
    ("a boundary", ["put-role-permissions-boundary", "--role-name", "reader", "--permissions-boundary", POLICY], None, None, None, None),
    ("it is shown", ["get-role", "--role-name", "reader"], None, "Role.PermissionsBoundary.PermissionsBoundaryArn", POLICY, None),

    ("the role stays while it has policies", ["delete-role", "--role-name", "reader"], "DeleteConflict", None, None, None),
    ("the policy stays while it is attached", ["delete-policy", "--policy-arn", POLICY], "DeleteConflict", None, None, "moto"),
    ("inline off", ["delete-role-policy", "--role-name", "reader", "--policy-name", "own"], None, None, None, None),
    ("the role stays while it has attached ones", ["delete-role", "--role-name", "reader"], "DeleteConflict", None, None, None),
    ("detached", ["detach-role-policy", "--role-name", "reader", "--policy-arn", POLICY], None, None, None, None),
    ("AWS's own detached", ["detach-role-policy", "--role-name", "reader", "--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"], None, None, None, "moto"),
    ("not attached any more", ["detach-role-policy", "--role-name", "reader", "--policy-arn", POLICY], "NoSuchEntity", None, None, None),
    ("the role goes", ["delete-role", "--role-name", "reader"], None, None, None, None),
    ("it is gone", ["delete-role", "--role-name", "reader"], "NoSuchEntity", None, None, None),
    ("the policy stays while it has versions", ["delete-policy", "--policy-arn", POLICY], "DeleteConflict", None, None, "moto"),
    *[("version %d goes" % i, ["delete-policy-version", "--policy-arn", POLICY, "--version-id", "v%d" % i], None, None, None, None) for i in (2, 4, 5, 6)],
    ("the policy goes", ["delete-policy", "--policy-arn", POLICY], None, None, None, None),
    ("it is no more", ["get-policy", "--policy-arn", POLICY], "NoSuchEntity", None, None, None),

    ("an OIDC provider", ["create-open-id-connect-provider", "--url", "https://issuer.example/a", "--client-id-list", "sts.amazonaws.com", "--thumbprint-list", "0" * 40, "--tags", "Key=rolebridge,Value=managed"], None, "OpenIDConnectProviderArn", OIDC, None),
    ("again", ["create-open-id-connect-provider", "--url", "https://issuer.example/a", "--thumbprint-list", "0" * 40], "EntityAlreadyExists", None, None, None),
    ("in clear text", ["create-open-id-connect-provider", "--url", "http://issuer.example", "--thumbprint-list", "0" * 40], "ValidationError", None, None, "moto"),
    ("an audience more", ["add-client-id-to-open-id-connect-provider", "--open-id-connect-provider-arn", OIDC, "--client-id", "b"], None, None, None, "moto"),
    ("an audience less", ["remove-client-id-from-open-id-connect-provider", "--open-id-connect-provider-arn", OIDC, "--client-id", "sts.amazonaws.com"], None, None, None, "moto"),
    ("what is left", ["get-open-id-connect-provider", "--open-id-connect-provider-arn", OIDC], None, "[Url, ClientIDList, Tags[0].Key]", ["issuer.example/a", ["b"], "rolebridge"], "moto"),
    ("thumbprints", ["update-open-id-connect-provider-thumbprint", "--open-id-connect-provider-arn", OIDC, "--thumbprint-list", "1" * 40], None, None, None, None),
    ("it is listed", ["list-open-id-connect-providers"], None, "contains(OpenIDConnectProviderList[].Arn, '%s')" % OIDC, True, None),
    ("it goes", ["delete-open-id-connect-provider", "--open-id-connect-provider-arn", OIDC], None, None, None, None),
    ("it went", ["get-open-id-connect-provider", "--open-id-connect-provider-arn", OIDC], "NoSuchEntity", None, None, None),
    ("a SAML provider", ["create-saml-provider", "--name", "corp", "--saml-metadata-document", METADATA], None, "SAMLProviderArn", SAML, None),
    ("again by the same name", ["create-saml-provider", "--name", "corp", "--saml-metadata-document", METADATA], "EntityAlreadyExists", None, None, "moto"),
    ("metadata of a service provider", ["create-saml-provider", "--name", "sp", "--saml-metadata-document", METADATA.replace("IDPSSO", "SPSSO")], "InvalidInput", None, None, "moto"),
    ("its metadata", ["get-saml-provider", "--saml-provider-arn", SAML], None, "SAMLMetadataDocument", METADATA, None),
    ("other metadata", ["update-saml-provider", "--saml-provider-arn", SAML, "--saml-metadata-document", METADATA.replace("/sso", "/sso2")], None, "SAMLProviderArn", SAML, None),
    ("listed", ["list-saml-providers"], None, "SAMLProviderList[].Arn", [SAML], None),
    ("deleted", ["delete-saml-provider", "--saml-provider-arn", SAML], None, None, None, None),

    *[("role %d of 7" % i, role("page-%d" % i, "--path", "/pages/"), None, None, None, None) for i in range(7)],
    ("three on a page", ["list-roles", "--path-prefix", "/pages/", "--max-items", "3", "--page-size", "3"], None, "length(Roles)", 3, None),
    ("all of them in pages of two", ["list-roles", "--path-prefix", "/pages/", "--page-size", "2"], None, "sort(Roles[].RoleName)", ["page-%d" % i for i in range(7)], None),
    *[("role %d of 7 goes" % i, ["delete-role", "--role-name", "page-%d" % i], None, None, None, None) for i in range(7)],

    ("no password policy", ["get-account-password-policy"], "NoSuchEntity", None, None, None),
    ("a password policy", ["update-account-password-policy", "--minimum-password-length", "14", "--require-symbols", "--password-reuse-prevention", "24"], None, None, None, None),
    ("it holds", ["get-account-password-policy"], None, "PasswordPolicy.[MinimumPasswordLength, RequireSymbols, RequireNumbers, ExpirePasswords]", [14, True, False, False], None),
    ("an alias in capitals", ["create-account-alias", "--account-alias", "ACME"], "ValidationError", None, None, "moto"),
    ("an alias", ["create-account-alias", "--account-alias", "acme-test"], None, None, None, None),
    ("it is there", ["list-account-aliases"], None, "AccountAliases", ["acme-test"], None),
    ("in figures", ["get-account-summary"], None, "SummaryMap.[AccountMFAEnabled, AccountAccessKeysPresent]", [0, 0], None),
    ("no report yet", ["get-credential-report"], "ReportNotPresent", None, None, None),
    ("a report is begun", ["generate-credential-report"], None, "State", "STARTED", None),
    ("and done", ["generate-credential-report"], None, "State", "COMPLETE", "moto"),
    ("a call that is not known here", ["list-server-certificates"], "InvalidAction", None, None, "moto"),
]


def run(endpoint, arguments):
    out, err = io.StringIO(), io.StringIO()
    command = ["--endpoint-url", endpoint, "--region", "eu-central-1", "--output", "json", "--no-cli-pager", "iam"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = awscli.clidriver.create_clidriver().main(command + arguments)
    return status, out.getvalue(), err.getvalue()


def wrong(endpoint, row):
    _, arguments, code, query, want, _ = row
    status, out, err = run(endpoint, arguments)
    if code is not None:
        return None if status != 0 and "(%s)" % code in err else "wanted %s, got %s" % (code, (err or out).strip()[-300:])
    if status != 0:
        return err.strip()[-300:]
    got = jmespath.search(query, json.loads(out)) if query and out.strip() else None
    return None if query is None or got == want else "wanted %r, got %r" % (want, got)


def main():
    name, endpoint = sys.argv[1:3]
    left_out = sys.argv[4] if len(sys.argv) > 4 else None
    bad = rows = 0
    for row in ROWS:
        if left_out and row[5] == left_out:
            continue
        rows += 1
        why = wrong(endpoint, row)
        if why:
            bad += 1
            print("not ok %s, %s: %s" % (name, row[0], why), flush=True)
    if not bad:
        print("ok %s: %d calls of the AWS CLI" % (name, rows), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        main()
