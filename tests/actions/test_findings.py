"""The conformance suite finds what is wrong: faults that break one promise each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firemarshal.catalogue import Catalogue
from firemarshal.conformance import Finding, check

GOOD = """
from pathlib import Path

from firemarshal.fault import Fault, NotDone, VictimChanged

FAULT = Fault(kinds=("null",), does="a file stands", lasts="until healed")


def _file(configuration):
    return Path(configuration["system"]["members"][0]["folder"]) / "fault.trial"


def aim(configuration):
    if _file(configuration).exists():
        return []
    return [{
        "id": configuration["system"]["name"], "name": "toy", "before": {}, "found": {"number": 1},
        "undo": f"rm -f {_file(configuration)}",
    }]


def inject(victims, configuration):
    if victims[0]["id"] != configuration["system"]["name"] or victims[0]["found"]["number"] != 1:
        raise VictimChanged("another victim")
    _file(configuration).touch()


def bit(victims, configuration):
    return {"bit": _file(configuration).exists(), "seen": "looked for the file"}


def heal(victims, configuration):
    _file(configuration).unlink(missing_ok=True)
    return []
"""
TOUCH, UNLINK = "_file(configuration).touch()", "_file(configuration).unlink(missing_ok=True)"
STANDS = "    if _file(configuration).exists():\n        return []"
ANOTHER = 'raise VictimChanged("another victim")'
# what is broken: (words of GOOD, words instead, the check that finds it, words of the finding)
BROKEN = {
    "no_undo": ('"undo": f"rm -f {_file(configuration)}"', '"undo": ""', "aims", "undo"),
    "restless": ('"id": configuration["system"]["name"]', '"id": str(object())', "aims", "then"),
    "aim_harms": (STANDS, f"    {TOUCH}", "aims", "aim changed the system"),
    "nothing": ("return [{", "return [][:0] and [{", "aims", "found nothing"),
    "no_json": ('"before": {}', '"before": object()', "aims", "found nothing"),
    "always": ('{"bit": _file(configuration).exists()', '{"bit": True', "heals first", "True"),
    "silent": ('"looked for the file"', "None", "heals first", "bit must give"),
    "anybody": (ANOTHER, "pass", "hits no other", "another system's victim was not"),
    "accident": (ANOTHER, 'raise KeyError("x")', "hits no other", "another number was not"),
    "harmless": (TOUCH, "return", "bites", "after inject: bit says False"),
    "twice": (TOUCH, "_file(configuration).touch(exist_ok=False)", "bites", "a second inject"),
    "again": (STANDS, "", "bites", "aim finds again"),
    "unhealed": (UNLINK, "pass", "bites", "bit says True"),
    "endless": (f"{UNLINK}\n    return []", 'return ["it"]', "heals first", "heal left ['it']"),
    "no_hand": ("rm -f {", "true {", "undone by hand", "did not undo it"),
}
Judge = Callable[..., list[Finding]]


@pytest.fixture
def judge(toy: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Findings for a fault's text, put into a stranger's package."""

    def judged(name: str, text: str, kills: int = 0) -> list[Finding]:
        package = tmp_path / f"faults_{name}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "trial.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        fault = Catalogue([package.name]).find("trial", "here")
        return check(fault, toy, kills=kills, within_s=1.5)

    return judged


def test_a_stranger_s_good_fault_has_no_findings(judge: Judge) -> None:
    assert judge("good", GOOD, kills=2) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_found(judge: Judge, name: str) -> None:
    old, new, where, words = BROKEN[name]
    assert GOOD.count(old) == 1
    found = judge(name, GOOD.replace(old, new))
    assert [one for one in found if one.check == where and words in one.text], found


def test_an_inject_that_cannot_be_cut_off_is_found(judge: Judge) -> None:
    """It harms a second file first, which only its own end takes away again."""
    half = (
        '    other = _file(configuration).with_name("fault.half")\n'
        "    other.touch()\n    import time; time.sleep(0.5)\n    other.unlink()\n"
    )
    found = judge("half", GOOD.replace(f"    {TOUCH}", f"{half}    {TOUCH}"), kills=3)
    assert [one for one in found if "fault.half stands" in one.text], found


def test_a_fault_for_another_kind_is_found(judge: Judge) -> None:
    found = judge("kind", GOOD.replace('kinds=("null",)', 'kinds=("http",)'))
    assert [one.check for one in found] == ["facts"]


def test_a_moment_needs_no_healing(judge: Judge) -> None:
    """What stands for good bites still after healing, and nothing is to be undone by hand."""
    text = GOOD.replace('lasts="until healed"', 'lasts="moment"').replace("rm -f {", "true {")
    assert judge("moment", text) == []
