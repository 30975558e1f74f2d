# Opens a TCP listener and hands it to a child that runs another program.
# Usage: perl pass.pl PROGRAM, where PROGRAM is a copy of perl.
# Prints the endpoint as lsm names it, the child's PID, then "ready". Holds it until its standard
# input ends, and takes the child along then; when it is killed, the child stays.
use strict;
use warnings;
use Socket;

$^F = 255; # what is opened from here on stays open in programs that are started
my ($program) = @ARGV;
socket(my $socket, AF_INET, SOCK_STREAM, 6) or die "socket: $!";
bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($socket, 8) or die "listen: $!";
my ($port) = unpack_sockaddr_in(getsockname $socket);
$| = 1;
print "tcp/127.0.0.1:$port\n";
defined(my $child = fork) or die "fork: $!";
if (!$child) {
    exec $program, '-e', '$| = 1; print "$$\nready\n"; sleep 60;' or die "exec: $!";
}
my @rest = <STDIN>;
kill 'TERM', $child;
waitpid $child, 0;
