"""What a runbook step does, in a verb's child: a command as it stands, or one HTTP request.

Both are plain functions with JSON arguments, so each step is a Chaos Toolkit activity too. What
they answer is `{"ok": bool, "answer": str, "said": str}`: an exit code is a fact, not an error.
"""

import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from firemarshal.fault import NotDone
from firemarshal.host_scripts import STEP
from firemarshal.hosts import TIMEOUT_EXPIRED, Host, SshHost, host
from firemarshal.keeper.commands import BROKEN, Ended, run
from firemarshal.runbook import PLACE
from firemarshal.secrets import without_secrets

MOST_SAID = 2000
SUCCESS = range(200, 300)
FAR_GRACE_S = 3.0  # for the far side to end what is late, within the keeper's own
Json = dict[str, Any]


def command(
    argv: list[str],
    on: str,
    timeout_s: float,
    folder: str,
    log: str,
    words: Json,
    configuration: Json,
    spare: bool = True,
) -> Json:
    """Run the words in `folder` and keep what they said in the file `log`.

    What a command that went well started in the background lives on after it, as servers must, and
    is told as `left`; one that failed, or is late, is ended with everything it started. `words` are
    variables for it, on another machine too. A question has nothing to leave: no `spare`.
    """
    system = configuration["system"]
    told = [filled(one, system) for one in argv]
    machine = _machine(on, system)
    if isinstance(machine, SshHost):
        ended = _far(machine, told, words, folder, timeout_s)
    else:
        path = os.environ.get("PATH", os.defpath)
        words = {**words, "PATH": os.pathsep.join((path, str(Path(sys.executable).parent)))}
        ended = _run(told, folder, words, timeout_s, spare=spare)
    Path(log).write_text(ended.said, encoding="utf-8")
    said = ended.said.strip()[-MOST_SAID:]
    if ended.code is None:
        answer = f"no end within {timeout_s:g} s, ended"
        return {"ok": False, "answer": answer, "said": said, "left": []}
    answer = f"exit {ended.code}"
    return {"ok": ended.code == 0, "answer": answer, "said": said, "left": [*ended.left]}


def request(
    url: str,
    method: str,
    body: Any,
    headers: Json,
    expect: list[int],
    timeout_s: float,
    configuration: Json,
) -> Json:
    """One request, through no proxy of the environment and to no other address it is sent on to.

    Any answer of success will do where none is expected. A server that sends byte after byte is
    not ended by `timeout_s`, but by whoever runs this in a child.
    """
    system = configuration["system"]
    data = json.dumps(_filled(body, system)).encode() if body is not None else None
    sent = {"Content-Type": "application/json", **_filled(headers, system)}
    code, said, broken = 0, "", ""
    try:
        asked = urllib.request.Request(filled(url, system), data, sent, method=method)  # noqa: S310
        with _opened(asked, timeout_s) as answer:
            code = answer.status
            said = answer.read(MOST_SAID).decode(errors="replace")
    except (OSError, ValueError, http.client.HTTPException) as problem:
        broken = str(problem) or type(problem).__name__
    well = not broken and (code in expect if expect else code in SUCCESS)
    told = ", then ".join(one for one in (f"HTTP {code}" if code else "", broken) if one)
    return {"ok": well, "answer": without_secrets(told), "said": without_secrets(said.strip())}


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: a page to log in to is no success, and a token is for one address only."""

    def redirect_request(self, *_: Any) -> None:
        """Leave the answer as it is."""


def _opened(asked: urllib.request.Request, timeout_s: float) -> Any:
    """The answer, whatever its status says."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    try:
        return opener.open(asked, timeout=timeout_s)
    except urllib.error.HTTPError as answer:
        return answer


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


def _run(argv: list[str], folder: str, words: Json, timeout_s: float, **more: Any) -> Ended:
    try:
        return run(argv, folder, words, timeout_s, **more)
    except OSError as problem:
        raise NotDone(f"{argv[0]}: {problem.strerror}") from None


def _machine(on: str, system: Json) -> Host | None:
    if not on:
        return None
    member = next((one for one in system.get("members", []) if one["name"] == on), None)
    if member is None:
        raise NotDone(f"{system['name']} has no member {on!r}; cure: correct `on` in the runbook")
    return host(next(one for one in system["hosts"] if one["name"] == member["host"]))


def _far(machine: SshHost, argv: list[str], words: Json, folder: str, timeout_s: float) -> Ended:
    """Over ssh: the deadline holds over there, and the end is told by a mark nobody else knows."""
    mark = f"firemarshal-{os.urandom(8).hex()}"
    pairs = [f"{key}={value}" for key, value in words.items()]
    far = ["sh", "-c", STEP, "step", f"{timeout_s:g}", mark, "env", *pairs, *argv]
    ended = _run(machine.line(far), folder, {}, timeout_s + FAR_GRACE_S, mark=mark)
    if ended.code == BROKEN:
        raise machine.not_asked(argv, ended.said)
    late = ended.code in TIMEOUT_EXPIRED and ended.took_s >= timeout_s
    return replace(ended, code=None) if late else ended
