# The programs of src/bench/sentry.
# Usage: perl sentry.pl serve PORT...           takes and closes TCP connections at these, IPv4 and IPv6
#        perl sentry.pl log SOCKET FILE         writes what comes to a datagram socket into a file
#        perl sentry.pl watch INTERFACE VICTIM PORT
#                                               connects every millisecond until SIGTERM; prints how many of them after the
#                                               first packet to another port the last answer came, and how many other
#                                               ports answered
#        perl sentry.pl forge VICTIM tcp|udp COUNT MICROSECONDS PORT,... [ADDRESS]...
#                                               sends one packet to each port from each of so many forged hosts, and
#                                               from these addresses
#        perl sentry.pl ports                   counts the ports in what lsm sentry --format json printed
#        perl sentry.pl packets ROUNDS OPERATIONS ATTACKER NAMESPACE:HOST...
#                                               prints what packets cost in each; the first has no rules
#        perl sentry.pl outbound ROUNDS OPERATIONS ATTACKER NAMESPACE:HOST...
#                                               the same for packets of each to this address of the attacker
#        perl sentry.pl send HOST FIRST LAST    sends a datagram to each of these ports
use strict;
use warnings;
use JSON::PP;
use POSIX qw(uname);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY inet_pton pack_sockaddr_in6 AF_INET6 IPPROTO_IPV6 IPV6_V6ONLY);
use Time::HiRes qw(clock_gettime sleep time usleep CLOCK_MONOTONIC);

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

sub tcp_listener {
    my ($family, $port, $host) = @_;
    socket(my $socket, $family, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $family == AF_INET6;
    bind($socket, address($host // ($family == AF_INET6 ? '::' : '0.0.0.0'), $port)) or die "bind $port: $!";
    listen($socket, 128) or die "listen: $!";
    return $socket;
}

sub address {
    my ($host, $port) = @_;
    return $host =~ /:/ ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)) : pack_sockaddr_in($port, inet_aton($host));
}

# Closes with a reset, so that the ports do not run out.
sub resetting {
    my ($socket) = @_;
    setsockopt($socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) or die "linger: $!";
    return $socket;
}

sub serve {
    my @listeners = map { my $port = $_; map { tcp_listener($_, $port) } AF_INET, AF_INET6 } @_;
    my $all = '';
    vec($all, fileno $_, 1) = 1 for @listeners;
    $| = 1;
    print "ready\n";
    while (select(my $ready = $all, undef, undef, undef)) {
        for my $listener (@listeners) {
            accept(my $socket, $listener) if vec($ready, fileno $listener, 1);
        }
    }
}

sub receive_log {
    my ($path, $file) = @_;
    socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_un($path)) or die "bind $path: $!";
    open(my $log, '>>', $file) or die "$file: $!";
    $log->autoflush(1);
    $| = 1;
    print "ready\n";
    while (defined recv($socket, my $line, 8192, 0)) {
        print $log $line =~ s/\n*\z/\n/r;
    }
}

# --- watch -------------------------------------------------------------------------------------

my $AF_PACKET = 17;
my $ETH_P_ALL = 3;
my $SO_RCVBUFFORCE = 33;
my $SIOCGSTAMP = 0x8906;

sub watch {
    my ($interface, $victim, $port) = @_;
    my $stopping = 0;
    local $SIG{TERM} = sub { $stopping = 1 };
    my $capture = capture($interface);
    my %seen = (answered => {});
    $| = 1;
    print "ready\n";
    until ($stopping) {
        try_port($victim, $port);
        read_capture($capture, $victim, $port, \%seen);
        usleep(1000);
    }
    my $silent = time - $seen{last} > 0.1;
    printf "%s %d\n", $silent ? sprintf('%.1f', 1000 * ($seen{last} - $seen{first})) : 'never', scalar keys %{$seen{answered}};
}

sub capture {
    my ($interface) = @_;
    open(my $file, '<', "/sys/class/net/$interface/ifindex") or die "$interface: $!";
    chomp(my $index = <$file>);
    socket(my $socket, $AF_PACKET, SOCK_RAW, unpack('n', pack('S', $ETH_P_ALL))) or die "socket: $!";
    setsockopt($socket, SOL_SOCKET, $SO_RCVBUFFORCE, 1 << 26) or die "buffer: $!";
    bind($socket, pack('S n i x12', $AF_PACKET, $ETH_P_ALL, $index)) or die "bind $interface: $!";
    return $socket;
}

# The victim answers within the call, because both ends are on this host.
sub try_port {
    my ($victim, $port) = @_;
    socket(my $socket, AF_INET, SOCK_STREAM | Socket::SOCK_NONBLOCK(), 0) or die "socket: $!";
    resetting($socket);
    connect($socket, address($victim, $port));
}

sub read_capture {
    my ($capture, $victim, $port, $seen) = @_;
    my $address = inet_aton($victim);
    while (defined recv($capture, my $frame, 128, Socket::MSG_DONTWAIT())) {
        my ($type, $protocol, $source, $target, $from, $to) = unpack('x12 n x9 C x2 a4 a4 n n', $frame);
        next if $type != 0x800;
        ioctl($capture, $SIOCGSTAMP, my $stamp = "\0" x 16) or die "time: $!";
        my ($seconds, $micros) = unpack('l! l!', $stamp);
        my $time = $seconds + $micros / 1e6;
        if ($target eq $address) {
            $seen->{first} //= $time if $protocol != 1 && $to != $port;
            next;
        }
        $seen->{last} = $time;
        # An ICMP error contains the header of the datagram.
        my $answered = $protocol == 1 ? unpack('x64 n', $frame) : $from;
        $seen->{answered}{$answered} = 1 if $answered != $port;
    }
}

# --- forge -------------------------------------------------------------------------------------

sub checksum {
    my ($data) = @_;
    my $sum = unpack('%32n*', $data . "\0" x (length($data) % 2));
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    return ~$sum & 0xffff;
}

# An IPv4 packet; the kernel adds the checksum of its header.
sub forged {
    my ($protocol, $source, $target, $port) = @_;
    my ($from, $to) = (inet_aton($source), inet_aton($target));
    my $payload;
    if ($protocol eq 'udp') {
        $payload = pack('n n n n', 40_000, $port, 8, 0);
    } else {
        my @header = (40_000, $port, 1, 0, 0x50, 2, 1024);
        my $sum = checksum($from . $to . pack('n n n n N N C C n n n', 6, 20, @header, 0, 0));
        $payload = pack('n n N N C C n n n', @header, $sum, 0);
    }
    return pack('C C n n n C C n a4 a4', 0x45, 0, 20 + length $payload, 0, 0, 64, $protocol eq 'udp' ? 17 : 6, 0, $from, $to)
        . $payload;
}

sub raw_socket {
    socket(my $socket, AF_INET, SOCK_RAW, 255) or die "socket: $!";
    return $socket;
}

sub made_up_address {
    my ($number) = @_;
    return join '.', 100, 64 + ($number >> 16), $number >> 8 & 255, $number & 255;
}

sub forge {
    my ($victim, $protocol, $count, $pause, $ports, @addresses) = @_;
    my $socket = raw_socket();
    for my $source (@addresses, map { made_up_address($_) } 1 .. $count) {
        for my $port (split /,/, $ports) {
            send($socket, forged($protocol, $source, $victim, $port), 0, address($victim, 0)) or die "send: $!";
            usleep($pause);
        }
    }
}

sub count_ports {
    my $ports = 0;
    for my $range (map { @{$_->{ports}} } @{decode_json(join '', <STDIN>)->{scans}}) {
        my ($first, $last) = $range =~ /(\d+)(?:-(\d+))?$/;
        $ports += ($last // $first) - $first + 1;
    }
    print "$ports\n";
}

# --- packets -----------------------------------------------------------------------------------

my %setns = (x86_64 => 308, aarch64 => 268);
my $CLONE_NEWNET = 0x40000000;

# The kernel delivers a packet between namespaces before the call returns, on the same processor: the time of
# the call includes the receiving side.
sub enter {
    my ($namespace) = @_;
    my $call = $setns{(uname)[4]} or die "sentry.pl: knows the number of setns on " . join(', ', keys %setns) . " only\n";
    open(my $file, '<', "/run/netns/$namespace") or die "$namespace: $!";
    syscall($call, fileno $file, $CLONE_NEWNET) == 0 or die "setns $namespace: $!";
}

sub udp_socket {
    my ($host, $port) = @_;
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    bind($socket, address($host, $port)) or die "bind $host:$port: $!";
    return $socket;
}

my $SERVED_UDP = 5000;
my $SERVED_TCP = 5001;
my $UNWATCHED = 40_000;
my $WATCHED = 111;

# Both ends of all that is sent, in this one process.
sub ends {
    my ($attacker, $namespace, $victim) = @_;
    enter($namespace);
    my %ends = (udp_server => udp_socket('0.0.0.0', $SERVED_UDP), listener => tcp_listener(AF_INET, $SERVED_TCP));
    enter($attacker);
    (my $blocked = $victim) =~ s/\d+$/3/;
    $ends{udp} = udp_socket('0.0.0.0', 0);
    $ends{blocked} = udp_socket($blocked, 0);
    $ends{victim} = $victim;
    socket($ends{tcp}, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    connect($ends{tcp}, address($victim, $SERVED_TCP)) or die "connect $victim: $!";
    accept($ends{tcp_server}, $ends{listener}) or die "accept: $!";
    setsockopt($ends{$_}, IPPROTO_TCP, TCP_NODELAY, 1) for 'tcp', 'tcp_server';
    return \%ends;
}

sub datagrams {
    my ($socket, $port, $count, $ends) = @_;
    my $to = address($ends->{victim}, $port);
    for (1 .. $count) {
        send($socket, 'x', 0, $to);
    }
}

sub connections {
    my ($port, $count, $ends) = @_;
    my $to = address($ends->{victim}, $port);
    for (1 .. $count) {
        socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
        resetting($socket);
        connect($socket, $to) or next;
        accept(my $other, $ends->{listener}) or die "accept: $!";
        close $socket;
    }
}

my @KINDS = (
    ['UDP datagram to a served port' => sub {
        my ($count, $ends) = @_;
        my ($from, $at, $to) = (@$ends{'udp', 'udp_server'}, address($ends->{victim}, $SERVED_UDP));
        for (1 .. $count) {
            send($from, 'x', 0, $to);
            recv($at, my $got, 8, 0);
        }
    }],
    ['request and answer on a TCP connection' => sub {
        my ($count, $ends) = @_;
        my ($from, $at) = @$ends{'tcp', 'tcp_server'};
        for (1 .. $count) {
            syswrite($from, 'x');
            sysread($at, my $request, 8);
            syswrite($at, 'x');
            sysread($from, my $answer, 8);
        }
    }],
    ['TCP connection to a served port' => sub { connections($SERVED_TCP, @_) }],
    ['UDP datagram to an unused port' => sub { datagrams($_[1]{udp}, $UNWATCHED, @_) }],
    ['the same, watched' => sub { datagrams($_[1]{udp}, $WATCHED, @_) }],
    ['the same, of a host that is blocked where sets are full' => sub { datagrams($_[1]{blocked}, $WATCHED, @_) }],
    ['TCP connection to an unused port' => sub { connections($UNWATCHED, @_) }],
    ['the same, watched' => sub { connections($WATCHED, @_) }],
    # Last, as it fills the sets.
    ['forged SYN, each of another host' => sub {
        my ($count, $ends) = @_;
        my ($socket, $to, $packets) = ($ends->{raw}, address($ends->{victim}, 0), $ends->{forged});
        for (1 .. $count) {
            send($socket, $packets->[$ends->{next}++ % @$packets], 0, $to);
        }
    }],
);

# The same, with the servers at the attacker.
sub outbound_ends {
    my ($attacker, $namespace, $host) = @_;
    enter($attacker);
    my %ends = (udp_server => udp_socket($host, $SERVED_UDP), namespace => $namespace, victim => $host, next => 0);
    $ends{listener} = tcp_listener(AF_INET, $SERVED_TCP, $host);
    enter($namespace);
    @ends{'udp', 'own_server'} = (udp_socket('0.0.0.0', 0), udp_socket('0.0.0.0', $SERVED_UDP));
    return \%ends;
}

my @OUTBOUND_KINDS = (
    ['TCP connection' => sub {
        my ($count, $ends) = @_;
        enter($ends->{namespace});
        connections($SERVED_TCP, $count, $ends);
    }],
    ['UDP datagram' => sub {
        my ($count, $ends) = @_;
        my ($from, $at, $to) = (@$ends{'udp', 'udp_server'}, address($ends->{victim}, $SERVED_UDP));
        for (1 .. $count) {
            send($from, 'x', 0, $to);
            recv($at, my $got, 8, 0);
        }
    }],
    ['UDP request of another host, and the answer' => sub {
        my ($count, $ends) = @_;
        my ($client, $server) = @$ends{'udp_server', 'own_server'};
        my $to = $ends->{own_address} //= own_address($ends);
        for (1 .. $count) {
            send($client, 'x', 0, $to);
            my $from = recv($server, my $request, 8, 0);
            send($server, 'x', 0, $from);
            recv($client, my $answer, 8, 0);
        }
    }],
    # Last, as it fills the sets.
    ['UDP datagram, each to another port' => sub {
        my ($count, $ends) = @_;
        for (1 .. $count) {
            send($ends->{udp}, 'x', 0, address($ends->{victim}, 10_000 + $ends->{next}++ % 50_000));
        }
    }],
);

# The address from which the host sends, at the port of its server.
sub own_address {
    my ($ends) = @_;
    send($ends->{udp}, 'x', 0, address($ends->{victim}, $SERVED_UDP));
    my $from = recv($ends->{udp_server}, my $got, 8, 0);
    return pack_sockaddr_in($SERVED_UDP, (unpack_sockaddr_in($from))[1]);
}

sub send_datagrams {
    my ($host, $first, $last) = @_;
    my $socket = udp_socket('0.0.0.0', 0);
    for my $port ($first .. $last) {
        send($socket, 'x', 0, address($host, $port)) or die "send: $!";
    }
}

sub outbound {
    my ($rounds, $operations, $attacker, @hosts) = @_;
    measure($rounds, $operations, \@OUTBOUND_KINDS, map { outbound_ends($attacker, split /:/) } @hosts);
}

sub packets {
    my ($rounds, $operations, $attacker, @hosts) = @_;
    my @ends = map { ends($attacker, split /:/) } @hosts;
    for my $ends (@ends) {
        $ends->{raw} = raw_socket();
        $ends->{forged} = [map { forged('tcp', made_up_address($_), $ends->{victim}, $WATCHED) } 1 .. 20_000];
    }
    measure($rounds, $operations, \@KINDS, @ends);
}

sub measure {
    my ($rounds, $operations, $kinds, @ends) = @_;
    for my $kind (@$kinds) {
        my ($name, $code) = @$kind;
        my (@nanos, @more);
        for my $round (0 .. $rounds) {
            my @round;
            # Each round starts with another host.
            for my $host (map { ($_ + $round) % @ends } 0 .. $#ends) {
                my $begun = clock_gettime(CLOCK_MONOTONIC);
                $code->($operations, $ends[$host]);
                $round[$host] = (clock_gettime(CLOCK_MONOTONIC) - $begun) * 1e9 / $operations;
            }
            next if $round == 0; # warms the caches
            for my $host (0 .. $#ends) {
                push @{$nanos[$host]}, $round[$host];
                push @{$more[$host]}, $round[$host] - $round[0];
            }
        }
        my $none = median(@{$nanos[0]});
        printf "| %s | %.0f |", $name, $none;
        printf " %+.0f (%.2f) |", median(@{$more[$_]}), 1 + median(@{$more[$_]}) / $none for 1 .. $#ends;
        print "\n";
    }
}

my %commands = (serve => \&serve, log => \&receive_log, watch => \&watch, forge => \&forge, ports => \&count_ports,
    packets => \&packets, outbound => \&outbound, send => \&send_datagrams);
my $command = $commands{shift // ''} or die "sentry.pl: see its first lines\n";
$command->(@ARGV);
