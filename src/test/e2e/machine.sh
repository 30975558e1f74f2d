#!/bin/sh
# Runs a test on a machine of its own: machine.sh TEST TOOL...
# Its root file system is that of this host below a layer in memory, which takes all that is written and
# ends with the test. It contains no Java (unless LSM_E2E_JAVA is set), no socket and no process of the host, and of the source
# tree only the README, the playbook, these tests and the packages, in /tmp/lsm.
PATH=$PATH:/usr/sbin:/sbin

hide() {
  mount -t tmpfs -o "${2:-mode=755}" lsm-e2e "$1"
}

# The root file system: the layer, and the file systems of kernel and init.
build() {
  hide "$layer" || exit 77
  mkdir "$layer/upper" "$layer/work"
  mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" lsm-e2e "$new" || exit 77
  hide "$new/tmp" mode=1777 && hide "$new/run" && hide "$new/dev" || exit 1
  mount -t proc proc "$new/proc" || exit 1
  tar -C /dev -cf - null zero full random urandom tty | tar -C "$new/dev" -xf -
  # A container has these from outside.
  rm -f "$new/etc/hosts" "$new/etc/dpkg/dpkg.cfg.d/docker" "$new/etc/dpkg/dpkg.cfg.d/excludes"
  echo "127.0.0.1 localhost" >"$new/etc/hosts"
  mkdir -p "$new/tmp/lsm/src/test/resources/org" "$new/tmp/lsm/target" "$new/tmp/upper" "$new/tmp/old"
  cp -R "$root/src/test/e2e" "$new/tmp/lsm/src/test"
  cp -R "$scripts" "$new/tmp/lsm/src/test/resources/org"
  cp "$root/README.md" "$new/tmp/lsm"
  mkdir "$new/tmp/lsm/src/doc"
  cp -R "$root/src/doc/ansible" "$new/tmp/lsm/src/doc"
  cp "$root"/target/lsm-*-linux-*.tar.gz* "$root"/target/linux-socket-monitor[-_]* "$new/tmp/lsm/target" || exit 1
  [ ! -d "$root/target/debs" ] || cp -R "$root/target/debs" "$new/tmp/lsm/target"
  mount --bind "$layer/upper" "$new/tmp/upper"
  # Every Java, also one that the build has made, unless the test needs one.
  [ -z "${LSM_E2E_JAVA:-}" ] || return 0
  find "$new" -xdev -name libjvm.so >"$layer/javas"
  while read -r jvm; do
    hide "${jvm%/lib/*}"
  done <"$layer/javas"
}

enter() {
  cd "$new" && pivot_root . tmp/old && cd / && umount -l /tmp/old && rmdir /tmp/old || exit 1
  ip link set lo up
  # This shell is PID 1, and reaps what daemons leave behind.
  env -i LSM_E2E_ISOLATED=yes LSM_E2E_SEED="${LSM_E2E_SEED:-}" LSM_E2E_DAYS="${LSM_E2E_DAYS:-}" HOME=/root DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh "/tmp/lsm/src/test/e2e/${test##*/}"
}

test=$1
shift
if [ -n "${LSM_E2E_MACHINE:-}" ]; then
  root=$LSM_E2E_ROOT new=$LSM_E2E_MACHINE/root layer=$LSM_E2E_MACHINE/layer scripts=$LSM_E2E_ROOT/src/test/resources/org/lsm
  build
  enter
  exit
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
name=$(basename -- "$test" .test.sh)
require unshare pivot_root ip tar perl "$@"
if ! ls "$root"/target/lsm-*-linux-*.tar.gz "$root"/target/linux-socket-monitor_*.deb >/dev/null; then
  echo "FAILED  $name: there are no packages; make them: mvn -Pdist package"
  exit 1
fi
mkdir "$work/root" "$work/layer"
set -- --mount --net --uts --pid --fork --kill-child
status=77
if unshare "$@" true; then
  status=0
  LSM_E2E_MACHINE=$work LSM_E2E_ROOT=$root unshare "$@" sh "$0" "$test" &
  at_end "kill -KILL $! 2>/dev/null || :"
  wait $! || status=$?
fi
[ "$status" -ne 77 ] || skip "cannot create namespaces or overlay file systems"
exit "$status"
