#!/bin/sh
# mvn -Pdist package, in two clones, at two times and under two umasks, makes the same bytes; and their contents.
# The local Maven repository must have all that a build needs, as any build leaves it.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

# build NAME UMASK TIME_ZONE
build() {
  git clone -q "$root" "$work/$1"
  run sh -c "cd '$work/$1' && umask $2 && TZ=$3 mvn -B -q -o -Pdist -Dmaven.test.skip -Dspotless.check.skip package"
  exits "mvn -Pdist package with umask $2" 0
}

# differences KIND: which files in two archives differ.
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

same_bytes() {
  (cd "$work/first/target" && sha256sum ./*."$1") >"$work/sums"
  (cd "$work/second/clone/target" && sha256sum -c --quiet "$work/sums") && return 0
  differences "$1"
  return 1
}

# neutral LIST: all files belong to root, and their modes do not depend on the umask.
neutral() {
  ! awk '$2 != "root/root" || $1 !~ /^(l|.r[w-].r-.r-.|.rw-------)/' "$1" | grep .
}

build first 022 UTC
mkdir -m 700 "$work/second"
build second/clone 077 Asia/Kolkata
check "two builds give the same .tar.gz" same_bytes tar.gz
check "two builds give the same .deb" same_bytes deb

cd "$work/first/target" || exit 1
check "the checksum files are right" sha256sum -c ./*.tar.gz.sha256 ./*.deb.sha256
version=$(sed -n 's,^  <version>\(.*\)</version>,\1,p' ../pom.xml)
tar -tvzf ./lsm-"$version"-linux-*.tar.gz >"$work/tar.list"
check "the tarball has neutral owners and modes" neutral "$work/tar.list"
check "the tarball has one directory at the top" \
  test "$(tar -tzf ./lsm-"$version"-linux-*.tar.gz | cut -d/ -f1 | sort -u)" = "lsm-$version"
check "the tarball contains links as links" grep -q '^l.* -> \.\./java.base/LICENSE$' "$work/tar.list"
dpkg-deb -c ./lsm_*.deb >"$work/deb.list"
check "the .deb has neutral owners and modes" neutral "$work/deb.list"
check "the .deb contains links as links" grep -q '^l.* -> \.\./java.base/LICENSE$' "$work/deb.list"
check "only root can read its configuration" grep -q '^-rw------- .* \./etc/lsm/conf.lsm$' "$work/deb.list"
dpkg-deb -e ./lsm_*.deb "$work/control"
check "shellcheck accepts the maintainer scripts" \
  shellcheck "$work/control/preinst" "$work/control/postinst" "$work/control/prerm" "$work/control/postrm"
check "postinst has value_of of install.sh" grep -q '^value_of() {' "$work/control/postinst"
check "postrm has purge_state of install.sh" grep -q '^purge_state() {' "$work/control/postrm"
finish
