package org.lsm.channel;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * The certificate authorities that this host trusts, where its distribution keeps them up to date
 * and an administrator adds his own: the runtime of lsm knows only those of the day it was made.
 */
final class TrustedCertificates {

  private static final Pattern PEM =
      Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");

  private TrustedCertificates() {}

  /**
   * Makes TLS connections to servers that one of these authorities vouches for.
   *
   * @param bundles files of certificates in PEM; the first that can be read is taken
   * @return empty if there is none
   */
  static Optional<SSLSocketFactory> of(List<Path> bundles)
      throws IOException, GeneralSecurityException {
    Optional<Path> bundle =
        bundles.stream().filter(it -> Files.isRegularFile(it) && Files.isReadable(it)).findFirst();
    return bundle.isEmpty() ? Optional.empty() : Optional.of(trusting(read(bundle.get())));
  }

  /** One certificate that Java cannot read is no reason to believe none of the others. */
  private static KeyStore read(Path bundle) throws IOException, GeneralSecurityException {
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    CertificateFactory x509 = CertificateFactory.getInstance("X.509");
    Matcher pem = PEM.matcher(Files.readString(bundle, StandardCharsets.ISO_8859_1));
    while (pem.find()) {
      byte[] certificate = pem.group().getBytes(StandardCharsets.ISO_8859_1);
      try {
        authorities.setCertificateEntry(
            "ca-" + authorities.size(),
            x509.generateCertificate(new ByteArrayInputStream(certificate)));
      } catch (CertificateException e) {
        // told if none is left
      }
    }
    if (authorities.size() == 0) {
      throw new IOException(bundle + " has no certificate of an authority");
    }
    return authorities;
  }

  private static SSLSocketFactory trusting(KeyStore authorities) throws GeneralSecurityException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(authorities);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context.getSocketFactory();
  }
}
