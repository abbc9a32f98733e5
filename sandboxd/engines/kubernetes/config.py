"""Which cluster to speak to, and as whom."""

import posixpath
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote as percent_encoded

from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.backend import Call, Path, Result
from sandboxd.vault.framework.fields import NoArgs, param
from sandboxd.vault.framework.records import update, without
from sandboxd.vault.gotext import quote

CA_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
"""Where a pod finds the certificate of its cluster's CA."""

_PEM = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----\s[^-]*-----END (?P=label)-----")


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """A cluster, as stored."""

    disable_local_ca_jwt: bool = param(False, "Leave the CA certificate and the token of the server's own pod alone.")
    kubernetes_ca_cert: str = param("", "PEM certificate of the CA that signed the cluster's; by default the pod's.")
    kubernetes_host: str = param("", "URL of the cluster's API; by default that of the pod's cluster.")
    service_account_jwt: str = param("", "Token to manage the cluster with; by default that of the pod.")


def read(call: Call, _args: Config) -> Result:
    config = call.storage.get("config", Config)
    return None if config is None else without(config, "service_account_jwt")


def write(call: Call, args: Config) -> None:
    if "kubernetes_host" not in call.given:
        raise Failure("kubernetes_host was unset and could not be determined from environment variables")
    call.storage.put("config", update(call.storage.get("config", Config) or Config(), args, call.given))


def delete(call: Call, _args: Config) -> None:
    call.storage.delete("config")


def check(_call: Call, _args: NoArgs) -> Result:
    refuse("Missing environment variables: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT_HTTPS")


def effective(call: Call) -> Config:
    """The cluster to speak to, with what a server outside of a pod has for defaults. Raises Failure."""
    config = call.storage.get("config", Config)
    if config is None:
        raise Failure("could not load backend configuration")
    if not config.kubernetes_host:
        raise Failure("kubernetes_host was unset and could not determine it from environment variables")
    if not config.disable_local_ca_jwt and not config.kubernetes_ca_cert:
        raise Failure(f"open {CA_FILE}: no such file or directory")
    fault = _ca_fault(config.kubernetes_ca_cert) if config.kubernetes_ca_cert else ""
    if fault:
        raise Failure(f"unable to load root certificates: {fault}")
    return replace(config, kubernetes_host=_address(config))


@lru_cache(maxsize=32)
def _ca_fault(text: str) -> str:
    """What is wrong with certificates in PEM, or an empty string."""
    from cryptography.x509 import load_pem_x509_certificate

    blocks = list(_PEM.finditer(text))
    certificates = [block[0] for block in blocks if block["label"] == "CERTIFICATE"]
    if not certificates:
        return "no valid certificate authority data seen" if blocks else "unable to parse bytes as PEM block"
    try:
        for certificate in certificates:
            load_pem_x509_certificate(certificate.encode("utf-8", "surrogateescape"))
    except ValueError:
        return "failed to parse certificate: x509: malformed certificate"
    return ""


def _address(config: Config) -> str:
    """The URL of the API, without a slash at its end. The scheme may be left out, but then there is no path.

    It is a URL still: what is escaped in the one that was configured is escaped.
    """
    host = config.kubernetes_host
    try:
        url = urls.parse(host)
        whole = bool(url.scheme and url.host)
    except ValueError:
        whole = False
    if not whole:
        host = ("https://" if config.kubernetes_ca_cert else "http://") + host
        try:
            url = urls.parse(host)
        except ValueError as error:
            raise Failure(f"parse {quote(host)}: {error}") from None
        if url.path not in ("", "/"):
            raise Failure(f"host must be a URL or a host:port pair: {quote(config.kubernetes_host)}")
    place = url.host.removesuffix(":").replace("%", "%25")
    path = posixpath.normpath(f"/{url.path.lstrip('/')}").rstrip("/")
    return f"{url.scheme}://{place}{escaped(path)}"


def escaped(path: str) -> str:
    """A path with those signs escaped that Go escapes in one."""
    return percent_encoded(path, safe="/$&+,:;=@~", errors="surrogateescape")


PATHS = (
    Path(
        "config",
        Config,
        "Say which cluster to speak to.",
        description="The token is not shown again.",
        read=read,
        write=write,
        delete=delete,
        operation_ids={
            "read": "kubernetes-read-configuration",
            "write": "kubernetes-configure",
            "delete": "kubernetes-delete-configuration",
        },
    ),
    Path(
        "check/?",
        NoArgs,
        "Check whether the server runs in a pod, whose cluster it could speak to without configuration.",
        read=check,
        operation_ids={"read": "kubernetes-check-configuration"},
    ),
)
