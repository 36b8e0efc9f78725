/** openssl's verdict on certificates and keys. No code of the product takes part. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';

type Files = Readonly<Record<string, string>>;

/** Runs openssl beside these files. Throws with its output if it fails, unless `mayFail`. */
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

/** The certificates that a verifier has, in PEM. */
export interface Trust {
  readonly root: string;
  /** The certificates that came with the leaf, from its issuer upwards. */
  readonly chain: string;
  /** The time of the verification. Default: now. */
  readonly at?: Date;
}

/**
 * Runs `openssl verify` on many certificates with the same chain, as a TLS server's and as a client's. Returns its complaints,
 * by the number of the certificate. The list must be empty.
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

/** Returns the public key of a certificate, in PEM. */
export function publicKeyOf(certificate: string): Promise<string> {
  return openssl({ 'leaf.pem': certificate }, ['x509', '-in', 'leaf.pem', '-noout', '-pubkey']);
}

/** Returns the public half of a private key, in PEM. */
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

/** Returns subject, serial number, dates and fingerprint, as cert-renewer's answers write them. */
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
 * Returns the contents of a certificate, field by field, as `openssl x509 -text` prints them: the subject with each value in
 * DER, and every extension with its criticality, in hex if openssl does not know it. It leaves out what is new in every
 * certificate: serial number, issuer, dates, key and signature.
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

/** Returns the contents that a renewal must keep. The issuer's key may differ, and after a rekey the subject's key. */
export async function keptStatements(certificate: string, operation: 'renew' | 'rekey'): Promise<Map<string, string>> {
  const mayChange = ['X509v3 Authority Key Identifier'];
  if (operation === 'rekey') mayChange.push('X509v3 Subject Key Identifier');
  return new Map([...(await statements(certificate))].filter(([field]) => !mayChange.includes(field)));
}
