# Another host on the net, or its services.
# Usage: perl peer.pl ask tcp|udp SOURCE HOST PORT...    tries each port in turn, once: "22 open 23 closed 24 silent"
#     perl peer.pl ask icmp SOURCE HOST ping             pings: "ping open"; net.ipv4.ping_group_range has to let it
#     perl peer.pl talk SOURCE HOST PORT                 holds a connection, prints the answer to each line of its input
#     perl peer.pl echo tcp6|udp6/[ADDRESS]:PORT...      answers what it gets, of IPv4 as well if the address is ::
#     perl peer.pl forge INTERFACE HOST FIRST COUNT tcp|udp/PORT...
# forge sends a SYN or a datagram to each of the ports from COUNT hosts that do not exist, 10.0.0.0 + FIRST and so on,
# or 3fff:0:0:FIRST::1, each in a network of its own, to the Ethernet address 02:00:00:00:00:01.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Socket qw(:DEFAULT AF_INET6 inet_pton pack_sockaddr_in6);

# Of the kernel, which answers at once, and of programs, in seconds: longer than that nothing is waited for.
my ($TCP_TIME, $TIME) = (1, 2);
my ($ETH_P_IP, $ETH_P_IPV6) = (0x0800, 0x86DD);
my ($AF_PACKET, $SIOCGIFINDEX) = (17, 0x8933);

sub heard {
    my ($socket) = @_;
    return 'silent' if !IO::Select->new($socket)->can_read($TIME);
    my $answer;
    return defined $socket->sysread($answer, 4096) ? $answer : 'closed';
}

sub pinged {
    my ($source, $host) = @_;
    my $v6 = $host =~ /:/;
    my ($from, $to) = map { $v6 ? pack_sockaddr_in6(0, inet_pton(AF_INET6, $_)) : pack_sockaddr_in(0, inet_aton($_)) } $source, $host;
    socket(my $socket, $v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, $v6 ? 58 : 1) or die "socket: $!";
    bind($socket, $from) && connect($socket, $to) && defined syswrite($socket, pack 'C2 n3', $v6 ? 128 : 8, 0, 0, 0, 1) or die "$source: $!";
    return IO::Select->new($socket)->can_read($TIME) ? 'open' : 'silent';
}

sub ask {
    my ($protocol, $source, $host, @ports) = @_;
    my @found;
    for my $port (@ports) {
        if ($protocol eq 'icmp') {
            push @found, "$port " . pinged($source, $host);
            next;
        }
        my $socket = IO::Socket::IP->new(LocalHost => $source, PeerHost => $host, PeerPort => $port,
            Proto => $protocol, Type => $protocol eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM,
            $protocol eq 'tcp' ? (Timeout => $TCP_TIME) : ());
        my $answer = $socket ? 'open' : $!{ECONNREFUSED} ? 'closed' : $!{ETIMEDOUT} ? 'silent' : die "$source: $@";
        if ($protocol eq 'udp') {
            $socket->syswrite('open');
            $answer = heard($socket);
        }
        push @found, "$port $answer";
    }
    print "@found\n";
}

sub talk {
    my ($source, $host, $port) = @_;
    my $socket = IO::Socket::IP->new(LocalHost => $source, PeerHost => $host, PeerPort => $port) or die $@;
    print "ready\n";
    while (my $line = <STDIN>) {
        $socket->syswrite($line);
        my $answer = heard($socket);
        print $answer =~ /\n$/ ? $answer : "$answer\n";
    }
}

sub serve {
    my $all = IO::Select->new(\*STDIN);
    my %is_listener;
    for (@_) {
        my ($protocol, $address, $port) = m{^(tcp|udp)6/\[(.*)\]:(\d+)$} or die "no endpoint: $_";
        my $tcp = $protocol eq 'tcp';
        my $socket = IO::Socket::IP->new(LocalHost => $address, LocalPort => $port, Proto => $protocol, V6Only => 0,
            Type => $tcp ? SOCK_STREAM : SOCK_DGRAM, $tcp ? (Listen => 128, ReuseAddr => 1) : ()) or die "$_: $@";
        $is_listener{$socket} = $tcp;
        $all->add($socket);
    }
    print "ready\n";
    while (1) {
        for my $socket ($all->can_read) {
            return if $socket == \*STDIN;
            if ($is_listener{$socket}) {
                my $client = $socket->accept;
                $all->add($client) if $client;
            } elsif ($socket->socktype == SOCK_DGRAM) {
                my $from = recv $socket, my $data, 4096, 0;
                send $socket, $data, 0, $from if defined $from;
            } elsif (!$socket->sysread(my $data, 4096)) {
                $all->remove($socket);
            } else {
                $socket->syswrite($data);
            }
        }
    }
}

# The checksum of the Internet (RFC 1071) of something with this sum.
sub checksum {
    my ($sum) = @_;
    $sum = ($sum & 0xFFFF) + ($sum >> 16) while $sum >> 16;
    return ~$sum & 0xFFFF;
}

sub forge {
    my ($interface, $host, $first, $count, @probes) = @_;
    my $v6 = $host =~ /:/;
    my $target = inet_pton($v6 ? AF_INET6 : AF_INET, $host);
    my $type = $v6 ? $ETH_P_IPV6 : $ETH_P_IP;
    socket(my $out, $AF_PACKET, SOCK_DGRAM, 0) or die "socket: $!";
    my $request = pack 'a16 x24', $interface;
    ioctl($out, $SIOCGIFINDEX, $request) or die "$interface: $!";
    my $to = pack 'S n i S C C a8', $AF_PACKET, $type, unpack('x16 i', $request), 1, 0, 6, "\2\0\0\0\0\1";
    for my $i ($first .. $first + $count - 1) {
        my $source = $v6 ? pack 'n2 N3', 0x3fff, 0, $i, 0, 1 : pack 'N', 0x0a000000 + $i;
        for (@probes) {
            my ($protocol, $port) = m{^(tcp|udp)/(\d+)$} or die "no probe: $_";
            my $number = $protocol eq 'tcp' ? 6 : 17;
            my $segment = $number == 6 ? pack 'n2 N2 n4', 40000, $port, 1, 0, 0x5002, 1024, 0, 0 : pack 'n4', 40000, $port, 8, 0;
            my $sum = checksum(unpack '%32n*', $source . $target . pack('n2', $number, length $segment) . $segment);
            substr $segment, $number == 6 ? 16 : 6, 2, pack 'n', $sum || 0xFFFF;
            my $header = $v6
                ? pack 'N n C2 a16 a16', 0x60000000, length $segment, $number, 64, $source, $target
                : pack 'C2 n3 C2 n a4 a4', 0x45, 0, 20 + length $segment, 0, 0, 64, $number, 0, $source, $target;
            substr $header, 10, 2, pack 'n', checksum(unpack '%32n*', $header) if !$v6;
            defined send $out, $header . $segment, 0, $to or die "send: $!";
        }
    }
}

$| = 1;
my %action = (ask => \&ask, talk => \&talk, echo => \&serve, forge => \&forge);
my ($what, @arguments) = @ARGV;
$action{$what}->(@arguments);
