"""What a person sees, on terminals of every width, in pipes, and when nobody reads any more."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from run_folders import compiled

from firemarshal import closing, screen, terminal
from firemarshal.clock import now_us

KOREAN = "주 데이터베이스가 예고 없이 중단되어도 고객의 쓰기 요청이 약속한 시간 안에 다시 처리된다"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Out(io.StringIO):
    """A stream that is a terminal or not, of any encoding."""

    def __init__(self, tty: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self.tty, self.told = tty, encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.told

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        text.encode(self.told)  # a stream refuses what its encoding lacks
        return super().write(text)


@pytest.fixture(params=[120, 80, 40])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return int(request.param)


def messages(name: str) -> list[dict[str, Any]]:
    down = {"tell": "watching", "changed": True, "ends": "the watch ends"}
    struck_us = now_us() - 2_500_000
    return [
        {"tell": "lab", "text": "lab orders: starting"},
        {"tell": "drill", "drill": compiled(name), "number": 3, "of": 30},
        {"tell": "event", "event": "step", "keyword": "given", "text": '"orders" is healthy'},
        {"tell": "event", "event": "aimed", "fault": "postgres.kill_primary"},
        {"tell": "undo", "shell": "rm -f /a/very/long/path/" + "x" * 100},
        {"tell": "event", "event": "bit", "fault": "postgres.kill_primary"},
        {"tell": "struck", "fault": "postgres.kill_primary", "t0_us": struck_us},
        {**down, "state": "down for 2.5 s", "ends_at_us": now_us() + 20_000_000},
        {**down, "state": "down for 3.0 s", "ends_at_us": now_us() + 19_500_000},
        {"tell": "work", "text": "promote (command, the database team)", "state": "begun"},
        {"tell": "tick"},
        {"tell": "signal", "count": 1, "name": "SIGINT", "standing": {}},
        {"tell": "signal", "count": 2, "name": "SIGINT", "standing": {"orders": ["a fault"]}},
        {"tell": "healing", "standing": ["orders: a fault: \x1b[31mred\x1b[0m"]},
        {"tell": "something new"},
    ]


def result(name: str = "a drill", **changes: Any) -> dict[str, Any]:
    drill = compiled(name)
    judged = {"lower": 1, "upper": 2_000_000, "verdict": "met", "reason": "fine", "note": ""}
    return {
        "drill": drill,
        "verdict": "PASSED",
        "why": "it came back",
        "as_expected": True,
        "expectation": "PASSED",
        "target_after": "as found",
        "promises": [one | judged for one in drill["promises"]],
        **changes,
    }


def told(out: Out, name: str = "a drill") -> str:
    progress = terminal.Progress(out)
    for message in messages(name):
        progress(message)
    progress({"tell": "verdict", "result": result(name)})
    return out.getvalue()


def test_a_pipe_gets_plain_lines_and_says_a_thing_once() -> None:
    text = told(Out(), KOREAN)
    assert not CONTROL.search(text)
    assert f"3/30 {KOREAN}\n" in text
    assert text.count("writes: down\n") == 1
    assert "Ctrl-C" not in text, "nobody can press it in a pipe"
    assert r"\x1b[31mred" in text, "what a server says steers no terminal"
    assert text.endswith("PASSED: it came back\n")


def test_a_terminal_is_drawn_within_its_width(columns: int) -> None:
    text = told(Out(tty=True), KOREAN)
    drawn = re.split(r"\n|\r", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text))
    assert any("of 5 min" in one for one in drawn)
    for line in drawn:
        assert cell_len(line) <= columns or "to undo it by hand" in line or "xxx" in line
    for wanted in ("2.5 s", "writes: down", "the watch ends in", "Ctrl-C"):
        assert any(wanted in one for one in drawn), wanted


def played(text: str) -> list[str]:
    """The rows that a terminal shows after such output."""
    rows, row = [""], 0
    pieces = re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text)
    for piece in pieces:
        if piece == "\x1b[1A":
            row -= 1
            assert row >= 0, "it went above its own lines"
        elif piece == "\n":
            row += 1
            rows += [""] * (row - len(rows) + 1)
        elif piece == "\r":
            rows[row] = ""  # whoever goes home draws the line anew
        elif piece == "\x1b[J":
            del rows[row + 1 :]
        elif not piece.startswith("\x1b"):
            rows[row] = piece if piece != "\x1b[K" else rows[row]
    return rows


@pytest.fixture
def tall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LINES", "50")
    monkeypatch.setenv("TERM", "xterm")


def test_of_a_drill_that_went_well_one_line_stays(tall: None) -> None:
    assert played(told(Out(tty=True)))[-2:] == ["PASSED  3/30 a drill", ""]
    assert len(played(told(Out(tty=True)))) == 3, "the lab's line, the drill's, and the cursor's"


@pytest.mark.parametrize("lines", ["50", "8"])
def test_of_a_drill_that_went_ill_all_lines_stay(
    tall: None, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    monkeypatch.setenv("LINES", lines)
    out = Out(tty=True)
    progress = terminal.Progress(out)
    for message in messages("a drill"):
        progress(message)
    progress({"tell": "verdict", "result": result(verdict="FAILED", as_expected=False, why="no")})
    rows = played(out.getvalue())
    assert any("writes: down" in one for one in rows)
    assert any("to undo it by hand: rm" in one for one in rows)
    assert not any("Ctrl-C:" in one for one in rows)
    assert rows[-2:] == ["  FAILED: no", ""]
    progress({**messages("another")[1], "number": 4})
    progress({"tell": "watching", "state": "down for 1 s", "ends": "it", "ends_at_us": now_us()})
    assert any("1 not as it must so far" in one for one in played(out.getvalue()))


def test_of_the_only_drill_all_lines_stay(tall: None) -> None:
    out = Out(tty=True)
    progress = terminal.Progress(out)
    for message in messages("a drill"):
        progress({**message, "of": 1, "number": 1} if message["tell"] == "drill" else message)
    progress({"tell": "verdict", "result": result()})
    rows = played(out.getvalue())
    assert any("writes: down" in one for one in rows)
    assert rows[-2:] == ["  PASSED: it came back", ""]


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_gets_no_control_characters(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert not CONTROL.search(told(Out(tty=True)))


def test_no_color_is_heeded(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", told(Out(tty=True)))


@pytest.mark.parametrize("tty", [True, False])
def test_an_ascii_stream_gets_escapes_instead_of_an_error(columns: int, tty: bool) -> None:
    out = Out(tty, "ascii")
    told(out, KOREAN)
    closing.closing([result(KOREAN)], Path("runs/한국"), out)
    assert r"\uc8fc" in out.getvalue()


def test_when_nobody_reads_any_more_the_drill_goes_on() -> None:
    class Gone(Out):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    assert told(Gone()) == ""


def test_flapping_does_not_flood() -> None:
    out = Out()
    progress = terminal.Progress(out)
    for message in messages("a drill")[:7]:
        progress(message)
    for number in range(1000):
        state = ("down for 1.0 s", "answering again")[number % 2]
        ends = {"ends": "the watch ends", "ends_at_us": now_us()}
        progress({"tell": "watching", "state": state, "changed": True, **ends})
    assert out.getvalue().count("writes: ") < 20


def test_a_long_silence_in_a_pipe_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "SIGN_OF_LIFE_US", 0)
    assert "writes: down for 3.0 s | the watch ends in" in told(Out())


def closed(out: Out, results: list[dict[str, Any]]) -> str:
    closing.closing(results, Path("runs/one"), out)
    return out.getvalue()


def test_the_end_fits_and_what_matters_comes_last(columns: int) -> None:
    failed = result(
        KOREAN * 3, verdict="FAILED", as_expected=False, why="too late", target_after="NOT CLEAN"
    )
    failed["standing"] = ["orders: postgres.kill_primary"]
    text = closed(Out(tty=True), [*(result(f"drill {one}") for one in range(29)), failed])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert all(cell_len(one) <= columns for one in shown)
    assert shown[-1] == "report: runs/one/report.html"
    last = " ".join(" ".join(shown[-24:]).split())
    cure = "no drill starts before: firemarshal heal --target lab"
    for wanted in ("NOT CLEAN (orders: postgres.kill_primary)", cure, "other 29: as found"):
        assert wanted in last
    assert "30 drills: 29 PASSED, 1 FAILED" in last


def test_the_end_in_a_pipe_is_a_line_a_promise() -> None:
    text = closed(Out(), [result("one"), result("two", promises=[], verdict="NOT RUN", why="no")])
    assert not CONTROL.search(text)
    promise = "writes return as the plan promises [DS-1a]: worst end 2.000 s, allowed 5 min"
    assert f"PASSED   one\n    met: {promise}\nNOT RUN  two\n    no\n" in text


@pytest.mark.parametrize(
    ("lower", "upper", "note", "shown"),
    [
        (1, 2_000_000, "", "2.000 s"),
        (3_000_000, None, "", "more than 3.000 s"),
        (None, None, "", "not measured"),
        (0, 0, "0 of 9 lost, looked back 1 s", "0.000 s (0 of 9 lost, looked back 1 s)"),
    ],
)
def test_the_worst_end(lower: Any, upper: Any, note: str, shown: str) -> None:
    promise = {"lower": lower, "upper": upper, "unit": "us", "note": note}
    assert closing.worst(promise) == shown


def test_a_part_too_wide_is_cut_and_the_others_are_packed() -> None:
    assert screen.packed(["ab", "", "cd", "x" * 20], 10) == ["ab | cd", "x" * 10]
