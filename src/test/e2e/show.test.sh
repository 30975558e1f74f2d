#!/bin/sh
# A compromise: the user of a web server starts a Python listener in /dev/shm through a shell, from a login by ssh. The alert and lsm show
# answer what an investigation asks, in bounded time, whatever the process has chosen to make that hard.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate setpriv script utmpdump nft bindfs dpkg-query
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is missing"
python=$(readlink -f /usr/bin/python3)
own_dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs -o mode=1777 lsm-e2e /dev/shm
mount -t devpts -o newinstance,ptmxmode=666 lsm-e2e /dev/pts
ln -s pts/ptmx /dev/ptmx
mknod -m 666 /dev/fuse c 10 229
ip address add 203.0.113.9/32 dev lo
install_lsm
record_alerts
configure "RUN_CMD=\"sh $work/record\""
baseline

# --- the compromise
cat >"$work/hosts.py" <<'END'
# Another host: the master of the backdoor; and a client of it once that listens.
import socket, sys, time
master = socket.create_server(("203.0.113.9", 10101))
print("tcp/203.0.113.9:10101\nready", flush=True)
accepted, _ = master.accept()
while True:
    try:
        client = socket.create_connection(("127.0.0.1", 52394), source_address=("203.0.113.9", 40000))
        break
    except OSError:
        time.sleep(0.1)
sys.stdin.read()
END
hold /usr/bin/python3 "$work/hosts.py"
hosts=$holder
# The port of the master is no socket of the host.
run "$lsm" accept tcp/203.0.113.9:10101
exits "accept the other host" 0
shm=/dev/shm/.x
mkdir -m 777 "$shm"
cp "$scripts/backdoor.py" "$shm/x.py"
cat >"$work/exploit" <<END
exec setpriv --reuid www-data --regid www-data --clear-groups --inh-caps +net_raw --ambient-caps +net_raw sh -c '
  SSH_CONNECTION="203.0.113.9 52394 192.0.2.1 22" LD_PRELOAD=$shm/none.so SECRET=x /usr/bin/python3 $shm/x.py 10101 52394 203.0.113.9 1 2>/dev/null; :'
END
# Its session: a terminal, an audit user ID and an entry in utmp.
user=$(id -un 2)
cat >"$work/login" <<END
echo 2 >/proc/self/loginuid
stty -opost # of its output, which hold reads
terminal=\$(tty)
terminal=\${terminal#/dev/}
echo "[7] [\$(printf %05d \$\$)] [\${terminal#p}] [$user] [\$terminal] [203.0.113.9] [203.0.113.9] [2026-11-27T01:02:03,000000+00:00]" |
  utmpdump -r >/run/utmp 2>/dev/null
exec unshare --ipc sh $work/exploit
END
hold script -q -c "sh $work/login" /dev/null
check "the backdoor listens" within 60 sh -c 'ss -tnH state established | grep -q 203.0.113.9:40000'
pid=$(pgrep -u www-data -f "^/usr/bin/python3 $shm/x.py")
shell=$(pgrep -u www-data -x sh)
nft 'table inet f { chain i { type filter hook input priority 0; policy drop; ct state established,related accept; iif lo accept; tcp dport 22 accept; }; }'

# answers WHAT: $work/text has all that an investigation asks.
answers() {
  sha256=$(sha256sum <"$python" | cut -d' ' -f1)
  package=$(dpkg-query -S "$python" | sed -n 's/:.*//p')
  while read -r question answer; do
    check "$1: $question" grep -qE -- "$answer" "$work/text"
  done <<END
program ^program +$python $shm/x\.py\$
user ^user +www-data
command ^command +/usr/bin/python3 $shm/x\.py 10101 52394 203\.0\.113\.9 1\$
parents ^parents +/.*sh \(script unknown\) \(www-data\), PID $shell( |\$)
package ^package +$package, unmodified\$
file ^file +root:root, mode 755, [0-9]+ bytes, modified [0-9]{4}-[0-9-]+ [0-9:]+ \+[0-9]{4}\$
SHA-256 ^SHA-256 +$sha256\$
login ^login +$user\$
terminal ^terminal +pts/[0-9]+\$
session ^session +$user pts/[0-9]+ 2026-11-27 01:02 \(203\.0\.113\.9\)\$
SSH_CONNECTION (^environ +|^)SSH_CONNECTION=203\.0\.113\.9 52394 192\.0\.2\.1 22\$
LD_PRELOAD (^environ +|^)LD_PRELOAD=$shm/none\.so\$
capabilities ^capability +cap_net_raw\$
seccomp ^seccomp +filter\$
namespaces ^namespaces +ipc\$
master (^connection +|^)tcp 203\.0\.113\.9:[0-9]+ to 203\.0\.113\.9:10101\$
client (^connection +|^)tcp 127\.0\.0\.1:52394 from 203\.0\.113\.9:40000\$
connected ^connected +203\.0\.113\.9:40000\$
deleted ^deleted +$shm/loot\$
filter ^filter +the packet filter seems to drop it\$
END
  check "$1: no other variable" sh -c "! grep -q SECRET '$work/text'"
}

# text FILE: as $work/text, without the margin; each value on one line.
text() {
  perl -0777 -pe 's/\n {20}(?!SSH_|LD_PRELOAD|tcp )/ /g; s/^ +//gm' "$1" >"$work/text"
}

run "$lsm" compare
exits "compare" 1
text "$work/run.out"
answers "compare"
alert_text >"$work/mail"
text "$work/mail"
answers "the mail"
run "$lsm" show 52394
exits "show" 0
text "$work/run.out"
answers "show"
for command in "kill -STOP $pid" "cp /proc/$pid/exe /root/program-$pid" "ls -l /proc/$pid/fd" "whois 203.0.113.9" "lsm sentry block 203.0.113.9"; do
  prints "show: it goes on with $command" "    $command"
done
run "$lsm" accept 52394
exits "accept" 0
run "$lsm" show port=52394
prints "it shows an accepted socket" "SOCKET   tcp/0.0.0.0:52394"

# facts: the facts of the first process in a report as JSON, NAME=VALUE each.
facts() {
  perl -MJSON::PP -0777 -ne '
    my $json = decode_json($_);
    my $facts = ($json->{differences} // $json->{sockets})->[0]{processes}[0]{facts};
    for my $name (sort keys %$facts) { print "$name=$_\n" for @{$facts->{$name}} }' "$1"
}
facts "$work/alert.json" >"$work/alerted"
run "$lsm" show 52394 --format json
facts "$work/run.out" >"$work/shown"
check "RUN_CMD has the same facts as show" same "$work/alerted" "$work/shown"
names=$(sed 's/=.*//' "$work/shown" | uniq | tr '\n' ' ')
check "JSON: these facts: $names" test "$names" = "capabilities connections deleted_files environment file login namespaces package seccomp session sha256 sockets terminal "
close_sockets "$holder" "$hosts"
nft delete table inet f

# --- names that are no socket and no process
sleep 600 &
sleeping=$!
for name in 4711 0 port=52394 pid=99999 'tcp/*:22' tcp/x '' "pid=$$x"; do
  run "$lsm" show "$name"
  exits "show '$name'" 2
  prints "show '$name': what to do" "'lsm list --all' shows all sockets"
done
run "$lsm" show
exits "show without a name" 2
hold perl "$scripts/sockets.pl" "tcp/127.0.0.1:$sleeping"
run "$lsm" show "$sleeping"
exits "a port that is a PID, too" 0
prints "it shows the socket" "SOCKET   tcp/127.0.0.1:$sleeping"
prints "it says so" "$sleeping is a PID, too; 'lsm show pid=$sleeping' shows that process"
run "$lsm" show "pid=$sleeping"
prints "pid= shows the process" "PROCESS  $sleeping"
close_sockets
kill "$sleeping"

# --- what a process chooses
cat >"$work/listen.py" <<'END'
# PORT FILES: listens, and has so many open files that it has deleted.
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
files = []
for i in range(int(sys.argv[2])):
    files.append(os.open("deleted", os.O_CREAT))
    os.rename("deleted", "deleted.%d" % i)
    os.remove("deleted.%d" % i)
print("tcp/127.0.0.1:%s\nready" % sys.argv[1], flush=True)
sys.stdin.read()
END
mkdir -m 777 "$work/evil"
cd "$work/evil" || exit 1
# shellcheck disable=SC3045  # sh of Linux has it
ulimit -n 20000
# listen PORT FILES [ARGUMENT...]: as www-data, with $preload as LD_PRELOAD.
listen() {
  hold setpriv --reuid www-data --regid www-data --clear-groups env LD_PRELOAD="$preload" SSH_CONNECTION='203.0.113.9 1 192.0.2.1 22' \
    /usr/bin/python3 "$work/listen.py" "$@" 2>/dev/null
}

# seconds COMMAND...: runs it, and keeps in $seconds how long that took.
seconds() {
  began=$(date +%s%N)
  run "$@"
  seconds=$((($(date +%s%N) - began) / 1000000))
}

preload=$(printf '/x\033[2J\nkill -STOP 1')
listen 7001 0 "$(printf 'a\033]0;x\007\nkill -STOP 1')"
run "$lsm" show 7001
prints "escapes: LD_PRELOAD is printed as text" 'LD_PRELOAD=/x\x1b[2J\x0akill -STOP 1'
prints "escapes: so are the arguments" 'a\x1b]0;x\x07\x0akill -STOP 1'
check "escapes: none reaches the terminal" test -z "$(tr -dc '\033\007' <"$work/run.out")"
check "escapes: no line is forged" test "$(grep -c 'kill -STOP 1$' "$work/run.out")" -eq "$(grep -c 'x0akill -STOP 1$' "$work/run.out")"
run as_nobody "$lsm" show "pid=$holder"
exits "another user: show" 0
prints "what is hidden from that user is named" "unknown    environ, namespaces, sockets, connection, deleted, file,"
close_sockets

preload=/$(printf '%0100000d' 7)
listen 7001 9000
seconds "$lsm" show 7001
exits "LD_PRELOAD of 100 KB, 9,000 deleted files: show" 0
prints "it prints some of LD_PRELOAD" "LD_PRELOAD=/00000000"
prints "it prints what is behind" "SSH_CONNECTION=203.0.113.9 1 192.0.2.1 22"
prints "it counts the files" "and 898"
check "it takes $seconds ms, at most 20 s" test "$seconds" -le 20000
check "the report is short" test "$(wc -c <"$work/run.out")" -le 10000
close_sockets
listen 7001 10001
run "$lsm" show 7001
prints "more than 10,000 files are not read: it says so" "unknown    connection, deleted"
close_sockets

# --- programs that do not answer
preload=
listen 7001 0
printf '#!/bin/sh\nsleep 1000\n' >"$work/slow"
chmod 755 "$work/slow"
mount --bind "$work/slow" /usr/bin/dpkg-query
seconds "$lsm" show 7001
umount /usr/bin/dpkg-query
exits "dpkg that hangs: show" 0
prints "it says what is missing" "unknown    package"
prints "it has the rest" "SHA-256"
check "it takes $seconds ms, at most 20 s" test "$seconds" -le 20000
check "nothing is left of dpkg" within 10 sh -c '! pgrep -fx "sleep 1000"'
close_sockets

mkdir "$work/real" "$work/hung"
chmod 755 "$work/real"
cp "$(readlink -f /usr/bin/perl)" "$work/real/app"
bindfs -f -o allow_other "$work/real" "$work/hung" &
bindfs=$!
at_end "kill -KILL $bindfs; umount -l '$work/hung'"
check "bindfs starts" within 60 test -x "$work/hung/app"
hold "$work/hung/app" "$scripts/sockets.pl" tcp/127.0.0.1:7003
kill -STOP "$bindfs"
seconds "$lsm" show 7003
exits "file system that hangs: show" 0
prints "it says what is missing" "unknown    "
prints "it has the process" "PID        $holder"
check "it takes $seconds ms, at most 20 s" test "$seconds" -le 20000
kill -CONT "$bindfs"
close_sockets

# --- processes that end meanwhile, and one in a PID namespace of its own
odd=0
for turn in 1 2 3 4 5 6 7 8; do
  sleep "0.$turn" &
  run "$lsm" show "pid=$!"
  case $status$err in
    0 | "2lsm: there is no socket or process 'pid="*) ;;
    *) odd=$((odd + 1)); echo "        $status $err" ;;
  esac
done
check "processes that end: shown or not there" test "$odd" -eq 0
mkfifo "$work/inner"
unshare --pid --fork --kill-child sh -c 'echo ready; sleep 600' >"$work/inner" &
outer=$!
read -r _ <"$work/inner"
run "$lsm" show "pid=$(pgrep -P "$outer")"
exits "PID namespace of its own: show" 0
prints "it is named" "namespaces pid"
kill "$outer"
finish
