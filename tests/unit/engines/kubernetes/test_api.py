"""A cluster on this machine, behind its API. That the calls are OpenBao's is proven in the conformance tests."""

import asyncio

import pytest
from conformance.kube_api import KubeApi
from unit.helpers import call, world

from sandboxd.engines.kubernetes.api import Api
from sandboxd.engines.kubernetes.cluster import ClusterError
from sandboxd.engines.kubernetes.config import Config

HOUR = {"allowed_kubernetes_namespaces": "*", "token_default_ttl": "1h"}


@pytest.fixture
def api():
    made = KubeApi()
    yield made
    made.close()


@pytest.fixture
def vault(api):
    made = world("vault")
    call(made, "POST", "sys/mounts/kubernetes", {"type": "kubernetes", "options": {"live": "true"}})
    config = {"kubernetes_host": api.address, "disable_local_ca_jwt": True, "service_account_jwt": "my-jwt"}
    call(made, "POST", "kubernetes/config", config)
    call(made, "POST", "kubernetes/roles/app", {**HOUR, "kubernetes_role_name": "reader", "name_template": "n"})
    call(made, "POST", "kubernetes/roles/new", {**HOUR, "generated_role_rules": "rules: []", "name_template": "n"})
    return made


def ask(vault, name="app", namespace="ns"):
    body = {"kubernetes_namespace": namespace}
    return call(vault, "POST", f"kubernetes/creds/{name}", body, waits=True)


def asked(api):
    """What was asked, as the last parts of the paths."""
    return [(method, path.rpartition("/namespaces/")[2]) for method, path, _, _ in api.taken()]


def test_a_token_is_asked_for_with_all_that_it_needs(vault, api):
    assert ask(vault).status == 200
    assert asked(api) == [
        ("POST", "ns/rolebindings"),
        ("POST", "ns/serviceaccounts"),
        ("POST", "ns/serviceaccounts/n/token"),
    ]


def test_what_was_made_is_deleted_with_the_lease(vault, api):
    lease = ask(vault, "new").json["lease_id"]
    api.taken()
    assert call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease}, waits=True).status == 204
    assert asked(api) == [
        ("DELETE", "ns/roles/n"),
        ("DELETE", "ns/rolebindings/n"),
        ("DELETE", "ns/serviceaccounts/n"),
    ]


def test_a_revocation_that_the_cluster_refuses_says_what_is_left(vault, api):
    lease = ask(vault).json["lease_id"]
    address = api.address
    config = {"kubernetes_host": "http://127.0.0.1:1", "disable_local_ca_jwt": True}
    call(vault, "POST", "kubernetes/config", config)
    answer = call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease}, waits=True)
    assert (
        "failed to delete ServiceAccount 'ns/n': Delete \"http://127.0.0.1:1/api/v1/namespaces/ns/" in answer.errors[0]
    )
    assert "connection refused" in answer.errors[0]
    call(vault, "POST", "kubernetes/config", {**config, "kubernetes_host": address})
    assert call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease}, waits=True).status == 204


@pytest.mark.parametrize(
    ("role", "kind"),
    [("app", "rolebindings"), ("new", "roles")],
)
def test_what_was_half_made_is_deleted_after_ten_minutes(vault, api, role, kind):
    assert ask(vault, role, "garbled").status == 500
    api.taken()
    asyncio.run(vault.timeline.advance(599))
    assert asked(api) == []
    asyncio.run(vault.timeline.advance(2))
    assert asked(api) == [("DELETE", f"garbled/{kind}/n")]
    asyncio.run(vault.timeline.advance(100_000))
    assert asked(api) == []


def test_what_cannot_be_cleaned_up_is_tried_for_a_day(vault, api):
    assert ask(vault, "app", "forbidden").status == 500
    api.taken()
    asyncio.run(vault.timeline.advance(2 * 86400))
    tried = len(asked(api))
    assert tried > 10
    asyncio.run(vault.timeline.advance(10 * 86400))
    assert asked(api) == []


def test_a_cluster_elsewhere_is_not_spoken_to(vault):
    config = {"kubernetes_host": "https://192.0.2.1:6443", "disable_local_ca_jwt": True}
    call(vault, "POST", "kubernetes/config", config)
    answer = ask(vault)
    assert answer.status == 400
    assert answer.errors[0].startswith("sandboxd reaches upstreams on this machine only, and the Kubernetes API")


def test_labels_of_a_namespace_are_asked_for(vault, api):
    fields = {"service_account_name": "default", "allowed_kubernetes_namespaces": []}
    for name, wanted in (("dev", "dev"), ("prod", "prod"), ("odd", "a b")):
        selector = f"matchLabels: {{env: {wanted}}}"
        role = {**HOUR, **fields, "allowed_kubernetes_namespace_selector": selector}
        call(vault, "POST", f"kubernetes/roles/{name}", role)
    assert ask(vault, "dev").status == 200
    assert ask(vault, "prod").status == 400
    assert 'values[0][env]: Invalid value: "a b"' in ask(vault, "odd").errors[0]
    assert asked(api)[0] == ("GET", "ns")


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("app", "failed to create RoleBinding/ClusterRoleBinding 'n' for reader: "),
        ("new", "failed to create Role/ClusterRole 'forbidden/n: "),
    ],
)
def test_a_refusal_of_the_cluster_is_told(vault, role, text):
    answer = ask(vault, role, "forbidden")
    assert answer.status == 500
    assert f'{text}serviceaccounts is forbidden: User "x" cannot do that' in answer.errors[0]


def test_a_token_that_lasts_less_than_asked_for_shortens_the_lease(vault):
    answer = ask(vault, "app", "short")
    assert answer.json["lease_duration"] == 900
    (warning,) = answer.warnings
    assert warning == (
        "the created Kubernetes service accout token TTL 15m0s is less than the Vault lease TTL 1h0m0s; capping the "
        "lease TTL accordingly"
    )


def test_a_service_account_that_cannot_be_made_is_an_error(vault):
    (reason,) = ask(vault, "app", "peopleless").errors
    assert "failed to create service account 'peopleless/n': peopleless/serviceaccounts is forbidden" in reason


def test_what_is_gone_already_need_not_be_deleted(vault):
    lease = ask(vault, "new", "absent").json["lease_id"]
    assert call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease}, waits=True).status == 204


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "serializer for text/plain doesn't exist"),
        (302, "the server responded with the status code 302 but did not return more information (post {what})"),
        (403, "some plain text (post {what})"),
        (409, "the server reported a conflict (post {what})"),
        (502, 'an error on the server ("some plain text") has prevented the request from succeeding (post {what})'),
    ],
)
def test_answers_in_other_words_are_put_into_those_of_kubernetes(vault, status, text):
    what = "rolebindings.rbac.authorization.k8s.io"
    assert text.format(what=what) in ask(vault, "app", f"status-{status}").errors[0]


def api_of(address, **fields):
    return Api(Config(kubernetes_host=address, **fields))


def test_https_needs_a_certificate_that_is_known(tmp_path):
    import ssl
    from threading import Thread

    from sandboxd.fakes import Source, parts

    tls = parts("tls.certificate", Source("tests", "kubernetes", "tls"))
    (tmp_path / "pem").write_text(tls["private_key"] + tls["value"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    loop = asyncio.new_event_loop()

    async def serve(reader, writer):
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        with pytest.raises(ClusterError, match="certificate signed by unknown authority"):
            asyncio.run(api_of(f"https://127.0.0.1:{port}").labels("ns"))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://127.0.0.1", 'Get "ftp://127.0.0.1/api/v1/namespaces/ns": unsupported protocol scheme "ftp"'),
        (
            "http://127.0.0.1:99999",
            'Get "http://127.0.0.1:99999/api/v1/namespaces/ns": dial tcp: address 99999: invalid port',
        ),
        ("http://[::1]:1", 'Get "http://[::1]:1/api/v1/namespaces/ns": dial tcp [::1]:1: connect: '),
    ],
)
def test_what_cannot_be_reached_is_told_with_its_url(address, reason):
    with pytest.raises(ClusterError) as failed:
        asyncio.run(api_of(address).labels("ns"))
    assert str(failed.value).startswith(reason)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("http://127.0.0.1:1/a b/", "http://127.0.0.1:1/a%20b/"),
        ("http://127.0.0.1:1/a%25zz", "http://127.0.0.1:1/a%25zz/"),
        ("http://127.0.0.1:1/%ff", "http://127.0.0.1:1/%FF/"),
        ("http://127.0.0.1:1/a%3Fb", "http://127.0.0.1:1/a%3Fb/"),
        ("http://127.0.0.1:1/a/../b//c/", "http://127.0.0.1:1/b/c/"),
        ("http://127.0.0.1:1/a!?x", "http://127.0.0.1:1/a%21/"),
        ("http://[::1%25en0]:1", "http://[::1%25en0]:1/"),
        ("?x", "http:///"),
    ],
)
def test_a_url_is_spelled_as_by_openbao(vault, host, shown):
    call(vault, "POST", "kubernetes/config", {"kubernetes_host": host, "disable_local_ca_jwt": True})
    call(vault, "POST", "kubernetes/roles/sa", {**HOUR, "service_account_name": "x"})
    assert f'for ns/x: Post "{shown}api/v1/namespaces/ns/serviceaccounts/x/token": ' in ask(vault, "sa").errors[0]


@pytest.mark.parametrize("jwt", ["from a file\n", "a\0b"])
def test_a_token_that_no_header_can_hold_is_told_of(vault, api, jwt):
    call(vault, "POST", "kubernetes/config", {"kubernetes_host": api.address, "service_account_jwt": jwt})
    (error,) = ask(vault).errors
    assert error.rstrip().endswith('/rolebindings": net/http: invalid header field value for "Authorization"')


def test_a_token_is_sent_as_it_is(vault, api):
    call(vault, "POST", "kubernetes/config", {"kubernetes_host": api.address, "service_account_jwt": "a\tb\u2603"})
    assert ask(vault).status == 200
    assert {authorization for _, _, authorization, _ in api.taken()} == {"Bearer a\tb\u2603"}


@pytest.mark.parametrize(
    ("name", "fault"),
    [("a/b", "may not contain '/'"), ("..", "may not be '..'"), ("a%/", "may not contain '/' may not")],
)
def test_names_cannot_lead_elsewhere(vault, name, fault):
    assert f'invalid namespace "{name}": [{fault}' in ask(vault, "app", name).errors[0]
    assert f'invalid namespace "{name}": [{fault}' in ask(vault, "new", name).errors[0]
    call(vault, "POST", "kubernetes/roles/sa", {**HOUR, "service_account_name": name})
    assert f'invalid resource name "{name}": [{fault}' in ask(vault, "sa").errors[0]
    call(vault, "POST", "kubernetes/roles/app", {"name_template": name})
    assert f'invalid resource name "{name}": [{fault}' in ask(vault).errors[0]


def test_other_signs_in_names_are_escaped(vault, api):
    assert ask(vault, "app", "a b?é=c").status == 200
    assert asked(api)[0] == ("POST", "a%20b%3F%C3%A9=c/rolebindings")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "EOF"),
        (b"nonsense\r\n\r\n", "EOF"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{", "doesn't exist"),
        (
            b'HTTP/1.1 500 .\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"kind":"Status"}',
            "unknown",
        ),
    ],
)
def test_an_answer_that_is_none_is_an_error(answer, reason):
    async def main():
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await api_of(f"http://127.0.0.1:{port}/prefix").labels("ns")

    with pytest.raises(ClusterError, match=reason):
        asyncio.run(main())
