import type { SecureContextOptions, TlsOptions as NodeTlsOptions } from 'node:tls';

/** A certificate and its key, as tls.createSecureContext takes them. */
export type CertificateOptions = Pick<SecureContextOptions, 'key' | 'cert' | 'pfx' | 'passphrase'>;

/**
 * How clients speak TLS: what tls.createServer takes, without what belongs to the sockets of a net.Server. Certificates and
 * keys are given as what is in their files, not as paths. What a tls.Server asks by an event (OCSPRequest, newSession,
 * resumeSession) it does not ask here: there is no OCSP stapling.
 */
export interface TlsOptions extends NodeTlsOptions {
  /**
   * Certificates for other host names than those of `cert`, chosen by the name that the client asks for (SNI), as with
   * tls.Server's addContext: `{ 'www.example.org': { key, cert }, '*.example.net': { pfx, passphrase } }`. Clients are verified
   * by the same rules under every name.
   */
  contexts?: Readonly<Record<string, CertificateOptions>> | undefined;
}
