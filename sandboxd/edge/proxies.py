"""The error pages of proxies and load balancers, as they stand in front of many a Vault."""

from sandboxd.edge.messages import Answer, Incoming

_REASONS = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


def page(proxy: str, code: int, incoming: Incoming) -> Answer:  # noqa: ARG001 -- others show what was asked for
    """The page of a proxy, with its headers."""
    title = f"{code} {_REASONS[code]}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(code, body.encode(), (("Server", "nginx"),), "text/html", standard=False)
