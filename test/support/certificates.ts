import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from './tools.js';

/** A certificate with its key, as texts and as files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of a test's own, made by openssl, with its files in a folder that `remove` removes. */
export class Authority {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'prefork-tls-'));
  /** Its own certificate. */
  readonly root: Certificate;

  constructor() {
    this.root = this.selfSigned('authority');
  }

  /** A certificate that nobody but itself vouches for. @param kind - arguments of openssl for the key */
  selfSigned(name: string, kind: readonly string[] = EC): Certificate {
    this.#openssl('req', '-x509', ...kind, '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
    return this.#read(name);
  }

  /** A certificate of this authority, for a host of that name. */
  issue(host: string): Certificate {
    this.#openssl('req', ...EC, '-subj', `/CN=${host}`, '-keyout', `${host}.key`, '-out', `${host}.csr`);
    writeFileSync(join(this.folder, `${host}.ext`), `subjectAltName=DNS:${host}`);
    this.#openssl('x509', '-req', '-in', `${host}.csr`, '-CA', 'authority.pem', '-CAkey', 'authority.key', '-days', '2', '-extfile', `${host}.ext`, '-out', `${host}.pem`);
    return this.#read(host);
  }

  /** The same certificate, its key encrypted. */
  encrypt({ key, ...others }: Certificate, passphrase: string): Certificate {
    return { ...others, key: execFileSync(toolPath('openssl'), ['ec', '-aes128', '-passout', `pass:${passphrase}`], { input: key, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] }) };
  }

  /** The list of what this authority has revoked: these. */
  revoke(...revoked: readonly Certificate[]): string {
    const [config, index] = ['revoked.cnf', 'revoked.txt'].map((name) => join(this.folder, name)) as [string, string];
    writeFileSync(index, '');
    writeFileSync(config, `[ca]\ndefault_ca = it\n[it]\ndatabase = ${index}\ndefault_md = sha256\ndefault_crl_days = 2\n`);
    const ca = ['ca', '-config', config, '-cert', 'authority.pem', '-keyfile', 'authority.key'];
    for (const { certFile } of revoked) this.#openssl(...ca, '-revoke', certFile);
    this.#openssl(...ca, '-gencrl', '-out', 'revoked.pem');
    return readFileSync(join(this.folder, 'revoked.pem'), 'utf8');
  }

  /** Certificate and key in one PKCS#12 file. */
  bundle({ certFile, keyFile }: Certificate, passphrase: string): Buffer {
    return execFileSync(toolPath('openssl'), ['pkcs12', '-export', '-in', certFile, '-inkey', keyFile, '-passout', `pass:${passphrase}`]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #openssl(...args: readonly string[]): void {
    execFileSync(toolPath('openssl'), args, { cwd: this.folder, stdio: 'ignore' });
  }

  #read(name: string): Certificate {
    const [certFile, keyFile] = [join(this.folder, `${name}.pem`), join(this.folder, `${name}.key`)];
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }
}
