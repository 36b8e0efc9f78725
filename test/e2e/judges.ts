/** openssl's word on certificates and keys: no code of the product takes part in it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';

type Files = Readonly<Record<string, string>>;

/** Runs openssl beside these files. Throws with what it said where it fails, unless `mayFail`. */
async function openssl(files: Files, args: readonly string[], mayFail = false): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-judge-'));
  try {
    await Promise.all(
      Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })),
    );
    const { code, output } = await run('openssl', args, { cwd: folder });
    if (code !== 0 && !mayFail) throw new Error(`openssl ${args[0]}: ${output}`);
    return output;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a verifier has at hand, in PEM. */
export interface Trust {
  readonly root: string;
  /** What came with the certificates, from the leaf's issuer upwards. */
  readonly chain: string;
  /** Whether they will be good then. Default: now. */
  readonly at?: Date;
}

/**
 * `openssl verify` of many certificates that came with one and the same chain, as a TLS server's and as a client's.
 * Returns what it does not accept, by the number of the certificate: an empty list is what one wants.
 */
export async function refusals(certificates: readonly string[], { root, chain, at }: Trust): Promise<string[]> {
  const names = certificates.map((_, index) => `leaf-${index}.pem`);
  const leaves = Object.fromEntries(certificates.map((certificate, index) => [`leaf-${index}.pem`, certificate]));
  const found: string[] = [];
  for (const purpose of ['sslserver', 'sslclient']) {
    const when = at === undefined ? [] : ['-attime', String(Math.floor(at.getTime() / 1000))];
    const trust = ['-no-CApath', '-CAfile', 'root.pem', '-untrusted', 'chain.pem'];
    const args = ['verify', ...trust, '-purpose', purpose, ...when, ...names];
    const output = await openssl({ ...leaves, 'root.pem': root, 'chain.pem': chain }, args, true);
    const accepted = new Set(output.split('\n').flatMap((line) => /^(\S+): OK$/.exec(line)?.[1] ?? []));
    if (names.some((name) => !accepted.has(name))) found.push(`${purpose}: ${output}`);
  }
  return found;
}

/** The public key of a certificate, in PEM. */
export function publicKeyOf(certificate: string): Promise<string> {
  return openssl({ 'leaf.pem': certificate }, ['x509', '-in', 'leaf.pem', '-noout', '-pubkey']);
}

/** The public half of a private key, in PEM. */
export function publicHalfOf(privateKey: string): Promise<string> {
  return openssl({ 'key.pem': privateKey }, ['pkey', '-in', 'key.pem', '-pubout']);
}

export interface Particulars {
  /** RFC 4514. */
  readonly subject: string;
  /** Lowercase hex. */
  readonly serialNumber: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly fingerprintSha256: string;
}

/** Subject, serial number, dates and fingerprint, written as cert-renewer's answers write them. */
export async function particulars(certificate: string): Promise<Particulars> {
  const asked = ['-subject', '-serial', '-dates', '-dateopt', 'iso_8601', '-fingerprint', '-sha256'];
  const args = ['x509', '-in', 'leaf.pem', '-noout', '-nameopt', 'RFC2253', ...asked];
  const output = await openssl({ 'leaf.pem': certificate }, args);
  const value = (name: string): string =>
    output.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []))[0] ?? '';
  return {
    subject: value('subject'),
    serialNumber: value('serial').toLowerCase(),
    notBefore: value('notBefore').replace(' ', 'T'),
    notAfter: value('notAfter').replace(' ', 'T'),
    fingerprintSha256: value('sha256 Fingerprint').replaceAll(':', '').toLowerCase(),
  };
}

const leftOut = 'no_header,no_version,no_serial,no_signame,no_validity,no_issuer,no_pubkey,no_sigdump';

/**
 * What a certificate says, field by field, as `openssl x509 -text` prints it: its subject with each value in DER, and
 * every extension with its criticality, in hex where openssl does not know it. Not in it: what is new in every
 * certificate, which is serial number, issuer, dates, key and signature.
 */
export async function statements(certificate: string): Promise<ReadonlyMap<string, string>> {
  const names = ['-nameopt', 'RFC2253,dump_all,dump_der'];
  const args = ['x509', '-in', 'leaf.pem', '-noout', '-text', '-certopt', `${leftOut},ext_dump`, ...names];
  const text = await openssl({ 'leaf.pem': certificate }, args);
  const found = new Map([['subject', /^ {8}Subject:(.*)$/m.exec(text)?.[1]?.trim() ?? 'missing']]);
  let heading = '';
  for (const line of text.split('\n')) {
    const title = /^ {12}(\S.*?): ?(critical)?\s*$/.exec(line);
    if (title) heading = `${title[1]}${title[2] ? ' (critical)' : ''}`;
    else if (/^ {13,}\S/.test(line) && heading) found.set(heading, `${found.get(heading) ?? ''}${line.trim()}\n`);
    if (title) found.set(heading, '');
  }
  return found;
}

/** The statements that a renewal has to keep: all but what names the issuer's key, and after a rekey the own key. */
export async function keptStatements(certificate: string, operation: 'renew' | 'rekey'): Promise<Map<string, string>> {
  const mayChange = ['X509v3 Authority Key Identifier'];
  if (operation === 'rekey') mayChange.push('X509v3 Subject Key Identifier');
  return new Map([...(await statements(certificate))].filter(([field]) => !mayChange.includes(field)));
}
