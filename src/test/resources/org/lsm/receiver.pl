# An HTTP server that stores the body of each POST as DIRECTORY/NUMBER.json, numbered from 0001, and answers 200.
# Usage: perl receiver.pl DIRECTORY ADDRESS:PORT        prints "ready" when it listens
use strict;
use warnings;
use IO::Socket::INET;

my ($directory, $address) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => $address, Listen => 128, ReuseAddr => 1) or die "$address: $@";
$| = 1;
print "ready\n";

# The body of the request, or nothing if the client has left.
sub body_of {
    my ($client) = @_;
    my ($head, $body) = ('', '');
    while (my $line = <$client>) {
        last if $line eq "\r\n";
        $head .= $line;
    }
    my ($length) = $head =~ /^Content-Length: *(\d+)/mi or return;
    read($client, $body, $length) == $length or return;
    return $body;
}

# A file has its name once it is complete.
sub store {
    my ($file, $body) = @_;
    open(my $out, '>:raw', "$file.new") or die "$file.new: $!";
    print $out $body;
    close $out or die "$file.new: $!";
    rename "$file.new", "$file.json" or die "$file.json: $!";
}

my $number = 0;
while (1) {
    my $client = $listener->accept or next;
    my $body = body_of($client);
    store(sprintf('%s/%04d', $directory, ++$number), $body) if defined $body;
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    close $client;
}
