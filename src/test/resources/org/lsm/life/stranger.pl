# Takes a descriptor from another process and keeps it: perl stranger.pl PID DESCRIPTOR
use strict;
use warnings;

my ($SYS_pidfd_open, $SYS_pidfd_getfd) = (434, 438); # the same on every architecture
my ($pid, $descriptor) = @ARGV;
my $process = syscall $SYS_pidfd_open, $pid + 0, 0;
die "pidfd_open: $!" if $process < 0;
die "pidfd_getfd: $!" if syscall($SYS_pidfd_getfd, $process, $descriptor + 0, 0) < 0;
sleep 86400;
