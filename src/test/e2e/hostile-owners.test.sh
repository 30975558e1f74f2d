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
baseline

# is_at_most SIZE FILE: a file of so many bytes, which is not empty.
is_at_most() {
  test -s "$2" && test "$(wc -c <"$2")" -le "$1"
}

# compare_within SECONDS CASE: a compare that exits with 1.
compare_within() {
  began=$(date +%s)
  run "$lsm" compare
  seconds=$(($(date +%s) - began))
  exits "$2: compare" 1
  check "$2: it takes $seconds s, not more than $1" test "$seconds" -le "$1"
  check "$2: no file of the state is larger than 16 MiB" test -z "$(find "$state" -size +16M)"
}

# block SOCKET: the block of the report of the last run about this new socket, in $work/block.
block() {
  sed 's/^NEW *\[high\]/NEW/' "$work/run.out" | awk -v title="$1" '$1 == "NEW" && $2 == title { found = 1 } found' | sed '/^$/q' >"$work/block"
}

# --- sockets that many processes share
mkdir -m 1777 "$work/programs"
# shared SOCKETS PROCESSES [DIRECTORY]: as shared.pl takes them.
shared() {
  case_="$1 sockets of $2 processes"
  sockets=$1
  programs=${3:+$2}
  hold setpriv --reuid nobody --regid nogroup --clear-groups perl "$scripts/shared.pl" "$@"
  attacker=$holder
  open_sockets tcp/127.0.0.1:7002
  rm -f "$work/alert.json" "$work/stored.json"
  compare_within 30 "$case_"
  size=$(wc -c <"$work/alert.json")
  check "$case_: RUN_CMD gets $size bytes, not more than 1 MiB" is_at_most 1048576 "$work/alert.json"
  check "$case_: all forms of the alert together are not larger than 2 MiB" is_at_most 2097152 "$work/stored.json"
  check "$case_: all sockets are counted" grep -q "^  \"new\": $((sockets + 1))," "$work/alert.json"
  check "$case_: another user's socket is alerted" grep -q '"socket": "tcp/127.0.0.1:7002"' "$work/alert.json"
  # Not all, where the machine is too slow to search all processes in time.
  [ -z "$programs" ] ||
    check "$case_: further owners are counted" grep -qE '"program": "[0-9]{3} more owners .sha256 ' "$work/alert.json"
  rm -f "$work/alert.json"
  compare_within 15 "$case_, again"
  check "$case_, again: there is no alert" absent "$work/alert.json"
  run "$lsm" generate
  exits "$case_: generate" 0
  run "$lsm" compare
  exits "$case_: they are accepted" 0
  close_sockets "$attacker" "$holder"
  check "$case_: they leave" within 30 sh -c '! grep -q @shared- /proc/net/unix'
  rm "$state/alert-state" # it would count the sockets of the next case as alerted
  run "$lsm" generate
  run "$lsm" compare
  exits "$case_: the compare after they have left is normal" 0
}
shared 250 250 "$work/programs/250"
# 900 of 900 are the same, but their search can take more than its ten seconds on a slow machine.
shared 450 450 "$work/programs/450"
shared 1 5000
check "all state is smaller than 64 MiB" test "$(du -sm "$state" | cut -f 1)" -lt 64

# --- who made a socket
program=$(readlink -f "$(command -v dbus-daemon)")
mkdir -m 755 "$work/bus"
chown messagebus "$work/bus"
cat >"$work/bus.conf" <<END
<busconfig>
  <type>session</type>
  <listen>unix:path=$work/bus/socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
END
setpriv --reuid messagebus --regid messagebus --clear-groups dbus-daemon --nofork --config-file="$work/bus.conf" &
bus=$!
check "dbus-daemon starts" within 10 test -S "$work/bus/socket"
echo "*  *  program=$program user=messagebus" >"$prefix/lsm/ignore.lsm"
baseline
hold setpriv --reuid daemon --regid nogroup --clear-groups --inh-caps +net_raw --ambient-caps +net_raw \
  perl "$scripts/bus.pl" "$work/bus/socket" 7101
sender=$holder
hold setpriv --reuid nobody --regid nogroup --clear-groups perl "$scripts/descriptors.pl" 7106 0 0 0
in_flight=$holder
# shellcheck disable=SC2016  # Perl
hold perl -MIO::Socket::INET -MPOSIX -e '
  my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:7107") or die $!;
  POSIX::setgid(1);
  POSIX::setuid(1);
  $| = 1;
  print "ready\n";
  my @rest = <STDIN>;'
daemon=$holder
rm -f "$work/alert.json"
run "$lsm" compare
exits "sockets that were handed over are no ignored ones" 1
for socket in tcp/127.0.0.1:7101 'tcp6/[::1]:7102' udp/127.0.0.1:7103 raw/0.0.0.0:253 'packet/*:0x0003'; do
  check "$socket is a title" grep -qF " $socket" "$work/run.out"
done
block tcp/127.0.0.1:7101
check "the report tells who made and who holds them" grep -qF "! made by daemon, held by $program (messagebus)" "$work/block"
check "the holder is dbus-daemon" grep -q "PID *$bus\$" "$work/block"
check "they have one block" grep -q 'packet/' "$work/block"
block tcp/127.0.0.1:7106
# In this PID namespace, lsm does not claim that no process holds it.
check "a socket that waits in a message: the report tells who made it" grep -q 'program *made by nobody, its process may be' "$work/block"
block tcp/127.0.0.1:7107
check "a daemon that binds as root and becomes another user owns its socket" grep -q "PID *$daemon\$" "$work/block"
check "nobody else made it" test -z "$(grep 'made by' "$work/block")"
check "JSON has the flag" grep -q '"maker_differs"' "$work/alert.json"
check "JSON has the maker" grep -q '"program": "(maker)"' "$work/alert.json"
run "$lsm" list
check "the list has the maker" grep -q '^tcp/127.0.0.1:7101 *daemon *- *(maker)$' "$work/run.out"
run "$lsm" generate
run "$lsm" compare
exits "makers are accepted" 0
close_sockets "$sender" "$in_flight" "$daemon"
run "$lsm" compare
check "they have left" test -z "$(grep '^NEW' "$work/run.out")"
close_sockets "$bus"
finish
