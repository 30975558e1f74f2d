#!/bin/sh
# Who comes to hold the socket of a service beside it: its own helpers are no difference, as those of Postfix; a shell that
# inherits it, a program of others or in the mounts of others is.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate postfix postconf

install_lsm
configure ""
mount -t tmpfs -o mode=755 lsm-e2e /opt
mount -t tmpfs -o mode=1777 lsm-e2e /srv
mkdir /opt/serv /srv/serv
for program in /opt/serv/master /opt/serv/helper /srv/serv/helper; do
  cp /usr/bin/perl $program # of any name, it is no interpreter
done
cat >/srv/service.pl <<'PERL'
# service.pl PORT COMMAND...: holds a port that the command inherits, and is ready when that runs.
use strict;
use warnings;
use IO::Socket::INET;
$^F = 99; # descriptors up to this one are inherited
my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 9, ReuseAddr => 1) or die $!;
my $child = fork;
exec @ARGV unless $child;
$SIG{TERM} = sub { kill KILL => $child; exit };
select undef, undef, undef, 0.02 while (readlink "/proc/$child/exe" // '') eq readlink "/proc/$$/exe";
$| = 1;
print "ready\n";
sleep 999;
PERL

# service COMMAND...
service() {
  hold /opt/serv/master /srv/service.pl 7001 "$@"
}

# compare: with a search for all owners.
compare() {
  rm -f "$state/owner-cache"
  run "$lsm" compare --no-alert
}

# executes PROGRAM: a process does.
executes() {
  readlink /proc/[0-9]*/exe | grep -qxF -- "$1"
}

# changed WHAT PROGRAM COMMAND: this program, by this command of the shell, makes the socket CHANGED.
changed() {
  case_=$1
  service sh -c "$3"
  check "$case_: it runs" within 10 executes "${2#(elsewhere)}"
  compare
  exits "$case_ is a difference" 1
  prints "$case_: the socket is CHANGED" "CHANGED  tcp/127.0.0.1:7001"
  prints "$case_: it is named" "program    $2"
  close_sockets
}

service sleep 0
baseline
close_sockets

# --- helpers of a service
service /opt/serv/helper -e "sleep 99"
compare
exits "a program of the same directory that inherits a port is no difference" 0
run "$lsm" list
prints "it holds the port" "/opt/serv/helper"
close_sockets
# shellcheck disable=SC2016  # for the other shell
changed "a shell" "$(readlink -f /bin/sh)" 'kill -STOP $$'
changed "another program" "$(readlink -f "$(command -v sleep)")" "exec sleep 99"
changed "a program in mounts of its own" "(elsewhere)/opt/serv/helper" \
  "exec unshare --mount sh -c 'mount --bind /srv/serv/helper /opt/serv/helper; exec /opt/serv/helper -e \"sleep 99\"'"
chmod g+w /opt/serv
changed "a helper in a directory that a group can write" /opt/serv/helper "exec /opt/serv/helper -e 'sleep 99'"
chmod g-w /opt/serv
# The one that stays would be none.
changed "a helper that left its service" /opt/serv/helper \
  "exec /opt/serv/helper -e 'unless (fork) { exit if fork; sleep 999 } sleep 99'"

# --- Postfix
configure_postfix ""
run postfix start
exits "postfix start" 0
check "it listens" within 10 sh -c "'$lsm' list | grep -q '^tcp/127.0.0.1:25 .*/master'"
baseline
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("127.0.0.1:25") or die $!; $| = 1; print scalar <$s>; sleep 99' >"$work/greeting" &
client=$!
check "it greets" within 10 test -s "$work/greeting"
compare
exits "smtpd is no difference" 0
run "$lsm" list
prints "it holds the port" "/smtpd"
kill $client
finish
