# Ends a process if the one that guards it is killed, or frozen for longer than its lease lives.
# $1 seconds between TERM and KILL   $2 seconds that the lease lives, 0 if there is none
# Its input: the number of the process; then a line each time the lease was looked at, with the seconds that it lives from then on; "end"
# when the process has ended.
grace=$1 left=$2
trap '' HUP INT QUIT TERM

# A process and all that it has started.
tree() {
  echo "$1"
  if [ -r /proc/self/stat ]; then
    for stat in /proc/[0-9]*/stat; do
      { IFS= read -r line <"$stat"; } 2>/dev/null || continue
      # After the name, which may have blanks and brackets: the state, and the parent.
      parent=${line##*) }
      parent=${parent#* }
      [ "${parent%% *}" != "$1" ] || (tree "${line%% *}")
    done
  else
    for each in $(pgrep -P "$1"); do (tree "$each"); done
  fi
}

# Guarded from its first moment: if nobody was left to tell its number, it is known by its environment, which names this shell.
IFS= read -r child || {
  sleep 1
  child=
  for environ in /proc/[0-9]*/environ; do
    ! grep -qsF "HAPAX_GUARDIAN=$$." "$environ" || child="$child $(basename "${environ%/environ}")"
  done
  left=none
}
[ "$child" != end ] || exit 0

[ "$left" = none ] || command -v timeout >/dev/null || left=0
deadline=$left
while [ "$left" != none ]; do
  if [ "$deadline" = 0 ]; then
    IFS= read -r line || break
  else
    line=$(timeout "$deadline" sh -c 'IFS= read -r line && echo "$line"') || break
  fi
  [ "$line" != end ] || exit 0
  [ "$left" = 0 ] || deadline=$line
done

all=$(for each in $child; do tree "$each"; done)
kill -TERM $all 2>/dev/null
waited=0
while :; do
  # Only what was there all the time: numbers of processes are used again.
  alive=
  for each in $all; do
    ! kill -0 "$each" 2>/dev/null || alive="$alive $each"
  done
  all=$alive
  [ -n "$all" ] || exit 0
  [ "$waited" -lt "$grace" ] || break
  sleep 1
  waited=$((waited + 1))
done
kill -KILL $all 2>/dev/null
exit 0
