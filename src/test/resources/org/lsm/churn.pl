# Opens and closes sockets on loopback all the time: UDP and unix sockets and TCP listeners.
# Usage: perl churn.pl RATE LIVE FIRST-LAST... (sockets a second or "flood", how many are open at a
# time, and the ports to take them from, at random). A rate is of the three kinds in turn; a flood is
# as fast as it goes and nine tenths UDP, in whose table a read misses the most rows.
# Prints "ready" when the first ones are open. When its standard input ends, it prints how many it
# opened in how many seconds, and the rate.
use strict;
use warnings;
use Socket;
use Time::HiRes qw(time);

my ($rate, $live, @ranges) = @ARGV;
my $flood = $rate eq 'flood';
my @kinds = $flood ? ((\&open_udp) x 18, \&open_unix, \&open_tcp) : (\&open_tcp, \&open_udp, \&open_unix);
my @ports = map { my ($first, $last) = split /-/; $first .. $last } @ranges;
my @addresses = map { pack_sockaddr_in($_, INADDR_LOOPBACK) } @ports;
my @open = (undef) x $live;
my $opened = 0;

sub open_udp {
    socket(my $socket, AF_INET, SOCK_DGRAM, 17) or die "socket: $!";
    return bind($socket, $addresses[rand @addresses]) && $socket;
}

sub open_tcp {
    socket(my $socket, AF_INET, SOCK_STREAM, 6) or die "socket: $!";
    return bind($socket, $addresses[rand @addresses]) && listen($socket, 8) && $socket;
}

sub open_unix {
    socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack('S a*', AF_UNIX, "\0churn-$$-$opened")) or die "bind: $!";
    listen($socket, 8) or die "listen: $!";
    return $socket;
}

$| = 1;
my $start = time;
for (;;) {
    my $due = $flood ? $opened + 1000 : (time - $start) * $rate;
    my $ready = $opened >= $live;
    while ($opened < $due || $opened < $live) {
        my $socket = $kinds[$opened % @kinds]->() or next; # that port is taken; try another
        $open[$opened++ % $live] = $socket; # closes the one before it
    }
    print "ready\n" if !$ready;
    vec(my $input = '', fileno STDIN, 1) = 1;
    last if select($input, undef, undef, $flood ? 0 : 0.002);
}
my $seconds = time - $start;
printf "opened %d seconds %.1f rate %d\n", $opened, $seconds, $opened / $seconds;
