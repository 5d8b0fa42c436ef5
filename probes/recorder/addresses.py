"""The addresses of a libpq connection string, taken apart: one host a connection, own deadlines."""

import ipaddress
from typing import Any


def addresses(parts: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Take (host, numeric address or nothing, port) out of the parts of a connection string.

    Raises ValueError when the lists do not fit each other.
    """
    hosts, numerics, ports = (
        str(parts.pop(key, "") or "").split(",") for key in ("host", "hostaddr", "port")
    )
    count = max(len(hosts), len(numerics))
    hosts, numerics = (_filled(texts, count) for texts in (hosts, numerics))
    if len(hosts) != count or len(numerics) != count or len(ports) not in (1, count):
        raise ValueError("host, hostaddr and port list different numbers of addresses")
    ports = ports * count if len(ports) == 1 else ports
    return [
        (host or numeric or "localhost", numeric or _numeric(host), port or "5432")
        for host, numeric, port in zip(hosts, numerics, ports, strict=True)
    ]


def place(host: str, numeric: str, port: str) -> dict[str, Any]:
    """One address as keywords of libpq; the number beside the name, so that nothing resolves."""
    return {"host": host, "port": port} | ({"hostaddr": numeric} if numeric else {})


def _filled(texts: list[str], count: int) -> list[str]:
    return [""] * count if texts == [""] else texts


def _numeric(host: str) -> str:
    """The host itself when it is an address: then nothing has to be resolved, which waits."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
