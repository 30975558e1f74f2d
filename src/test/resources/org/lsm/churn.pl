# Opens and closes sockets on loopback all the time: TCP listeners, UDP and unix sockets in turn.
# Usage: perl churn.pl RATE LIVE FIRST-LAST... (sockets a second, how many are open at a time, and
# the ports to take them from, at random).
# Prints "ready" when the first ones are open. When its standard input ends, it prints how many it
# opened in how many seconds, the rate, and the rate of the slowest whole second.
use strict;
use warnings;
use Socket;
use Time::HiRes qw(time);

my ($rate, $live, @ranges) = @ARGV;
my @ports = map { my ($first, $last) = split /-/; $first .. $last } @ranges;
my (@open, %by_second);
my $opened = 0;
my $start = time;

sub open_inet {
    my ($type, $protocol) = @_;
    socket(my $socket, AF_INET, $type, $protocol) or die "socket: $!";
    bind($socket, pack_sockaddr_in($ports[rand @ports], INADDR_LOOPBACK)) or return;
    if ($type == SOCK_STREAM) { listen($socket, 8) or return; }
    return $socket;
}

sub open_unix {
    socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack('S a*', AF_UNIX, "\0churn-$opened")) or die "bind: $!";
    listen($socket, 8) or die "listen: $!";
    return $socket;
}

$| = 1;
for (;;) {
    my $due = (time - $start) * $rate;
    while ($opened < $due || $opened < $live) {
        my $kind = $opened % 3;
        my $socket =
            $kind == 0 ? open_inet(SOCK_STREAM, 6)
          : $kind == 1 ? open_inet(SOCK_DGRAM, 17)
          :              open_unix();
        next unless $socket; # that port is taken; try another
        push @open, $socket;
        close shift @open if @open > $live;
        $opened++;
        $by_second{int(time - $start)}++;
        print "ready\n" if $opened == $live;
    }
    vec(my $input = '', fileno STDIN, 1) = 1;
    last if select($input, undef, undef, 0.002);
}
my $seconds = time - $start;
delete $by_second{int $seconds};
my ($slowest) = sort { $a <=> $b } values %by_second;
printf "opened %d seconds %.1f rate %d slowest %d\n", $opened, $seconds, $opened / $seconds,
    $slowest // 0;
