/** Feeds files of any kind to every parser of certificates, keys and secrets. Each parser accepts a file or rejects it with a code. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { issuedChain } from '../../lambdas/providers/step-ca/answer.ts';
import { readGivenKey } from '../../lambdas/secret/given-key.ts';
import { randomFrom } from './mutate.ts';
import { pemOf, unexpected, useCertificate, useSecret } from './targets.ts';

export interface CorpusOutcome {
  readonly files: number;
  /** The number of accepted readings. Each file is read in several ways. */
  readonly taken: number;
  readonly refused: number;
  /** The numbers of accepted certificates and of accepted private keys. */
  readonly certificates: number;
  readonly keys: number;
  readonly slowestMs: number;
  readonly lost: readonly string[];
}

const golden = (name: string) => readFileSync(new URL(`../../test/golden/secret/${name}`, import.meta.url), 'utf8');
const [leaf, key] = [golden('leaf.crt'), golden('step-plain.key')];
/** The passwords that the corpora's own tests use. */
const passwords = ['password', 'foobar', '1234', '123456', 'cryptography', 'foo'];
/** Secrets Manager's limit of a secret's size. */
const largest = 65_536;

const keyLabels = ['PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'];

type Kind = 'certificates' | 'keys' | 'secrets';
type Reading = readonly [Kind, () => unknown];

function readingsOfCertificate(text: string, der: Uint8Array): Reading[] {
  const secret = (fields: object) => useSecret({ kind: 'string', text: JSON.stringify(fields) });
  const body = Buffer.from(JSON.stringify({ crt: text, ca: text, certChain: [text, text] }));
  return [
    ['certificates', () => useCertificate(der, randomFrom(1))],
    ['secrets', () => secret({ certificate: text, privateKey: key })],
    ['secrets', () => secret({ 'tls.crt': `${leaf}\n${text}`, 'tls.key': key })],
    ['secrets', () => secret({ certificate: leaf, private_key: key, ca_chain: [text], issuing_ca: text })],
    ['secrets', () => issuedChain({ status: 201, headers: {}, body }, 'ca')],
  ];
}

function readingsOfKey(text: string): Reading[] {
  const given = { kind: 'string', text } as const;
  return [
    ['keys', async () => localSigner(await withPasswords((password) => readGivenKey(given, { password })))],
    ['secrets', () => useSecret({ kind: 'string', text: JSON.stringify({ certificate: leaf, privateKey: text }) })],
    ['secrets', () => withPasswords((word) => useSecret({ kind: 'string', text: `${leaf}\n${text}\n` }, word))],
  ];
}

/** Tries each password until one opens the file. */
async function withPasswords<T>(read: (password: string) => Promise<T>): Promise<T> {
  let closed: unknown;
  for (const password of passwords) {
    try {
      return await read(password);
    } catch (error) {
      if (!(error instanceof RenewalError) || error.code !== 'PasswordRequired') throw error;
      closed = error;
    }
  }
  throw closed;
}

function readingsOf(bytes: Buffer): Reading[] {
  const whole = bytes.subarray(0, largest);
  const text = bytes.toString();
  const blocks = [...text.matchAll(/-----BEGIN ([^-\n]{1,60})-----([^-]+)-----END [^-\n]{1,60}-----/g)].slice(0, 20);
  const readings: Reading[] = [
    ['secrets', () => withPasswords((word) => useSecret({ kind: 'binary', bytes: whole }, word))],
    ['secrets', () => useSecret({ kind: 'string', text: text.slice(0, largest) })],
  ];
  for (const [block, label = '', base64 = ''] of blocks) {
    const isKey = label.endsWith('PRIVATE KEY');
    readings.push(...(isKey ? readingsOfKey(block) : readingsOfCertificate(block, Buffer.from(base64, 'base64'))));
  }
  if (blocks.length === 0 && bytes[0] === 0x30) {
    readings.push(...readingsOfCertificate(pemOf('CERTIFICATE', whole), whole));
    readings.push(...keyLabels.flatMap((label) => readingsOfKey(pemOf(label, whole))));
  }
  return readings;
}

/** Returns all files below a folder, ordered by name. */
export async function readCorpus(folder: string): Promise<CorpusOutcome> {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => join(entry.parentPath, entry.name)).sort();
  const lost: string[] = [];
  const taken = { certificates: 0, keys: 0, secrets: 0 };
  let refused = 0;
  let slowestMs = 0;
  for (const path of paths) {
    for (const [kind, read] of readingsOf(readFileSync(path))) {
      // CPU time, because a busy machine is not a hang.
      const before = process.cpuUsage();
      try {
        await read();
        taken[kind]++;
      } catch (error) {
        refused++;
        const problem = unexpected(error);
        if (problem !== undefined) lost.push(`${path}, ${kind}: ${problem}`);
      }
      const { user, system } = process.cpuUsage(before);
      const took = (user + system) / 1_000;
      slowestMs = Math.max(slowestMs, took);
      if (took > 1_000) lost.push(`${path}, ${kind}: ${Math.round(took)} ms`);
    }
  }
  const { certificates, keys, secrets } = taken;
  return { files: paths.length, taken: certificates + keys + secrets, refused, certificates, keys, slowestMs, lost };
}
