#!/bin/sh
# The tarball and the .deb on a host without Java, by the commands of the README as they are written
# there: install, upgrade, remove, purge, and what is left of it.
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  exec sh "$(dirname -- "$0")/machine.sh" "$0" apt-get dpkg-deb cron man
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

downloads=$work/downloads
mkdir "$downloads"
mkfifo "$work/opened"
cp "$root"/target/lsm[-_]* "$downloads"
cd "$downloads" || exit 1

no_java() {
  ! command -v java && test -z "$(find / -xdev \( -name libjvm.so -o -path '*/bin/java' -type f \))"
}

# opens ENDPOINT: a program listens there, a port or an abstract unix socket, and is the $listener.
opens() {
  perl -MIO::Socket::INET -MIO::Socket::UNIX -e '
    my $s = $ARGV[0] =~ /^\d+$/ ? IO::Socket::INET->new(LocalAddr => "0.0.0.0:$ARGV[0]", Listen => 1)
      : IO::Socket::UNIX->new(Local => "\0$ARGV[0]", Listen => 1) or die $!;
    open(my $out, ">", $ARGV[1]) or die $!; close $out;
    sleep 600;' "$1" "$work/opened" &
  listener=$!
  cat "$work/opened"
}

# What has changed since the machine was made: files, also deleted ones, and new directories.
# The package tools keep books of their own, and so does man.
left() {
  (cd /tmp/upper && find .) | sed 's,^\.,,' | sort | comm -23 - "$work/directories" |
    comm -23 - "${1:-/dev/null}" |
    grep -vE '^/var/(lib/(dpkg|apt)|log/(dpkg|apt|alternatives)|cache/(apt|man|debconf|ldconfig))|^/etc/ld\.so\.cache$' || :
}

# works WHAT CONF PROGRAM: as an administrator sees it, with its files in these directories.
works() {
  run lsm --version
  ends "$1: lsm --version" 0
  says "$1: it says its version" "lsm $version"
  left "$work/before" >"$work/left"
  check "$1: its files are seen" grep -qx "$3/runtime/bin/java" "$work/left"
  check "$1: its archive is made" test -s "$3/lsm.jsa"
  sed -i -e 's/^MAILER=.*/MAILER="none"/' -e 's/^SYSLOG=.*/SYSLOG="no"/' "$2/conf.lsm"
  run lsm list
  ends "$1: lsm list" 0
  says "$1: it names the owner" "/usr/bin/perl"
  run lsm -c
  ends "$1: nothing differs" 0
  opens 4444
  run lsm -c
  ends "$1: a new listener" 1
  says "$1: it says which" "NEW      tcp/0.0.0.0:4444"
  says "$1: it says whose" "by /usr/bin/perl (root), PID $listener"
  kill "$listener" && wait "$listener" 2>/dev/null
  run lsm -c
  ends "$1: it is closed again" 0
  run lsm status
  ends "$1: lsm status" 0
  quiet_cron "$1"
  for page in lsm conf.lsm; do
    run man "$page"
    ends "$1: man $page" 0
    says "$1: man $page says what it is" NAME
  done
}

# What cron would run, in its environment, prints nothing.
quiet_cron() {
  sed -n 's/^[0-9*]\S* \S* \S* \S* \S* root //p' /etc/cron.d/lsm >"$work/cron.command"
  check "$1: there is a cron entry" test "$(wc -l <"$work/cron.command")" -eq 1
  run env -i PATH=/usr/bin:/bin HOME=/root SHELL=/bin/sh LOGNAME=root /bin/sh -c "$(cat "$work/cron.command")"
  check "$1: what cron runs prints nothing" test -z "$out$err"
}

# What an upgrade must not touch: edited CONF, and later keeps WHAT.
edited() {
  sed -i 's/^USER=.*/USER="admin@example.org"/' "$1/conf.lsm"
  echo 'tcp *:1' >>"$1/ignore.lsm"
  sed -i 's,^\*/10,*/7,' /etc/cron.d/lsm
  sha256sum "$1/conf.lsm" "$1/ignore.lsm" /var/lib/lsm/baseline >"$work/kept"
}

keeps() {
  check "$1 keeps configuration, rules and baseline" sha256sum --quiet -c "$work/kept"
}

# leaves WHAT PATTERN: nothing is left but paths of this pattern.
leaves() {
  left "$work/before" >"$work/left"
  check "$1" test -z "$(grep -vxE "$2" "$work/left")"
  grep -vxE "$2" "$work/left" | sed 's/^/        /'
  check "$1: nothing in /tmp either" test -z "$(find /tmp -mindepth 1 -maxdepth 1 | grep -vxF "$(cat "$work/tmp")")"
}

# The command is in the README, so that what is tested is what is told.
told() {
  check "the README tells $*" grep -qF "\`$*\`" "$root/README.md"
  run sh -c "yes | $*"
  ends "$*" 0
}

# --- the machine
rm -rf /usr/local/lsm /usr/local/sbin/lsm /var/lib/lsm /etc/cron.d/lsm # of the host, if it has one
find / -xdev -type d | sort >"$work/directories"
left >"$work/before"
find /tmp -mindepth 1 -maxdepth 1 >"$work/tmp"
check "there is no Java" no_java
opens lsm-e2e # a host has a socket
at_end "kill $listener"
version=$(dpkg-deb -f lsm_*.deb Version | tr '~' '-')

# --- the tarball
typed "tar -xzf"
ends "tarball: installed" 0
works tarball /usr/local/lsm /usr/local/lsm
edited /usr/local/lsm
typed "tar -xzf"
ends "tarball: the upgrade" 0
keeps "tarball: the upgrade"
check "tarball: and the cron entry" grep -q '^\*/7 ' /etc/cron.d/lsm
run lsm -c
ends "tarball: it still runs" 0
told /usr/local/lsm/install.sh --uninstall
keeps "tarball: the removal"
leaves "tarball: and leaves nothing else" '/usr/local/lsm(/(conf|ignore)\.lsm(\.new)?)?|/var/lib/lsm(/.*)?'
typed "tar -xzf"
ends "tarball: installed again" 0
keeps "tarball: another installation"
told /usr/local/lsm/install.sh --purge
leaves "tarball: the purge leaves nothing" ''

# --- the .deb
typed "apt install"
ends "deb: installed" 0
works deb /etc/lsm /usr/lib/lsm
edited /etc/lsm
dpkg-deb -R lsm_*.deb "$work/repacked"
sed -i 's/^Version: .*/&+1/' "$work/repacked/DEBIAN/control"
rm -f lsm_*.deb*
check "deb: there is a newer one" dpkg-deb --root-owner-group -Znone -b "$work/repacked" ./lsm_newer.deb
sha256sum lsm_newer.deb >lsm_newer.deb.sha256
typed "apt install"
ends "deb: the upgrade" 0
# shellcheck disable=SC2016  # it is dpkg's
check "deb: it was one" grep -q '+1$' <<X
$(dpkg-query -W -f '${Version}\n' lsm)
X
keeps "deb: the upgrade"
check "deb: and the cron entry" grep -q '^\*/7 ' /etc/cron.d/lsm
check "deb: its archive is made anew" test /usr/lib/lsm/lsm.jsa -nt "$work/repacked/DEBIAN/control"
run lsm -c
ends "deb: it still runs" 0
told apt remove lsm
keeps "deb: the removal"
leaves "deb: and leaves nothing else" '/etc/lsm(/(conf|ignore)\.lsm)?|/etc/cron\.d/lsm|/var/lib/lsm(/.*)?'
quiet_cron "deb: removed"
told apt purge lsm
leaves "deb: the purge leaves nothing" ''
finish
