"""Whatever happens to them, no credential is valid past its end, and none is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from unit.helpers import START, call

from sandboxd.edge.runtime import make_world
from sandboxd.edge.sandbox import take_up
from sandboxd.fixtures import apply, load, make_plan
from sandboxd.rotation import Rotation
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

HOUR = 3600
FIXTURE = """
sandbox: lives
mounts: {acme: {type: sandboxd, config: {max_lease_ttl: 12h}}}
dynamic:
  acme/short: {fields: {key: {kind: hex}}, ttl: 10m, max_ttl: 1h}
  acme/long: {fields: {key: {kind: hex}}, ttl: 2h, max_ttl: 10h}
  acme/fixed: {fields: {key: {kind: hex}}, ttl: 30m, renewable: false}
secrets:
  secret/app: {rotation: {every: 3h, grace: 30m}, fields: {key: {kind: hex}}}
"""
MAX = {"acme/short": HOUR, "acme/long": 10 * HOUR, "acme/fixed": 12 * HOUR}
TTL = {"acme/short": 600, "acme/long": 2 * HOUR, "acme/fixed": 1800}


class Kept:
    """A journal in memory: what a process that was killed leaves behind."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def commit(self, batch: dict[str, object]) -> None:
        self.values |= batch
        self.values = {path: value for path, value in self.values.items() if value is not None}


@dataclass
class Credential:
    """What there is to know of one that was issued. Times are in seconds."""

    value: str
    lease: str
    path: str
    issued: int
    ends: int
    owner: str
    revoked: bool = False


@dataclass
class Version:
    """A value of the secret that rotates, and until when it is valid; 0 while it is the present one."""

    value: str
    until: int = 0


class Lives(RuleBasedStateMachine):
    """Issue, renew, rotate, revoke, jump and restart, beside a model of what must hold."""

    credentials = Bundle("credentials")
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.journal = Kept()
        self.plan = PLAN
        self.now = START
        self.issued: list[Credential] = []
        self.token_ends: dict[str, int] = {}
        self.world = self.begin()
        start_dev(self.world, "root")
        asyncio.run(apply(self.world, self.plan))
        self.versions = [Version(self.present())]
        self.next_rotation = self.now + 3 * HOUR

    def begin(self):
        made = make_world(
            Settings(profile="openbao"), seed="lives", clock=Clock(lambda: START * NANOSECONDS), journal=self.journal
        )
        self.rotation = Rotation(made, lambda: self.plan.remaker)
        return made

    def present(self) -> str:
        return call(self.world, "GET", "secret/data/app").data["data"]["key"]

    def alive(self, credential: Credential) -> bool:
        return not credential.revoked and self.now < credential.ends

    @rule(target=tokens, ttl=st.sampled_from([HOUR, 5 * HOUR]))
    def make_token(self, ttl):
        made = call(self.world, "POST", "auth/token/create", {"policies": ["root"], "ttl": f"{ttl}s"})
        token = made.json["auth"]["client_token"]
        self.token_ends[token] = self.now + ttl
        return token

    @rule(target=credentials, path=st.sampled_from(sorted(TTL)), token=st.one_of(st.just("root"), tokens))
    def issue(self, path, token):
        reply = call(self.world, "GET", path, token=token)
        if token != "root" and self.now >= self.token_ends[token]:
            assert reply.status == 403
            return None
        found = reply.json
        ends = self.now + TTL[path]
        credential = Credential(found["data"]["key"], found["lease_id"], path, self.now, ends, token)
        self.issued.append(credential)
        return credential

    @rule(credential=credentials, increment=st.sampled_from([0, 60, 3 * HOUR, 100 * HOUR]))
    def renew(self, credential, increment):
        if credential is None:
            return
        reply = call(self.world, "PUT", "sys/leases/renew", {"lease_id": credential.lease, "increment": increment})
        if not self.alive(credential) or credential.path == "acme/fixed":
            assert reply.status == 400
            return
        assert reply.status == 200
        most = credential.issued + MAX[credential.path]
        credential.ends = min(self.now + (increment or TTL[credential.path]), most)

    @rule(credential=credentials)
    def revoke(self, credential):
        if credential is None:
            return
        call(self.world, "PUT", "sys/leases/revoke", {"lease_id": credential.lease, "sync": True})
        if self.alive(credential):
            credential.revoked = True

    @rule(path=st.sampled_from(sorted(TTL)))
    def revoke_prefix(self, path):
        call(self.world, "PUT", f"sys/leases/revoke-prefix/{path}", {"sync": True})
        for credential in self.issued:
            if credential.path == path and self.alive(credential):
                credential.revoked = True

    @rule(token=tokens)
    def revoke_token(self, token):
        call(self.world, "POST", "auth/token/revoke", {"token": token})
        self.token_ends[token] = min(self.token_ends[token], self.now)
        for credential in self.issued:
            if credential.owner == token and self.alive(credential):
                credential.revoked = True

    @rule()
    def rotate(self):
        asyncio.run(self.rotation.rotate("secret/app"))
        self.rotated(self.now)

    @rule(seconds=st.sampled_from([1, 599, 600, 1800, HOUR, 4 * HOUR, 30 * HOUR]))
    def jump(self, seconds):
        asyncio.run(self.world.timeline.advance(seconds))
        self.pass_by(seconds)

    @rule()
    def restart(self):
        """The process is killed, and another one takes up what it left."""
        self.world = self.begin()
        take_up(self.world, dict(self.journal.values))

    def rotated(self, at: int) -> None:
        self.versions[-1].until = at + 1800
        self.versions.append(Version(""))
        self.next_rotation = at + 3 * HOUR

    def pass_by(self, seconds: int) -> None:
        target = self.now + seconds
        while self.next_rotation <= target:
            self.rotated(self.next_rotation)
        for token, end in self.token_ends.items():
            for credential in self.issued:
                if credential.owner == token and end <= target:
                    credential.ends = min(credential.ends, end)
        self.now = target

    @invariant()
    def the_clock_agrees(self):
        assert self.world.clock.now() == self.now

    @invariant()
    def credentials_are_valid_until_their_end_and_no_longer(self):
        for credential in self.issued:
            known = self.world.ledger.find(credential.value)
            assert known is not None, "it was lost"
            assert known.valid(self.world.clock.now_ns()) == self.alive(credential)

    @invariant()
    def the_leases_are_those_of_valid_credentials(self):
        kept = set(self.world.leases.walk("acme/"))
        assert kept == {credential.lease for credential in self.issued if self.alive(credential)}

    @invariant()
    def every_version_of_the_secret_is_known_and_valid_through_its_grace(self):
        current = call(self.world, "GET", "secret/metadata/app").data["current_version"]
        assert current == len(self.versions)
        for number, version in enumerate(self.versions[-10:], max(1, current - 9)):
            found = call(self.world, "GET", f"secret/data/app?version={number}").data["data"]["key"]
            version.value = version.value or found
            assert found == version.value, "a version changed"
            known = self.world.ledger.find(found)
            valid = known is None or known.valid(self.world.clock.now_ns())
            assert valid == (not version.until or self.now < version.until)


def _plan():
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lives.yaml"
        file.write_text(FIXTURE)
        return make_plan(load(file))


PLAN = _plan()
TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
