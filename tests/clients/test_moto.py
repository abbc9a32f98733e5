"""boto3 with credentials of the AWS secrets engine, against a moto server on this machine.

Simulated credentials are as good as any to moto. With `live`, users really exist there until they are revoked.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import hvac
import pytest
from clients.engines import client_of
from moto.server import ThreadedMotoServer
from unit import helpers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a moto server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def service(moto: str) -> Iterator[Callable[..., Any]]:
    """Makes a boto3 client of a service, for the key that is given."""
    made: list[Any] = []

    def maker(name: str, access_key: str = "AKIAADMIN", secret_key: str = "admin", token: str | None = None) -> Any:
        keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key, "aws_session_token": token}
        made.append(boto3.client(name, endpoint_url=moto, region_name="us-east-1", **keys))
        return made[-1]

    yield maker
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def client(subject: str, moto: str) -> Iterator[hvac.Client]:
    with client_of(subject, "aws") as made:
        made.sys.enable_secrets_engine("aws", path="live", options={"live": "true"})
        for mount in ("aws", "live"):
            made.secrets.aws.configure_root_iam_credentials(
                "AKIAROOT", "root", iam_endpoint=moto, sts_endpoint=moto, mount_point=mount
            )
        yield made


def kept(service: Callable[..., Any], data: dict[str, Any], bucket: str) -> bytes:
    """What a bucket gives back of what was put into it with these credentials."""
    s3 = service("s3", data["access_key"], data["secret_key"], data["session_token"])
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="note", Body=b"hello")
    with closing(s3.get_object(Bucket=bucket, Key="note")["Body"]) as body:
        found: bytes = body.read()
    return found


def users(service: Callable[..., Any]) -> set[str]:
    return {user["UserName"] for user in service("iam").list_users()["Users"]}


def test_a_simulated_access_key_works(client: hvac.Client, service: Callable[..., Any]) -> None:
    client.secrets.aws.create_or_update_role("app", "iam_user", POLICY)
    data = client.secrets.aws.generate_credentials("app")["data"]
    assert kept(service, data, "simulated") == b"hello"
    assert not users(service)


def test_simulated_temporary_credentials_work(client: hvac.Client, service: Callable[..., Any]) -> None:
    arn = "arn:aws:iam::123456789012:role/app"
    client.secrets.aws.create_or_update_role("session", "assumed_role", role_arns=[arn])
    data = client.secrets.aws.generate_credentials("session", endpoint="sts")["data"]
    assert kept(service, data, "temporary") == b"hello"


def test_a_user_exists_until_its_lease_is_revoked(client: hvac.Client, service: Callable[..., Any]) -> None:
    iam = service("iam")
    iam.create_group(GroupName="developers")
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=POLICY)["Policy"]["Arn"]
    client.write(
        "live/roles/app",
        credential_type="iam_user",
        policy_document=POLICY,
        policy_arns=[bound],
        iam_groups=["developers"],
        iam_tags={"team": "shop"},
        user_path="/apps/",
        permissions_boundary_arn=bound,
    )
    made = client.secrets.aws.generate_credentials("app", mount_point="live")
    (name,) = users(service)
    user = iam.get_user(UserName=name)["User"]
    assert (user["Path"], user["Tags"]) == ("/apps/", [{"Key": "team", "Value": "shop"}])
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == ["app"]
    assert [each["PolicyArn"] for each in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]] == [bound]
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName=name)["Groups"]] == ["developers"]
    keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [made["data"]["access_key"]]
    assert kept(service, made["data"], "live") == b"hello"
    client.sys.revoke_lease(made["lease_id"])
    assert not users(service)


def test_a_user_goes_with_the_token_that_asked_for_it(client: hvac.Client, service: Callable[..., Any]) -> None:
    client.write("live/roles/app", credential_type="iam_user", policy_document=POLICY)
    token = client.auth.token.create(policies=["root"])["auth"]["client_token"]
    other = hvac.Client(url=client.url, token=token)
    other.secrets.aws.generate_credentials("app", mount_point="live")
    other.adapter.close()
    assert len(users(service)) == 1
    client.auth.token.revoke(token)
    assert not users(service)


def test_what_iam_refuses_leaves_no_user_behind(client: hvac.Client, service: Callable[..., Any]) -> None:
    client.write("live/roles/bad", credential_type="iam_user", iam_groups="nobody", policy_document=POLICY)
    text = "Error adding user to group: NoSuchEntity: Group nobody not found\n\tstatus code: 404, request id: "
    with pytest.raises(hvac.exceptions.InvalidRequest, match=text):
        client.secrets.aws.generate_credentials("bad", mount_point="live")
    assert not users(service)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("assumed_role", {"role_arns": "arn:aws:iam::123456789012:role/app", "session_tags": {"team": "shop"}}),
        ("federation_token", {"policy_document": POLICY}),
        ("session_token", {}),
    ],
)
def test_sts_gives_temporary_credentials(
    client: hvac.Client, service: Callable[..., Any], kind: str, more: dict[str, Any]
) -> None:
    client.write(f"live/roles/{kind}", credential_type=kind, **more)
    made = client.secrets.aws.generate_credentials(kind, endpoint="sts", ttl="15m", mount_point="live")
    data = made["data"]
    assert 899 <= data["ttl"] <= 900
    assert kept(service, data, kind.replace("_", "-")) == b"hello"
    if kind == "assumed_role":
        sts = service("sts", data["access_key"], data["secret_key"], data["session_token"])
        assert sts.get_caller_identity()["Arn"] == data["arn"]


def test_the_engine_s_own_key_is_replaced(client: hvac.Client, service: Callable[..., Any], moto: str) -> None:
    iam = service("iam")
    iam.create_user(UserName="vault")
    old = iam.create_access_key(UserName="vault")["AccessKey"]
    client.sys.enable_secrets_engine("aws", path="own", options={"live": "true"})
    client.secrets.aws.configure_root_iam_credentials(
        old["AccessKeyId"], old["SecretAccessKey"], iam_endpoint=moto, sts_endpoint=moto, mount_point="own"
    )
    new = client.secrets.aws.rotate_root_iam_credentials(mount_point="own")["data"]["access_key"]
    keys = [key["AccessKeyId"] for key in iam.list_access_keys(UserName="vault")["AccessKeyMetadata"]]
    assert keys == [new]
    iam.delete_access_key(UserName="vault", AccessKeyId=new)
    iam.delete_user(UserName="vault")


def test_the_key_of_a_static_role_is_replaced_when_its_time_has_come(moto: str, service: Callable[..., Any]) -> None:
    iam = service("iam")
    iam.create_user(UserName="shop")
    world = helpers.world("vault")
    call = partial(helpers.call, world, waits=True)
    call("POST", "sys/mounts/aws", {"type": "aws", "options": {"live": "true"}})
    call("POST", "aws/config/root", {"access_key": "AKIAROOT", "secret_key": "root", "iam_endpoint": moto})
    written = call("POST", "aws/static-roles/shop", {"username": "shop", "rotation_period": "1h"})
    assert written.data["id"] == iam.get_user(UserName="shop")["User"]["UserId"]

    def working() -> list[str]:
        return [key["AccessKeyId"] for key in iam.list_access_keys(UserName="shop")["AccessKeyMetadata"]]

    keys = [call("GET", "aws/static-creds/shop").data["access_key"]]
    for _ in range(2):
        asyncio.run(world.timeline.advance(3600))
        keys.append(call("GET", "aws/static-creds/shop").data["access_key"])
    assert len(set(keys)) == 3
    assert working() == keys[1:]
    assert call("DELETE", "aws/static-roles/shop").status == 204
    assert working() == keys[1:2]
