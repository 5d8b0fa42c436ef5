"""What is taken for a secret, and that none passes the doors of evidence."""

import subprocess
import sys
from pathlib import Path

import pytest

from firemarshal.secrets import secrets_of

CANARY = "hunter2-canary"
SECRET = [
    "PGPASSWORD",
    "DB_PASS",
    "GITHUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "SECRET_KEY_BASE",
    "api_key",
    "TOKEN_2",
]
PLAIN = ["PGPASSFILE", "TOKENIZERS_PARALLELISM", "KEYBOARD", "PATH", "SSH_AUTH_SOCK"]


@pytest.mark.parametrize("name", SECRET)
def test_a_name_that_ends_in_a_word_for_a_secret_is_one(name: str) -> None:
    assert secrets_of({name: CANARY}) == (CANARY,)


@pytest.mark.parametrize("name", PLAIN)
def test_other_names_are_not(name: str) -> None:
    assert secrets_of({name: CANARY}) == ()


def test_a_password_within_an_address_is_one() -> None:
    assert secrets_of({"DATABASE_URL": f"postgres://app:{CANARY}@db:5432/x"}) == (CANARY,)


def test_a_short_value_would_hide_everybodys_words() -> None:
    assert secrets_of({"DB_PASSWORD": "app"}) == ()


def test_the_longest_is_hidden_first() -> None:
    assert secrets_of({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefgh"}) == ("abcdefgh", "abcdef")


def test_no_secret_passes_the_journals_door(tmp_path: Path) -> None:
    text = (
        "from pathlib import Path; from firemarshal.journal import Journal; "
        f"journal = Journal(Path({str(tmp_path / 'j')!r}), 'me', print); "
        f"journal.note('called', error='tried {CANARY}', deep=[{{'it': '{CANARY}'}}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={"DB_PASSWORD": CANARY},
        capture_output=True,
        text=True,
        check=True,
    )
    kept = (tmp_path / "j").read_text()
    assert kept.count("(not shown)") == 2
    assert CANARY not in kept + done.stdout + done.stderr
