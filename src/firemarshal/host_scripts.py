"""What runs on a far machine: plain sh, because nothing of ours is installed there."""

GONE, OTHER, ZOMBIE = 93, 94, 95

# A command that outlived its deadline would do its harm after healing had been proved.
DEADLINE = (
    'if command -v timeout >/dev/null 2>&1; then exec timeout -k 1 "$0" "$@"; else exec "$@"; fi'
)
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
SPAWN = """
log=$1; shift
command -v "$1" >/dev/null || { echo "$1: not found" >&2; exit 127; }
while IFS= read -r pair; do export "$pair"; done
: >>"$log" || exit 1
setsid "$@" </dev/null >>"$log" 2>&1 &
echo $!
"""
