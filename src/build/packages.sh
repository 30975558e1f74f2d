#!/bin/sh
# Builds the tarball, the .deb and the RPM from target/lsm, and the checksums of these and of the SBOM:
# packages.sh TARGET VERSION TIME MAINTAINER HOMEPAGE
# It uses dpkg-deb instead of jdeb: a runtime made by jlink is for the build system only, so building a
# .deb elsewhere gains nothing, and dpkg-deb keeps the modes of the files.
# Time, owners, modes, order and compression are fixed, so that builds are reproducible.
set -eu
umask 022
LC_ALL=C
DPKG_DEB_THREADS_MAX=1 # with several threads the output of xz differs
SOURCE_DATE_EPOCH=$(date -d "$3" +%s)
export LC_ALL DPKG_DEB_THREADS_MAX SOURCE_DATE_EPOCH
target=$1
version=$2
time=$3
maintainer=$4
homepage=$5
package=linux-socket-monitor
package_version=$(echo "$version" | sed 's/-SNAPSHOT/~SNAPSHOT/') # sorts before the release

for tool in dpkg-deb=dpkg rpmbuild=rpm strip=binutils; do
  if ! command -v "${tool%=*}" >/dev/null; then
    echo "packages.sh: ${tool%=*} is missing; install ${tool#*=}" >&2
    exit 1
  fi
done
machine=$(uname -m)
case $machine in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$machine ;;
esac

# Writes FILE.sha256 for sha256sum -c.
checksum() {
  (cd "$target" && sha256sum "$1" >"$1.sha256")
}

tarball() {
  name=lsm-$version-linux-$arch.tar.gz
  tar -C "$target/lsm" --format=gnu --sort=name --mtime="$time" --owner=root:0 --group=root:0 \
    --mode=u=rwX,go=rX --transform="flags=r;s,^\.,lsm-$version," -c . | gzip -n >"$target/$name"
  checksum "$name"
}

# Copies the files of both packages to their places.
lay_out() {
  rm -rf "$tree"
  doc=$tree/usr/share/doc/$package
  units=$tree/usr/lib/systemd/system
  mkdir -p "$tree/usr/lib/lsm" "$units" "$tree/usr/sbin" "$doc" "$tree/etc/lsm"
  (cd "$target/lsm" &&
    cp -R lsm lib runtime archive.sh schedule.sh conf/logcheck.rules conf/fail2ban.conf conf/prometheus conf/rsyslog conf/wazuh \
      "$tree/usr/lib/lsm")
  ln -s ../lib/lsm/lsm "$tree/usr/sbin/lsm"
  for unit in lsm.service lsm.timer; do
    sed 's,@SBIN@,/usr/sbin,' "$target/lsm/systemd/$unit" >"$units/$unit"
  done
  cp "$target"/lsm/conf/*.lsm "$tree/etc/lsm"
  cp -R "$target/lsm/share/." "$tree/usr/share"
  cp src/packages/copyright "$target/lsm/README.md" "$doc"
  find "$tree/usr/share/man" -type f -exec gzip -9n {} +
  normalize
}

normalize() {
  chmod -R u=rwX,go=rX "$tree"
  chmod 600 "$tree"/etc/lsm/*
  find "$tree" -exec touch -h -d "$time" {} +
}

# libraries FORMAT NAME=PACKAGE...: what the runtime is linked with, which depends on the JDK that it was made from; in the
# FORMAT of printf, with the version of glibc first.
libraries() {
  # shellcheck disable=SC2059  # a format
  printf "$1" "$(grep -rhao 'GLIBC_2\.[0-9]*' "$tree/usr/lib/lsm/runtime" | sort -Vu | sed -n '$s/GLIBC_//p')"
  shift
  for library in "$@"; do
    ! grep -rqF "${library%=*}" "$tree/usr/lib/lsm/runtime" || printf ', %s' "${library#*=}"
  done
}

# changelog FORMAT: of the .deb or the RPM.
changelog() {
  awk -v format="$1" -v version="$package_version" -v day="${time%T*}" -v maintainer="$maintainer" \
    -f src/build/changelog.awk src/doc/CHANGELOG.md
}

# fill FILE SED_ARGUMENT...: the file with what both packages have in common.
fill() {
  file=$1
  shift
  sed -e "s/@VERSION@/$package_version/" -e "s/@MAINTAINER@/$maintainer/" -e "s,@HOMEPAGE@,$homepage," "$@" "$file"
}

control() {
  mkdir "$tree/DEBIAN"
  size=$(find "$tree/usr" "$tree/etc" -type f -printf '%s\n' | awk '{ k += int(($1 + 1023) / 1024) } END { print k }')
  depends=$(libraries 'libc6 (>= %s)' libgcc_s.so.1=libgcc-s1 libstdc++.so.6=libstdc++6 libz.so.1=zlib1g)
  fill src/packages/control -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" -e "s/@LIBRARIES@/$depends/" >"$tree/DEBIAN/control"
  cp src/packages/triggers "$tree/DEBIAN"
  (cd "$tree" && find etc -type f | sort | sed 's,^,/,' >DEBIAN/conffiles)
  (cd "$tree" && find usr -type f | sort | xargs md5sum >DEBIAN/md5sums)
  for script in preinst postinst prerm postrm; do
    sed -e "/^\. .*functions.sh$/{r $functions" -e 'd' -e '}' -e '/^# shellcheck/d' "src/packages/$script" >"$tree/DEBIAN/$script"
    chmod 755 "$tree/DEBIAN/$script"
  done
}

deb() {
  mkdir -p "$tree/usr/share/lintian/overrides"
  cp src/packages/lintian-overrides "$tree/usr/share/lintian/overrides/$package"
  changelog deb | gzip -9n >"$doc/changelog.gz"
  control
  normalize
  name=${package}_${package_version}_$arch.deb
  # Most files are compressed already: -z6 saves 5 % and takes three times as long.
  dpkg-deb --root-owner-group -Zxz -z1 --build "$tree" "$target/$name" >/dev/null
  checksum "$name"
}

rpm() {
  work=$target/rpm
  rm -rf "$work"
  mkdir "$work"
  sed -n 's/^ //p' src/packages/control >"$work/description"
  # rpm expands % in scripts and in the change log.
  sed 's/%/%%/g' "$functions" >"$work/functions"
  changelog rpm | sed 's/%/%%/g' >"$work/changelog"
  requires=$(libraries 'libc.so.6(GLIBC_%s)(64bit)' "libgcc_s.so.1=libgcc_s.so.1()(64bit)" \
    "libstdc++.so.6=libstdc++.so.6()(64bit)" "libz.so.1=libz.so.1()(64bit)")
  fill src/packages/$package.spec -e "s/@SUMMARY@/$(sed -n 's/^Description: //p' src/packages/control)/" \
    -e "s/@LIBRARIES@/$requires/" -e "s,@TREE@,$tree," \
    -e "/^\. .*functions.sh$/{r $work/functions" -e 'd' -e '}' -e "/^@DESCRIPTION@/{r $work/description" -e 'd' -e '}' \
    -e "/^@CHANGELOG@/{r $work/changelog" -e 'd' -e '}' >"$work/$package.spec"
  rpmbuild --quiet -bb --target "$machine-linux" --define "_topdir $work" --define "_rpmdir $target" \
    --define '_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' "$work/$package.spec" >/dev/null
  rm -rf "$work"
  checksum "$package-$package_version-1.$machine.rpm"
}

# CycloneDX knows only what Maven does; the Java runtime is the larger part.
sbom() {
  name=lsm-$version.cdx.json
  if [ ! -e "$target/$name" ]; then
    echo "packages.sh: made no SBOM, because the CycloneDX plugin does not run in Maven's offline mode" >&2
    return
  fi
  java=$(sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' "$target/lsm/runtime/release")
  component="{ \"type\" : \"platform\", \"bom-ref\" : \"openjdk\", \"name\" : \"openjdk\", \"version\" : \"$java\", \"cpe\" : \"cpe:2.3:a:oracle:openjdk:$java:*:*:*:*:*:*:*\" }"
  grep -q '"bom-ref" : "openjdk"' "$target/$name" ||
    sed -i "s/^  \"components\" : \[\$/&\n    $component,/" "$target/$name"
  checksum "$name"
}

# Where only the README is, its links lead to the project's home page.
sed -i "s,\(](\|src=\"\)\(src/\|\.github/\),\1$homepage/blob/main/\2,g" "$target/lsm/README.md"
rm -f "$target"/lsm-*-linux-*.tar.gz* "$target/$package"*
find "$target/lsm/runtime" -type f \( -name '*.so' -o -perm -u+x \) -exec strip --strip-unneeded {} +
tarball
tree=$target/tree
lay_out
# The packages remove what install.sh removes, with the same functions.
functions=$target/functions
sed -n -e '/^value_of() {/,/^}/p' -e '/^remove_rules() {/,/^}/p' -e '/^purge_state() {/,/^}/p' install.sh |
  cat - src/packages/functions.sh | sed '/^# shellcheck/d' >"$functions"
rpm
deb
rm -rf "$tree" "$functions"
sbom
