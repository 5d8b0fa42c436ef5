"""The drawing of what customers saw: right, small for any length, and safe to put in a page."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import run_folders
from run_folders import BACK_US, BEGAN_US, T0_US

from firemarshal.ledger import LedgerWriter
from firemarshal.reports import attempts, drawing
from firemarshal.reports.drawing import Mark, Panel


def panel(path: Path, from_us: int, to_us: int, near: tuple[int, ...] = ()) -> Panel:
    window = attempts.Window(from_us, to_us, drawing.PLOT, near)
    client = attempts.look(path, [window], [])
    return Panel(
        title='What "client" <saw>',
        description="주 서버 & its clients",
        window=window,
        zero_us=T0_US,
        deadline_us=client.deadline_us,
        band_us=50_000,
        outage=(T0_US, BACK_US - 10_000),
        back=(BACK_US - 10_000, BACK_US),
        marks=(
            Mark(T0_US, "the fault strikes", "fault"),
            Mark(BACK_US, "back </svg><b>", "back"),
            Mark(to_us + 1, "outside", "heal"),
            Mark(T0_US + 1_000_000, "a name " * 30, "phase"),
        ),
    )


def test_it_is_xml_with_title_and_description(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    svg = drawing.outage(panel(tmp_path / "a.ledger", BEGAN_US, BACK_US + 4_000_000), "k")
    root = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{space}title") == 'What "client" <saw>'
    assert root.findtext(f"{space}desc") == "주 서버 & its clients"
    assert root.get("aria-labelledby") == "k-t k-d"
    labels = [one.text or "" for one in root.iter(f"{space}text")]
    assert "back </svg><b>, +2.000 s" in labels
    assert "the fault strikes, T0" in labels
    assert f"{('a name ' * 30)[: drawing.LONGEST]}…, +1.000 s" in labels
    assert not [one for one in labels if "outside" in one]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    one, two = (
        drawing.outage(panel(tmp_path / "a.ledger", BEGAN_US, BACK_US), "k") for _ in range(2)
    )
    assert one == two


def test_failed_and_unanswered_stand_in_lanes_of_their_own(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    svg = drawing.outage(panel(tmp_path / "a.ledger", BEGAN_US, BACK_US + 4_000_000), "k")
    assert svg.count('<rect class="failed"') == 1
    assert svg.count('<rect class="unanswered"') == 1
    assert "no answer" in svg
    assert "not sent" not in svg


def test_a_long_watch_is_drawn_small_with_single_attempts_only_near_the_fault(
    tmp_path: Path,
) -> None:
    end = BEGAN_US + 600_000_000
    run_folders.ledger(tmp_path / "a.ledger", end)
    drawn = panel(tmp_path / "a.ledger", BEGAN_US, end, (T0_US, BACK_US))
    svg = drawing.outage(drawn, "k")
    assert not drawn.window.all_points
    assert sum(one.ok + one.failed + one.unanswered for one in drawn.window.columns) == 60_000
    assert 0 < len(drawn.window.points) < 4 * attempts.NEAR_ATTEMPTS + 4
    assert 'class="envelope"' in svg
    assert len(svg) < 60_000
    assert re.search(r"\+\d min", svg)


def test_the_recorder_is_counted(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    stretch = attempts.Stretch("outage", T0_US, BACK_US)
    client = attempts.look(tmp_path / "a.ledger", [], [stretch])
    assert (client.begun, client.closed, client.period_us) == (1000, True, 10_000)
    assert client.counts == {"ok": 800, "failed": 151, "unknown": 49}
    assert (client.late_p99_us, client.late_most_us) == (100, 90)
    assert (stretch.total.failed, stretch.total.unanswered, stretch.total.ok) == (151, 49, 0)


def test_an_empty_ledger_has_no_span(tmp_path: Path) -> None:
    LedgerWriter(tmp_path / "a.ledger", 5, {}).close()
    (tmp_path / "b.ledger").write_bytes(b"half")
    assert attempts.span(tmp_path / "a.ledger") is None
    assert attempts.span(tmp_path / "b.ledger") is None


def test_alone_it_carries_colours_and_ground(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    svg = drawing.standalone(drawing.outage(panel(tmp_path / "a.ledger", BEGAN_US, BACK_US), "k"))
    root = ElementTree.fromstring(svg)
    assert root.get("width") == "960"
    assert '<rect class="ground"' in svg
    assert "<style>" in svg


def test_eight_hours_stay_small(tmp_path: Path) -> None:
    end = BEGAN_US + 8 * 3_600_000_000
    run_folders.ledger(tmp_path / "a.ledger", end, 200_000)
    drawn = panel(tmp_path / "a.ledger", BEGAN_US, end, (T0_US, BACK_US))
    svg = drawing.outage(drawn, "k")
    assert sum(one.ok + one.failed + one.unanswered for one in drawn.window.columns) == 144_000
    assert len(svg) < 60_000
    assert "+7 h" in svg


def test_a_strip_needs_no_colour(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    window = attempts.Window(BEGAN_US, BACK_US + 4_000_000, drawing.STRIP)
    attempts.look(tmp_path / "a.ledger", [window], [])
    root = ElementTree.fromstring(drawing.strip(window, T0_US, 'not "served"'))
    assert root.get("aria-label") == 'not "served"'
    heights = [one.get("height") for one in root if one.tag.endswith("rect")]
    assert heights == ["4.0", "16.0", "4.0"]


def test_what_was_lost_has_a_lane_of_its_own(tmp_path: Path) -> None:
    run_folders.ledger(tmp_path / "a.ledger")
    drawn = panel(tmp_path / "a.ledger", BEGAN_US, BACK_US + 4_000_000)
    assert "lost" not in drawing.outage(drawn, "k")
    gone = replace(drawn, lost=(T0_US - 2_000_000, T0_US))
    svg = drawing.outage(gone, "k")
    (found,) = re.findall(r'<rect class="lost" x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)"', svg)
    assert "lost within" in svg
    assert float(found[1]) / drawing.PLOT == pytest.approx(0.2, abs=0.01)
    outside = drawing.outage(replace(drawn, lost=(0, 1)), "k")
    assert '<rect class="lost"' not in outside
