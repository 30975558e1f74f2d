# Opens real sockets and holds them until its standard input ends.
# Usage: perl sockets.pl PROTOCOL/ADDRESS:PORT ... unix-(stream|dgram|seqpacket)/PATH ...
#     hex-unix-(stream|dgram|seqpacket)/BYTES ...
# Port 0 lets the kernel choose; BYTES are those of a name, in hexadecimal, 00 before an abstract
# one. Prints each endpoint as lsm names it (one given in hexadecimal as it is), then "ready".
use strict;
use warnings;
use Socket qw(:DEFAULT :addrinfo inet_ntop inet_pton pack_sockaddr_in6 unpack_sockaddr_in6
    AF_INET6 SOCK_RAW SOCK_SEQPACKET);

my %type_of = (
    tcp => [SOCK_STREAM, 6], udp => [SOCK_DGRAM, 17], udplite => [SOCK_DGRAM, 136],
    raw => [SOCK_RAW, undef], icmp => [SOCK_DGRAM, 1],
    'unix-stream' => [SOCK_STREAM, 0], 'unix-dgram' => [SOCK_DGRAM, 0],
    'unix-seqpacket' => [SOCK_SEQPACKET, 0],
);
my $AF_PACKET = 17;
my @held;

sub open_unix {
    my ($kind, $path) = @_;
    (my $name = $path) =~ s/^@/\0/;
    my $socket = bind_unix($kind, $name);
    print "unix/$path\n";
    return $socket;
}

sub bind_unix {
    my ($kind, $name) = @_;
    my ($type) = @{$type_of{$kind}};
    socket(my $socket, AF_UNIX, $type, 0) or die "socket $kind: $!";
    # sockaddr_un with its exact length, so that an abstract name has no trailing NULs
    bind($socket, pack('S a*', AF_UNIX, $name)) or die "bind $name: $!";
    if ($type != SOCK_DGRAM) { listen($socket, 8) or die "listen $name: $!"; }
    return $socket;
}

sub open_packet {
    my ($interface, $protocol) = @_;
    socket(my $socket, $AF_PACKET, SOCK_RAW, unpack('n', pack('S', hex $protocol)))
        or die "socket packet: $!";
    if ($interface ne '*') {
        my $request = pack 'a16 i x20', $interface, 0;
        ioctl($socket, 0x8933, $request) or die "SIOCGIFINDEX $interface: $!";
        my ($index) = unpack 'x16 i', $request;
        bind($socket, pack('S n i x12', $AF_PACKET, hex $protocol, $index)) or die "bind $interface: $!";
    }
    print "packet/$interface:$protocol\n";
    return $socket;
}

sub open_inet {
    my ($table, $address, $port) = @_;
    my $v6 = $table =~ s/6$//;
    my ($type, $protocol) = @{$type_of{$table}};
    $protocol = $port if $table eq 'raw';
    $protocol = 58 if $v6 && $table eq 'icmp';
    socket(my $socket, $v6 ? AF_INET6 : AF_INET, $type, $protocol) or die "socket $table: $!";
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!";
    my $bytes = inet_pton($v6 ? AF_INET6 : AF_INET, $address);
    my $wanted = $table eq 'raw' ? 0 : $port;
    bind($socket, $v6 ? pack_sockaddr_in6($wanted, $bytes) : pack_sockaddr_in($wanted, $bytes))
        or die "bind $address: $!";
    if ($table eq 'tcp') { listen($socket, 8) or die "listen $address: $!"; }
    my ($bound) = $v6 ? unpack_sockaddr_in6(getsockname $socket) : unpack_sockaddr_in(getsockname $socket);
    $bound = $protocol if $table eq 'raw';
    print $v6 ? "${table}6/[$address]:$bound\n" : "$table/$address:$bound\n";
    return $socket;
}

for (@ARGV) {
    if (m{^hex-(unix-\w+)/(\w+)$}) { push @held, bind_unix($1, pack('H*', $2)); print "$_\n"; }
    elsif (m{^(unix-\w+)/(.*)$}s) { push @held, open_unix($1, $2); }
    elsif (m{^packet/(.*):(0x\w+)$}) { push @held, open_packet($1, $2); }
    elsif (m{^(\w+)/\[?([^\]]*)\]?:(\d+)$}) { push @held, open_inet($1, $2, $3); }
    else { die "no endpoint: $_"; }
}
$| = 1;
print "ready\n";
my @rest = <STDIN>;
