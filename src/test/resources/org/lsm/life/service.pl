# Listens on tcp/0.0.0.0:PORT as the service of life.test.sh does: perl service.pl PORT
# On SIGUSR1 it starts a shell that inherits its listener.
use strict;
use warnings;
use IO::Socket::INET;

$^F = 255; # what is opened from here on stays open in programs that are started
my $listener = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 8, ReuseAddr => 1) or die "port $ARGV[0]: $@";
$SIG{USR1} = sub {
    defined(my $child = fork) or die "fork: $!";
    exec '/bin/sh', '-c', 'while :; do sleep 1; done' if !$child;
};
while (1) {
    my $client = $listener->accept or next;
    print $client "hello\n";
}
