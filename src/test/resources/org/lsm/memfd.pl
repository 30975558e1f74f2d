# Runs a copy of perl that exists in memory only. Usage: perl memfd.pl PERL ARGUMENT...
use strict;
use warnings;
use POSIX qw(uname);

my ($perl, @arguments) = @ARGV;
my %memfd_create = (x86_64 => 319, aarch64 => 279); # numbers of the system call
my $number = $memfd_create{(uname)[4]} or die "unknown machine";
my $name = 'lsm-it';
my $fd = syscall($number, $name, 0);
die "memfd_create: $!" if $fd < 0;
open(my $from, '<:raw', $perl) or die "$perl: $!";
open(my $to, '>>&=:raw', $fd) or die "memfd: $!";
local $/;
print {$to} scalar <$from> or die "memfd: $!";
$to->flush;
exec "/proc/self/fd/$fd", @arguments or die "exec: $!";
