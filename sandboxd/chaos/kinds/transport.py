"""What goes wrong with connections and bytes: Vault itself may be well."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from sandboxd.chaos.model import Count, Depth, Fault, Ordinal, Span, Wait


class Refused(Fault, frozen=True, tag="refused"):
    """Nobody listens: the process is gone."""

    HELP: ClassVar[str] = "The port refuses connections, and those that were open end."
    DEPTH: ClassVar[Depth] = "door"


class Unreachable(Fault, frozen=True, tag="unreachable"):
    """Packets vanish, as behind a firewall that drops them."""

    HELP: ClassVar[str] = "Connections are never established: clients wait for their connect timeout."
    DEPTH: ClassVar[Depth] = "door"


class ConnectionCap(Fault, frozen=True, tag="connection-cap"):
    """A limit on connections, of a listener or a load balancer."""

    HELP: ClassVar[str] = "Only so many connections at a time are served; more are accepted and get nothing, or closed."
    DEPTH: ClassVar[Depth] = "door"

    most: Annotated[Count, Meta(description="How many connections are served at a time.")] = 1
    beyond: Annotated[Literal["silent", "reset", "close"], Meta(description="What happens to those beyond.")] = "silent"


class ConnectReset(Fault, frozen=True, tag="connect-reset"):
    """The connection is reset as soon as it is there."""

    HELP: ClassVar[str] = "Connections are accepted and reset at once, before anything is read."
    DEPTH: ClassVar[Depth] = "door"


class ConnectSilent(Fault, frozen=True, tag="connect-silent"):
    """The connection is accepted by the kernel, and nobody is there behind it."""

    HELP: ClassVar[str] = "Connections are accepted, and nothing is ever read or answered; no TLS handshake either."
    DEPTH: ClassVar[Depth] = "door"


class TlsExpired(Fault, frozen=True, tag="tls-expired"):
    """The certificate of the listener has expired."""

    HELP: ClassVar[str] = "The listener shows a certificate that has expired, of the right CA."
    DEPTH: ClassVar[Depth] = "door"


class TlsCaExpired(Fault, frozen=True, tag="tls-ca-expired"):
    """An intermediate CA of the listener's chain has expired; its own certificate has not."""

    HELP: ClassVar[str] = "The listener shows a good certificate of an intermediate CA that has expired."
    DEPTH: ClassVar[Depth] = "door"


class TlsWrongName(Fault, frozen=True, tag="tls-wrong-name"):
    """The certificate is for another host."""

    HELP: ClassVar[str] = "The listener shows a certificate for another host, of the right CA."
    DEPTH: ClassVar[Depth] = "door"


class TlsUnknownCa(Fault, frozen=True, tag="tls-unknown-ca"):
    """The certificate is of a CA that nobody trusts."""

    HELP: ClassVar[str] = "The listener shows a certificate of another CA, as when the CA was exchanged."
    DEPTH: ClassVar[Depth] = "door"


class TlsStalled(Fault, frozen=True, tag="tls-stalled"):
    """The TLS handshake stands still."""

    HELP: ClassVar[str] = "The listener accepts, and never answers the client's hello."
    DEPTH: ClassVar[Depth] = "door"


class Silent(Fault, frozen=True, tag="silent"):
    """The request goes in, and nothing comes out."""

    HELP: ClassVar[str] = "Requests are read and never answered."

    close_after: Annotated[Span, Meta(description="Close the connection after so long; 0 for never.")] = 0


class Reset(Fault, frozen=True, tag="reset"):
    """The connection is reset in the middle."""

    HELP: ClassVar[str] = "The connection is reset (RST) instead of an answer, or in the middle of one."

    at: Annotated[
        Literal["request", "answer"],
        Meta(description="Before the request is carried out, or amid the answer, when it has been."),
    ] = "request"
    bytes: Annotated[Count, Meta(description="How many bytes of the answer go out first; 0 for half of them.")] = 0


class Empty(Fault, frozen=True, tag="empty"):
    """The connection closes without an answer."""

    HELP: ClassVar[str] = "The connection is closed (FIN) with no byte of an answer; the request is not carried out."


class AnswerLost(Fault, frozen=True, tag="answer-lost"):
    """The write was applied, and the client never gets to know."""

    HELP: ClassVar[str] = "The request is carried out, and its answer is lost."

    by: Annotated[
        Literal["reset", "close", "silent", "gateway-timeout"], Meta(description="What the client sees instead.")
    ] = "reset"


class Slow(Fault, frozen=True, tag="slow"):
    """Answers take their time."""

    HELP: ClassVar[str] = "Answers come late."

    delay: Annotated[Wait, Meta(description="How long they take more than usual.")] = "2s"


class Dribble(Fault, frozen=True, tag="dribble"):
    """The answer comes in little pieces."""

    HELP: ClassVar[str] = "Answers come in pieces, over a time."

    pieces: Annotated[Ordinal, Meta(description="In how many pieces.")] = 10
    over: Annotated[Span, Meta(description="How long all of it takes.")] = "10s"


class Bandwidth(Fault, frozen=True, tag="bandwidth"):
    """The line is slow."""

    HELP: ClassVar[str] = "Answers come at so many bytes a second."

    rate: Annotated[Ordinal, Meta(description="Bytes a second.")] = 100


class Truncated(Fault, frozen=True, tag="truncated"):
    """The answer ends too early."""

    HELP: ClassVar[str] = "The connection closes before the body is as long as Content-Length says."

    keep: Annotated[Count, Meta(description="Bytes of the body that go out; 0 for half of them.")] = 0


class MalformedChunk(Fault, frozen=True, tag="malformed-chunk"):
    """The framing of the answer is broken."""

    HELP: ClassVar[str] = "A chunked answer whose second chunk is no chunk, then the connection closes."


class Garbage(Fault, frozen=True, tag="garbage"):
    """What comes back is no HTTP."""

    HELP: ClassVar[str] = "Random bytes instead of an answer, then the connection closes."

    size: Annotated[Ordinal, Meta(le=1 << 20, description="How many bytes.")] = 256


KINDS: tuple[type[Fault], ...] = (
    Refused,
    Unreachable,
    ConnectSilent,
    ConnectReset,
    ConnectionCap,
    TlsExpired,
    TlsCaExpired,
    TlsWrongName,
    TlsUnknownCa,
    TlsStalled,
    Silent,
    Reset,
    Empty,
    AnswerLost,
    Slow,
    Dribble,
    Bandwidth,
    Truncated,
    MalformedChunk,
    Garbage,
)
