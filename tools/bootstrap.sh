#!/bin/sh
# Finds a Python that is new enough and hands over to bootstrap.py beside it. PYTHON=... chooses.
# A python3 that is too old is still handed over, so that the message can name what was seen.
set -u
here=$(CDPATH='' cd -- "${0%/*}" && pwd) || exit 4
too_old=79
found=
for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    path=$(command -v "$name") || continue
    [ -n "$found" ] || found=$path
    "$path" -I "$here/bootstrap.py" --silent-if-too-old
    status=$?
    [ "$status" -eq "$too_old" ] || exit "$status"
done
[ -z "$found" ] || exec "$found" -I "$here/bootstrap.py"
echo "bootstrap: looked for ${PYTHON:-python3} on the PATH and found no Python." >&2
echo "  cure: install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv)," >&2
echo "        or name one: make PYTHON=/path/to/python3.12" >&2
exit 4
