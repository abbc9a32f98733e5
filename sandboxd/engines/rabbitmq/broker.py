"""The management API of a broker on this machine.

What goes wrong is told in the words of the client library that the real server uses, since they reach clients.
"""

import base64
from collections.abc import Mapping

import msgspec

from sandboxd.vault.framework import urls
from sandboxd.vault.framework.gojson import TEXT, ListOf, Struct, unmarshal
from sandboxd.vault.framework.upstream import Answer, CallFailed, Upstream

ERROR = Struct("rabbithole.ErrorResponse", {"error": TEXT, "reason": TEXT})
USERS = ListOf(Struct("rabbithole.UserInfo", {"name": TEXT, "password_hash": TEXT, "hashing_algorithm": TEXT}))


class BrokerError(Exception):
    """A call did not do what it should have; the text says why."""


class Broker:
    """A broker's management API. Raises ValueError with Go's reason for what is no URL."""

    def __init__(self, uri: str, username: str, password: str) -> None:
        secret = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._api = Upstream(uri, "the broker of this mount", {"Authorization": f"Basic {secret}"})

    @property
    def fault(self) -> str:
        """Why no call could be made, or an empty string."""
        return self._api.fault

    async def check(self, *, live: bool) -> None:
        """List the users, or (not live) see whether the broker could be called at all. Raises BrokerError."""
        if not live:
            try:
                self._api.check("GET", "/api/users/")
            except CallFailed as error:
                raise BrokerError(str(error)) from None
            return
        answer = await self._call("GET", "users/")
        try:
            unmarshal(_text(answer), USERS)
        except ValueError as error:
            raise BrokerError(str(error)) from None

    async def put_user(self, username: str, password: str, tags: str) -> tuple[int, str]:
        """Make a user; gives status and text of an answer below 400. Raises BrokerError for any other."""
        answer = await self._put(f"users/{_escaped(username)}", {"name": "", "tags": tags, "password": password})
        return answer.status, _text(answer)

    async def permit(self, vhost: str, username: str, permissions: Mapping[str, str]) -> None:
        """Give a user permissions in a virtual host. Raises BrokerError."""
        await self._allow("permissions", vhost, username, permissions)

    async def permit_topic(self, vhost: str, username: str, permissions: Mapping[str, str]) -> None:
        """Give a user topic permissions on an exchange of a virtual host. Raises BrokerError."""
        await self._allow("topic-permissions", vhost, username, permissions)

    async def delete_user(self, username: str) -> None:
        """Delete a user, if there. Raises BrokerError."""
        await self._call("DELETE", f"users/{_escaped(username)}", content_type=_JSON)

    async def _allow(self, kind: str, vhost: str, username: str, permissions: Mapping[str, str]) -> None:
        answer = await self._put(f"{kind}/{_escaped(vhost)}/{_escaped(username)}", permissions)
        if answer.status >= 300:
            raise BrokerError(f"error updating vhost permissions for {vhost} - {answer.status}: {_text(answer)}")

    async def _put(self, path: str, content: Mapping[str, str]) -> Answer:
        return await self._call("PUT", path, msgspec.json.encode(content), _JSON)

    async def _call(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Answer:
        try:
            answer = await self._api.call(method, f"/api/{path}", body, content_type)
        except CallFailed as error:
            raise BrokerError(str(error)) from None
        if answer.status < 400 or (method == "DELETE" and answer.status == 404):
            return answer
        if answer.status == 401:
            raise BrokerError("Error: API responded with a 401 Unauthorized")
        try:
            found = unmarshal(_text(answer), ERROR)
        except ValueError as error:
            found = {"error": f"Error {answer.status} from RabbitMQ: {error}", "reason": ""}
        raise BrokerError(f"Error {answer.status} ({found['error']}): {found['reason']}")


_JSON = "application/json"


def _escaped(text: str) -> str:
    return urls.path_escaped(text)


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")
