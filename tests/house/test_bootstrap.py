"""What a fresh machine may lack is told with its cure and exit code 4, before anything is made."""

import ast
import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
OLD = "sys.version_info = (3, 6, 9, 'final', 0)"
WITHOUT_ENSUREPIP = "sys.modules['ensurepip'] = None"


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "tools", tmp_path / "tools", ignore=unwanted)
    for name in ("uv.lock", "pyproject.toml"):
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    return tmp_path


def _fake_python(folder: Path, name: str, before: str) -> None:
    """A Python that runs `before` first, as if the machine were another."""
    program = (
        f"import runpy, sys; sys.argv = sys.argv[2:]; {before}; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}" "$@"\n')
    path.chmod(0o755)


def _bootstrap(checkout: Path, heed_permissions: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the script where `bin` below the checkout is all there is on the PATH."""
    return subprocess.run(
        ["/bin/sh", str(checkout / "tools/bootstrap.sh")],
        env={"PATH": str(checkout / "bin"), "HOME": str(checkout)},
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=_heed_permissions if heed_permissions else None,
    )


def _heed_permissions() -> None:
    """Root may write anywhere; without this capability it is refused as everybody is."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def test_an_old_python_can_read_the_script(root: Path) -> None:
    ast.parse((root / "tools/bootstrap.py").read_text(), feature_version=(3, 6))


def test_an_old_python_can_run_the_script_as_far_as_its_message(root: Path) -> None:
    """Annotations are evaluated when a function is defined: `list[str]` would be a TypeError."""
    tree = ast.parse((root / "tools/bootstrap.py").read_text())
    for function in [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]:
        hints = [one.annotation for one in function.args.args] + [function.returns]
        bare = [ast.unparse(hint) for hint in hints if isinstance(hint, ast.Subscript | ast.BinOp)]
        assert not bare, f"{function.name}: put {bare} in quotes"


def test_too_old_a_version_is_named_with_the_cure(bootstrap: ModuleType) -> None:
    bootstrap.check_version((3, 11, 0), "python3")
    with pytest.raises(bootstrap.CannotMake) as refused:
        bootstrap.check_version((3, 9, 2), "/usr/bin/python3")
    text = str(refused.value)
    assert "/usr/bin/python3 is Python 3.9.2" in text
    assert "cure: install a newer one" in text


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_named_with_the_cure(bootstrap: ModuleType, missing: str) -> None:
    there = {"venv": True, "ensurepip": True}
    bootstrap.check_venv(there, (3, 12, 1), "python3")
    with pytest.raises(bootstrap.CannotMake) as refused:
        bootstrap.check_venv({**there, missing: False}, (3, 12, 1), "python3")
    assert f"without {missing}" in str(refused.value)
    assert "apt-get install python3.12-venv" in str(refused.value)


@pytest.mark.parametrize(
    ("output", "cure"),
    [
        ("OSError: [Errno 28] No space left on device", "free some space"),
        ("error: Read-only file system (os error 30)", "that this user may write to"),
        ("WARNING: Retrying ... SSLError(certificate verify failed)", "certificates"),
        ("error: Failed to fetch: `https://pypi.org/x`\n dns error", "HTTPS_PROXY"),
        ("ERROR: No matching distribution found for uv==1", "HTTPS_PROXY"),
        ("something else", "clean-all"),
    ],
)
def test_what_pip_and_uv_say_gets_the_cure_that_fits(
    bootstrap: ModuleType, output: str, cure: str
) -> None:
    assert cure in bootstrap.cure_for(output)


def test_the_line_that_says_error_is_quoted(bootstrap: ModuleType) -> None:
    assert (
        bootstrap.heart(["Using x", "error: no such file", "  cause: y"]) == "error: no such file"
    )
    assert bootstrap.heart(["first", "last", ""]) == "last"
    assert bootstrap.heart([]) == "it printed nothing"


def test_an_old_python_alone_ends_with_4(checkout: Path) -> None:
    _fake_python(checkout / "bin", "python3", OLD)
    done = _bootstrap(checkout)
    assert done.returncode == 4
    assert "is Python 3.6.9" in done.stderr
    assert not (checkout / ".tools").exists()


def test_a_newer_python_beside_an_old_one_is_found(checkout: Path) -> None:
    _fake_python(checkout / "bin", "python3", OLD)
    _fake_python(checkout / "bin", "python3.12", WITHOUT_ENSUREPIP)
    done = _bootstrap(checkout)
    assert "3.6.9" not in done.stderr
    assert "without ensurepip" in done.stderr


def test_a_python_without_ensurepip_ends_with_4(checkout: Path) -> None:
    _fake_python(checkout / "bin", "python3", WITHOUT_ENSUREPIP)
    done = _bootstrap(checkout)
    assert done.returncode == 4
    assert "cure: Debian, Ubuntu: apt-get install python3." in done.stderr
    assert not (checkout / ".tools").exists()


def test_no_python_at_all_ends_with_4(checkout: Path) -> None:
    done = _bootstrap(checkout)
    assert done.returncode == 4
    assert "found no Python" in done.stderr
    assert "cure:" in done.stderr


def test_a_folder_that_cannot_be_written_ends_with_4(checkout: Path) -> None:
    _fake_python(checkout / "bin", "python3", "pass")
    checkout.chmod(0o555)
    try:
        done = _bootstrap(checkout, heed_permissions=os.geteuid() == 0)
    finally:
        checkout.chmod(0o755)
    assert done.returncode == 4
    assert f"{checkout}/.tools: Permission denied" in done.stderr
    assert "cure: use a checkout that this user may write to" in done.stderr


def test_nothing_is_done_when_nothing_changed(checkout: Path, bootstrap: ModuleType) -> None:
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    (checkout / ".venv/firemarshal.json").write_text(json.dumps(bootstrap.wanted(checkout)))
    assert bootstrap.made(checkout) == bootstrap.wanted(checkout)
    (checkout / "uv.lock").write_text("changed")
    assert bootstrap.made(checkout) != bootstrap.wanted(checkout)
    (checkout / ".venv/bin/python").unlink()
    assert bootstrap.made(checkout) == {}
