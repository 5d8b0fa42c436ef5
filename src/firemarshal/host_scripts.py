"""How ssh is called, and what runs on the far side: plain sh, as nothing of ours is there."""

CONNECT_TIMEOUT_S = 5
SSH_OPTIONS = (
    *("BatchMode=yes", f"ConnectTimeout={CONNECT_TIMEOUT_S}", "StrictHostKeyChecking=yes"),
    *("ControlMaster=no", "ControlPath=none", "RemoteCommand=none", "ClearAllForwardings=yes"),
    *("ServerAliveInterval=5", "ServerAliveCountMax=2", "LogLevel=ERROR"),
)
CURES = (
    ("IDENTIFICATION HAS CHANGED", "another machine may sit there: ask its owner before any drill"),
    ("ost key", "compare `ssh-keyscan` with what its owner says, then add it to known_hosts"),
    ("dentity file", "correct identity_file: a key is needed, as nobody can type a password"),
    ("ermission denied", "let this key in there: user, identity_file, its authorized_keys"),
    ("", "check address, port, user, identity_file and known_hosts_file of the host"),
)
GONE, OTHER, ZOMBIE = 93, 94, 95

# A command that outlived its deadline would do its harm after healing had been proved.
DEADLINE = (
    'if command -v timeout >/dev/null 2>&1; then exec timeout -k 1 "$0" "$@"; else exec "$@"; fi'
)
# The end is told in the output itself: whoever holds the connection open must not delay it. What
# fails is ended with its session, but for this shell, its parent, and what was there before it.
STEP = """
seconds=$1 mark=$2; shift 2
if command -v timeout >/dev/null 2>&1; then
  timeout -k 1 "$seconds" "$@" </dev/null 2>&1
else
  "$@" </dev/null 2>&1
fi
code=$?
stat_of() { read -r line 2>/dev/null <"/proc/$1/stat" && set -- ${line##*) } && echo "$4 ${20}"; }
if [ "$code" != 0 ] && own=$(stat_of "$$"); then
  for path in /proc/[0-9]*; do
    pid=${path#/proc/}
    one=$(stat_of "$pid") && [ "${one% *}" = "${own% *}" ] || continue
    [ "${one#* }" -ge "${own#* }" ] || continue
    [ "$pid" = "$$" ] || [ "$pid" = "$PPID" ] || kill -s KILL "$pid" 2>/dev/null
  done
fi
printf '\\n%s %s\\n' "$mark" "$code"
"""
SIGNAL = f"""
set -f; pid=$1 start=$2 name=$3
read -r line 2>/dev/null </proc/"$pid"/stat || exit {GONE}
set -- ${{line##*) }}
[ "${{20}}" = "$start" ] || exit {OTHER}
[ "$1" != Z ] || exit {ZOMBIE}
kill -s "$name" "$pid"
"""
# While the parent is stopped its dead children stay zombies, so no pid can be given out again.
KILL_TREE = f"""
pid=$1 start=$2
read -r line 2>/dev/null </proc/"$pid"/stat || exit {GONE}
set -- ${{line##*) }}
[ "${{20}}" = "$start" ] || exit {OTHER}
[ "$1" != Z ] || exit {ZOMBIE}
kill -s STOP "$pid" || exit 1
children=
for stat in /proc/[0-9]*/stat; do
  read -r line 2>/dev/null <"$stat" || continue
  set -- ${{line##*) }}
  [ "$2" = "$pid" ] || continue
  child=${{stat#/proc/}}
  children="$children ${{child%/stat}}"
done
kill -s KILL $children "$pid" 2>/dev/null; :
"""
# A parent stops first and goes on last, so that it neither replaces its children nor loses them.
SIGNAL_TREE = f"""
pid=$1 start=$2 name=$3
read -r line 2>/dev/null </proc/"$pid"/stat || exit {GONE}
set -- ${{line##*) }}
[ "${{20}}" = "$start" ] || exit {OTHER}
[ "$1" != Z ] || exit {ZOMBIE}
[ "$name" = CONT ] || kill -s "$name" "$pid" || exit 1
children=
for stat in /proc/[0-9]*/stat; do
  read -r line 2>/dev/null <"$stat" || continue
  set -- ${{line##*) }}
  [ "$2" = "$pid" ] || continue
  child=${{stat#/proc/}}
  children="$children ${{child%/stat}}"
done
[ -z "$children" ] || kill -s "$name" $children 2>/dev/null
[ "$name" != CONT ] || kill -s CONT "$pid"
"""
SPAWN = """
log=$1; shift
command -v "$1" >/dev/null || { echo "$1: not found" >&2; exit 127; }
while IFS= read -r pair; do export "$pair"; done
: >>"$log" || exit 1
setsid "$@" </dev/null >>"$log" 2>&1 &
echo $!
"""
