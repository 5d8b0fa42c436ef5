"""What a runbook step does, in a verb's child: a command as it stands, or one HTTP request.

Both are plain functions with JSON arguments, so each step is a Chaos Toolkit activity too. What
they answer is `{"ok": bool, "answer": str, "said": str}`: an exit code is a fact, not an error.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from firemarshal.fault import NotDone
from firemarshal.hosts import host
from firemarshal.runbook import PLACE
from firemarshal.secrets import without_secrets

MOST_SAID = 2000
SUCCESS = range(200, 300)
Json = dict[str, Any]


def command(
    argv: list[str],
    on: str,
    timeout_s: float,
    folder: str,
    log: str,
    words: Json,
    configuration: Json,
) -> Json:
    """Run the words in `folder` and keep what they said in the file `log`.

    What the command started in the background lives on after it, as servers must; at the deadline
    everything that it started in its own process group dies. `words` are variables for it.
    """
    system = configuration["system"]
    told = [filled(one, system) for one in argv]
    if on:
        return _on_host(told, on, timeout_s, log, system)
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    environment = {**os.environ, "PATH": path, **words}
    with tempfile.TemporaryFile() as output:
        try:
            code = _run(told, folder, environment, output, timeout_s)
        except OSError as problem:
            raise NotDone(f"{told[0]}: {problem.strerror}") from None
        output.seek(0)
        said = _kept(output.read().decode(errors="replace"), log)
    if code is None:
        return {"ok": False, "answer": f"no end within {timeout_s:g} s, ended", "said": said}
    return {"ok": code == 0, "answer": f"exit {code}", "said": said}


def request(
    url: str,
    method: str,
    body: Any,
    headers: Json,
    expect: list[int],
    timeout_s: float,
    configuration: Json,
) -> Json:
    """One request, never through a proxy of the environment; any answer of success will do."""
    system = configuration["system"]
    data = json.dumps(_filled(body, system)).encode() if body is not None else None
    sent = {"Content-Type": "application/json", **_filled(headers, system)}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        asked = urllib.request.Request(filled(url, system), data, sent, method=method)  # noqa: S310
        with opener.open(asked, timeout=timeout_s) as answer:
            code, said = answer.status, answer.read(MOST_SAID).decode(errors="replace")
    except urllib.error.HTTPError as problem:
        with problem:
            code, said = problem.code, problem.read(MOST_SAID).decode(errors="replace")
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return {"ok": False, "answer": without_secrets(str(problem)), "said": ""}
    well = code in expect if expect else code in SUCCESS
    return {"ok": well, "answer": f"HTTP {code}", "said": without_secrets(said.strip())}


def filled(text: str, system: Json) -> str:
    """The text with `{MEMBER.FIELD}`, `{system.FIELD}` and `{env.NAME}` replaced by their values.

    Raises NotDone for a place that has none, because a half-filled command could hit anything.
    """
    return PLACE.sub(lambda found: _value(found, system), text)


def _value(found: re.Match[str], system: Json) -> str:
    whose, field = found[1], found[2]
    if whose == "env":
        table: Any = os.environ
    elif whose == "system":
        table = system
    else:
        table = next((one for one in system.get("members", []) if one["name"] == whose), None)
    value = table.get(field) if table is not None else None
    if value in (None, ""):
        raise NotDone(f"{found[0]} has no value on {system['name']}; cure: correct the runbook")
    return str(value)


def _filled(value: Any, system: Json) -> Any:
    if isinstance(value, str):
        return filled(value, system)
    if isinstance(value, dict):
        return {key: _filled(one, system) for key, one in value.items()}
    return [_filled(one, system) for one in value] if isinstance(value, list) else value


def _run(
    argv: list[str], folder: str, environment: dict[str, str], output: IO[bytes], timeout_s: float
) -> int | None:
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,  # of this session, so that a keeper that stops the drill ends it as well
    )
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _on_host(argv: list[str], on: str, timeout_s: float, log: str, system: Json) -> Json:
    member = next((one for one in system.get("members", []) if one["name"] == on), None)
    if member is None:
        raise NotDone(f"{system['name']} has no member {on!r}; cure: correct `on` in the runbook")
    machine = host(next(one for one in system["hosts"] if one["name"] == member["host"]))
    done = machine.run(argv, timeout_s)
    said = _kept(done.out + done.err, log)
    return {"ok": done.code == 0, "answer": f"exit {done.code}", "said": said}


def _kept(text: str, log: str) -> str:
    """Write the whole of it as evidence; returns the end of it, for the journal."""
    shown = without_secrets(text)
    Path(log).write_text(shown, encoding="utf-8")
    return shown.strip()[-MOST_SAID:]
