# Checks what lsm prints where it is measured: it lists the sockets and PIDs that ss(8) lists, reports nothing in a quiet run, and
# reports a socket from the run after it was opened to the last one before it was closed. Dies if not.
# Usage: perl check.pl LSM COUNT [NAMESPACE]...     COUNT: how many sockets there are
use strict;
use warnings;
use JSON::PP;
use POSIX qw(uname);
use Socket;

my %setns = (x86_64 => 308, aarch64 => 268);
my ($lsm, $count, @namespaces) = @ARGV;
my $port = 20_000; # no load has it, and it is not ephemeral

sub output {
    my ($command) = @_;
    my $output = qx($command 2>&1);
    return ($output, $? >> 8);
}

sub expect {
    my ($command, $status, @texts) = @_;
    my ($output, $found) = output($command);
    my @missing = grep { index($output, $_) < 0 } @texts;
    die "check.pl: '$command' exited with $found instead of $status, or does not print '@missing':\n$output"
        if $found != $status || @missing || !@texts && $output ne '';
}

# The sockets by the name that lsm gives them, with the PIDs, from lsm and from ss.
sub of_lsm {
    my ($output, $status) = output("$lsm list --format json");
    die "check.pl: $lsm list exited with $status:\n$output" if $status != 0;
    my %pids;
    for my $socket (@{decode_json($output)->{sockets}}) {
        $pids{$socket->{socket}} = join ' ', sort map { $_->{pid} } @{$socket->{processes}};
    }
    return \%pids;
}

sub of_ss {
    my %pids;
    for my $namespace (@namespaces ? @namespaces : '') {
        my ($option, $prefix) = $namespace eq '' ? ('', '') : ("-N $namespace", "$namespace:");
        for (split /\n/, (output("ss $option -lntupxwH"))[0]) {
            my ($protocol, $local) = /^(\S+) +\S+ +\d+ +\d+ +(\S+)/ or die "check.pl: ss printed '$_'\n";
            $protocol = 'unix' if $protocol eq 'u_str';
            $pids{"$prefix$protocol/$local"} = join ' ', sort /\bpid=(\d+)/g;
        }
    }
    return \%pids;
}

sub compare_lists {
    my ($found, $expected) = (of_lsm(), of_ss());
    for my $name (sort keys %{{%$found, %$expected}}) {
        my ($by_lsm, $by_ss) = map { $_->{$name} // 'nothing' } ($found, $expected);
        die "check.pl: $name is of PID $by_lsm for lsm, and of PID $by_ss for ss\n" if $by_lsm ne $by_ss;
    }
    my $listed = keys %$found;
    die "check.pl: there are $listed sockets instead of $count\n" if $listed != $count;
}

# Listens in a process of its own, in the first of the namespaces; returns its PID.
sub open_socket {
    pipe(my $ready, my $opened) or die "pipe: $!";
    my $pid = fork;
    defined $pid or die "fork: $!";
    if ($pid == 0) {
        if (@namespaces) {
            open(my $namespace, '<', "/run/netns/$namespaces[0]") or die "$namespaces[0]: $!";
            syscall($setns{(uname)[4]}, fileno $namespace, 0) == 0 or die "setns: $!";
        }
        socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
        bind($socket, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!";
        listen($socket, 1) or die "listen: $!";
        close $opened;
        sleep while 1;
    }
    close $opened;
    <$ready>; # the end of the file
    return $pid;
}

compare_lists();
expect("$lsm -c --quiet", 0);
my $pid = open_socket();
my $name = (@namespaces ? "$namespaces[0]:" : '') . "tcp/127.0.0.1:$port";
my ($quiet, $status) = output("$lsm -c --quiet");
die "check.pl: '$lsm -c --quiet' exited with $status after $name was opened:\n$quiet" if $status != 1;
expect("$lsm -c", 1, "NEW      $name\n", "PID        $pid\n");
kill 'KILL', $pid;
waitpid $pid, 0;
expect("$lsm -c --quiet", 0);
expect("$lsm -c", 0, "no difference to the baseline, $count sockets\n");
expect("$lsm -c --quiet", 0);
print "checked: $count sockets as ss lists them, and $name reported while it was open\n";
