#!/bin/sh
# Full disk, read-only state, a lock that is held: the error of the design, and the baseline untouched.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED  faults: mounting file systems needs root"
  exit 0
fi

prefix=$work/local
state=$work/state
mkdir "$state"
chmod 700 "$state"
mount -t tmpfs -o size=256k,mode=700 lsm-e2e "$state"
at_end "umount '$state'"
run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron
ends "installed on a small file system" 0
echo "MAILER=\"none\"
SYSLOG=\"no\"
STATE_DIR=\"$state\"" >"$prefix/lsm/conf.lsm"
lsm=$prefix/sbin/lsm
cp "$state/baseline" "$work/before"

# --- full disk
dd if=/dev/zero of="$state/filler" bs=1k 2>/dev/null
run "$lsm" generate
ends "generate on a full disk" 2
says "it names the file" "$state/baseline"
says "it says why" "No space left on device"
one_sentence "it says so in one line"
check "the baseline is untouched" cmp "$work/before" "$state/baseline"
check "no half-written file is left" test -z "$(find "$state" -name '.*.tmp')"
run "$lsm" compare
says "compare still works" "Baseline  "
dd if=/dev/zero of="$state/more" bs=1k 2>/dev/null # what that run has freed
run "$lsm" compare
says "and once more" "Baseline  "
mkfifo "$work/opened"
perl -MSocket -e '
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die $!;
  bind($s, pack("S a*", AF_UNIX, "\0lsm-faults")) or die $!;
  listen($s, 1) or die $!;
  open(my $out, ">", $ARGV[0]) or die $!; close $out;
  sleep 600;' "$work/opened" &
listener=$!
at_end "kill $listener 2>/dev/null || :"
cat "$work/opened"
run "$lsm" compare
ends "a full disk keeps no difference from being told" 1
says "it is told" "NEW      unix/@lsm-faults"
says "that nothing can be remembered is told as well" "the next run has to search all processes"
kill "$listener"
wait "$listener" 2>/dev/null
rm "$state/filler" "$state/more"
run "$lsm" generate
ends "the next generate is fine" 0

# --- read-only
cp "$state/baseline" "$work/before"
mount -o remount,ro "$state"
run "$lsm" generate
ends "generate on a read-only file system" 2
says "it says so" "Read-only file system"
one_sentence "in one line"
mount -o remount,rw "$state"
check "the baseline is untouched by it" cmp "$work/before" "$state/baseline"

# --- another user
chmod 755 "$work"
chmod 644 "$prefix/lsm/conf.lsm"
run setpriv --reuid nobody --regid nogroup --clear-groups "$lsm" compare
ends "compare without permission" 2
says "it says what to do" "run lsm as root"
one_sentence "it does so in one line"
run setpriv --reuid nobody --regid nogroup --clear-groups "$lsm" list
ends "list without privilege" 0
says "it tells what it cannot see" "owner that this user may not see"
echo 'NETNS="all"' >>"$prefix/lsm/conf.lsm"
run setpriv --reuid nobody --regid nogroup --clear-groups "$lsm" list
ends "list of all network namespaces without privilege" 0
says "it says that this needs root" 'NETNS="all" needs root'

# --- a run that is held up keeps others out, and they say who it is
mkfifo "$work/conf.fifo"
perl -e '
  use Fcntl qw(:flock :DEFAULT);
  open(my $lock, "+<", $ARGV[0]) or die $!;
  my $whole = pack("s s l! l! i", 1, 0, 0, 0, 0);   # struct flock: F_WRLCK, the whole file
  fcntl($lock, F_SETLK, $whole) or die $!;
  truncate($lock, 0);
  syswrite($lock, "$$\n");
  open(my $ready, ">", $ARGV[1]); close $ready;
  sleep 600;' "$state/lock" "$work/conf.fifo" &
holder=$!
at_end "kill $holder 2>/dev/null || :"
cat "$work/conf.fifo"
started=$(date +%s)
run "$lsm" generate
waited=$(($(date +%s) - started))
ends "a run that finds the lock held" 2
says "it names the PID that holds it" "PID $holder"
check "it waited for 30 s ($waited s)" test "$waited" -ge 30
kill "$holder"
wait "$holder" 2>/dev/null
run "$lsm" generate
ends "the lock is free when its holder has ended" 0

finish
