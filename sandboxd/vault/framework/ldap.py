"""How to reach an LDAP directory: the fields that everything with a directory behind it takes, and their checks.

Nothing here connects to one: directories are simulated. Source: the `ldaputil` helper of Vault's SDK, for the order of
the checks and their texts.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Self

from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.fields import BOOL, Duration, param
from sandboxd.vault.framework.records import update

GROUP_FILTER = "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))"
USER_FILTER = "({{.UserAttr}}={{.Username}})"
TLS_VERSIONS = ("tls10", "tls11", "tls12", "tls13")
SECRET = ("bindpass", "client_tls_cert", "client_tls_key")
"""What is not shown again."""

SHORTEST_MARKED, LONGEST_MARKED = 16, 256
LONGEST = 4096
"""The real server makes passwords of any length, which directories then refuse."""

Tristate = Annotated[bool | None, BOOL]  # None: never said


@dataclass(frozen=True, kw_only=True, repr=False)
class LdapFields:
    """A directory, as a client describes it. Times are in seconds."""

    anonymous_group_search: bool = param(False, "Search for groups without logging in.")
    binddn: str = param("", "DN to log in to the directory with.")
    bindpass: str = param("", "Password to log in to the directory with.")
    case_sensitive_names: bool = param(False, "Tell names apart that differ in the case of letters alone.")
    certificate: str = param("", "PEM certificate of the CA that signed the directory's.")
    client_tls_cert: str = param("", "PEM certificate to show to the directory.")
    client_tls_key: str = param("", "PEM private key of that certificate.")
    connection_timeout: Duration = param(30, "How long to try to connect before going on to the next URL.")
    deny_null_bind: bool = param(True, "Refuse to log in with an empty password.", shown_default=True)
    dereference_aliases: str = param(
        "never",
        "When a search follows aliases: never, finding, searching or always.",
        values=("never", "finding", "searching", "always"),
    )
    discoverdn: bool = param(False, "Search without logging in for the DN of a user.")
    enable_samaccountname_login: bool = param(False, "With `upndomain`, let users log in by sAMAccountName too.")
    groupattr: str = param("cn", "Attribute that names a group.")
    groupdn: str = param("", "Where to search for groups.")
    groupfilter: str = param(GROUP_FILTER, "Template of the filter that finds a user's groups.")
    insecure_tls: bool = param(False, "Accept any certificate.")
    max_page_size: int = param(0, "How many entries to ask for at once; 0 for all.", shown_default=True)
    request_timeout: Duration = param(90, "How long a request may take.")
    starttls: bool = param(False, "Encrypt the connection once it is made.")
    tls_max_version: str = param("tls12", "Newest version of TLS to use.", values=TLS_VERSIONS)
    tls_min_version: str = param("tls12", "Oldest version of TLS to use.", values=TLS_VERSIONS)
    upndomain: str = param("", "Domain of user principal names, to log in as name@domain.")
    url: str = param("ldap://127.0.0.1", "URLs of the directory, with commas between them.")
    use_pre111_group_cn_behavior: Tristate = param(None, "Match names of groups as Vault did before 1.1.1.")
    use_token_groups: bool = param(False, "Take a user's groups from the tokenGroups of Active Directory.")
    userattr: str = param("cn", "Attribute that names a user.")
    userdn: str = param("", "Where to search for users.")
    userfilter: str = param(USER_FILTER, "Template of the filter that finds a user.")
    username_as_alias: bool = param(False, "Name the alias of whoever logs in as they typed their name.")

    def changed(self, args: "LdapFields", given: Collection[str]) -> Self:
        """This description with the fields that a client sent. Raises ValueError with the real server's text."""
        names = {field.name for field in fields(LdapFields)}
        found = update(self, args, [name for name in given if name in names])
        found = replace(found, url=found.url.lower())
        if "userattr" in given:
            found = replace(found, userattr=found.userattr.lower())
        _check_filter("userfilter", found.userfilter)
        _check_filter("groupfilter", found.groupfilter)
        if "certificate" in given and found.certificate:
            _check_certificate(found.certificate)
        _check_pair(found.client_tls_cert, found.client_tls_key)
        for name in ("tls_min_version", "tls_max_version"):
            if getattr(found, name) not in TLS_VERSIONS:
                raise ValueError(f"invalid '{name}'")
        if found.tls_max_version < found.tls_min_version:
            raise ValueError("'tls_max_version' must be greater than or equal to 'tls_min_version'")
        if not found.url:
            raise ValueError("at least one url must be provided")
        if not (found.discoverdn or (found.binddn and found.bindpass) or found.upndomain or found.userdn):
            raise ValueError("cannot derive UserBindDN")
        return found

    def shown(self) -> dict[str, Any]:
        """The fields as they are read back."""
        data = {field.name: getattr(self, field.name) for field in fields(LdapFields) if field.name not in SECRET}
        if self.use_pre111_group_cn_behavior is None:
            del data["use_pre111_group_cn_behavior"]
        return data


def password(call: Call, field: str, length: int) -> str:
    """A new fake password of letters and digits. A very short or long one has no room for its mark.

    Raises Failure for one that no directory would take.
    """
    if length > LONGEST:
        raise Failure(f"sandboxd makes passwords of at most {LONGEST} characters, not of {length}")
    if SHORTEST_MARKED <= length <= LONGEST_MARKED:
        return call.fake("password", field, length=length, characters="alphanumeric")
    return call.entropy.text(length)


def _check_filter(name: str, text: str) -> None:
    if not text:
        return
    from sandboxd.vault.gotemplate import Template

    try:
        Template.parse(text, {}, name="queryTemplate")
    except ValueError as error:
        raise ValueError(f"invalid {name}: {error}") from None


def _check_certificate(text: str) -> None:
    from cryptography.x509 import load_pem_x509_certificate

    if "-----BEGIN CERTIFICATE-----" not in text or "-----END CERTIFICATE-----" not in text:
        raise ValueError("failed to parse server tls cert: failed to decode PEM block in the certificate")
    try:
        load_pem_x509_certificate(text.encode("utf-8", "surrogateescape"))
    except ValueError:
        raise ValueError(
            "failed to parse server tls cert: failed to parse certificate x509: malformed certificate"
        ) from None


def _check_pair(certificate: str, key: str) -> None:
    if not certificate and not key:
        return
    if not certificate or not key:
        raise ValueError("both client_tls_cert and client_tls_key must be set")
    failed = "failed to parse client X509 key pair: tls: "
    for text, what in ((certificate, "certificate"), (key, "key")):
        if "-----BEGIN " not in text:
            raise ValueError(f"{failed}failed to find any PEM data in {what} input")
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        public = load_pem_x509_certificate(certificate.encode("utf-8", "surrogateescape")).public_key()
        private = load_pem_private_key(key.encode("utf-8", "surrogateescape"), None)
    except (ValueError, TypeError):
        raise ValueError(f"{failed}failed to parse private key") from None
    if private.public_key() != public:
        raise ValueError(f"{failed}private key does not match public key")
