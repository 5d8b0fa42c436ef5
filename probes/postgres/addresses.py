"""What a person types as an address, and who answers there."""

import ipaddress
import socket
from urllib.parse import urlsplit

from firemarshal.bad_input import BadInput

WITHIN_S = 1.0
SSL_REQUEST = bytes((0, 0, 0, 8, 4, 210, 22, 47))


def parts(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of what a person types; IPv6 with or without brackets."""
    if "@" in address:
        cure = "say HOST, HOST:PORT or Patroni's URL; passwords belong into ~/.pgpass"
        raise BadInput("is more than an address (it is not repeated here)", where="", cure=cure)
    try:
        return "", str(ipaddress.ip_address(address)), 0
    except ValueError:
        said = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = said.hostname or "", said.port or 0
    except ValueError:
        host = ""
    if not host or said.scheme not in ("", "http", "https") or any(map(str.isspace, host)):
        cure = "say HOST, HOST:PORT, [IPv6]:PORT, or Patroni's URL http://HOST:8008"
        raise BadInput("is no address", where=f"address {address!r}", cure=cure)
    return said.scheme, host, port


def bracketed(host: str) -> str:
    """The host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def speaks_postgres(host: str, port: int) -> bool:
    """PostgreSQL answers a request for TLS by one letter alone; an sshd says more."""
    try:
        with socket.create_connection((host, port), WITHIN_S) as connection:
            connection.settimeout(WITHIN_S)
            connection.sendall(SSL_REQUEST)
            return connection.recv(8) in (b"S", b"N")
    except OSError:
        return False
