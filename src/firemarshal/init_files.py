"""The files of `firemarshal init` as text, written for the person who has to read them."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
PROFILE = """\
# {name}: which systems may be drilled here, how they are reached, and within what limits.
# Found by `firemarshal init`; correct what is not so. No secret stands here: passwords come from
# ~/.pgpass (or a passfile=PATH in the connection strings), ssh uses a key.
name = {quoted}
environment = {environment}
give_up_after_s = 600       # the longest watch; then the drill heals and gives up
watch_beyond_s = 60         # a system that is not back is watched for max(2 x RTO, RTO + this)
max_hold_s = 900            # no fault stands longer, not even if firemarshal is killed
heal_within_s = 60          # how long healing is tried before the drill ends NOT CLEAN

# What must hold before anything is harmed; freeze windows and questions to your own systems too.
[guards]
most_members = 1            # how many members one fault may hit
"""
RECORDER = """
# How hard the recorder may knock; begin gently.
[systems.recorder]
rate_per_s = 100            # writes a second
connections = 60            # at most; leave most of max_connections to others
baseline_s = 3              # how long normal is watched before the fault
window_s = 5                # recovered means: this long as good as normal
"""
PLAN = """\
# What is promised. Put in what your recovery plan says: drills are judged against it.
id = {name}
name = {title}
source = "written by firemarshal init; name your own document here"
version = "1"

[[clauses]]
id = {clause}
text = {text}
every = "quarter"
rto = {rto}
rpo = {rpo}
"""


def places(root: Path, name: str) -> list[Path]:
    """Where the three files go; the feature last."""
    return [
        root / "targets" / f"{name}.toml",
        root / "plans" / f"{name}.toml",
        root / "features" / name / "primary_crash.feature",
    ]


def profile(name: str, environment: str, table: Json, comments: dict[str, str]) -> str:
    """A target profile with one system, every key explained."""
    head = PROFILE.format(name=name, quoted=toml(name), environment=toml(environment))
    plain, below = [], []
    for key, value in table.items():
        comment = f"# {comments[key]}" if key in comments else ""
        if isinstance(value, list):
            below += ["", *([comment] if comment else [])]
            below += "\n\n".join(_table(f"systems.{key}", one) for one in value).split("\n")
        else:
            line = f"{key} = {toml(value)}"
            short = comment and len(line) + len(comment) < 96
            plain += [f"{line}  {comment}"] if short else [*([comment] if comment else []), line]
    return "\n".join([head, "[[systems]]", *plain, *below]) + "\n" + RECORDER


def plan(name: str, clause: str, system: str, promise: dict[str, str]) -> str:
    """A plan of one clause, for the first drill to be judged by."""
    text = f"When the primary of {system} crashes, another member takes over and writes return."
    said = {"name": name, "title": f"Recovery plan of {name}", "clause": clause, "text": text}
    return PLAN.format(**{key: toml(value) for key, value in {**said, **promise}.items()})


def toml(value: Any) -> str:
    """A value as TOML has it; JSON's texts are TOML's, but for one control character."""
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {toml(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def next_steps(root: Path, name: str, table: Json) -> list[str]:
    """What a person does next, in the order in which it has to be done."""
    return [
        "next:",
        f"  1. read them; what plans/{name}.toml promises must be what your recovery plan says",
        "  2. write the passwords into ~/.pgpass, mode 600, one line a user (make one up for the",
        "     first, prepare gives it to the database):",
        *(f"       {line}" for line in _pgpass(table)),
        f"  3. firemarshal prepare --target {name}      the SQL that your DBA reads and runs",
        f"  4. firemarshal doctor --target {name}       what is still missing; harms nothing",
        f"  5. firemarshal rehearse features/{name} --target {name}    whom it would harm, and how",
        f"  6. firemarshal run features/{name} --target {name}",
        f"files lie in {root}",
    ]


def _pgpass(table: Json) -> list[str]:
    from psycopg.conninfo import conninfo_to_dict

    said = [conninfo_to_dict(table[key]) for key in ("operator", "client") if key in table]
    return [f"*:*:{one.get('dbname', '*')}:{one.get('user', '*')}:PASSWORD" for one in said]


def _table(name: str, table: Json) -> str:
    return "\n".join([f"[[{name}]]", *(f"{key} = {toml(one)}" for key, one in table.items())])
