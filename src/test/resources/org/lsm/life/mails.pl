# Says of each mail of lsm in root's mailbox whether it was provoked: perl mails.pl PROVOKED <MAILBOX
# PROVOKED has a line "NAME ENDPOINT" for each socket that was provoked. Prints "provoked" or "noise" and the subject of each mail. A mail
# is provoked if it reports one of these sockets; an all-clear, if there was no noise since the one before.
use strict;
use warnings;

my ($provoked) = @ARGV;
open my $list, '<', $provoked or die "$provoked: $!";
my @provoked = map { /^\S+ (\S.*)/ ? qr/(?<!\S)\Q$1\E(?!\S)/ : () } <$list>;
my $noise = 0;
for my $mail (split /^From .*\n/m, do { local $/; <STDIN> // '' }) {
    my ($subject) = $mail =~ /^Subject: (LSM Port Monitor Alert.*(?:\n[ \t].*)*)/m or next;
    $subject =~ s/\n//g;
    my ($text) = $mail =~ /\n\n(.*?)^Content-Type: text.html/ms or die "no text: $mail";
    $text =~ s/^Still .*//mg;
    my $all_clear = $subject =~ /all clear/;
    my $is_noise = $all_clear ? $noise : !grep { $text =~ $_ } @provoked;
    $noise = $all_clear ? 0 : $noise || $is_noise;
    print $is_noise ? "noise     " : "provoked  ", "$subject\n";
}
