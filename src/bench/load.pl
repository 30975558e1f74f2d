# Creates a load in the network namespace it runs in: forks processes that hold sockets and sleep until
# they are killed, and exits when all of them have their sockets.
# Usage: perl load.pl [processes=N] [descriptors=N] [listeners=N] [udp=N] [paths=N] [connections=N] [unix=N]
#   processes    to spread everything over (1)
#   descriptors  each has at least; filled up with /dev/null (0)
#   listeners    TCP listeners on loopback, and for every two of them a unix one (0)
#   udp          UDP sockets on loopback (0)
#   paths        further unix listeners (0)
#   connections  rows of established TCP connections; both ends are here, so half as many pairs (0)
#   unix         rows of unix sockets, listeners included; of each pair one end has a path (0)
use strict;
use warnings;
use Socket;

my %want = (processes => 1, descriptors => 0, listeners => 0, udp => 0, paths => 0, connections => 0, unix => 0);
for (@ARGV) {
    /^(\w+)=(\d+)$/ && exists $want{$1} or die "load.pl: unknown argument '$_'\n";
    $want{$1} = $2;
}
my $unix_listeners = int($want{listeners} / 2) + $want{paths};
my $tcp_hub = tcp_listener('0.0.0.0', 0);
my ($tcp_port) = sockaddr_in(getsockname $tcp_hub);
my $unix_hub = unix_listener('hub');

# How much of the total process number $i gets.
sub share {
    my ($total, $i) = @_;
    return int($total * ($i + 1) / $want{processes}) - int($total * $i / $want{processes});
}

sub tcp_listener {
    my ($address, $port) = @_;
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_in($port, inet_aton($address))) or die "bind $port: $!";
    listen($socket, 16) or die "listen: $!";
    return $socket;
}

sub udp_socket {
    my ($address, $port) = @_;
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_in($port, inet_aton($address))) or die "bind $port: $!";
    return $socket;
}

sub unix_listener {
    my ($path) = @_;
    socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_un($path)) or die "bind $path: $!";
    listen($socket, 16) or die "listen: $!";
    return $socket;
}

# Both ends of a connection by way of a listener.
sub pair {
    my ($family, $hub, $address) = @_;
    socket(my $client, $family, SOCK_STREAM, 0) or die "socket: $!";
    connect($client, $address) or die "connect: $!";
    accept(my $server, $hub) or die "accept: $!";
    return ($client, $server);
}

my $next_port = 10_000;
my $next_udp_port = 10_000;
my $next_path = 0;

# Opens what one process holds.
sub open_all {
    my ($i) = @_;
    my @held;
    push @held, tcp_listener('127.0.0.1', $next_port++) for 1 .. share($want{listeners}, $i);
    push @held, udp_socket('127.0.0.1', $next_udp_port++) for 1 .. share($want{udp}, $i);
    push @held, unix_listener('listener' . $next_path++) for 1 .. share($unix_listeners, $i);
    for (1 .. share($want{connections} / 2, $i)) {
        # Several addresses, or the kernel runs short of ports.
        my $address = pack_sockaddr_in($tcp_port, inet_aton('127.0.0.' . (2 + $_ % 8)));
        push @held, pair(AF_INET, $tcp_hub, $address);
    }
    for (1 .. share(($want{unix} - $unix_listeners) / 2, $i)) {
        push @held, pair(AF_UNIX, $unix_hub, pack_sockaddr_un('hub'));
    }
    while (@held + 3 < $want{descriptors}) { # 3: the standard streams
        open(my $file, '<', '/dev/null') or die "/dev/null: $!";
        push @held, $file;
    }
    return \@held;
}

open(STDIN, '<', '/dev/null') or die "/dev/null: $!";
for my $i (0 .. $want{processes} - 1) {
    my $held = open_all($i);
    my $pid = fork;
    defined $pid or die "fork: $!";
    if ($pid == 0) {
        close $tcp_hub;
        close $unix_hub;
        open(STDOUT, '>', '/dev/null') or die "/dev/null: $!";
        sleep while 1;
    }
}
# The last children may still be closing their copies of the hubs.
select(undef, undef, undef, 1);
