"""`sys/config/cors`: which web pages may use the API. What comes of it for requests is the edge's."""

from dataclasses import dataclass

from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import CommaList, param
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import CORS, CorsConfig

# What pages may always send. Vault's order is from its documentation.
STANDARD_HEADERS = {
    "openbao": (
        "Content-Type",
        "Authorization",
        "X-Vault-Token",
        "X-Vault-MFA",
        "X-Vault-No-Request-Forwarding",
        "X-Vault-Wrap-Format",
        "X-Vault-Wrap-TTL",
        "X-Requested-With",
        "X-Vault-AWS-IAM-Server-ID",
        "X-Vault-Policy-Override",
    ),
    "vault": (
        "Content-Type",
        "X-Requested-With",
        "X-Vault-AWS-IAM-Server-ID",
        "X-Vault-MFA",
        "X-Vault-No-Request-Forwarding",
        "X-Vault-Wrap-Format",
        "X-Vault-Wrap-TTL",
        "X-Vault-Policy-Override",
        "Authorization",
        "X-Vault-Token",
    ),
}


@dataclass(frozen=True, kw_only=True)
class CorsArgs:
    """Which pages may use the API, and what they may send."""

    enable: bool = param(False, "Without effect: naming origins is what enables it.")
    allowed_origins: CommaList = param((), "The origins of pages that may use the API, or `*` for all.")
    allowed_headers: CommaList = param((), "Headers that pages may send, beyond the standard ones.")
    allow_credentials: bool = param(False, "Let browsers send the credentials they keep.")


def read(call: SystemCall, _args: CorsArgs) -> Result:
    config = call.world.cors()
    if config is None:
        return {"enabled": False}
    shown = {"enabled": True, "allowed_origins": config.allowed_origins, "allowed_headers": config.allowed_headers}
    return shown if call.profile == "vault" else {**shown, "allow_credentials": config.allow_credentials}


def write(call: SystemCall, args: CorsArgs) -> None:
    if not args.allowed_origins:
        raise Failure("at least one origin or the wildcard must be provided")
    if "*" in args.allowed_origins and len(args.allowed_origins) > 1:
        raise Failure("to allow all origins the '*' must be the only value for allowed_origins")
    config = CorsConfig(
        allowed_origins=args.allowed_origins,
        allowed_headers=(*STANDARD_HEADERS[call.profile], *args.allowed_headers),
        allow_credentials=args.allow_credentials,
    )
    call.world.storage.put(CORS, config)


def delete(call: SystemCall, _args: CorsArgs) -> None:
    call.world.storage.delete(CORS)


def _path(profile: str, *only: str) -> Path[SystemCall, CorsArgs]:
    return Path(
        "config/cors",
        CorsArgs,
        "Choose the web pages that may use the API.",
        read=read,
        write=write,
        delete=delete,
        sudo=True,
        only=only,
        profiles=(profile,),
    )


PATHS = (_path("openbao"), _path("vault", "enable", "allowed_origins", "allowed_headers"))
