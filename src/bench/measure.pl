# Runs commands in turns (A B C A B C ...) as whole processes and prints for each, as a row of a table
# in Markdown, the medians of wall time, CPU time (user and system, children included) and peak
# memory, and how both times compare with the first row's. Both times are appended to a file as well.
# Stops when a command fails, or when one with --quiet prints something.
# Usage: perl measure.pl ROUNDS FILE ROW COMMAND [ROW COMMAND]...
use strict;
use warnings;
use POSIX qw(uname);
use Time::HiRes qw(time);

# wait4(2) is the only call that returns all three; times() of perl counts in hundredths of a second.
my %wait4 = (x86_64 => 61, aarch64 => 260);
my $wait4 = $wait4{(uname)[4]} or die "measure.pl: knows the number of wait4 on " . join(', ', keys %wait4) . " only\n";

sub run {
    my ($command) = @_;
    my $quiet = $command =~ /--quiet/;
    open(my $output, '+>', $quiet ? undef : '/dev/null') or die "output: $!";
    my $start = time;
    my $pid = fork;
    defined $pid or die "fork: $!";
    if ($pid == 0) {
        open(STDOUT, '>&', $output) or die "stdout: $!";
        open(STDERR, '>&', $output) or die "stderr: $!" if $quiet;
        exec $command or die "$command: $!";
    }
    my ($status, $usage) = (pack('i', 0), "\0" x 256);
    syscall($wait4, $pid, $status, 0, $usage) == $pid or die "wait4: $!";
    my $wall = time - $start;
    if (unpack('i', $status) != 0 || $quiet && -s $output) {
        print STDERR $quiet && seek($output, 0, 0) ? <$output> : ();
        die "measure.pl: '$command' failed or printed something\n";
    }
    my ($user, $user_us, $system, $system_us, $kilobytes) = unpack('l!5', $usage);
    return ($wall, $user + $system + ($user_us + $system_us) / 1e6, $kilobytes / 1024);
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

sub hour {
    return int(time / 3600);
}

my ($rounds, $file, @rows) = @ARGV;
my (@labels, @commands);
while (my ($label, $command) = splice(@rows, 0, 2)) {
    push @labels, $label;
    push @commands, $command;
}

# A round counts if the one before it was in the same hour: the first one warms the caches, and the
# first compare of an hour does more than the others.
my @figures;
for (my ($counted, $before) = (0, 0); $counted < $rounds;) {
    my $begun = hour;
    my @round = map { [run($_)] } @commands;
    if ($begun == $before && hour == $begun) {
        $counted++;
        for my $row (0 .. $#commands) {
            push @{$figures[$row][$_]}, $round[$row][$_] for 0 .. 2;
        }
    }
    $before = hour;
}

open(my $times, '>>', $file) or die "$file: $!";
my ($width) = sort { $b <=> $a } map { length } @labels;
printf "| %-${width}s | wall s | CPU s | peak MB | x wall | x CPU |\n", '';
printf "|-%s-|-------:|------:|--------:|-------:|------:|\n", '-' x $width;
my @reference;
for my $row (0 .. $#commands) {
    my ($wall, $cpu, $peak) = map { median(@$_) } @{$figures[$row]};
    @reference = ($wall, $cpu) if $row == 0;
    printf "| %-${width}s | %6.3f | %5.3f | %7.1f | %6.2f | %5.2f |\n", $labels[$row], $wall, $cpu, $peak,
        $wall / $reference[0], $cpu / $reference[1];
    print $times "$labels[$row]\t$wall\t$cpu\n";
}
