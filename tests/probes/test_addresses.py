"""Connection strings as applications write them, taken apart into single addresses."""

import pytest

from firemarshal.probes.recorder.postgres import open_client

TABLE = "firemarshal.attempts_d1"


@pytest.mark.parametrize(
    ("conninfo", "endpoints"),
    [
        ("host=a", ["a:5432"]),
        ("host=a,b", ["a:5432", "b:5432"]),
        ("host=a,b port=1", ["a:1", "b:1"]),
        ("host=a,b port=1,2", ["a:1", "b:2"]),
        ("host=a,b port=1,", ["a:1", "b:5432"]),
        ("hostaddr=127.0.0.1,::1 port=5,6", ["127.0.0.1:5", "::1:6"]),
        ("host=a,b hostaddr=127.0.0.1,127.0.0.2", ["a:5432", "b:5432"]),
        ("", ["localhost:5432"]),
        ("postgresql://app:x@a:1,b:2/db?target_session_attrs=read-write", ["a:1", "b:2"]),
    ],
)
def test_every_address_is_one_endpoint(conninfo: str, endpoints: list[str]) -> None:
    assert open_client({"conninfo": conninfo, "table": TABLE}).endpoints == endpoints
