"""The database secrets engine, as far as it can be asked without a database: configuration, roles, and refusals."""

from datetime import UTC, datetime, timedelta

from conformance.steps import DELETE, GET, LIST, PATCH, POST, SCAN, Step, case, mount, policy, token
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

MOUNT = mount("db", "database")
PG = "postgresql://{{username}}:{{password}}@127.0.0.1:1/app"
MY = "{{username}}:{{password}}@tcp(127.0.0.1:1)/"
REDIS = {"host": "127.0.0.1", "port": 6379, "username": "vault", "password": "hunter22"}
WHO = {"username": "vault", "password": "hunter22"}


def config(plugin: str, **details: object) -> Step:
    """Configure a connection without connecting."""
    return POST("db/config/one", {"plugin_name": f"{plugin}-database-plugin", "verify_connection": False, **details})


def configured(plugin: str, *tries: dict[str, object]) -> list[Step]:
    """Configure a connection anew for each of the details, and look what came of it."""
    return [
        step for details in tries for step in (config(plugin, **details), GET("db/config/one"), DELETE("db/config/one"))
    ]


def written(path: str, *tries: dict[str, object]) -> list[Step]:
    """Write something anew for each body, and look what came of it."""
    return [step for body in tries for step in (POST(path, body), GET(path), DELETE(path))]


def authority(*, ca: bool = True) -> dict[str, str]:
    """A CA, as a role's `credential_config` has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca.test")])
    since = datetime(2025, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=9999))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return {
        "ca_cert": certificate.public_bytes(Encoding.PEM).decode(),
        "ca_private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }


CA = authority()

CASES = [
    case(
        "connections are written, read, listed and deleted",
        MOUNT,
        LIST("db/config"),
        config("postgresql", connection_url=PG, allowed_roles="a, b", username="root", password="hunter22"),
        GET("db/config/one"),
        LIST("db/config"),
        LIST("db/config/"),
        LIST("db/config?limit=1"),
        GET("db/config?list=true"),
        POST("db/config/one", {"allowed_roles": ["c"], "verify_connection": False}),
        GET("db/config/one"),
        POST("db/config/one", {"connection_url": "", "allowed_roles": "d", "verify_connection": False}),
        GET("db/config/one"),
        POST("db/config/one", {"plugin_name": "mysql-database-plugin", "verify_connection": False}),
        GET("db/config/one"),
        POST("db/config/one", {"plugin_name": "", "verify_connection": False}),
        POST("db/config/one", {"password_policy": "none", "root_rotation_statements": "x", "verify_connection": False}),
        GET("db/config/one"),
        POST("db/config/one", {"allowed_roles": None, "password_policy": None, "verify_connection": False}),
        GET("db/config/one"),
        DELETE("db/config/one"),
        DELETE("db/config/one"),
        GET("db/config/one"),
        LIST("db/config"),
    ),
    case(
        "what no path of the engine serves",
        MOUNT,
        GET("db/config"),
        GET("db/config/a@b"),
        GET("db/config/a/b"),
        GET("db/none"),
        GET("db/"),
        POST("db/config/", {}),
        POST("db/creds/x", {}),
        POST("db/static-creds/x", {}),
        GET("db/rotate-root/x"),
        GET("db/rotate-role/x"),
        GET("db/reset/x"),
        DELETE("db/creds/x"),
        LIST("db/creds"),
        SCAN("db/roles"),
        PATCH("db/roles/x", {}),
        POST("db/reload/postgresql-database-plugin", {}),
    ),
    case(
        "plugins and their versions",
        MOUNT,
        POST("db/config/one", {}),
        POST("db/config/one", {"verify_connection": False}),
        POST("db/config/one", {"verify_connection": "x"}),
        [
            POST("db/config/one", {"plugin_name": name, "verify_connection": False, "connection_url": PG})
            for name in ("", "none", "mysql", "kv", "mongodb-database-plugin", "oracle-database-plugin")
        ],
        configured(
            "postgresql",
            *(
                {"connection_url": PG, "plugin_version": version}
                for version in ("", "abc", "1.2.3", "v1", "1.2.3-beta+x", "1.2.3.4", "v2.7.2+builtin.bao")
            ),
        ),
    ),
    case(
        "the details of PostgreSQL",
        MOUNT,
        configured(
            "postgresql",
            {},
            {"connection_url": ""},
            {"connection_url": PG},
            {"connection_url": PG, "max_open_connections": "abc"},
            {"connection_url": PG, "max_open_connections": "x", "max_idle_connections": [], "disable_escaping": "may"},
            {"connection_url": PG, "max_open_connections": None, "max_idle_connections": 2.5},
            {"connection_url": PG, "MAX_OPEN_CONNECTIONS": "x"},
            {"connection_url": PG, "max_open_connections": "7", "disable_escaping": "true"},
            *({"connection_url": PG, "max_connection_lifetime": value} for value in ("abc", 5, "", "1h", [1], None)),
            {"connection_url": PG, "username": "{{username}}"},
            {"connection_url": PG, "username": "x", "password": "a{{password}}"},
            {"connection_url": PG, "username": 5, "password": True},
            {"connection_url": PG, "custom": {"a": [1, 2.5, None]}, "other": False},
            *({"connection_url": PG, "username_template": text} for text in ("{{", "{{nope 1}}", "{{.Nope}}", 5, "x")),
            *({"connection_url": PG, "password_authentication": text} for text in ("md5", "scram-sha-256", "", 7)),
            {"connection_url": "", "password": "cannot"},
            {"connection_url": "", "password": "connection_url"},
        ),
    ),
    case(
        "URLs are shown without their password, as Go spells them",
        MOUNT,
        configured(
            "postgresql",
            *(
                {"connection_url": url}
                for url in (
                    "postgresql://u:p@127.0.0.1:1/db",
                    "postgres://u:p%zz@127.0.0.1:1/db",
                    "postgres://u%40:p@127.0.0.1:5432/db?sslmode=disable",
                    "postgres://u:@127.0.0.1/",
                    "postgres://u@127.0.0.1/",
                    "postgres://u:p@127.0.0.1,localhost:5432/db",
                    "postgres://u:p@/db?host=/tmp",
                    "POSTGRES://u:p@127.0.0.1/a b?x=y z#f g",
                    'postgres://u:p@127.0.0.1/é"<>%2F|',
                    "postgres://127.0.0.1?x",
                    "host=127.0.0.1 user=x password=y",
                    "user id={{username}};password={{password}};",
                    "//u:p@127.0.0.1/x",
                    "u:p@x y",
                    "a%zz b",
                    "/x y",
                    "x?a=b c#d{e",
                    "a:b",
                    "*",
                )
            ),
        ),
    ),
    case(
        "the details of MySQL",
        MOUNT,
        [
            configured(plugin, {"connection_url": MY, **WHO})
            for plugin in ("mysql", "mysql-aurora", "mysql-legacy", "mysql-rds")
        ],
        configured(
            "mysql",
            {},
            {"username_template": "{{"},
            {"username_template": 5, "connection_url": MY},
            {"connection_url": MY, "username": "{{username}}"},
            {"connection_url": "root:secret@tcp(127.0.0.1:1)/"},
            {"connection_url": "u:p@tcp(,)/"},
            {"connection_url": "u:p@tcp(127.0.0.1,localhost:3307)/"},
            {"connection_url": MY, "max_connection_lifetime": "z"},
            {"connection_url": MY, "tls_ca": "x"},
            {"connection_url": MY, "tls_certificate_key": "x"},
            {"connection_url": MY, "tls_skip_verify": "x", "max_open_connections": "y"},
            {"connection_url": MY, "tls_server_name": 5},
        ),
    ),
    case(
        "the details of Valkey and Redis",
        MOUNT,
        configured(
            "valkey",
            {},
            {"host": "127.0.0.1"},
            {"host": "127.0.0.1", "port": 6379},
            {"host": "127.0.0.1", "port": 6379, "username": "vault"},
            REDIS,
            {**REDIS, "port": "abc", "tls": "x"},
            {**REDIS, "tls": True},
            {**REDIS, "tls": True, "ca_cert": "x"},
            {**REDIS, "username_template": "{{"},
            {"connection_url": "valkey://vault:hunter22@127.0.0.1:6379"},
            {"connection_url": "valkeys://vault:hunter22@127.0.0.1:6379"},
            {"connection_url": "valkeys://vault:hunter22@127.0.0.1:6379", "ca_cert": "x"},
            {"connection_url": "valkey://vault:hunter22@127.0.0.1:6379", "host": "x"},
            {"connection_url": "valkey://vault:hunter22@127.0.0.1:6379", "password": "individual"},
            {"connection_url": "valkey://127.0.0.1:6379", "tls": False},
            {"connection_url": "valkey://%zz"},
            {"password": "host"},
            {"host": "127.0.0.1", "port": 1, "username": "empty"},
        ),
        configured("redis", {}, REDIS),
    ),
    case(
        "the details of Cassandra",
        MOUNT,
        configured(
            "cassandra",
            {},
            {"hosts": "127.0.0.1"},
            {"hosts": "127.0.0.1", "username": "vault"},
            {"hosts": "127.0.0.1", **WHO},
            {"hosts": ["127.0.0.1"], **WHO},
            {"hosts": "127.0.0.1", **WHO, "pem_json": "{}", "pem_bundle": "x"},
            {"hosts": "127.0.0.1", **WHO, "pem_json": "{"},
            {"hosts": "127.0.0.1", **WHO, "pem_json": "[]"},
            {"hosts": "127.0.0.1", **WHO, "pem_json": "words"},
            {"hosts": "127.0.0.1", **WHO, "pem_bundle": "none"},
            {"hosts": "127.0.0.1", **WHO, "tls_min_version": "tls9"},
            {"hosts": "127.0.0.1", **WHO, "tls_min_version": "tls12"},
            {"connect_timeout": "z"},
            {"socket_keep_alive": "z"},
            {"hosts": "127.0.0.1", "username_template": "{{"},
            {"port": "x"},
        ),
    ),
    case(
        "the details of InfluxDB",
        MOUNT,
        configured(
            "influxdb",
            {},
            {"host": "127.0.0.1"},
            {"host": "127.0.0.1", "username": "vault"},
            {"host": "127.0.0.1", **WHO, "port": 8086},
            {"host": "127.0.0.1", **WHO, "connect_timeout": "z"},
            {"host": "127.0.0.1", **WHO, "pem_json": "{"},
            {"host": "127.0.0.1", **WHO, "pem_bundle": "none"},
            {"host": "127.0.0.1", **WHO, "tls_min_version": "x"},
        ),
    ),
    case(
        "roles are written, read, listed and deleted",
        MOUNT,
        LIST("db/roles"),
        written(
            "db/roles/one",
            {},
            {"db_name": ""},
            {"db_name": "none"},
            {"db_name": "d", "default_ttl": "x"},
            {"db_name": "d", "default_ttl": -5},
            {"db_name": "d", "default_ttl": "1h", "max_ttl": 60},
            {"db_name": "d", "creation_statements": "a;b"},
            {"db_name": "d", "creation_statements": ["a", "", "b"], "revocation_statements": ["", "x", " "]},
            {"db_name": "d", "renew_statements": "r", "rollback_statements": [""]},
            {"db_name": "d", "creation_statements": [{"a": 1}]},
            {"db_name": "d", "creation_statements": 5},
            {"db_name": 5, "username": "ignored"},
            {"db_name": "d", "credential_type": "none", "credential_config": "x"},
        ),
        POST("db/roles/one", {"db_name": "d", "creation_statements": ["a"], "max_ttl": "2h", "default_ttl": 60}),
        POST("db/roles/one", {"default_ttl": "5m"}),
        GET("db/roles/one"),
        POST("db/roles/one", {"db_name": ""}),
        POST("db/roles/one", {"creation_statements": None, "max_ttl": None}),
        GET("db/roles/one"),
        POST("db/roles/two", {"db_name": "d"}),
        LIST("db/roles"),
        LIST("db/roles/"),
        LIST("db/roles?after=one"),
        LIST("db/roles?limit=1"),
        LIST("db/roles?limit=x"),
        DELETE("db/roles/one"),
        DELETE("db/roles/one"),
        LIST("db/roles"),
    ),
    case(
        "credentials of roles are configured",
        MOUNT,
        written(
            "db/roles/one",
            *({"db_name": "d", "credential_type": kind} for kind in ("", "none", "password", "rsa_private_key")),
            *(
                {"db_name": "d", "credential_config": given}
                for given in (
                    {"password_policy": "x"},
                    {"password_policy": ""},
                    {"PASSWORD_POLICY": "x"},
                    {"other": "1"},
                    "password_policy=x",
                    "none",
                    ["a=b", "c"],
                    5,
                )
            ),
            *(
                {"db_name": "d", "credential_type": "rsa_private_key", "credential_config": given}
                for given in (
                    {"key_bits": 1024},
                    {"key_bits": "x"},
                    {"key_bits": 4096, "format": "PKCS8"},
                    {"key_bits": "", "format": ""},
                    {"format": "pkcs1"},
                    {"format": "pkcs1", "key_bits": 1},
                )
            ),
            *(
                {"db_name": "d", "credential_type": "client_certificate", "credential_config": given}
                for given in (
                    {},
                    {"key_type": "dsa"},
                    {"key_type": "rsa", "key_bits": 9},
                    {"key_type": "ec", "key_bits": 2048},
                    {"key_type": "rsa", "key_bits": "q", "signature_bits": "w"},
                    {"key_type": "rsa", "signature_bits": 3},
                    {"key_type": "ed25519"},
                    {"key_type": "ed25519", "common_name_template": "{{"},
                    {"key_type": "ed25519", "common_name_template": "{{.Foo}}"},
                    {"key_type": "ed25519", "common_name_template": "x"},
                    {"key_type": "ed25519", "common_name_template": "x", "ca_cert": "y"},
                    {"key_type": "ed25519", "common_name_template": "x", "ca_cert": "y", "ca_private_key": "z"},
                )
            ),
        ),
        POST("db/roles/one", {"db_name": "d", "credential_type": "rsa_private_key"}),
        POST("db/roles/one", {"credential_config": {"key_bits": 3072}}),
        GET("db/roles/one"),
        POST("db/roles/one", {"credential_type": "password"}),
        GET("db/roles/one"),
        POST("db/roles/one", {"credential_type": "rsa_private_key"}),
        GET("db/roles/one"),
        POST("db/roles/one", {"credential_type": "client_certificate"}),
        GET("db/roles/one"),
    ),
    case(
        "client certificates need a CA",
        MOUNT,
        written(
            "db/roles/one",
            *(
                {
                    "db_name": "d",
                    "credential_type": "client_certificate",
                    "credential_config": {"common_name_template": "{{.RoleName}}", "key_type": "ec", **given},
                }
                for given in (
                    CA,
                    {**CA, "key_type": "rsa"},
                    {**CA, "key_type": "ec", "key_bits": 521, "signature_bits": 512},
                    {**CA, "key_type": "ed25519", "key_bits": 77},
                    {"ca_cert": CA["ca_private_key"], "ca_private_key": CA["ca_cert"]},
                    {**CA, "ca_private_key": "x"},
                    {**CA, "ca_cert": "x"},
                    {**CA, "ca_private_key": CA["ca_cert"]},
                    {**CA, "ca_private_key": CA["ca_private_key"] * 2},
                    {**CA, "ca_private_key": authority()["ca_private_key"]},
                    {**CA, "ca_cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
                    {**CA, "ca_private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
                    authority(ca=False),
                )
            ),
        ),
    ),
    case(
        "credentials that are not handed out",
        MOUNT,
        GET("db/creds/none"),
        POST("db/roles/one", {"db_name": "one"}),
        GET("db/creds/one"),
        config("postgresql", connection_url=PG),
        GET("db/creds/one"),
        POST("db/config/one", {"allowed_roles": "on,*x,One", "verify_connection": False}),
        GET("db/creds/one"),
        POST("db/config/one", {"allowed_roles": "o*", "verify_connection": False}),
        GET("db/creds/one"),
        POST("db/roles/one", {"credential_type": "rsa_private_key"}),
        GET("db/creds/one"),
        POST("db/roles/one", {"credential_type": "password", "credential_config": {"password_policy": "none"}}),
        GET("db/creds/one"),
        LIST("sys/leases/lookup/db/creds/one"),
        DELETE("db/config/one"),
        GET("db/creds/one"),
    ),
    case(
        "static roles that are refused",
        MOUNT,
        GET("db/static-roles/one"),
        GET("db/static-creds/one"),
        DELETE("db/static-roles/one"),
        LIST("db/static-roles"),
        LIST("db/static-roles?limit=x"),
        [
            POST("db/static-roles/one", body)
            for body in (
                {},
                {"db_name": ""},
                {"db_name": "one"},
                {"db_name": "one", "username": ""},
                {"db_name": "one", "username": "u"},
                {"db_name": "one", "username": "u", "rotation_period": None},
                {"db_name": "one", "username": "u", "rotation_period": 4},
                {"db_name": "one", "username": "u", "rotation_period": "4s"},
                {"db_name": "one", "username": "u", "rotation_period": "x"},
                {"db_name": "one", "username": "u", "rotation_period": -1},
                {"db_name": "one", "username": "u", "rotation_schedule": "* * * * *"},
                {"db_name": "one", "username": "u", "rotation_period": 4, "credential_type": "x"},
                {"db_name": "one", "username": "u", "rotation_period": 60, "credential_type": "x"},
                {
                    "db_name": "one",
                    "username": "u",
                    "rotation_period": 60,
                    "credential_type": "rsa_private_key",
                    "credential_config": {"key_bits": 1},
                },
                {"db_name": "one", "username": "u", "rotation_period": 60, "credential_type": "client_certificate"},
                {"db_name": "one", "username": "u", "rotation_period": 60},
            )
        ],
        config("postgresql", connection_url=PG, allowed_roles="other"),
        POST("db/static-roles/one", {"db_name": "one", "username": "u", "rotation_period": 60}),
        POST("db/config/one", {"allowed_roles": "*", "verify_connection": False}),
        POST(
            "db/static-roles/one",
            {"db_name": "one", "username": "u", "rotation_period": 60, "credential_type": "rsa_private_key"},
        ),
        POST(
            "db/static-roles/one",
            {
                "db_name": "one",
                "username": "u",
                "rotation_period": 60,
                "credential_config": {"password_policy": "none"},
            },
        ),
        POST("db/roles/one", {"db_name": "one"}),
        POST("db/static-roles/one", {"db_name": "one", "username": "u", "rotation_period": 60}),
        GET("db/static-roles/one"),
        LIST("db/static-roles"),
    ),
    case(
        "rotations and resets that are refused",
        MOUNT,
        POST("db/rotate-role/none", {}),
        POST("db/rotate-root/none", {}),
        POST("db/reset/none", {}),
        config("postgresql", connection_url=PG),
        POST("db/rotate-root/one", {}),
        POST("db/config/one", {"username": "", "password": "x", "verify_connection": False}),
        POST("db/rotate-root/one", {}),
        POST("db/config/one", {"username": "root", "password": "", "verify_connection": False}),
        POST("db/rotate-root/one", {}),
        POST("db/config/one", {"username": 5, "password": "x", "verify_connection": False}),
        POST("db/rotate-root/one", {}),
        POST("db/config/one", {"username": "root", "password_policy": "none", "verify_connection": False}),
        POST("db/rotate-root/one", {}),
        GET("db/config/one"),
    ),
    case(
        "creating and changing are rights of their own",
        MOUNT,
        policy("maker", 'path "db/*" { capabilities = ["create", "read"] }'),
        policy("changer", 'path "db/*" { capabilities = ["update", "list"] }'),
        token("m", "maker"),
        token("c", "changer"),
        [
            step
            for path, body in (
                ("db/config/one", {"plugin_name": "x"}),
                ("db/roles/one", {"db_name": "d"}),
                ("db/static-roles/two", {"db_name": "d"}),
                ("db/reset/one", {}),
                ("db/rotate-root/one", {}),
                ("db/rotate-role/one", {}),
            )
            for step in (
                POST(path, body, token="$c"),
                POST(path, body, token="$m"),
                POST(path, body, token="$m"),
                POST(path, body, token="$c"),
                GET(path, token="$m"),
                GET(path, token="$c"),
            )
        ],
        LIST("db/roles", token="$c"),
        LIST("db/roles", token="$m"),
    ),
    case(
        "paths tell what they are for",
        MOUNT,
        [
            GET(f"{path}?help=1", random={"help": "prose", "openapi": "openapi"})
            for path in (
                "db/config/x",
                "db/roles/x",
                "db/static-roles/x",
                "db/creds/x",
                "db/static-creds/x",
                "db/rotate-root/x",
                "db/rotate-role/x",
                "db/reset/x",
            )
        ],
        GET("db/none?help=1"),
    ),
]
