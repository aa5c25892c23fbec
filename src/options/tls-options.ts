import type { SecureContextOptions, TlsOptions as NodeTlsOptions } from 'node:tls';

/** A certificate and its key, as tls.createSecureContext takes them. */
export type CertificateOptions = Pick<SecureContextOptions, 'key' | 'cert' | 'pfx' | 'passphrase'>;

/**
 * How clients speak TLS: what tls.createServer takes, except what belongs to the sockets of a net.Server. Certificates and
 * keys are given as the contents of their files, not as paths. The events by which a tls.Server asks for something
 * (OCSPRequest, newSession, resumeSession) are not available: there is no OCSP stapling.
 */
export interface TlsOptions extends NodeTlsOptions {
  /**
   * Certificates for host names other than those of `cert`, chosen by the name that the client asks for (SNI), as with
   * tls.Server's addContext: `{ 'www.example.org': { key, cert }, '*.example.net': { pfx, passphrase } }`. The same rules for
   * verifying clients apply under every name.
   */
  contexts?: Readonly<Record<string, CertificateOptions>> | undefined;
}
