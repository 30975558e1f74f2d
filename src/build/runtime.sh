#!/bin/sh
# Makes the Java runtime of lsm, with nothing in it that lsm does not use: runtime.sh DIRECTORY
# Of the JDK that JAVA_HOME names, or else of the newest one that is installed here.
set -eu

# java.security.sasl, java.naming: Jakarta Mail; jdk.crypto.ec: TLS with elliptic curves before
# JDK 22; jdk.unsupported: Gson; java.xml: Jakarta Activation.
modules=java.base,java.logging,java.naming,java.security.sasl,java.xml,jdk.crypto.ec,jdk.unsupported

# The feature release of a JDK: 17 for 17.0.15.
release() {
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null
}

# Whether a JDK can make a runtime: of the modules as files, or since JDK 24 perhaps of itself.
links() {
  [ -x "$1/bin/jlink" ] && [ "$(release "$1")" -ge 17 ] &&
    { [ -d "$1/jmods" ] || [ "$(release "$1")" -ge 24 ]; }
}

newest() {
  for jlink in "$(readlink -f -- "$(command -v jlink || echo /nonexistent)")" \
    /usr/lib/jvm/*/bin/jlink /usr/java/*/bin/jlink /opt/*/bin/jlink; do
    jdk=${jlink%/bin/jlink}
    ! links "$jdk" || echo "$(release "$jdk") $jdk"
  done | sort -rn | sed -n '1s/^[0-9]* //p'
}

jdk=${JAVA_HOME:-$(newest)}
if ! links "$jdk"; then
  echo "runtime.sh: no JDK 17 or later with jlink and jmods in '$jdk'; install one, or set JAVA_HOME" >&2
  exit 1
fi
compress=zip-6
[ "$(release "$jdk")" -ge 21 ] || compress=2
rm -rf "$1"
"$jdk/bin/jlink" --add-modules "$modules" --output "$1" \
  --strip-java-debug-attributes --no-header-files --no-man-pages --compress="$compress"
