from unit.helpers import call, world


def test_what_a_record_keeps_for_itself_is_not_taken_from_a_client():
    made = world()
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    call(made, "POST", "sys/auth/userpass", {"type": "userpass"})
    assert call(made, "POST", "auth/approle/role/app", {"name": "other", "hmac_key": "x"}).status == 204
    assert call(made, "GET", "auth/approle/role/app").status == 200
    assert call(made, "LIST", "auth/approle/role").data == {"keys": ["app"]}
    call(made, "POST", "auth/userpass/users/ann", {"password": "pw", "hash": "", "salt": ""})
    assert call(made, "POST", "auth/userpass/login/ann", {"password": "pw"}, token="").status == 200
