"""Static roles of AWS. Expected answers are from Vault's public source and documentation."""

import asyncio

import pytest
from unit.helpers import call

from sandboxd.fakes import verify
from sandboxd.rotation import Rotation
from sandboxd.vault.errors import Refusal


def write(send, **fields):
    return send("POST", "static-roles/app", fields)


def key(send):
    return send("GET", "static-creds/app").data


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


@pytest.fixture
def advance(vault):
    return lambda seconds: asyncio.run(vault.timeline.advance(seconds))


def test_a_user_gets_a_key_with_its_role(send):
    answer = write(send, username="shop", rotation_period="2h")
    assert answer.status == 200
    assert answer.data == {
        "name": "app",
        "id": answer.data["id"],
        "username": "shop",
        "rotation_period": 7200,
        "assume_role_arn": "",
        "assume_role_session_name": "",
        "external_id": "",
    }
    assert answer.data["id"].startswith("AIDA")
    assert send("GET", "static-roles/app").data == answer.data
    found = key(send)
    assert verify(found["access_key"]).kind.name == "aws.access_key_id"
    assert found["expiration"] == "2026-01-01T02:00:00Z"
    assert key(send) == found


def test_a_key_is_replaced_after_each_period_and_works_through_the_next(vault, send, advance):
    write(send, username="shop", rotation_period="1h")
    first = key(send)
    advance(3600)
    second = key(send)
    assert second["access_key"] != first["access_key"]
    assert second["expiration"] == "2026-01-01T02:00:00Z"
    assert vault.ledger.find(first["secret_key"]).valid(vault.clock.now_ns())
    advance(3599)
    assert vault.ledger.find(first["secret_key"]).valid(vault.clock.now_ns())
    advance(1)
    assert not vault.ledger.find(first["secret_key"]).valid(vault.clock.now_ns())
    assert vault.ledger.find(second["secret_key"]).valid(vault.clock.now_ns())


def test_a_week_in_one_jump_has_every_rotation(send, advance):
    write(send, username="shop", rotation_period="24h")
    advance(7 * 86_400 + 60)
    assert key(send)["expiration"] == "2026-01-09T00:00:00Z"


def test_a_new_period_begins_when_it_is_written_though_the_old_end_is_shown(send, advance):
    write(send, username="shop", rotation_period="1h")
    first = key(send)
    advance(1800)
    assert write(send, rotation_period="2h").data["rotation_period"] == 7200
    assert key(send) == first
    advance(7199)
    assert key(send) == first
    advance(1)
    assert key(send)["access_key"] != first["access_key"]


def test_a_write_without_a_period_begins_the_old_one_again(send, advance):
    write(send, username="shop", rotation_period="1h")
    first = key(send)
    advance(1800)
    write(send, username="shop")
    advance(1801)
    assert key(send) == first


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, 'missing "username" parameter'),
        ({"username": "shop"}, 'missing "rotation_period" parameter'),
        (
            {"username": "shop", "rotation_period": 60, "assume_role_arn": "arn:aws:iam::1:role/x"},
            'missing "assume_role_session_name" parameter',
        ),
    ],
)
def test_a_role_needs_a_user_and_a_period(send, sent, text):
    answer = write(send, **sent)
    assert (answer.status, answer.errors) == (400, [text])
    assert send("GET", "static-roles/app").status == 404


def test_a_period_lasts_a_minute_at_least(send):
    text = "role rotation period out of range: must be greater than 60.00 seconds"
    assert failure(write(send, username="shop", rotation_period=59)) == text
    assert write(send, username="shop", rotation_period=60).status == 200
    assert failure(write(send, rotation_period=59)) == text


def test_a_user_has_a_name(send):
    assert failure(write(send, username="", rotation_period=60)) == (
        'unable to validate username "": InvalidParameter: 1 validation error(s) found.\n'
        "- minimum field size of 1, GetUserInput.UserName."
    )


def test_a_role_keeps_its_user(send):
    first = write(send, username="shop", rotation_period=60).data["id"]
    text = failure(write(send, username="other"))
    assert text.startswith(f'AWS GetUser returned a user, but the ID did not match: "{first}" was requested, but "AIDA')


def test_a_user_of_another_account_is_reached_through_a_role(send):
    more = {"assume_role_arn": "arn:aws:iam::123456789012:role/x", "assume_role_session_name": "s", "external_id": "e"}
    data = write(send, username="shop", rotation_period=60, **more).data
    assert {name: data[name] for name in more} == more


def test_a_deleted_role_takes_its_key_along(vault, send, advance):
    write(send, username="shop", rotation_period=60)
    secret = key(send)["secret_key"]
    assert send("DELETE", "static-roles/app").status == 204
    assert not vault.ledger.find(secret).valid(vault.clock.now_ns())
    assert send("GET", "static-creds/app").status == 404
    assert send("GET", "static-roles/app").status == 404
    advance(120)
    assert send("GET", "static-creds/app").status == 404
    assert send("DELETE", "static-roles/app").status == 204


def test_static_roles_are_listed(send):
    assert send("LIST", "static-roles").status == 404
    write(send, username="shop", rotation_period=60)
    assert send("LIST", "static-roles").data == {"keys": ["app"]}


def test_the_sandbox_rotates_a_key_by_hand_and_clients_cannot(vault, send):
    write(send, username="shop", rotation_period="1h")
    first = key(send)
    answer = send("POST", "static-roles/app/rotate")
    assert answer.status == 404
    assert "unsupported path" in answer.errors[0]
    asyncio.run(Rotation(vault, lambda: None).rotate("aws/static-creds/app"))
    assert key(send)["access_key"] != first["access_key"]


def test_the_sandbox_says_when_there_is_nothing_to_rotate(vault):
    with pytest.raises(Refusal, match="no static role named nobody"):
        asyncio.run(Rotation(vault, lambda: None).rotate("aws/static-roles/nobody"))


def test_keys_need_a_configured_engine(bare):
    answer = call(bare, "POST", "aws/static-roles/app", {"username": "shop", "rotation_period": 60})
    assert failure(answer).startswith('unable to validate username "shop": NoCredentialProviders: ')


def test_a_key_that_is_replaced_is_told_of_once(send, vault, advance):
    write(send, username="shop", rotation_period="1h")
    advance(3600)
    advance(3600)
    told = vault.events.after(0, ("credential.superseded",))
    assert [(event.path, event.details) for event in told] == [("aws/static-roles/app", {"grace_seconds": 3600})] * 2
