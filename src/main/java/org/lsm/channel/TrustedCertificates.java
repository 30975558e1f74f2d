package org.lsm.channel;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.lsm.storage.SecureFiles;

/** The authorities that this host trusts, and updates; those of lsm's Java runtime grow old. */
final class TrustedCertificates {
  private static final Pattern PEM =
      Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");

  private TrustedCertificates() {}

  /** Sockets that trust the first readable one of these PEM files; empty if none is readable. */
  static Optional<SSLSocketFactory> socketFactory(List<Path> bundles)
      throws IOException, GeneralSecurityException {
    Optional<Path> bundle =
        bundles.stream().filter(it -> Files.isRegularFile(it) && Files.isReadable(it)).findFirst();
    return bundle.isEmpty() ? Optional.empty() : Optional.of(socketFactory(bundle.get()));
  }

  /** Sockets that trust the certificates in a PEM file. */
  static SSLSocketFactory socketFactory(Path bundle) throws IOException, GeneralSecurityException {
    String algorithm = TrustManagerFactory.getDefaultAlgorithm();
    TrustManagerFactory trust = TrustManagerFactory.getInstance(algorithm);
    trust.init(read(bundle));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context.getSocketFactory();
  }

  private static KeyStore read(Path bundle) throws IOException, GeneralSecurityException {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    CertificateFactory x509 = CertificateFactory.getInstance("X.509");
    String text = new String(SecureFiles.read(bundle), StandardCharsets.ISO_8859_1);
    for (String pem : PEM.matcher(text).results().map(MatchResult::group).toList()) {
      InputStream bytes = new ByteArrayInputStream(pem.getBytes(StandardCharsets.ISO_8859_1));
      try {
        trusted.setCertificateEntry("ca-" + trusted.size(), x509.generateCertificate(bytes));
      } catch (CertificateException e) {
        // One unreadable certificate does not invalidate the others.
      }
    }
    if (trusted.size() == 0) {
      throw new IOException(bundle + " has no certificate of an authority");
    }
    return trusted;
  }
}
