# Opens unix sockets, each of which many processes hold.
# Usage: perl shared.pl SOCKETS PROCESSES [DIRECTORY]
# With a directory, each process runs a program of its own: a hard link to a copy of perl, under a path of 3.6 KB there.
# Prints "ready" when all are there, and holds them until its standard input ends.
use strict;
use warnings;
use File::Copy;
use File::Path;
use Socket;

$^F = 65535; # what is opened from here on stays open in programs that are started
my ($sockets, $processes, $directory) = @ARGV;
my @held;
for (1 .. $sockets) {
    socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack('S a*', AF_UNIX, "\0shared-$_")) or die "bind: $!";
    listen($socket, 8) or die "listen: $!";
    push @held, $socket;
}
my $program;
if ($directory) {
    $directory .= '/' . 'd' x 200 while length $directory < 3400;
    mkpath($directory);
    $program = "$directory/program-";
    copy($^X, $program . 0) or die "$program: $!";
    chmod 0755, $program . 0;
}
pipe(my $started, my $starting) or die "pipe: $!";
pipe(my $ended, my $holding) or die "pipe: $!";
my $wait = 'open my $out, ">&=", shift; open my $in, "<&=", shift; syswrite $out, "x"; close $out; sysread $in, $out, 1';
for (1 .. $processes) {
    link($program . 0, $program . $_) or die "link: $!" if $program;
    defined(my $child = fork) or die "fork: $!";
    next if $child;
    close $holding;
    close $started;
    exec $program . $_, '-e', $wait, fileno $starting, fileno $ended or die "exec: $!" if $program;
    syswrite $starting, 'x';
    sysread $ended, my $nothing, 1;
    exit;
}
close $starting;
for (1 .. $processes) {
    sysread($started, my $one, 1) or die "a process failed";
}
$| = 1;
print "ready\n";
my @rest = <STDIN>;
