"""A fault is known from its file alone, and one that breaks the contract is refused with a cure."""

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from firemarshal.bad_input import BadInput
from firemarshal.catalogue import Catalogue

GOOD = '''
"""Breaks a thing."""
raise SystemExit("a fault must be readable without importing it")
FAULT = Fault(kinds=("null",), does="breaks it", lasts="moment", needs=("host: signal",))

def aim(configuration, name, *, share=100, seed): ...
def inject(victims, configuration): ...
def bit(victims, configuration): ...
def heal(victims, configuration): ...
'''
CURE = "write FAULT = Fault(kinds=..., does=..., lasts=...) with literals only"
PACKAGES = count()

BROKEN: dict[str, tuple[Callable[[str], str], list[str]]] = {
    "not Python": (
        lambda good: good.replace("def inject(", "def inject"),
        ["{file}:7: fault 'break_it' is not Python: unmatched ')'"],
    ),
    "verbs missing, facts missing": (
        lambda good: "FAULT: Fault\nasync def aim(): ...\ndef bit(): ...\n",
        [
            "{file}:1: fault 'break_it' has no aim, inject, heal; "
            "every fault has aim, inject, bit, heal, each a plain function",
            "{file}:1: FAULT of 'break_it' cannot be read: "
            f"it is not a call of Fault with keywords only; {CURE}",
        ],
    ),
    "no literal": (
        lambda good: good.replace('"breaks it"', "str(5)"),
        ["{file}:4: FAULT of 'break_it' cannot be read: a fact is no literal; " + CURE],
    ),
    "a fact unknown": (
        lambda good: good.replace("does=", "doz="),
        [
            "{file}:4: FAULT of 'break_it' cannot be read: "
            f"got an unexpected keyword argument 'doz'; {CURE}"
        ],
    ),
    "a fact missing": (
        lambda good: good.replace('does="breaks it", ', ""),
        [
            "{file}:4: FAULT of 'break_it' cannot be read: "
            f"missing 1 required positional argument: 'does'; {CURE}"
        ],
    ),
    "a text where a tuple is needed": (
        lambda good: good.replace('("null",)', '("null")'),
        [
            "{file}:4: FAULT of 'break_it' cannot be read: "
            f"kinds is 'null', need a tuple of texts; {CURE}"
        ],
    ),
    "no kinds": (
        lambda good: good.replace('("null",)', "()"),
        [
            "{file}:4: FAULT of 'break_it' cannot be read: "
            f"kinds is empty, so it could harm nothing; {CURE}"
        ],
    ),
    "lasts as long as it likes": (
        lambda good: good.replace('"moment"', '"a while"'),
        [
            "{file}:4: FAULT of 'break_it' cannot be read: "
            f"lasts is 'a while', need one of 'until healed', 'moment'; {CURE}"
        ],
    ),
    "FAULT in the middle of something": (
        lambda good: "FAULT\n" + good.replace("FAULT =", "if True:\n    FAULT ="),
        ["{file}:1: fault 'break_it' has no FAULT = Fault(...); write it at the top of the module"],
    ),
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    def make(files: dict[str, str]) -> str:
        name = f"faults_{next(PACKAGES)}"
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return name

    return make


def test_a_fault_is_read_and_not_imported(package: Any) -> None:
    name = package(
        {
            "shop/break_it.py": GOOD,
            "shop/helper.py": "DEFAULT = 1\n  # FAULT\n",
            "shop/_hidden.py": GOOD,
            "typed.py": GOOD.replace("FAULT =", "FAULT: Fault ="),
        }
    )
    catalogue = Catalogue([name])
    assert catalogue.names == ["shop.break_it", "typed"]
    fault = catalogue.find("shop.break_it", "f:1")
    assert (fault.module, fault.knobs, fault.required) == (
        f"{name}.shop.break_it",
        ("name", "share", "seed"),
        ("name", "seed"),
    )
    assert (fault.facts.kinds, fault.facts.lasts) == (("null",), "moment")
    assert catalogue.find("shop.break_it", "f:2") is fault
    assert catalogue.find("typed", "f:1").facts == fault.facts
    assert f"{name}.shop.break_it" not in sys.modules


def test_an_unknown_fault_is_refused_where_it_is_named(package: Any) -> None:
    name = package({"shop/break_it.py": GOOD})
    with pytest.raises(BadInput) as problem:
        Catalogue([name]).find("shop.brake_it", "f:7")
    assert problem.value.message == (
        "f:7: fault 'shop.brake_it' is unknown; did you mean 'shop.break_it'?"
    )
    with pytest.raises(BadInput, match=r"f:7: .* is unknown; `firemarshal faults` lists them all"):
        Catalogue([name]).find("x", "f:7")


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_breaks_the_contract_is_refused_on_its_line(
    package: Any, tmp_path: Path, case: str
) -> None:
    make, said = BROKEN[case]
    name = package({"break_it.py": make(GOOD)})
    with pytest.raises(BadInput) as problem:
        Catalogue([name]).find("break_it", "f:1")
    file = str(tmp_path / name / "break_it.py")
    assert problem.value.message.split("\n") == [line.replace("{file}", file) for line in said]


def test_a_package_that_is_not_there_and_a_name_that_stands_twice_are_refused(
    package: Any, tmp_path: Path
) -> None:
    one, two = (package({"break_it.py": GOOD}) for _ in range(2))
    with pytest.raises(BadInput) as problem:
        Catalogue([one, "no_such_faults", two, one])
    assert problem.value.message.split("\n") == [
        "pyproject.toml [tool.firemarshal]: there is no package 'no_such_faults' of faults; "
        "correct its name or put it, a folder, beside pyproject.toml",
        f"{tmp_path / two}/break_it.py: fault 'break_it' stands twice, "
        f"first in {tmp_path / one}/break_it.py; rename one",
    ]


def test_arguments_are_held_against_what_aim_takes(repo: Any, package: Any) -> None:
    steps = (
        "from pytest_bdd import when\nfrom firemarshal.declare import Disaster\n\n\n"
        "@when('all disks fail')\ndef _() -> Disaster:\n"
        "    return Disaster(system='toy', fault='break_it', arguments={'nane': 'x', 'x': 1})\n"
    )
    faults, words = package({"break_it.py": GOOD}), package({"__init__.py": steps})
    repo.write(
        "pyproject.toml",
        f'[tool.firemarshal]\nsteps = ["firemarshal.drills", "{words}"]\nfaults = ["{faults}"]\n',
    )
    assert repo.refused(repo.drill(when="all disks fail")) == [
        "features/one.feature:6: fault 'break_it' takes no 'nane'; did you mean 'name'?",
        "features/one.feature:6: fault 'break_it' takes no 'x'; its aim takes: name, share, seed",
        "features/one.feature:6: fault 'break_it' needs 'name'; its aim takes: name, share, seed",
        "features/one.feature:6: fault 'break_it' needs 'seed'; its aim takes: name, share, seed",
    ]
