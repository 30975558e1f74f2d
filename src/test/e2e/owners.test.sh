#!/bin/sh
# Users who share sockets among hundreds of programs, or hand them to the programs of others: a run takes seconds, its files
# and alerts stay small, and the report tells who made a socket.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate setpriv dbus-daemon

install_lsm
record_alerts
configure "RUN_CMD=\". $work/record\""
# shellcheck disable=SC3045  # every sh has it
ulimit -S -n 2000
hold setpriv --reuid daemon --regid nogroup --clear-groups perl "$scripts/sockets.pl" tcp/127.0.0.1:7001
service=$holder
baseline

# is_at_most SIZE FILE: a file of so many bytes is not empty.
is_at_most() {
  test -s "$2" && test "$(wc -c <"$2")" -le "$1"
}

# compare_within SECONDS WHAT: a compare that exits with 1.
compare_within() {
  began=$(date +%s)
  run "$lsm" compare
  seconds=$(($(date +%s) - began))
  exits "$2: compare" 1
  check "$2: it takes $seconds s, not more than $1" test "$seconds" -le "$1"
  check "$2: no file of the state is larger than 16 MiB" test -z "$(find "$state" -size +16M)"
}

# --- sockets that many processes share
mkdir -m 1777 "$work/programs"
while read -r sockets processes directory; do
  what="$sockets sockets of $processes processes"
  hold as_nobody perl "$scripts/shared.pl" "$sockets" "$processes" ${directory:+"$work/programs/$processes"}
  attacker=$holder
  open_sockets tcp/127.0.0.1:7002
  rm -f "$work/alert.json"
  compare_within 30 "$what"
  check "$what: RUN_CMD gets $(wc -c <"$work/alert.json") bytes, not more than 1 MiB" is_at_most 1048576 "$work/alert.json"
  check "$what: the mail is small" is_at_most 2097152 "$work/stored.json"
  check "$what: another user's socket is alerted" grep -q '"socket": "tcp/127.0.0.1:7002"' "$work/alert.json"
  [ -z "$directory" ] ||
    check "$what: further owners are counted" grep -q "\"program\": \"$((processes - 20)) more owners (sha256 " "$work/alert.json"
  rm -f "$work/alert.json"
  compare_within 15 "$what, again"
  check "$what, again: there is no alert" absent "$work/alert.json"
  run "$lsm" generate
  exits "$what: generate" 0
  run "$lsm" compare
  exits "$what: they are accepted" 0
  close_sockets "$attacker" "$holder"
  run "$lsm" generate
  run "$lsm" compare
  exits "$what: the compare after they have left is normal" 0
done <<END
250 250 yes
900 900 yes
1 5000
