# Opens a TCP listener that only a second thread is left to hold, as after pthread_exit(3) in main.
# Prints the endpoint as lsm names it, then "ready", and holds it until its standard input ends.
use strict;
use warnings;
use threads;
use POSIX qw(uname _exit);
use Socket;

my %exit = (x86_64 => 60, aarch64 => 93); # numbers of the system call that ends one thread
my $number = $exit{(uname)[4]} or die "unknown machine";
socket(my $socket, AF_INET, SOCK_STREAM, 6) or die "socket: $!";
bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($socket, 8) or die "listen: $!";
my ($port) = unpack_sockaddr_in(getsockname $socket);
$| = 1;
my $main = "/proc/$$/stat";
threads->create(sub {
    for (;;) {
        open(my $stat, '<', $main) or die "$main: $!";
        last if <$stat> =~ /\) Z /; # only now has the first thread ended
        select undef, undef, undef, 0.01;
    }
    print "tcp/127.0.0.1:$port\nready\n";
    my @rest = <STDIN>;
    _exit(0);
});
syscall($number, 0);
