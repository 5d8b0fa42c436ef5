"""The rooms do not know each other; proved on the tree, and on planted violations."""

from pathlib import Path
from types import ModuleType

import pytest

PLANTED = [
    (
        "actions/x.py",
        "from firemarshal.probes.postgres import settings",
        "actions may not know probes",
    ),
    ("probes/x.py", "import firemarshal.actions.postgres", "probes may not know actions"),
    ("probes/x.py", "from firemarshal import lab", "probes may not know lab"),
    ("probes/postgres/x.py", "from ...reports import y", "probes may not know reports"),
    ("drills/x.py", "def f():\n    from firemarshal.actions import y", "drills may not know act"),
    ("drills/x.py", "def f():\n    import psycopg", "drills may not know psycopg"),
    ("reports/x.py", "def f():\n    from botocore import x", "reports may not know botocore.x"),
    ("reports/x.py", "import_module('firemarshal.probes.null')", "reports may not know probes"),
    ("actions/x.py", "import_module(f'firemarshal.probes.{k}')", "actions may not know probes"),
    ("src/firemarshal/x.py", "def f():\n    from firemarshal.lab import up", "kernel may not know"),
    ("src/firemarshal/x.py", "from .lab import up", "the kernel may not know lab"),
    ("src/firemarshal/keeper/x.py", "from ..probes import y", "the kernel may not know probes"),
    ("src/firemarshal/cli.py", "from firemarshal.lab import up", "only inside a function"),
    ("tests/x.py", "import actions.postgres", "nobody's name; write `firemarshal.actions.postg"),
    ("actions/x.py", "from probes.postgres import y", "nobody's name"),
    ("actions/aws/x.py", "import boto3", "boto3 is heavy"),
    ("tests/x.py", "import matplotlib.pyplot as plot", "matplotlib.pyplot is heavy"),
    ("probes/x.py", "class A:\n    import moto", "moto is heavy"),
]
ALLOWED = [
    ("actions/x.py", "from firemarshal.fault import Fault\nimport psycopg"),
    ("actions/postgres/x.py", "from . import y\nfrom ..null import z"),
    ("actions/aws/x.py", "def f():\n    import boto3"),
    ("actions/x.py", "if TYPE_CHECKING:\n    import boto3"),
    ("lab/postgres/x.py", "from firemarshal.lab.proxy import Proxy"),
    ("src/firemarshal/cli.py", "def up():\n    from firemarshal.lab.postgres import up"),
    ("src/firemarshal/cli/lab.py", "def up():\n    from firemarshal.lab.postgres import up"),
    ("src/firemarshal/target.py", "import_module(f'firemarshal.probes.{kind}.settings')"),
    ("src/firemarshal/x.py", "from .clock import now_us\nfrom . import fault"),
    ("tests/probes/x.py", "from firemarshal.lab import up\nfrom firemarshal.actions import y"),
]


@pytest.mark.parametrize(("path", "source", "sentence"), PLANTED)
def test_a_planted_crossing_is_found(
    doors: ModuleType, path: str, source: str, sentence: str
) -> None:
    found = doors.crossed(Path(path), source)
    assert len(found) == 1, found
    assert sentence in found[0]
    assert found[0].startswith(f"{path}:{1 + source.count(chr(10))}: ")


@pytest.mark.parametrize(("path", "source"), ALLOWED)
def test_what_the_rules_allow_is_not_found(doors: ModuleType, path: str, source: str) -> None:
    assert doors.crossed(Path(path), source) == []


def test_every_file_is_read_once_and_not_through_the_links(doors: ModuleType, root: Path) -> None:
    paths = list(doors.files(root))
    real = [(root / path).resolve() for path in paths]
    assert len(real) == len(set(real))
    assert {doors.home(path) for path in paths} >= {"kernel", *doors.ROOMS}


def test_nobody_crosses_a_door(doors: ModuleType, root: Path) -> None:
    found = [
        sentence
        for path in doors.files(root)
        for sentence in doors.crossed(path, (root / path).read_text(encoding="utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)
