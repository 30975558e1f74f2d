# Runs shell commands in turns (A B C A B C ...) as whole processes and prints for each the medians of
# wall time, CPU time (user and system, children included) and peak memory, and how both times
# compare with the first command's. A command that fails ends it all.
# Usage: perl measure.pl ROUNDS COMMAND...
use strict;
use warnings;
use POSIX qw(uname);
use Time::HiRes qw(time);

# The only call that tells all three; times() of perl counts in hundredths of a second.
my %wait4 = (x86_64 => 61, aarch64 => 260);
my $wait4 = $wait4{(uname)[4]} or die "measure.pl: knows wait4 of " . join(', ', keys %wait4) . " only\n";

sub run {
    my ($command) = @_;
    my $start = time;
    my $pid = fork;
    defined $pid or die "fork: $!";
    if ($pid == 0) {
        open(STDOUT, '>', '/dev/null') or die "/dev/null: $!";
        exec $command or die "$command: $!";
    }
    my ($status, $usage) = (pack('i', 0), "\0" x 256);
    syscall($wait4, $pid, $status, 0, $usage) == $pid or die "wait4: $!";
    my $wall = time - $start;
    unpack('i', $status) == 0 or die "measure.pl: '$command' failed\n";
    my ($user, $user_us, $system, $system_us, $kilobytes) = unpack('l!5', $usage);
    return ($wall, $user + $system + ($user_us + $system_us) / 1e6, $kilobytes / 1024);
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

my ($rounds, @commands) = @ARGV;
my %figures;
for my $round (0 .. $rounds) {
    for my $command (@commands) {
        my @figures = run($command);
        next if $round == 0; # it warms the caches
        push @{$figures{$command}[$_]}, $figures[$_] for 0 .. 2;
    }
}
my @reference = map { median(@$_) } @{$figures{$commands[0]}};
printf "%-42s %8s %8s %9s %7s %7s\n", '', 'wall s', 'CPU s', 'peak MB', 'x wall', 'x CPU';
for my $command (@commands) {
    my @medians = map { median(@$_) } @{$figures{$command}};
    printf "%-42s %8.3f %8.3f %9.1f %7.2f %7.2f\n", $command, @medians,
        $medians[0] / $reference[0], $medians[1] / $reference[1];
}
