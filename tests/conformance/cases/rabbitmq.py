"""The RabbitMQ secrets engine, as far as no broker is needed. (With one: `test_rabbitmq_calls.py`.)"""

from conformance.steps import DELETE, GET, LIST, POST, Json, Step, case, mount, policy, token

SETUP = mount("rabbitmq", "rabbitmq")
BROKER = {"connection_uri": "http://127.0.0.1:1", "username": "u", "password": "p", "verify_connection": False}
WRONG = ("x", -1, 1.5, None, True, [], {}, "1h", "")


def config(**fields: Json) -> Step:
    """Configure the connection, by default to a broker that nobody reaches."""
    return POST("rabbitmq/config/connection", {**BROKER, **fields})


def role(name: str, /, **fields: Json) -> tuple[Step, Step]:
    """Write a role, and see what has become of it."""
    return POST(f"rabbitmq/roles/{name}", fields), GET(f"rabbitmq/roles/{name}")


VHOSTS = (
    "x", "{}", "[]", '{"/":"x"}', '{"/":{"configure":1}}', '{"/":{"configure":".*","foo":1}}',
    '{"/":{"Configure":"a","CONFIGURE":"b"}}', "null", '{"/":null}', '{"/":{"configure":null}}', "{} x", "{", " ", "5",
    '"a"', '{"/":[1]}', '{"/":5}', '{"/":{"configure":true}}', '{"/":{"configure":{"a":1}}}',
    '{"/":{"configure":["a"]}}', '{"/":true}', '{"/":{"configure":1.5}}', '{"a":{"read":"x"}}{"b":{}}', '{"a":{},}',
    "{'a':1}", "", '{"/":{"configure":"a"},"b":{"read":"c"}}', '{"a~b/c":{"read":1}}', '{"a":{"read":1,"write":2}}',
    '{"a" 1}', '{"a":1 "b"}', "[1 2]", '{"a', '{"a":"\n"}', '{"a":"\\q"}', '{"a":"\\u12x"}', '{"a":"\\u12', "tru",
    "[", "[1", '{"a":', '{"a"', '{"a":1', "\u00e9", "-", "01", "1.", "{}}", "NaN", '{"a":-Infinity}', "[1,]", "[,]",
    "\a", "{\b", "[1\v", '{"a":"\f"}', '{"a":"\\ "}', '{"a":"\\`"}', '{"a":"\\\a"}', '{"a":"\\é"}', '{"a":"\\u12é"}',
    '{"a":"\\u😀"}', '{"a":"\\u\ufffd"}', '{"a":"\\ud800\\u12"}', '{"a":{"read":"\\ud800\\ud83d\\ude00"}}',
)  # fmt: skip

TOPICS = (
    "x", '{"/":{"x":"y"}}', '{"/":"y"}', '{"/":{"x":{"write":1}}}', '{"/":{"x":null}}', '{"/":null}', '{"/":[]}', "[]",
    '{"/":{"amq.topic":{"write":"w","read":"r"},"z":{}},"v":{}}', "null", "",
)  # fmt: skip

CASES = [
    case(
        "the connection is configured",
        SETUP,
        POST("rabbitmq/config/connection", {}),
        POST("rabbitmq/config/connection", {"connection_uri": "x"}),
        POST("rabbitmq/config/connection", {"connection_uri": "x", "username": "u"}),
        POST("rabbitmq/config/connection", {"username": "u", "password": "p"}),
        config(),
        config(password_policy="nowhere"),
        config(unknown=1),
        [config(verify_connection=wrong, connection_uri="ftp://127.0.0.1") for wrong in WRONG],
        [config(connection_uri=wrong) for wrong in WRONG],
        [config(username_template=good) for good in ("{{.RoleName}}", "", "{{random 5}}", "{{.DisplayName | hex}}")],
        [
            POST(
                "rabbitmq/config/connection",
                {**BROKER, "username_template": wrong},
                random={"errors": "prose"},  # they hold the addresses of pointers
            )
            for wrong in ("{{", "{{.Nope}}", "{{nope}}", "{{truncate 0 .RoleName}}", '{{define "x"}}{{end}}{{.X}}')
        ],
        [
            config(connection_uri=uri, verify_connection=True)
            for uri in ("x", "://", "ftp://127.0.0.1:1", "http://127.0.0.1:1/%zz", "127.0.0.1:1", "http://", "/x", ":")
        ],
        [
            config(connection_uri=uri, verify_connection=True)
            for uri in ("ftp://u:p@127.0.0.1", "http://127.0.0.1:x", "http://a b", "ftp://127.0.0.1/x?y=z", "http:x")
        ],
        GET("rabbitmq/config/connection"),
        DELETE("rabbitmq/config/connection"),
        LIST("rabbitmq/config/connection"),
        GET("rabbitmq/config"),
    ),
    case(
        "lengths of leases are configured",
        SETUP,
        GET("rabbitmq/config/lease"),
        POST("rabbitmq/config/lease", {}),
        GET("rabbitmq/config/lease"),
        POST("rabbitmq/config/lease", {"ttl": "1h", "max_ttl": 7200}),
        GET("rabbitmq/config/lease"),
        [
            step
            for name in ("ttl", "max_ttl")
            for wrong in WRONG
            for step in (POST("rabbitmq/config/lease", {name: wrong}), GET("rabbitmq/config/lease"))
        ],
        POST("rabbitmq/config/lease", {"ttl": "2h", "max_ttl": "1h"}),
        GET("rabbitmq/config/lease"),
        DELETE("rabbitmq/config/lease"),
        LIST("rabbitmq/config/lease"),
    ),
    case(
        "roles are kept",
        SETUP,
        LIST("rabbitmq/roles"),
        role("app"),
        role("app", tags=""),
        role("app", vhost_topics="{}"),
        role("app", tags="administrator", vhosts='{"/":{"configure":".*","write":".*","read":".*"}}'),
        role("app", tags="a, b"),
        [role("app", tags=wrong) for wrong in WRONG],
        [role("app", vhosts=wrong) for wrong in WRONG],
        role("App", tags="x", unknown=1),
        role("a-b.c", tags="x"),
        role("a@b", tags="x"),
        role("a/b", tags="x"),
        role("-a", tags="x"),
        LIST("rabbitmq/roles"),
        LIST("rabbitmq/roles/"),
        LIST("rabbitmq/roles?after=App&limit=1"),
        LIST("rabbitmq/roles?limit=-1"),
        GET("rabbitmq/roles"),
        GET("rabbitmq/roles?list=true"),
        LIST("rabbitmq/roles/app"),
        DELETE("rabbitmq/roles/app"),
        DELETE("rabbitmq/roles/app"),
        GET("rabbitmq/roles/app"),
    ),
    case(
        "permissions are JSON",
        SETUP,
        [role("app", vhosts=text) for text in VHOSTS],
        [role("app", tags="a", vhosts=text) for text in ("", "x", "[]")],
        [role("app", tags="a", vhost_topics=text) for text in TOPICS],
        role("app", vhosts="x", vhost_topics="y"),
    ),
    case(
        "there are no credentials without a role, a broker, or a policy that is there",
        SETUP,
        GET("rabbitmq/creds/app"),
        role("app", tags="x"),
        GET("rabbitmq/creds/app"),
        config(connection_uri="ftp://127.0.0.1"),
        GET("rabbitmq/creds/app"),
        config(connection_uri="://"),
        GET("rabbitmq/creds/app"),
        config(password_policy="nowhere"),
        GET("rabbitmq/creds/app"),
        config(username_template="{{with .RoleName}}{{.DisplayName}}{{end}}"),
        GET("rabbitmq/creds/app"),
        config(username_template="{{with .RoleName}}{{slice . 9}}{{end}}", password_policy="nowhere"),
        GET("rabbitmq/creds/app"),
        POST("rabbitmq/creds/app", {}),
        LIST("rabbitmq/creds"),
        DELETE("rabbitmq/creds/app"),
    ),
    case(
        "policies ask for an update",
        SETUP,
        policy("updater", 'path "rabbitmq/*" { capabilities = ["update"] }'),
        policy("creator", 'path "rabbitmq/*" { capabilities = ["create"] }'),
        token("u", "updater"),
        token("c", "creator"),
        POST("rabbitmq/roles/app", {"tags": "x"}, token="$u"),
        POST("rabbitmq/roles/new", {"tags": "x"}, token="$c"),
        POST("rabbitmq/config/lease", {}, token="$c"),
        POST("rabbitmq/config/connection", BROKER, token="$u"),
        GET("rabbitmq/creds/app", token="$u"),
    ),
]
