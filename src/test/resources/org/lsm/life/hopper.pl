# Moves every 20 ms from one ephemeral UDP port to the next.
use strict;
use warnings;
use Socket;

my $socket;
while (1) {
    socket(my $next, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    bind($next, pack_sockaddr_in(0, INADDR_ANY)) or die "bind: $!";
    $socket = $next;
    select undef, undef, undef, 0.02;
}
