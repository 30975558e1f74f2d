# Makes the search for owners long: opens a TCP listener that is then held by no process, since it waits in a message, and
# starts processes with many threads and descriptors.
# Usage: perl descriptors.pl PORT PROCESSES THREADS DESCRIPTORS
# Prints "ready" when all are there, and holds them until its standard input ends.
use strict;
use warnings;
use threads;
use POSIX qw(uname);
use Socket;

my %sendmsg = (x86_64 => 46, aarch64 => 211); # numbers of the system call
my $number = $sendmsg{(uname)[4]} or die "unknown machine";
my ($port, $processes, $threads, $descriptors) = @ARGV;
socket(my $listener, AF_INET, SOCK_STREAM, 6) or die "socket: $!";
bind($listener, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!";
listen($listener, 8) or die "listen: $!";
socketpair(my $from, my $to, AF_UNIX, SOCK_DGRAM, 0) or die "socketpair: $!";
# struct msghdr of sendmsg(2), and struct cmsghdr of cmsg(3) with SCM_RIGHTS
my $text = 'x';
my $vector = pack 'P Q', $text, 1;
my $control = pack 'Q l l l x4', 20, SOL_SOCKET, 1, fileno $listener;
my $message = pack 'Q L x4 P Q P Q l x4', 0, 0, $vector, 1, $control, length $control, 0;
syscall($number, fileno $from, $message, 0) == 1 or die "sendmsg: $!";
close $listener;

pipe(my $started, my $starting) or die "pipe: $!";
pipe(my $ended, my $holding) or die "pipe: $!";
for (1 .. $processes) {
    defined(my $child = fork) or die "fork: $!";
    next if $child;
    close $holding;
    threads->create({ stack_size => 1 << 16 }, sub { sleep 1000 }) for 1 .. $threads;
    for (1 .. $descriptors) {
        POSIX::open('/dev/null') or die "/dev/null: $!";
    }
    syswrite $starting, 'x';
    sysread $ended, my $nothing, 1;
    POSIX::_exit(0);
}
close $starting;
for (1 .. $processes) {
    sysread($started, my $one, 1) or die "a process failed";
}
$| = 1;
print "ready\n";
my @rest = <STDIN>;
