package org.lsm.alert;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * The certificate authorities that this host trusts, where its distribution keeps them up to date
 * and an administrator adds his own: the runtime of lsm knows only those of the day it was made.
 */
final class Authorities {

  private Authorities() {}

  /**
   * Makes TLS connections to servers that one of these authorities vouches for.
   *
   * @param bundles files of certificates in PEM; the first that exists is taken
   * @return empty if there is none
   */
  static Optional<SSLSocketFactory> of(List<Path> bundles)
      throws IOException, GeneralSecurityException {
    Optional<Path> bundle = bundles.stream().filter(Files::isReadable).findFirst();
    return bundle.isEmpty() ? Optional.empty() : Optional.of(trusting(read(bundle.get())));
  }

  private static KeyStore read(Path bundle) throws IOException, GeneralSecurityException {
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    try (InputStream in = new BufferedInputStream(Files.newInputStream(bundle))) {
      for (Certificate authority :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        authorities.setCertificateEntry("ca-" + authorities.size(), authority);
      }
    } catch (GeneralSecurityException e) {
      // Without its cause: that a server is not trusted is told from one.
      throw new IOException(bundle + ": " + e.getMessage());
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
