"""boto3 on the cache that `rolebridge login` wrote. Prints "ok NAME", "not ok NAME: why"."""
import json
import os
import re
import subprocess

import boto3
import botocore.exceptions

ENV = os.environ


def cached():
    with open(ENV["CACHE"], encoding="utf-8") as file:
        return json.load(file)


def identity(profile):
    return boto3.Session(profile_name=profile).client("sts").get_caller_identity()["Arn"]


def services_section():
    """Endpoints from the profile's services section alone; the token is refreshed on the way."""
    before = cached()
    assert identity("ds") == ENV["ARN"]
    after = cached()
    assert after["refreshToken"] != before["refreshToken"], "no refresh"
    assert after["accessToken"] != before["accessToken"]
    assert "issuedAt" not in after, "botocore writes the file anew, with its own members"


def rolebridge_goes_on():
    subprocess.run(["rolebridge", "login", "--check"], check=True, capture_output=True)
    subprocess.run(["rolebridge", "roles"], check=True, capture_output=True)


def token_provider():
    """What CodeCatalyst and its like use: the token itself."""
    token = boto3.Session(profile_name="ds")._session.get_auth_token().get_frozen_token()
    assert token.token == cached()["accessToken"]


def process():
    session = boto3.Session(profile_name="ds-process")
    assert session.get_credentials().method == "custom-process"
    assert session.client("sts").get_caller_identity()["Arn"] == ENV["ARN"]


def ignored():
    """With AWS_IGNORE_CONFIGURED_ENDPOINT_URLS nothing of ours is asked."""
    session = boto3.Session(profile_name="ds")
    ENV["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
    try:
        assert session.client("sso").meta.endpoint_url == "https://portal.sso.eu-central-1.amazonaws.com"
    finally:
        del ENV["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]


def slash():
    """Endpoints as people write them."""
    client = boto3.client("sso", region_name="eu-central-1", endpoint_url=ENV["BRIDGE"] + "/")
    assert len(client.list_accounts(accessToken=cached()["accessToken"])["accountList"]) == 2


def denied():
    ENV["AWS_ENDPOINT_URL_SSO"] = ENV["AWS_ENDPOINT_URL_SSO_OIDC"] = ENV["BRIDGE"]
    try:
        identity("denied")
        raise AssertionError("a role that nobody granted")
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "ForbiddenException", error
        assert "incident" in error.response["Error"]["Message"]
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def ended():
    client = boto3.client("sso", region_name="eu-central-1", endpoint_url=ENV["BRIDGE"])
    client.logout(accessToken=cached()["accessToken"])
    try:
        identity("ds")
        raise AssertionError("a session that ended")
    except (botocore.exceptions.UnauthorizedSSOTokenError, botocore.exceptions.SSOTokenLoadError, botocore.exceptions.TokenRetrievalError) as error:
        assert re.search(r"expired|invalid", str(error)), error


for name, test in (
    ("SSO by the services section, with a refresh", services_section),
    ("rolebridge goes on from what it refreshed", rolebridge_goes_on),
    ("the token provider", token_provider),
    ("credential_process", process),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", ignored),
    ("an endpoint with a slash at its end", slash),
    ("a role that is not granted", denied),
    ("a session that ended", ended),
):
    try:
        test()
        print(f"ok aws-clients: boto3: {name}", flush=True)
    except Exception as error:  # whatever it was is the test's answer
        words = " ".join(str(getattr(error, "stderr", None) or repr(error)).split())
        print(f"not ok aws-clients: boto3: {name}: {words[:400]}", flush=True)
