# Hands sockets to dbus-daemon: in messages that stay there, since their receiver does not read.
# Usage: perl bus.pl SOCKET PORT, where SOCKET is that of the bus, and PORT the first of five.
# Prints "ready" when the bus has them, and stays connected until its standard input ends. Needs CAP_NET_RAW.
use strict;
use warnings;
use POSIX qw(uname);
use Socket qw(:DEFAULT IPPROTO_IPV6 inet_pton pack_sockaddr_in6 SOCK_RAW);

my %sendmsg = (x86_64 => 46, aarch64 => 211); # numbers of the system call
my $number = $sendmsg{(uname)[4]} or die "unknown machine";
my ($bus, $port) = @ARGV;
my $serial = 0;

# Sends bytes with a descriptor: struct msghdr of sendmsg(2), and struct cmsghdr of cmsg(3) with SCM_RIGHTS.
sub send_descriptor {
    my ($connection, $bytes, $descriptor) = @_;
    my $vector = pack 'P Q', $bytes, length $bytes;
    my $control = pack 'Q l l l x4', 20, SOL_SOCKET, 1, $descriptor;
    my $message = pack 'Q L x4 P Q P Q l x4', 0, 0, $vector, 1, $control, length $control, 0;
    syscall($number, fileno $connection, $message, 0) == length $bytes or die "sendmsg: $!";
}

# A method call of the D-Bus specification; only the bus replies.
sub call {
    my ($to, $path, $interface, $member, $signature, $body, $descriptors) = @_;
    my @fields = ([1, 'o', $path], [2, 's', $interface], [3, 's', $member], [6, 's', $to]);
    push @fields, [8, 'g', $signature] if $signature;
    push @fields, [9, 'u', $descriptors] if $descriptors;
    my $header = '';
    for (@fields) {
        my ($code, $type, $value) = @$_;
        my $format = { o => 'V/a* x', s => 'V/a* x', g => 'C/a* x', u => 'V' }->{$type};
        $header .= "\0" x (-length($header) % 8) . pack('C C a x', $code, 1, $type) . pack($format, $value);
    }
    my $start = pack 'a C C C V V V', 'l', 1, $to !~ /Bus$/, 1, length $body, ++$serial, length $header;
    return $start . $header . "\0" x (-length($header) % 8) . $body;
}

sub call_bus {
    my ($member, $signature, $body) = @_;
    return call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', $member, $signature, $body, 0);
}

sub connect_to_bus {
    socket(my $connection, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    connect($connection, pack_sockaddr_un($bus)) or die "$bus: $!";
    syswrite $connection, "\0AUTH EXTERNAL " . unpack('H*', $>) . "\r\nNEGOTIATE_UNIX_FD\r\n";
    my $answer = '';
    while ($answer !~ /^AGREE_UNIX_FD\r\n/m) {
        sysread($connection, $answer, 4096, length $answer) or die "the bus answers: $answer";
    }
    syswrite $connection, "BEGIN\r\n" . call_bus('Hello', '', '');
    sysread $connection, $answer, 4096;
    return $connection;
}

sub sockets {
    my ($tcp, $tcp6, $udp, $raw, $packet);
    socket($tcp, AF_INET, SOCK_STREAM, 6) && bind($tcp, pack_sockaddr_in($port, INADDR_LOOPBACK)) && listen($tcp, 8)
        or die "tcp: $!";
    socket($tcp6, AF_INET6, SOCK_STREAM, 6) && bind($tcp6, pack_sockaddr_in6($port + 1, inet_pton(AF_INET6, '::1')))
        && listen($tcp6, 8) or die "tcp6: $!";
    socket($udp, AF_INET, SOCK_DGRAM, 17) && bind($udp, pack_sockaddr_in($port + 2, INADDR_LOOPBACK)) or die "udp: $!";
    socket($raw, AF_INET, SOCK_RAW, 253) or die "raw: $!";
    socket($packet, 17, SOCK_RAW, unpack('n', pack('S', 3))) or die "packet: $!";
    return ($tcp, $tcp6, $udp, $raw, $packet);
}

my $receiver = connect_to_bus();
syswrite $receiver, call_bus('RequestName', 'su', pack('V/a* x', 'org.lsm.Test') . "\0" x 3 . pack('V', 0));
sysread $receiver, my $answer, 4096;
my $sender = connect_to_bus();
# More than the kernel buffers: the rest waits in the bus, and so do all messages behind it.
for (1 .. 8) {
    my $call = call('org.lsm.Test', '/', 'org.lsm.Test', 'Fill', 's', pack('V/a* x', 'x' x 200_000), 0);
    while (length $call) {
        my $written = syswrite($sender, $call) or die "write: $!";
        substr $call, 0, $written, '';
    }
}
for (sockets()) {
    send_descriptor($sender, call('org.lsm.Test', '/', 'org.lsm.Test', 'Keep', 'h', pack('V', 0), 1), fileno $_);
}
# It answers when it has read all that was sent before.
syswrite $sender, call_bus('ListNames', '', '');
for ($answer = ''; $answer !~ /org\.lsm\.Test/;) {
    sysread($sender, $answer, 65536, length $answer) or die 'the bus closed the connection';
}
$| = 1;
print "ready\n";
my @rest = <STDIN>;
