package org.lsm.alert;

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
 * The authorities that this host trusts, where an administrator adds his own: the runtime of lsm
 * knows only those of the day it was made.
 */
final class Trust {

  private Trust() {}

  /**
   * Makes TLS connections to servers that one of these authorities vouches for.
   *
   * @param bundles files of certificates in PEM; the first that exists is taken
   * @return empty if there is none
   */
  static Optional<SSLSocketFactory> of(List<Path> bundles)
      throws IOException, GeneralSecurityException {
    Optional<Path> bundle = bundles.stream().filter(Files::isReadable).findFirst();
    if (bundle.isEmpty()) {
      return Optional.empty();
    }
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    try (InputStream in = Files.newInputStream(bundle.get())) {
      for (Certificate authority :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        authorities.setCertificateEntry("ca-" + authorities.size(), authority);
      }
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(authorities);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return Optional.of(context.getSocketFactory());
  }
}
