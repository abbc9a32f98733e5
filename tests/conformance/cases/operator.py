"""A server that begins sealed: initialising, unsealing, sealing, and the keys to it."""

from conformance.servers import SEALED
from conformance.steps import DELETE, GET, HEAD, LIST, POST, PUT, Step, case, policy, request

PLAIN = 'storage "inmem" {}\nlistener "tcp" {\n  address = "127.0.0.1:PORT"\n  tls_disable = true\n}\n'

AUDITED = f"""{PLAIN}
audit "file" "log" {{
  description = "The log"
  options {{ file_path = "HOME/audit.log" }}
}}
audit "file" "second" {{
  local = true
  options {{
    file_path = "HOME/second.log"
    log_raw = "true"
  }}
}}
"""

ONE = {"secret_shares": 1, "secret_threshold": 1}
KEY = {"keys": "hex 64", "keys_base64": "base64 32"}
OTP = {"otp": "base62 26"}
KEYS = {"keys": "hex 66", "keys_base64": "base64 33"}
"""A single key is the key itself; a share of one has a byte more."""


def init(shares: int, threshold: int) -> Step:
    """Initialise, and save the keys as `$k0`, `$k1`, ... and the root token as `$root`."""
    save = {f"k{n}": f"keys_base64.{n}" for n in range(shares)} | {f"h{n}": f"keys.{n}" for n in range(shares)}
    return POST(
        "sys/init",
        {"secret_shares": shares, "secret_threshold": threshold},
        token=None,
        save={**save, "root": "root_token"},
        random=KEYS if shares > 1 else KEY,
    )


def unseal(*names: str) -> list[Step]:
    return [POST("sys/unseal", {"key": f"${name}"}, token=None) for name in names]


STATE = [
    GET("sys/health", token=None),
    HEAD("sys/health", token=None),
    GET("sys/seal-status", token=None),
    GET("sys/init", token=None),
    GET("sys/leader", token=None),
]

CASES = [
    case(
        "before it is initialised",
        STATE,
        GET("sys/health?uninitcode=299", token=None),
        GET("sys/health?sealedcode=299", token=None),
        GET("sys/mounts", token=None),
        GET("sys/mounts"),
        GET("secret/data/x"),
        LIST("secret/metadata"),
        POST("auth/token/create", {}),
        POST("auth/approle/login", {}, token=None),
        GET("nothing/at/all"),
        request("FOO", "sys/mounts"),
        GET("sys/internal/ui/mounts", token=None),
        GET("sys/internal/specs/openapi", token=None),
        POST("sys/wrapping/unwrap", {}, token=None),
        POST("sys/unseal", {"key": "x"}, token=None),
        POST("sys/unseal", {"reset": True}, token=None),
        PUT("sys/seal", {}),
        POST("sys/step-down", {}),
        GET("sys/key-status"),
        GET("sys/generate-root/attempt", token=None),
        GET("sys/rekey/init", token=None),
        GET("sys/metrics", token=None),
        GET("/v1/", token=None),
        POST("sys/mounts/x", b"{"),
        GET("sys/mounts", ns="x"),
        config=PLAIN,
    ),
    case(
        "initialising goes wrong",
        [
            POST("sys/init", body, token=None)
            for body in (
                {},
                b"",
                b"{",
                b"[]",
                {"secret_shares": 0, "secret_threshold": 0},
                {"secret_shares": 1, "secret_threshold": 0},
                {"secret_shares": 1, "secret_threshold": 2},
                {"secret_shares": 2, "secret_threshold": 1},
                {"secret_shares": 256, "secret_threshold": 3},
                {"secret_shares": -1, "secret_threshold": -1},
                {"secret_shares": "5", "secret_threshold": "3"},
                {"secret_shares": 5},
                {"secret_threshold": 3},
                {"secret_shares": 3, "secret_threshold": 2, "pgp_keys": ["x"]},
                {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["bad key"]},
                {"secret_shares": 1, "secret_threshold": 1, "recovery_shares": 1, "recovery_threshold": 1},
            )
        ],
        GET("sys/init", token=None),
        PUT(
            "sys/init",
            {"secret_shares": 1, "secret_threshold": 1, "unknown": 1},
            token=None,
            random=KEY,
        ),
        PUT("sys/init", ONE, token=None),
        GET("sys/init", token=None),
        config=PLAIN,
    ),
    case(
        "initialise and unseal with one key",
        init(1, 1),
        STATE,
        GET("sys/mounts", token="$root"),
        unseal("k0"),
        STATE,
        GET("sys/mounts", token="$root"),
        GET("sys/auth", token="$root"),
        GET("auth/token/lookup-self", token="$root"),
        LIST("sys/policies/acl", token="$root"),
        GET("secret/data/x", token="$root"),
        unseal("k0"),
        config=PLAIN,
    ),
    case(
        "unseal with some of several keys",
        init(5, 3),
        POST("sys/unseal", {}, token=None),
        POST("sys/unseal", {"key": ""}, token=None),
        POST("sys/unseal", {"key": "nonsense!"}, token=None),
        POST("sys/unseal", {"key": "YWJj"}, token=None),
        POST("sys/unseal", {"key": 5}, token=None),
        POST("sys/unseal", b"{", token=None),
        unseal("k0"),
        GET("sys/seal-status", token=None),
        unseal("k0"),
        GET("sys/health", token=None),
        unseal("k1"),
        POST("sys/unseal", {"reset": True}, token=None),
        unseal("h4", "h2"),
        PUT("sys/unseal", {"key": "$k3", "migrate": False}, token=None),
        GET("sys/health", token=None),
        unseal("k0"),
        config=PLAIN,
    ),
    case(
        "unseal with wrong keys",
        init(3, 2),
        unseal("k0"),
        POST("sys/unseal", {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"}, token=None),
        GET("sys/seal-status", token=None),
        unseal("k1", "k2"),
        GET("sys/seal-status", token=None),
        config=PLAIN,
    ),
    case(
        "sealing",
        init(1, 1),
        unseal("k0"),
        POST("sys/mounts/kv", {"type": "kv"}, token="$root"),
        POST("kv/a", {"x": 1}, token="$root"),
        policy("p", 'path "sys/seal" { capabilities = ["update"] }', token="$root"),
        policy("s", 'path "sys/seal" { capabilities = ["update", "sudo"] }', token="$root"),
        POST("auth/token/create", {"policies": ["p"]}, token="$root", save={"p": "auth.client_token"}),
        POST("auth/token/create", {"policies": ["s"]}, token="$root", save={"s": "auth.client_token"}),
        PUT("sys/seal", {}, token="$p"),
        PUT("sys/seal", {}, token=None),
        PUT("sys/seal", {}, token="bad"),
        GET("sys/seal", token="$root"),
        PUT("sys/seal", {}, token="$s"),
        STATE,
        GET("kv/a", token="$root"),
        PUT("sys/seal", {}, token="$root"),
        unseal("k0"),
        GET("kv/a", token="$root", until=200),
        GET("auth/token/lookup-self", token="$p"),
        POST("sys/seal", {}, token="$root"),
        GET("sys/health", token=None),
        config=PLAIN,
    ),
    case(
        "a new root token",
        init(3, 2),
        unseal("k0", "k1"),
        GET("sys/generate-root/attempt", token=None, until=200),
        POST("sys/generate-root/update", {"key": "$k0", "nonce": "x"}, token=None),
        POST("sys/generate-root/attempt", {"otp": "bad"}, token=None),
        POST("sys/generate-root/attempt", {"pgp_key": "bad"}, token=None),
        POST("sys/generate-root/attempt", {}, token=None, save={"n": "nonce", "otp": "otp"}, random=OTP),
        POST("sys/generate-root/attempt", {}, token=None),
        GET("sys/generate-root/attempt", token=None),
        POST("sys/generate-root/update", {"key": "$k0"}, token=None),
        POST("sys/generate-root/update", {"nonce": "$n"}, token=None),
        POST("sys/generate-root/update", {"key": "$k0", "nonce": "bad"}, token=None),
        POST("sys/generate-root/update", {"key": "nonsense!", "nonce": "$n"}, token=None),
        POST("sys/generate-root/update", {"key": "$k0", "nonce": "$n"}, token=None),
        POST("sys/generate-root/update", {"key": "$k0", "nonce": "$n"}, token=None),
        GET("sys/generate-root/attempt", token=None),
        POST(
            "sys/generate-root/update",
            {"key": "$k2", "nonce": "$n"},
            token=None,
            save={"e": "encoded_token"},
            random={"encoded_token": "text 35", "encoded_root_token": "text 35"},
        ),
        POST("sys/decode-token", {"encoded_token": "$e", "otp": "$otp"}, token=None, save={"r": "data.token"}),
        GET("auth/token/lookup-self", token="$r"),
        GET("sys/generate-root/attempt", token=None),
        POST("sys/generate-root/attempt", {}, token=None, random=OTP),
        DELETE("sys/generate-root/attempt", token=None),
        DELETE("sys/generate-root/attempt", token=None),
        GET("sys/generate-root/attempt", token=None),
        config=SEALED,
    ),
    case(
        "new unseal keys",
        init(3, 2),
        unseal("k0", "k1"),
        GET("sys/rekey/init", token=None, until=200),
        [
            POST("sys/rekey/init", body, token=None)
            for body in (
                {},
                {"secret_shares": 0, "secret_threshold": 0},
                {"secret_shares": 2, "secret_threshold": 3},
                {"secret_shares": 2, "secret_threshold": 1},
                {"secret_shares": 2, "secret_threshold": 2, "pgp_keys": ["x"]},
                {"secret_shares": 1, "secret_threshold": 1, "backup": True},
            )
        ],
        POST("sys/rekey/update", {"key": "$k0", "nonce": "x"}, token=None),
        POST("sys/rekey/init", {"secret_shares": 2, "secret_threshold": 2}, token=None, save={"n": "nonce"}),
        POST("sys/rekey/init", {"secret_shares": 2, "secret_threshold": 2}, token=None),
        GET("sys/rekey/init", token=None),
        POST("sys/rekey/update", {"key": "$k0", "nonce": "bad"}, token=None),
        POST("sys/rekey/update", {"nonce": "$n"}, token=None),
        POST("sys/rekey/update", {"key": "$k0", "nonce": "$n"}, token=None),
        POST("sys/rekey/update", {"key": "$k0", "nonce": "$n"}, token=None),
        GET("sys/rekey/init", token=None),
        POST(
            "sys/rekey/update",
            {"key": "$k2", "nonce": "$n"},
            token=None,
            save={"n0": "keys_base64.0", "n1": "keys_base64.1"},
            random=KEYS,
        ),
        GET("sys/rekey/init", token=None),
        GET("sys/seal-status", token=None),
        PUT("sys/seal", {}, token="$root"),
        unseal("k0", "k1"),
        POST("sys/unseal", {"reset": True}, token=None),
        unseal("n0", "n1"),
        POST("sys/rekey/init", ONE, token=None, until=200),
        DELETE("sys/rekey/init", token=None),
        DELETE("sys/rekey/init", token=None),
        GET("sys/rekey/init", token=None),
        GET("sys/rekey/verify", token=None),
        GET("sys/rekey/backup", token="$root"),
        config=SEALED,
    ),
    case(
        "new unseal keys that are verified",
        init(1, 1),
        unseal("k0"),
        POST(
            "sys/rekey/init",
            {"secret_shares": 1, "secret_threshold": 1, "require_verification": True},
            token=None,
            save={"n": "nonce"},
            until=200,
        ),
        POST(
            "sys/rekey/update",
            {"key": "$k0", "nonce": "$n"},
            token=None,
            save={"new": "keys_base64.0", "v": "verification_nonce"},
            random=KEY,
        ),
        GET("sys/rekey/verify", token=None),
        GET("sys/rekey/init", token=None),
        POST("sys/rekey/verify", {"key": "$new", "nonce": "bad"}, token=None),
        POST("sys/rekey/verify", {"key": "$k0", "nonce": "$v"}, token=None),
        GET("sys/rekey/verify", token=None, save={"v": "nonce"}),
        POST("sys/rekey/verify", {"key": "$new", "nonce": "$v"}, token=None),
        GET("sys/rekey/verify", token=None),
        PUT("sys/seal", {}, token="$root"),
        unseal("k0"),
        unseal("new"),
        config=SEALED,
    ),
    case(
        "rotating the root key with a token",
        init(2, 2),
        unseal("k0", "k1"),
        GET("sys/rotate/root/init", token="$root", until=200),
        POST("sys/rotate/root/init", ONE, token=None),
        POST("sys/rotate/root/init", ONE, token="$root", save={"n": "data.nonce"}),
        POST("sys/rotate/root/update", {"key": "$k0", "nonce": "$n"}, token="$root"),
        POST(
            "sys/rotate/root/update",
            {"key": "$k1", "nonce": "$n"},
            token="$root",
            save={"new": "data.keys_base64.0"},
            random={"data.keys_base64": "base64 32", "data.keys": "hex 64"},
        ),
        GET("sys/rotate/root/init", token="$root"),
        PUT("sys/seal", {}, token="$root"),
        unseal("new"),
        POST("sys/rotate", {}, token="$root", until=204),
        GET("sys/key-status", token="$root", random={"encryptions": "number", "data.encryptions": "number"}),
        config=PLAIN,
    ),
    case(
        "a root token is revoked",
        init(1, 1),
        unseal("k0"),
        POST("auth/token/revoke-self", {}, token="$root", until=204),
        GET("sys/mounts", token="$root"),
        config=PLAIN,
    ),
    case(
        "audit devices of the configuration",
        init(1, 1),
        unseal("k0"),
        GET("sys/audit", token="$root", until=200),
        POST("sys/audit-hash/log", {"input": "text"}, token="$root", save={"h": "data.hash"}),
        POST("sys/audit-hash/log", {"input": "text"}, token="$root"),
        POST("sys/audit-hash/log/", {"input": "other"}, token="$root"),
        POST("sys/audit-hash/second", {"input": "text"}, token="$root"),
        [POST("sys/audit-hash/log", {"input": wrong}, token="$root") for wrong in ("", 5, None, [])],
        POST("sys/audit-hash/log", {}, token="$root"),
        GET("sys/audit-hash/log", token="$root"),
        GET("sys/audit/log", token="$root"),
        POST("sys/audit/log", {"type": "file", "options": {"file_path": "discard"}}, token="$root"),
        POST("sys/audit/new", {"type": "file", "options": {"file_path": "discard"}}, token="$root"),
        DELETE("sys/audit/log", token="$root"),
        GET("sys/audit", token="$root"),
        GET("sys/config/auditing/request-headers", token="$root"),
        config=AUDITED,
    ),
]
