"""The key-value store, version 1."""

from conformance.steps import DELETE, GET, LIST, POST, PUT, SCAN, case, mount

CASES = [
    case(
        "a secret is written, read, overwritten and deleted",
        mount("kv", "kv"),
        POST("kv/app", {"user": "ann", "n": 1, "deep": {"a": [1, None, True]}}),
        GET("kv/app"),
        PUT("kv/app", {"other": "x"}),
        GET("kv/app"),
        DELETE("kv/app"),
        GET("kv/app"),
        DELETE("kv/app"),
    ),
    case(
        "lists are one level deep, scans go down",
        mount("kv", "kv", options={"version": "1"}),
        LIST("kv"),
        [POST(f"kv/{path}", {"a": 1}) for path in ("b", "a", "dir/x", "dir/deeper/y", "B")],
        LIST("kv"),
        LIST("kv/"),
        GET("kv?list=true"),
        LIST("kv/dir"),
        LIST("kv/dir/"),
        LIST("kv/none"),
        SCAN("kv"),
        SCAN("kv/dir/"),
    ),
]
