#!/bin/sh
# Programs on file systems that other users mount: one that never answers keeps no run, and no file passes for one of this
# host that it is not.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate setpriv bindfs
own_dev
mknod -m 666 /dev/fuse c 10 229

alerts=$work/alerts
append='RUN_CMD="cat >>'$alerts'"'
install_lsm
configure "$append"
mkdir "$work/nobody"
chown nobody "$work/nobody"
open_sockets tcp/127.0.0.1:7001
baseline

# as_user SCRIPT ARGUMENT...: becomes nobody, who is root in a user namespace with mounts of its own, and runs the script.
as_user() {
  exec setpriv --reuid nobody --regid nogroup --clear-groups unshare --user --map-root-user --mount sh -c "$@"
}

# mounted: in a script of as_user, waits until $2 is a mount of bindfs that shows $1.
# shellcheck disable=SC2016  # for the other shell
mounted='bindfs -f -o nonempty,attr_timeout=0,entry_timeout=0 "$1" "$2" & echo $! >"$1.pid"; until mountpoint -q "$2"; do sleep 0.1; done'

# --- an overlay over a file system in user space that no longer answers; its server itself waits for another one, so that
# nothing can end whoever asks it
hang=$work/nobody/hang
# shellcheck disable=SC2016  # for the other shell
hold as_user 'mkdir -p "$0/lower" "$0/below" "$0/fuse" "$0/upper" "$0/work" "$0/merged"; cp "$(readlink -f /usr/bin/perl)" "$0/lower/app"
  set -- "$0/lower" "$0/below" "$1"
  '"$mounted"'
  set -- "$0/below" "$0/fuse" "$3"
  '"$mounted"'
  mount -t overlay -o "lowerdir=$0/fuse,upperdir=$0/upper,workdir=$0/work" overlay "$0/merged"
  exec "$0/merged/app" "$3" tcp/127.0.0.1:7002' "$hang" "$scripts/sockets.pl"
attacker=$holder
server=$(cat "$hang/lower.pid")
hold setpriv --reuid nobody --regid nogroup --clear-groups perl "$scripts/sockets.pl" tcp/127.0.0.1:7007
plain=$holder
run "$lsm" list
prints "it is known while it answers" "(elsewhere)$hang/merged/app"
kill -STOP "$server"
open_sockets tcp/127.0.0.1:7003
rm -rf "$state/owner-cache" "$alerts"
for turn in first second third; do
  began=$(date +%s)
  run "$lsm" compare
  exits "file system that hangs, $turn run: incomplete" 2
  check "file system that hangs, $turn run: it ends within 30 s" test $(($(date +%s) - began)) -le 30
  prints "file system that hangs, $turn run: it says why" "PID $attacker and $plain of user nobody: a file system of theirs does not answer"
  prints "file system that hangs, $turn run: its listener is reported" "NEW      tcp/127.0.0.1:7002"
  sed -n '/^NEW *tcp.127.0.0.1:7003/,/^$/p' "$work/run.out" >"$work/ours"
  check "file system that hangs, $turn run: so is that of another user, with its owner" grep -q "PID *$holder$" "$work/ours"
done
check "file system that hangs: that is alerted" grep -q '"event": "scan_failed"' "$alerts"
check "file system that hangs: both listeners are alerted" test "$(grep -c '"socket": "tcp/127.0.0.1:700[23]"' "$alerts")" -eq 2
left=$(pgrep -x -c stat)
check "file system that hangs: at most one reader is left behind, not $left" test "$left" -le 1
run "$lsm" -c --quiet
exits "file system that hangs: cron's run" 2
prints_nothing "file system that hangs: cron's run repeats nothing"
kill -KILL "$attacker" "$server" "$(cat "$hang/below.pid")"
close_sockets
check "file system that hangs: no reader is left when it has ended" within 10 sh -c '! pgrep -x stat'
run "$lsm" compare --no-alert
exits "file system that hangs: the next run has the other socket of that user" 1
prints "file system that hangs: it is reported" "NEW      tcp/127.0.0.1:7007"
check "file system that hangs: nothing is unknown any more" test -z "$(echo "$out" | grep "program *unknown")"
close_sockets "$plain"
run "$lsm" compare --no-alert
exits "file system that hangs: the next run works" 0

# --- a program in a user's own mounts, at the path of one of this host
echo 'udp  *:*  program=/usr/sbin/chronyd' >"$prefix/lsm/ignore.lsm"
fake=$work/nobody/fake
# shellcheck disable=SC2016  # for the other shell
hold as_user 'mkdir "$0"; cp "$(readlink -f /usr/bin/perl)" "$0/chronyd"
  set -- "$0" /usr/sbin "$1"
  '"$mounted"'
  exec /usr/sbin/chronyd "$3" udp/127.0.0.1:7004' "$fake" "$scripts/sockets.pl"
rm -f "$alerts"
run "$lsm" compare
exits "program of a user at the path of another: a difference" 1
prints "program of a user at the path of another: not ignored" "NEW      udp/127.0.0.1:7004"
prints "program of a user at the path of another: named as elsewhere" "(elsewhere)/usr/sbin/chronyd"
kill -KILL "$(cat "$fake.pid")"
close_sockets

# --- root in a container deletes its own program, on the file system of the host
mkdir "$work/container"
cp "$(readlink -f /usr/bin/perl)" "$work/container/sshd"
# shellcheck disable=SC2016  # for the other shell
hold unshare --mount sh -c 'mount --bind "$1" /usr/sbin && exec /usr/sbin/sshd "$2" tcp/127.0.0.1:7005' sh "$work/container" "$scripts/sockets.pl"
rm "$work/container/sshd"
run "$lsm" compare --no-alert
prints "deleted program of a container: named as elsewhere" "(elsewhere)/usr/sbin/sshd"
close_sockets

# --- a service of this host with mounts of its own, which is upgraded while it runs
cp "$(readlink -f /usr/bin/perl)" "$work/service"
# shellcheck disable=SC2016  # for the other shell
hold unshare --mount sh -c 'exec "$1" "$2" tcp/127.0.0.1:7006' sh "$work/service" "$scripts/sockets.pl"
service=$holder
run "$lsm" generate
run "$lsm" list
prints "service with mounts of its own: it is of this host" " $work/service"
cp "$work/service" "$work/service.new"
mv "$work/service.new" "$work/service"
for cache in kept old; do
  [ "$cache" = kept ] || pass_time 60 owner-cache
  run "$lsm" compare --no-alert
  exits "service with mounts of its own, upgraded, $cache cache: no difference" 0
done
close_sockets "$service"
finish
