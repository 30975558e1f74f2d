# Moves every 20 ms from one ephemeral UDP port to the next.
use strict;
use warnings;
use IO::Socket::INET;

my $socket;
while (1) {
    my $next = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '0.0.0.0', LocalPort => 0) or die $@;
    $socket = $next;
    select undef, undef, undef, 0.02;
}
