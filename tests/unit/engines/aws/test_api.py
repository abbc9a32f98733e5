"""Signatures of calls. The first vector is of AWS's published test suite of signature version 4."""

from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandboxd.engines.aws.api import signature
from sandboxd.engines.aws.policies import combined
from sandboxd.engines.aws.static import Key

KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
MOMENT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def test_a_form_is_signed_as_aws_says():
    headers = {"content-type": "application/x-www-form-urlencoded", "host": "example.amazonaws.com"}
    made = signature(KEY, "us-east-1/service", MOMENT, headers, b"Param1=value1")
    assert made == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    }


def test_a_call_is_signed_as_the_sdk_does(monkeypatch):
    monkeypatch.setattr(auth, "get_current_datetime", lambda: MOMENT)
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "127.0.0.1:5000"}
    body = b"Action=GetUser&UserName=%C3%A9"
    request = AWSRequest("POST", "http://127.0.0.1:5000/", headers, body)
    auth.SigV4Auth(Credentials(*KEY), "iam", "eu-west-1").add_auth(request)
    made = signature(KEY, "eu-west-1/iam", MOMENT, headers, body)
    assert made["Authorization"] == request.headers["Authorization"]


def test_documents_are_put_together_by_their_statements():
    both = combined(['{"Statement": [{"Sid": "a"}, {"Sid": "b"}]}', "", '{"Statement": {"Sid": "c"}}'])
    assert both == '{"Version":"2012-10-17","Statement":[{"Sid":"a"},{"Sid":"b"},{"Sid":"c"}]}'


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("[]", "json: cannot unmarshal array into Go value of type aws.PolicyDocument"),
        ("1", "json: cannot unmarshal number into Go value of type aws.PolicyDocument"),
        ('{"Version": 1}', "json: cannot unmarshal number into Go struct field PolicyDocument.Version of type string"),
        ('{"statement": null}', "unsupported data type <nil> for StatementEntries"),
    ],
)
def test_what_is_no_policy_is_not_put_together(document, reason):
    with pytest.raises(ValueError) as error:  # noqa: PT011 -- the text is compared
        combined([document])
    assert str(error.value) == reason


def test_a_policy_without_statements_adds_none():
    assert combined(['{"Version": "2008-10-17"}', "null"]) == '{"Version":"2012-10-17","Statement":[]}'


def test_a_key_shows_nothing_of_its_secret_and_keeps_its_time_in_a_state_that_is_taken_up_again():
    key = Key(access_key="AKIA", secret_key="hidden", expiration=5)
    assert repr(key) == "<Key AKIA>"
    assert key.later(3).expiration == 8
