#!/bin/sh
# A full disk, a read-only state directory, no privilege, a lock that another program holds: the documented error, and the
# baseline is untouched.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate

mkdir -m 700 "$state"
mount -t tmpfs -o size=256k,mode=700 lsm-e2e "$state"
at_end "umount '$state'"
install_lsm
configure
open_sockets tcp/127.0.0.1:7001
baseline
cp "$state/baseline" "$work/before"

# --- full disk
dd if=/dev/zero of="$state/filler" bs=1k 2>/dev/null
run "$lsm" generate
exits "full disk: generate" 2
prints "full disk: generate names the file" "$state/baseline"
prints "full disk: generate names the reason" "No space left on device"
prints_one_error "full disk: generate prints one line"
check "full disk: the baseline is untouched" cmp "$work/before" "$state/baseline"
check "full disk: no temporary file is left" test -z "$(find "$state" -name '.*.tmp')"
run "$lsm" compare
prints "full disk: compare still works" "Baseline  "
dd if=/dev/zero of="$state/more" bs=1k 2>/dev/null # what that run has freed
run "$lsm" compare
prints "full disk: and once more" "Baseline  "
open_sockets unix-stream/@lsm-faults
run "$lsm" compare
exits "full disk: a new socket" 1
prints "full disk: compare reports it" "NEW      unix/@lsm-faults"
prints "full disk: a warning says that the owner cache cannot be written" "the next run has to search all processes"
close_sockets
rm "$state/filler" "$state/more"
run "$lsm" generate
exits "space again: generate" 0

# --- read-only
cp "$state/baseline" "$work/before"
mount -o remount,ro "$state"
run "$lsm" generate
exits "read-only: generate" 2
prints "read-only: generate names the reason" "Read-only file system"
prints_one_error "read-only: generate prints one line"
mount -o remount,rw "$state"
check "read-only: the baseline is untouched" cmp "$work/before" "$state/baseline"

# --- another user
run as_nobody "$lsm" compare
exits "no privilege: compare" 2
prints "no privilege: compare says what to do" "run lsm as root"
prints_one_error "no privilege: compare prints one line"
run as_nobody "$lsm" list
exits "no privilege: list" 0
prints "no privilege: list counts what it cannot see" "are hidden from this user"
configure 'NETNS="all"'
run as_nobody "$lsm" list
exits "no privilege: list of all network namespaces" 0
prints "no privilege: list says what it cannot read" "cannot read the network namespace of"

# --- standard output
# shellcheck disable=SC2016  # for the other shell
run sh -c '"$1" list >/dev/full' sh "$lsm"
exits "full output: list" 2
prints "full output: list says so" "the output could not be written"
prints_one_error "full output: list prints one line"
# shellcheck disable=SC2016  # for the other shell
run sh -c '{ "$1" list; echo $? >"$2"; } | :' sh "$lsm" "$work/closed"
prints_nothing "closed output: list prints no error"
check "closed output: list exits with 0" test "$(cat "$work/closed")" = 0

# --- another run holds the lock
mkfifo "$work/locked"
perl -e '
  use Fcntl qw(:flock :DEFAULT);
  open(my $lock, "+<", $ARGV[0]) or die $!;
  my $whole = pack("s s l! l! i", 1, 0, 0, 0, 0);   # struct flock: F_WRLCK, the whole file
  fcntl($lock, F_SETLK, $whole) or die $!;
  truncate($lock, 0);
  syswrite($lock, "$$\n");
  open(my $ready, ">", $ARGV[1]); close $ready;
  sleep 600;' "$state/lock" "$work/locked" &
locker=$!
cat "$work/locked"
began=$(date +%s)
run "$lsm" generate
waited=$(($(date +%s) - began))
exits "the lock is held: generate" 2
prints "the error names the PID of the holder" "PID $locker"
check "generate waited 30 s ($waited s)" test "$waited" -ge 30
close_sockets "$locker"
run "$lsm" generate
exits "the lock is free when its holder has ended" 0

finish
