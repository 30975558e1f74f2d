package org.lsm.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What dpkg 1.21 and rpm 4.18 print, and which package that is for a file. */
class InstalledPackagesTest {

  private static final String MD5 = "0ccca40116843b58eb10ab88da39ec70";
  private static final String SHA256 =
      "25c34e130c601c5610c131710ce7fca96248d6e56bf99e39a3c74072a98db158";

  private static final Map<String, String> OUTPUTS = new HashMap<>();

  static {
    dpkg("/usr/sbin/cron", "cron: /usr/sbin/cron", "cron", MD5 + "  usr/sbin/cron");
    dpkg("/bin/bash", "bash: /bin/bash", "bash", MD5 + "  bin/bash");
    dpkg(
        "/usr/bin/both",
        "both:amd64, both:i386: /usr/bin/both",
        "both:amd64",
        MD5 + "  usr/bin/both\n" + MD5 + "  usr/bin/other");
    dpkg(
        "/usr/bin/other-file",
        "cron: /usr/bin/other-file",
        "cron",
        MD5 + "  usr/sbin/cron"); // the content of another file of the package
    dpkg(
        "/usr/bin/diverted",
        "diversion by x from: /usr/bin/diverted\ny: /usr/bin/diverted",
        "y",
        MD5 + "  usr/bin/diverted");
    dpkg("/usr/bin/no-sums", "z: /usr/bin/no-sums", "z", "");
    dpkg("/usr/bin/x[0]", "evil: /usr/bin/x[0]", "evil", MD5 + "  usr/bin/x[0]");
    rpm("/usr/sbin/rpmd", "rpmd-1.0-1.x86_64\n" + SHA256 + " /usr/sbin/rpmd\n /etc/rpmd\n");
    rpm("/usr/sbin/changed", "c-1.0-1.x86_64\n" + SHA256.replace('2', '3') + " /usr/sbin/changed");
  }

  private static void dpkg(String path, String owners, String name, String md5sums) {
    OUTPUTS.put("/usr/bin/dpkg-query --search " + path, owners + "\n");
    OUTPUTS.put("/usr/bin/dpkg-query --control-show " + name + " md5sums", md5sums + "\n");
  }

  private static void rpm(String path, String listing) {
    String format = "%{NEVRA}\n[%{FILEDIGESTS} %{FILENAMES}\n]";
    OUTPUTS.put("/usr/bin/rpm --query --queryformat " + format + " --file " + path, listing);
  }

  @ParameterizedTest
  @CsvSource({
    "/usr/sbin/cron, cron",
    "/usr/bin/bash, bash", // installed as /bin/bash
    "/usr/bin/both, both:amd64",
    "/usr/bin/diverted, y",
    "/usr/sbin/rpmd, rpmd-1.0-1.x86_64",
    "/usr/bin/other-file, ''",
    "/usr/bin/no-sums, ''",
    "/usr/bin/x[0], ''",
    "/usr/sbin/changed, ''",
    "/opt/app, ''",
    "/memfd:x, ''"
  })
  void findsPackage(String path, String expected) {
    InstalledPackages packages =
        new InstalledPackages(it -> OUTPUTS.getOrDefault(String.join(" ", it), ""));
    assertEquals(expected, packages.packageOf(path, SHA256, () -> MD5));
  }

  @ParameterizedTest
  @CsvSource({"/usr/sbin/cron, " + SHA256, "/usr/sbin/rpmd, ''"})
  void unreadableFileIsOfNoPackage(String path, String sha256) {
    InstalledPackages packages =
        new InstalledPackages(it -> OUTPUTS.getOrDefault(String.join(" ", it), ""));
    assertEquals("", packages.packageOf(path, sha256, () -> ""));
    assertEquals("", new InstalledPackages(it -> "").packageOf(path, SHA256, () -> MD5));
  }
}
