#!/bin/sh
# mvn -Pdist package, of two clones, at two times and under two umasks: the same bytes; and what is in
# them. It needs all that Maven loads for a build in the local repository, as any build leaves it.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

# build NAME UMASK TIME_ZONE
build() {
  git clone -q "$root" "$work/$1"
  run sh -c "cd '$work/$1' && umask $2 && TZ=$3 mvn -B -q -o -Pdist -Dmaven.test.skip -Dspotless.check.skip package"
  ends "mvn -Pdist package with umask $2" 0
}

# Which files of two archives differ, for whoever has to find out why: differences KIND
differences() {
  for clone in first second/clone; do
    mkdir -p "$work/unpacked/$clone"
    case $1 in
      tar.gz) tar -C "$work/unpacked/$clone" -xzf "$work/$clone"/target/*.tar.gz ;;
      deb) dpkg-deb -R "$work/$clone"/target/*.deb "$work/unpacked/$clone" ;;
    esac
  done
  diff -rq "$work/unpacked/first" "$work/unpacked/second/clone"
  rm -rf "$work/unpacked"
}

same() {
  (cd "$work/first/target" && sha256sum ./*."$1") >"$work/sums"
  (cd "$work/second/clone/target" && sha256sum -c --quiet "$work/sums") && return 0
  differences "$1"
  return 1
}

# Nothing of the host that has built it: owners, modes.
nobodys() {
  ! awk '$2 != "root/root" || $1 !~ /^(l|.r[w-].r-.r-.|.rw-------)/' "$1" | grep .
}

build first 022 UTC
mkdir -m 700 "$work/second"
build second/clone 077 Asia/Kolkata
check "two builds give the same .tar.gz" same tar.gz
check "two builds give the same .deb" same deb

cd "$work/first/target" || exit 1
check "sha256sum -c takes what lies beside them" sha256sum -c ./*.tar.gz.sha256 ./*.deb.sha256
version=$(sed -n 's,^  <version>\(.*\)</version>,\1,p' ../pom.xml)
tar -tvzf ./lsm-"$version"-linux-*.tar.gz >"$work/tar.list"
check "the tarball is root's, and only root can write it" nobodys "$work/tar.list"
check "it has one directory at the top" \
  test "$(tar -tzf ./lsm-"$version"-linux-*.tar.gz | cut -d/ -f1 | sort -u)" = "lsm-$version"
check "its links are links" grep -q '^l.* -> \.\./java.base/LICENSE$' "$work/tar.list"
dpkg-deb -c ./lsm_*.deb >"$work/deb.list"
check "the .deb is root's, and only root can write it" nobodys "$work/deb.list"
check "its links are links" grep -q '^l.* -> \.\./java.base/LICENSE$' "$work/deb.list"
check "its configuration is for root alone" grep -q '^-rw------- .* \./etc/lsm/conf.lsm$' "$work/deb.list"
dpkg-deb -e ./lsm_*.deb "$work/control"
check "the maintainer scripts, whole" \
  shellcheck "$work/control/preinst" "$work/control/postinst" "$work/control/prerm" "$work/control/postrm"
check "postinst can read the configuration" grep -q '^value_of() {' "$work/control/postinst"
check "postrm knows what install.sh purges" grep -q '^purge_state() {' "$work/control/postrm"
finish
