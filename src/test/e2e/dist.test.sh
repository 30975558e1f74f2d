#!/bin/sh
# The packages in target, and those of mvn -Pdist package in a clone, at another time and under another umask, are the same bytes if
# all is committed; and their contents.
# Not offline, where Maven leaves out the SBOM; the local repository has all that the build needs.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

first=$root/target
second=$work/private/clone/target

# differences KIND: which files in two archives differ.
differences() {
  for target in "$first" "$second"; do
    unpacked=$work/unpacked$target
    mkdir -p "$unpacked"
    case $1 in
      tar.gz) tar -C "$unpacked" -xzf "$target"/*.tar.gz ;;
      deb) dpkg-deb -R "$target"/*.deb "$unpacked" ;;
      rpm) (cd "$unpacked" && rpm2cpio "$target"/*.rpm | cpio -idm --quiet) ;;
      cdx.json) cp "$target"/*.cdx.json "$unpacked" ;;
    esac
  done
  diff -rq "$work/unpacked$first" "$work/unpacked$second"
  rm -rf "$work/unpacked"
}

same_bytes() {
  (cd "$first" && sha256sum ./*."$1") >"$work/sums"
  (cd "$second" && sha256sum -c --quiet "$work/sums") && return 0
  differences "$1"
  return 1
}

# neutral LIST: all files belong to root, and their modes do not depend on the umask.
neutral() {
  ! awk '$2 != "root/root" || $1 !~ /^(l|.r[w-].r-.r-.|.rw-------)/' "$1" | grep .
}

mkdir -m 700 "$work/private"
git clone -q "$root" "$work/private/clone"
run sh -c "cd '$work/private/clone' && umask 077 && TZ=Asia/Kolkata mvn -B -q -Pdist -Dmaven.test.skip -Dspotless.check.skip package"
exits "mvn -Pdist package with umask 077" 0
for kind in tar.gz deb rpm cdx.json; do
  check "two builds give the same .$kind" same_bytes "$kind"
done

cd "$first" || exit 1
check "the checksum files are right" sha256sum -c ./*.sha256
check "each package has a checksum file" test "$(find . -maxdepth 1 -name '*.sha256' | wc -l)" -eq 4
version=$(sed -n 's,^  <version>\(.*\)</version>,\1,p' ../pom.xml)
day=$(sed -n 's,^    <release.date>\(.*\)</release.date>,\1,p' ../pom.xml)
check "the first entry of the change log is this version, of the day of the build" \
  test "$(grep -m 1 '^## ' ../src/doc/CHANGELOG.md)" = "## [$version] - $day"
tar -tvzf ./lsm-"$version"-linux-*.tar.gz >"$work/tar.list"
check "the tarball has neutral owners and modes" neutral "$work/tar.list"
check "the tarball has one directory at the top" \
  test "$(tar -tzf ./lsm-"$version"-linux-*.tar.gz | cut -d/ -f1 | sort -u)" = "lsm-$version"
check "the tarball contains links as links" grep -q '^l.* -> \.\./java.base/LICENSE$' "$work/tar.list"
dpkg-deb -c ./linux-socket-monitor_*.deb >"$work/deb.list"
check "the .deb has neutral owners and modes" neutral "$work/deb.list"
check "the .deb contains links as links" grep -q '^l.* -> \.\./java.base/LICENSE$' "$work/deb.list"
check "only root can read its configuration" grep -q '^-rw------- .* \./etc/lsm/conf.lsm$' "$work/deb.list"
dpkg-deb -e ./linux-socket-monitor_*.deb "$work/control"
check "shellcheck accepts the maintainer scripts" \
  shellcheck "$work/control/preinst" "$work/control/postinst" "$work/control/prerm" "$work/control/postrm"
check "postinst has value_of of install.sh" grep -q '^value_of() {' "$work/control/postinst"
check "postrm has purge_state of install.sh" grep -q '^purge_state() {' "$work/control/postrm"
check "the .deb has the change log" \
  grep -q "^linux-socket-monitor ($version) " <<X
$(dpkg-deb --fsys-tarfile ./linux-socket-monitor_*.deb | tar -xO ./usr/share/doc/linux-socket-monitor/changelog.gz | gunzip)
X
check "the manual pages have the day of the build" grep -q "^\.TH .* \"$day\"" lsm/share/man/man8/lsm.8
rpm -qplv ./*.rpm | sed 's,^\(\S*\) *[0-9]* \(root\) *\(root\) ,\1 \2/\3 ,' >"$work/rpm.list"
check "the RPM has neutral owners and modes" neutral "$work/rpm.list"
# shellcheck disable=SC2016  # Perl
check "the SBOM names the version, the Java runtime and all libraries" perl -MJSON::PP -0777 -e '
  my $bom = decode_json(<STDIN>);
  my ($java, @libraries) = @{$bom->{components}};
  my @named = sort map { "$_->{name}-$_->{version}.jar" } @libraries;
  my @jars = sort grep { $_ ne "lsm.jar" } map { s,.*/,,r } glob "lsm/lib/*";
  $bom->{metadata}{component}{version} eq $ARGV[0] && "@named" eq "@jars" && $java->{version} eq $ARGV[1] or die "@named"' \
  "$version" "$(sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' lsm/runtime/release)" <"./lsm-$version.cdx.json"
finish
