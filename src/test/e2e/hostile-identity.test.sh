#!/bin/sh
# Who a process is: the script that an interpreter runs, users that only the name service switch knows, sockets that only
# io_uring holds, and processes outside the PID namespace. What is tried is tried by unprivileged users.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
[ -d /var/lib/extrausers ] || skip "libnss-extrausers is missing; .ci/run installs it"
isolate setpriv getent mkfifo

user=4711 # of the name service switch, jdoe
install_lsm
configure ""
ignore=$prefix/lsm/ignore.lsm
mount -t tmpfs -o mode=1777 lsm-e2e /srv
mount -t tmpfs -o mode=1777 lsm-e2e /dev/shm
mkdir /srv/app
for script in /srv/app/main.pl /srv/app/other.pl /dev/shm/x.pl; do
  cp "$scripts/sockets.pl" $script
done
cat >/srv/app/title.pl <<'PERL'
$0 = shift; # overwrites the command line
do '/srv/app/main.pl';
PERL
cat >/srv/app/uring.pl <<'PERL'
# Registers its listener with io_uring and closes the descriptor. The numbers are those of io_uring_setup(2),
# io_uring_register(2) and IORING_REGISTER_FILES.
use strict;
use warnings;
use Socket;
socket(my $listener, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
bind($listener, pack_sockaddr_in(7005, INADDR_LOOPBACK)) or die "bind: $!";
listen($listener, 8) or die "listen: $!";
my $ring = syscall(425, 8, my $parameters = "\0" x 120);
die "io_uring_setup: $!" if $ring < 0;
syscall(427, $ring, 2, my $descriptors = pack('l', fileno $listener), 1) == 0 or die "io_uring_register: $!";
close $listener;
$| = 1;
print "ready\n";
1 while <STDIN>;
PERL

# app SCRIPT ARGUMENT...: holds sockets as the user.
app() {
  hold setpriv --reuid $user --regid nogroup --clear-groups /usr/bin/perl "$@"
}

# rules LINE...: replaces the rules.
rules() {
  printf '%s\n' "$@" >"$ignore"
  chmod 644 "$ignore"
}

compare() {
  run "$lsm" compare --no-alert
}

# --- a host without sockets, and an interface that is down
baseline
compare
exits "without sockets there is no difference" 0
ip link add v0 type veth peer name v1
open_sockets packet/v0:0x0003
compare
exits "the first socket is a difference" 1
prints "an interface that is down has its name" "NEW      [high] packet/v0:0x0003"
baseline
ip link set v0 up
compare
exits "the same interface is up" 0
close_sockets
compare
exits "the last socket is gone" 1
prints "it is the one of that interface" "GONE     packet/v0:0x0003"
ip link delete v0

# --- another script on the same port
app /srv/app/main.pl tcp/127.0.0.1:7001
baseline
compare
exits "the same process is no difference" 0
close_sockets
cd /srv/app || exit 1
app main.pl tcp/127.0.0.1:7001
cd / || exit 1
compare
exits "nor is the same script by a relative path" 0
close_sockets
app /srv/app/other.pl tcp/127.0.0.1:7001
compare
exits "another script is a difference" 1
prints "its socket is CHANGED" "CHANGED  tcp/127.0.0.1:7001"
prints "it names the script before" "before     /usr/bin/perl /srv/app/main.pl ($user)"
prints "it names the script now" "program    /usr/bin/perl /srv/app/other.pl"
close_sockets
app /srv/app/title.pl "sshd: /usr/sbin/sshd" tcp/127.0.0.1:7001
compare
exits "an overwritten command line is a difference" 1
prints "its script is unknown" "program    /usr/bin/perl (script unknown)"
close_sockets
app /srv/app/main.pl tcp/127.0.0.1:7001

# --- ephemeral ports: of the same interpreter and user
set_key EPHEMERAL udp
app /srv/app/main.pl udp/127.0.0.1:0
baseline
close_sockets
app /srv/app/main.pl udp/127.0.0.1:0
compare
exits "another ephemeral port of the same script is no difference" 0
close_sockets
app /dev/shm/x.pl udp/127.0.0.1:0
compare
exits "that of another script is" 1
prints "it is NEW" "NEW      $(head -n 1 "$work/endpoints")"
prints "it names the script" "program    /usr/bin/perl /dev/shm/x.pl"
rules "udp *:* program=/srv/app/main.pl user=$user"
compare
exits "the rule of another script does not match" 1
rules "udp *:* program=/dev/shm/x.pl user=$user"
compare
exits "a rule matches the script" 0
rules "udp *:* program=/usr/bin/perl program=/dev/shm/*.pl user=$user"
compare
exits "so does one of program and script" 0
rules
close_sockets
app /srv/app/main.pl udp/127.0.0.1:0
app /srv/app/title.pl "/srv/app/main.pl" udp/127.0.0.1:0
compare
exits "a process that claims to be the script is a difference" 1
prints "its port is NEW" "NEW      $(head -n 1 "$work/endpoints")"
close_sockets

# --- a user that only the name service switch knows
mkdir "$work/extrausers"
echo "jdoe:x:$user:65534:Jane:/:/bin/sh" >"$work/extrausers/passwd"
mount --bind "$work/extrausers" /var/lib/extrausers
sed '/^passwd:/s/$/ extrausers/' /etc/nsswitch.conf >"$work/nsswitch.conf"
chmod 644 "$work/nsswitch.conf"
mount --bind "$work/nsswitch.conf" /etc/nsswitch.conf
check "getent knows the user" getent passwd jdoe
app /srv/app/main.pl tcp/127.0.0.1:7002
compare
exits "a socket of that user is a difference" 1
prints "it has the name" "user       $user, jdoe"
for name in jdoe $user; do
  rules "tcp *:7002 user=$name"
  compare
  exits "user=$name matches it" 0
done
rules "tcp *:7002 user=asmith"
compare
exits "user=asmith does not" 1
rm "$work/extrausers/passwd"
mkfifo "$work/extrausers/passwd"
began=$(date +%s)
compare
exits "a name service that does not answer: the compare ends" 1
check "soon" test $(($(date +%s) - began)) -le 10
prints "it reports that" "no answer to getent passwd"
check "the user is a number" grep -q "^ *user  *$user\$" "$work/run.out"
rm "$work/extrausers/passwd"
rules
close_sockets

# --- a listener without a descriptor
app /srv/app/uring.pl
compare
exits "a listener that only io_uring holds is a difference" 1
prints "it is found" "NEW      tcp/127.0.0.1:7005"
prints "with its owner" "program    /usr/bin/perl /srv/app/uring.pl"
close_sockets

# --- a process outside the PID namespace
app /srv/app/main.pl tcp/127.0.0.1:7006
run unshare --pid --mount --fork --mount-proc "$lsm" compare --no-alert
exits "in a container with the network of the host there are differences" 1
sed -n '/^NEW *tcp.127.0.0.1:7006/,/^$/p' "$work/run.out" >"$work/new"
check "a socket may belong to a process outside" grep -q "its process may be outside this PID namespace" "$work/new"
# shellcheck disable=SC2016  # for the other shell
check "it is not said to have none" sh -c '! grep -q "no process" "$1"' sh "$work/run.out"
finish
