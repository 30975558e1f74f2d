#!/bin/sh
# Builds the tarball and the .deb from target/lsm, and their checksums: packages.sh TARGET VERSION TIME
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

if ! command -v dpkg-deb >/dev/null; then
  echo "packages.sh: dpkg-deb is missing; install dpkg" >&2
  exit 1
fi
case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
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

# Copies the files of the package to their places.
lay_out() {
  mkdir -p "$deb/usr/lib/lsm" "$deb/usr/sbin" "$deb/usr/share/doc/lsm" "$deb/etc/lsm" "$deb/etc/cron.d"
  (cd "$target/lsm" && cp -R lsm lib runtime archive.sh conf/logcheck.rules conf/fail2ban.conf "$deb/usr/lib/lsm")
  ln -s ../lib/lsm/lsm "$deb/usr/sbin/lsm"
  cp "$target"/lsm/conf/*.lsm "$deb/etc/lsm"
  cp src/deb/cron "$deb/etc/cron.d/lsm"
  [ ! -d "$target/lsm/share" ] || cp -R "$target/lsm/share/." "$deb/usr/share"
  cp src/deb/copyright "$target/lsm/README.md" "$deb/usr/share/doc/lsm"
  printf '%s\n' "lsm ($deb_version) unstable; urgency=medium" "" "  * See README.md." "" \
    " -- $(sed -n 's/^Maintainer: //p' src/deb/control)  $(date -u -R -d "$time")" \
    >"$deb/usr/share/doc/lsm/changelog"
  find "$deb/usr/share" \( -path '*/man/*' -o -name changelog \) -type f -exec gzip -9n {} +
  chmod -R u=rwX,go=rX "$deb"
  chmod 600 "$deb"/etc/lsm/*
}

# The libraries that the runtime is linked with depend on the JDK that it was made from.
libraries() {
  echo "libc6 (>= $(grep -rhao 'GLIBC_2\.[0-9]*' "$deb/usr/lib/lsm/runtime" | sort -Vu | sed -n '$s/GLIBC_//p'))"
  for library in libgcc_s.so.1=libgcc-s1 libstdc++.so.6=libstdc++6 libz.so.1=zlib1g; do
    ! grep -rqF "${library%=*}" "$deb/usr/lib/lsm/runtime" || echo ", ${library#*=}"
  done
}

control() {
  mkdir "$deb/DEBIAN"
  size=$(find "$deb/usr" "$deb/etc" -type f -printf '%s\n' | awk '{ k += int(($1 + 1023) / 1024) } END { print k }')
  sed -e "s/@VERSION@/$deb_version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" \
    -e "s/@LIBRARIES@/$(libraries | tr -d '\n')/" src/deb/control >"$deb/DEBIAN/control"
  (cd "$deb" && find etc -type f | sort | sed 's,^,/,' >DEBIAN/conffiles)
  (cd "$deb" && find usr -type f | sort | xargs md5sum >DEBIAN/md5sums)
  # The package purges what install.sh purges, with the same functions.
  sed -n -e '/^value_of() {/,/^}/p' -e '/^remove_rules() {/,/^}/p' -e '/^purge_state() {/,/^}/p' install.sh >"$deb.functions"
  for script in preinst postinst prerm postrm; do
    sed -e "/^#FUNCTIONS#/{r $deb.functions" -e 'd' -e '}' "src/deb/$script" >"$deb/DEBIAN/$script"
    chmod 755 "$deb/DEBIAN/$script"
  done
  rm "$deb.functions"
}

deb() {
  deb_version=$(echo "$version" | sed 's/-SNAPSHOT/~SNAPSHOT/') # sorts before the release
  deb=$target/deb
  rm -rf "$deb"
  lay_out
  control
  find "$deb" -exec touch -h -d "$time" {} +
  name=lsm_${deb_version}_$arch.deb
  # Most files are compressed already: -z6 saves 5 % and takes three times as long.
  dpkg-deb --root-owner-group -Zxz -z1 --build "$deb" "$target/$name" >/dev/null
  rm -rf "$deb"
  checksum "$name"
}

rm -f "$target"/lsm-*-linux-*.tar.gz* "$target"/lsm_*.deb*
tarball
deb
