#!/bin/sh
# promote.sh MANAGER_URL...: asks Patroni to promote the standby that lags least behind a dead primary.
set -eu
python3 - "$@" <<'PYTHON'
import json
import sys
import urllib.error
import urllib.request


def ask(url, body=None):
    data = json.dumps(body).encode() if body else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data), timeout=20) as answer:
        return answer.read().decode()


standbys = []
for url in sys.argv[1:]:
    try:
        member = json.loads(ask(f"{url}/patroni"))
    except OSError as problem:
        print(f"{url} does not answer: {problem}")
        continue
    if member["role"] in ("replica", "standby_leader") and member["state"] == "running":
        standbys.append((member["xlog"]["received_location"], url, member["patroni"]["name"]))
if not standbys:
    sys.exit("no standby runs: restore from the newest backup instead")
_, url, name = max(standbys)
print(ask(f"{url}/failover", {"candidate": name}))
PYTHON
