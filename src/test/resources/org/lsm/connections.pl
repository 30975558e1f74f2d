# Opens TCP connections of all kinds on loopback and holds them until its standard input ends.
# Usage: perl connections.pl NAME...
# A child holds them all as well for each NAME, which becomes its name. Prints the PID of each, then "ready".
use strict;
use warnings;
use IO::Socket::IP;

my @held;

# connect_to ADDRESS, CLIENT, BYTES: a listener, and a client that has sent bytes to it.
sub connect_to {
    my ($address, $client, $bytes) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => $address, LocalPort => 0, Proto => 'tcp', Listen => 5, V6Only => 0)
        or die "listen $address: $@";
    my $to = IO::Socket::IP->new(PeerHost => $client, PeerPort => $listener->sockport, Proto => 'tcp')
        or die "connect $client: $@";
    my $from = $listener->accept or die "accept: $!";
    $to->syswrite('x' x $bytes) if $bytes;
    push @held, $listener, $to;
    return $from;
}

push @held, connect_to('127.0.0.1', '127.0.0.1', 1234);
push @held, connect_to('::1', '::1', 1234);
push @held, connect_to('::', '127.0.0.1', 1234);
push @held, connect_to('::', '::ffff:127.0.0.1', 0);
my $closed = connect_to('127.0.0.2', '127.0.0.2', 0);
close $closed;

my @children;
for my $name (@ARGV) {
    my $child = fork // die "fork: $!";
    if (!$child) {
        open my $comm, '>', '/proc/self/comm' or die "comm: $!";
        syswrite $comm, $name;
        sleep 1 while getppid != 1;
        exit;
    }
    push @children, $child;
}
$| = 1;
print "$_\n" for $$, @children;
print "ready\n";
1 while <STDIN>;
kill 'KILL', @children;
