# Posts what one host has posted for many other hosts as well, each with a connection of its own, and prints as rows of a table what
# this costs an Alertmanager.
# Usage: perl fleet.pl PID ADDRESS:PORT POST HOSTS NOTIFIED
#   PID, ADDRESS:PORT  of Alertmanager
#   POST               the file with the body that lsm posted
#   NOTIFIED           the directory in which receiver.pl stores the notifications
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use POSIX qw(strftime sysconf _SC_CLK_TCK);
use Time::HiRes qw(sleep time);

my $CLIENTS = 8; # hosts that post at the same time
my $COMPARES = 5;
my $DAY = 86_400;

my ($pid, $address, $file, $hosts, $notified) = @ARGV;
my $post = content($file);

sub content {
    my ($name) = @_;
    open(my $in, '<:raw', $name) or die "$name: $!";
    local $/;
    return scalar <$in>;
}

sub cpu_seconds {
    my @fields = split ' ', content("/proc/$pid/stat") =~ s/.*\) //sr;
    return ($fields[11] + $fields[12]) / sysconf(_SC_CLK_TCK);
}

sub megabytes {
    my ($what) = @_;
    my ($kilobytes) = content("/proc/$pid/status") =~ /^$what:\s*(\d+)/m;
    return $kilobytes / 1024;
}

sub iso {
    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime shift);
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

# The post as that of another host, or as one that resolves all of it.
sub post_of {
    my ($number, $resolves) = @_;
    my $ends = iso($resolves ? time - 1 : time + $DAY);
    my $body = $post =~ s/"instance":"\K[^"]*/host$number.example.org/gr =~ s/"endsAt":"\K[^"]*/$ends/gr;
    return $resolves ? $body =~ s/"startsAt":"[^"]*",?//gr : $body;
}

sub post_all {
    my ($resolves) = @_;
    my $http = HTTP::Tiny->new(keep_alive => 0, timeout => 30);
    my @clients = map {
        my $client = $_;
        my $child = fork // die "fork: $!";
        if ($child == 0) {
            for (my $number = $client; $number < $hosts; $number += $CLIENTS) {
                my %request = (headers => {'Content-Type' => 'application/json'}, content => post_of($number, $resolves));
                my $answer = $http->post("http://$address/api/v2/alerts", \%request);
                $answer->{success} or die "host$number: $answer->{status} $answer->{content}\n";
            }
            exit 0;
        }
        $child;
    } 1 .. $CLIENTS;
    for (@clients) {
        waitpid($_, 0);
        $? == 0 or die "fleet.pl: a post failed\n";
    }
}

sub notifications {
    my @files = glob "$notified/*.json";
    return @files;
}

# One for each kind of socket that is new.
sub await_notifications {
    my ($count) = @_;
    for (1 .. 1200) {
        return if notifications() >= $count;
        sleep 0.1;
    }
    die "fleet.pl: " . notifications() . " of $count notifications\n";
}

# Wall and CPU time of what this does.
sub cost {
    my ($action) = @_;
    my ($time, $cpu) = (time, cpu_seconds());
    $action->();
    return [time - $time, cpu_seconds() - $cpu];
}

sub row {
    my ($name, @costs) = @_;
    my ($wall, $cpu) = map { my $i = $_; median(map { $_->[$i] } @costs) } 0, 1;
    printf "| %s | %.2f | %.2f | %.0f |\n", $name, $wall, $cpu, megabytes('VmRSS');
}

my $alerts = @{decode_json($post)};
printf "A post has %d alerts and %d bytes; %d hosts post %.1f MB at each compare.\n\n",
    $alerts, length $post, $hosts, $hosts * length($post) / 1e6;
print "| | wall s | CPU s of Alertmanager | its memory, MB |\n|---|---:|---:|---:|\n";
row('nothing posted', [0, 0]);
row('all is new', cost(\&post_all));
row('each further compare', map { cost(\&post_all) } 1 .. $COMPARES);
my $notifying = cost(sub { await_notifications($alerts) });
my $bytes = 0;
$bytes += -s $_ for notifications();
printf "| %d notifications with %.1f MB | - | %.2f | %.0f |\n", scalar(notifications()), $bytes / 1e6, $notifying->[1], megabytes('VmRSS');
row('all is resolved', cost(sub { post_all(1) }));
printf "\nIts peak memory is %.0f MB.\n", megabytes('VmHWM');
