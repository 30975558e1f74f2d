#!/bin/sh
# install.sh: upgrade, uninstall, purge, LSM 0.6, and every way it refuses. It installs what the
# build has left in target/lsm.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate # other tests open sockets at the same time

image=$root/target/lsm
cron=$work/cron.d

# A PATH with the tools of the system that install.sh needs, and nothing else.
bare=$work/bin
mkdir "$bare"
for tool in sh sed grep head tail awk tr cat cmp cp find install mv rm ln mkdir rmdir mktemp dirname readlink chmod id; do
  ln -s "$(command -v "$tool")" "$bare/$tool"
done

install() {
  run "$image/install.sh" --prefix "$prefix" --cron-dir "$cron" "$@"
}

# --- first installation
install --state-dir "$state"
exits "the first installation" 0
prints "the summary of LSM 0.6: install path" "Install path:    $prefix/lsm"
prints "the summary of LSM 0.6: config path" "Config path:     $prefix/lsm/conf.lsm"
prints "the summary of LSM 0.6: executable path" "Executable path: $prefix/sbin/lsm"
prints "the summary of LSM 0.6: version" "LSM version "
prints "the summary of LSM 0.6: baseline" "generated base comparison files"
check "there is a baseline" test -s "$state/baseline"
check "the link leads to the launcher" test "$(readlink "$prefix/sbin/lsm")" = "$prefix/lsm/lsm"
check "the cron entry is as documented" \
  grep -qx "[0-9]-59/10 \* \* \* \* root \[ -x $prefix/sbin/lsm \] && $prefix/sbin/lsm -c --quiet" "$cron/lsm"
prints "it prints where the entry is" "Cron entry:      $cron/lsm"
prints "it ends with what to do" "then run $prefix/sbin/lsm test-alert"
check "the state directory stands in conf.lsm" grep -q "^STATE_DIR=\"$state\"" "$prefix/lsm/conf.lsm"
check "no staging directory is left" test ! -e "$prefix/lsm/.stage"

# --- upgrade
sed 's/^USER="root"/USER="admin@example.org"/' "$prefix/lsm/conf.lsm" >"$work/edited.lsm"
cp "$work/edited.lsm" "$prefix/lsm/conf.lsm"
echo 'tcp *:1' >>"$prefix/lsm/ignore.lsm"
cp "$prefix/lsm/ignore.lsm" "$work/ignore.lsm"
cp "$state/baseline" "$work/baseline"
sed -i 's,^[0-9]-59/10,*/5,' "$cron/lsm"
install
exits "the upgrade" 0
prints "the upgrade prints what it keeps" "kept the base comparison files"
check "the upgrade keeps conf.lsm" cmp "$work/edited.lsm" "$prefix/lsm/conf.lsm"
check "the upgrade keeps ignore.lsm" cmp "$work/ignore.lsm" "$prefix/lsm/ignore.lsm"
check "the defaults have not changed: none is put beside them" absent "$prefix"/lsm/*.new
check "the upgrade keeps the baseline" cmp "$work/baseline" "$state/baseline"
check "the upgrade keeps the cron entry" grep -q '^\*/5' "$cron/lsm"
mkdir "$work/private"
cp -R "$image/." "$work/private"
chmod -R go= "$work/private"
sed -i 's/^REMIND="24h"/REMIND="48h"/' "$work/private/conf/conf.lsm"
echo 'tcp *:2' >>"$work/private/conf/ignore.lsm"
rm -rf "$prefix/lsm/lib" # as a killed upgrade may leave it
LSM_CONF=$work/astray.lsm
export LSM_CONF
run "$work/private/install.sh" --prefix "$prefix" --cron-dir "$cron"
unset LSM_CONF
exits "an upgrade of half a program, with LSM_CONF set" 0
check "it keeps conf.lsm" cmp "$work/edited.lsm" "$prefix/lsm/conf.lsm"
check "the defaults have changed: they are beside it" grep -q '^REMIND="48h"' "$prefix/lsm/conf.lsm.new"
check "with the state directory of this installation" grep -q "^STATE_DIR=\"$state\"" "$prefix/lsm/conf.lsm.new"
prints "the upgrade names them" "Kept $prefix/lsm/ignore.lsm; the defaults have changed, the new ones are in ignore.lsm.new"
check "everybody can read program and manual" test -z \
  "$(find "$prefix/share" "$prefix/lsm/lib" "$prefix/lsm/runtime" "$prefix/lsm/lsm" ! -type l ! -perm -o=r -print)"
rm -rf "$work/private"
cp "$prefix/lsm/conf.lsm.new" "$prefix/lsm/conf.lsm"
install
check "a configuration without an edit gets the new defaults" grep -q '^REMIND="24h"' "$prefix/lsm/conf.lsm"
check "and none beside it" absent "$prefix/lsm/conf.lsm.new"
install --state-dir "$work/other"
exits "a state directory other than the configured one is refused" 1

sed -i "s/^STATE_DIR=\"\(.*\)\"/STATE_DIR='\1'/" "$prefix/lsm/conf.lsm"
cp "$state/baseline" "$work/baseline"
install
check "single quotes do not hide the state directory" cmp "$work/baseline" "$state/baseline"
mkdir "$prefix/lsm/.stage"
install
exits "two installations at a time are refused" 1
prints "the error names the other one" "another install.sh"
check "the installed program still runs" "$prefix/sbin/lsm" --version
rmdir "$prefix/lsm/.stage"
run "$prefix/lsm/install.sh" --uninstall --prefix "$work/other" --cron-dir "$cron"
exits "--prefix without an installation is an error" 1
check "the own prefix is untouched" test -x "$prefix/lsm/lsm"
echo 'USERS="root"' >>"$prefix/lsm/conf.lsm"
install
exits "a broken configuration: the upgrade reports it" 1
prints "a broken configuration: the key is named" "did you mean USER?"
sed -i '/^USERS/d' "$prefix/lsm/conf.lsm"
mkdir "$work/other.cron"
echo '* * * * * root /usr/local/sbin/lsm -c' >"$work/other.cron/lsm"

# --- uninstall and purge
run "$prefix/lsm/install.sh" --uninstall --cron-dir "$work/other.cron"
check "the cron entry of another installation stays" test -e "$work/other.cron/lsm"
install
run "$prefix/lsm/install.sh" --uninstall --cron-dir "$cron"
exits "uninstall by the installed copy" 0
prints "it names the state directory, which stays" "the state in $state"
prints "and how to remove it" "$prefix/lsm/install.sh --purge"
check "the program is gone" test ! -e "$prefix/lsm/lib"
check "the link is gone" test ! -L "$prefix/sbin/lsm"
check "the cron entry is gone" test ! -e "$cron/lsm"
check "the configuration stays" test -e "$prefix/lsm/conf.lsm"
check "the baseline stays" test -e "$state/baseline"
echo mine >"$state/mine"
cat >"$prefix/lsm/conf.lsm" <<EOF
STATE_DIR="$state"
USER="ops@example.org"
SYSLOG="no"
RUN_CMD="exit 1"
EOF
install
check "keys that are missing have their defaults" grep -Eq "^Alerts go to ops@example.org via (localhost:25|sendmail)[ ;:]" "$work/run.out"
echo 'MAILER="none"' >>"$prefix/lsm/conf.lsm"
open_sockets tcp/127.0.0.1:0
run "$prefix/sbin/lsm" -c
exits "an alert waits" 3
close_sockets
run "$image/install.sh" --purge --prefix "$prefix" --cron-dir "$cron"
exits "purge" 0
check "the configuration is gone" test ! -e "$prefix/lsm"
check "purge removes only files of lsm" test "$(ls -A "$state")" = mine

# --- LSM 0.6
mkdir -p "$prefix/lsm" "$cron"
cat >"$prefix/lsm/conf.lsm" <<'EOF'
INSPATH="/usr/local/lsm"
USER="ops@example.org"    # Alert email addresses
SUB="Sockets on $HOSTNAME \& co"
EOF
echo '*/10 * * * * root /usr/local/sbin/lsm -c >> /dev/null 2>&1' >"$cron/lsm"
echo 'exit 0' >"$prefix/lsm/lsm"
install --state-dir "$work/state06"
exits "LSM 0.6 is replaced" 0
check "USER is taken over" grep -q '^USER="ops@example.org"$' "$prefix/lsm/conf.lsm"
# shellcheck disable=SC2016  # the text is not to be expanded
check "SUB is taken over" grep -qxF 'SUB="Sockets on $HOSTNAME \& co"' "$prefix/lsm/conf.lsm"
check "the old configuration is kept" grep -q INSPATH "$prefix/lsm/conf.lsm.0.6"
check "the old cron entry is replaced" grep -q -- '-c --quiet' "$cron/lsm"
run "$prefix/sbin/lsm" -c --no-alert
prints "the new program runs with the old settings" "no difference to the baseline, "
run "$image/install.sh" --purge --prefix "$prefix" --cron-dir "$cron"

# --- refusals: one line, nothing installed
refused() {
  exits "$1: refused" 1
  prints "$1: the error names it" "$2"
  prints_one_error "$1: in one line"
  check "$1: nothing is installed" absent "$prefix/lsm" "$prefix.root/lsm"
}

install --state-dir relative
refused "a relative path" "not an absolute path"
install --state-dir "$work/a b"
refused "a path with a space" "has a character"
install --frobnicate
refused "an unknown option" "--help"
mkdir "$work/src"
cp "$root/install.sh" "$root/pom.xml" "$work/src"
run env -u JAVA_HOME PATH="$bare" "$work/src/install.sh" --prefix "$prefix" --cron-dir "$cron"
refused "no Java, no Maven" "maven"
prints "no Java, no Maven: the error names a JDK" "jdk"
run env JAVA_HOME="$work/nowhere" "$work/src/install.sh" --prefix "$prefix" --cron-dir "$cron"
refused "JAVA_HOME without Java" "jdk"
mkdir -p "$work/old/bin"
printf '#!/bin/sh\necho '"'"'openjdk version "11.0.2" 2019-01-15'"'"' >&2\n' >"$work/old/bin/java"
cp "$work/old/bin/java" "$work/old/bin/javac"
chmod 755 "$work/old/bin/"*
run env JAVA_HOME="$work/old" "$work/src/install.sh" --prefix "$prefix" --cron-dir "$cron"
refused "an old Java" "jdk"
run "$work/src/install.sh" --uninstall --prefix "$prefix"
refused "nothing to uninstall" "--prefix"
if [ "$(id -u)" -eq 0 ]; then
  chmod 755 "$work"
  mkdir -m 755 "$prefix.root"
  cp -R "$image" "$work/image" # the source tree may be for root alone
  run setpriv --reuid nobody --regid nogroup --clear-groups \
    "$work/image/install.sh" --prefix "$prefix.root" --cron-dir "$cron" --state-dir "$state"
  refused "no root" "as root"

  chown -R nobody "$work/image"
  chmod -R g+w "$work/image"
  run "$work/image/install.sh" --prefix "$prefix" --cron-dir "$cron" --state-dir "$state"
  exits "files of another user are installed" 0
  check "they belong to root, and only root can write them" \
    test -z "$(find "$prefix" ! -type l \( ! -user root -o -perm /022 \))"
  run "$work/image/install.sh" --purge --prefix "$prefix" --cron-dir "$cron"
else
  echo "SKIPPED  no root: needs root to become another user"
fi

# --- a built program contains its Java
run env JAVA_HOME="$work/old" PATH="$bare" \
  "$image/install.sh" --prefix "$prefix" --cron-dir "$cron" --state-dir "$state"
exits "no Java for a built program: installed" 0
check "no Java for a built program: it runs" env -i "$prefix/sbin/lsm" --version
check "no Java for a built program: its archive is made" test -s "$prefix/lsm/lsm.jsa"
check "no Java for a built program: no other tool is missing" test "${err#*not found}" = "$err"
run "$prefix/lsm/install.sh" --purge --cron-dir "$cron"

# --- a build that fails
cp -R "$image/conf" "$work/src"
run "$work/src/install.sh" --prefix "$prefix" --cron-dir "$cron"
exits "a build that fails" 1
prints "a build that fails: the error says so" "nothing was installed"
check "a build that fails: nothing is installed" test ! -e "$prefix/lsm"

finish
