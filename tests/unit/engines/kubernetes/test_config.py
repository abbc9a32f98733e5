"""Which cluster the Kubernetes engine speaks to. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

from sandboxd.fakes import Source, parts

HOST = "https://127.0.0.1:6443"


@pytest.fixture
def vault():
    made = world()
    call(made, "POST", "sys/mounts/kubernetes", {"type": "kubernetes"})
    call(made, "POST", "kubernetes/roles/app", {"allowed_kubernetes_namespaces": "*", "service_account_name": "x"})
    return made


def refusal(vault, **config):
    """Why no token can be had from a cluster that is configured so."""
    call(vault, "DELETE", "kubernetes/config")
    assert call(vault, "POST", "kubernetes/config", config).status == 204
    answer = call(vault, "POST", "kubernetes/creds/app", {"kubernetes_namespace": "a", "ttl": "1h"}, waits=True)
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip() if answer.status != 200 else ""


def test_the_token_is_not_shown_again(vault):
    call(vault, "POST", "kubernetes/config", {"kubernetes_host": HOST, "service_account_jwt": "t"})
    shown = {"kubernetes_host": HOST, "kubernetes_ca_cert": "", "disable_local_ca_jwt": False}
    assert call(vault, "GET", "kubernetes/config").data == shown


def test_fields_that_are_not_sent_stay(vault):
    call(vault, "POST", "kubernetes/config", {"kubernetes_host": HOST, "disable_local_ca_jwt": True})
    call(vault, "POST", "kubernetes/config", {"kubernetes_host": "other"})
    assert call(vault, "GET", "kubernetes/config").data["disable_local_ca_jwt"] is True


def test_the_host_must_be_named_outside_of_a_pod(vault):
    answer = call(vault, "POST", "kubernetes/config", {"disable_local_ca_jwt": True})
    assert answer.status == 500
    assert "kubernetes_host was unset and could not be determined from environment variables" in answer.errors[0]


def test_what_was_never_configured_is_not_there(vault):
    assert call(vault, "GET", "kubernetes/config").status == 404
    assert call(vault, "DELETE", "kubernetes/config").status == 204


def test_the_check_misses_the_environment_of_a_pod(vault):
    answer = call(vault, "GET", "kubernetes/check")
    assert answer.status == 400
    assert answer.errors == ["Missing environment variables: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT_HTTPS"]


def test_without_a_certificate_that_of_the_pod_is_looked_for(vault):
    assert refusal(vault, kubernetes_host=HOST) == (
        "open /var/run/secrets/kubernetes.io/serviceaccount/ca.crt: no such file or directory"
    )
    assert refusal(vault, kubernetes_host=HOST, disable_local_ca_jwt=True) == ""


def test_certificates_must_be_some(vault):
    tls = parts("tls.certificate", Source("tests", "kubernetes", "ca"))
    garbled = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"
    failed = "unable to load root certificates: "
    assert refusal(vault, kubernetes_host=HOST, kubernetes_ca_cert=tls["value"]) == ""
    assert refusal(vault, kubernetes_host=HOST, kubernetes_ca_cert="x") == failed + "unable to parse bytes as PEM block"
    assert refusal(vault, kubernetes_host=HOST, kubernetes_ca_cert=tls["private_key"]) == (
        failed + "no valid certificate authority data seen"
    )
    assert refusal(vault, kubernetes_host=HOST, kubernetes_ca_cert=garbled) == (
        failed + "failed to parse certificate: x509: malformed certificate"
    )


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1:6443", ""),
        ("localhost", ""),
        ("http://127.0.0.1/prefix/", ""),
        ("127.0.0.1/x", 'host must be a URL or a host:port pair: "127.0.0.1/x"'),
        ("http://", 'host must be a URL or a host:port pair: "http://"'),
        ("127.0.0.1:x", 'parse "http://127.0.0.1:x": invalid port ":x" after host'),
        ("a b", 'parse "http://a b": invalid character " " in host name'),
        ("", "kubernetes_host was unset and could not determine it from environment variables"),
    ],
)
def test_the_host_is_a_url_or_a_host_and_a_port(vault, host, reason):
    assert refusal(vault, kubernetes_host=host, disable_local_ca_jwt=True) == reason
