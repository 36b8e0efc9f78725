/** All entry points for foreign bytes, each with its inputs and its allowed errors. */
import { readdirSync, readFileSync } from 'node:fs';
import { validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { parseJsonText } from '../../cdk/config/json-text.ts';
import { parseBody } from '../../lambdas/authority/http/body.ts';
import { Problem } from '../../lambdas/authority/http/problems.ts';
import { bearerToken, parseTokens } from '../../lambdas/authority/http/tokens.ts';
import { isErrorCode, RenewalError } from '../../lambdas/domain/errors.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import {
  parseOnDemandRequest,
  parseQueueMessage,
  parseRotationRequest,
  parseScanRequest,
} from '../../lambdas/policy/request.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { issuedChain, listedCertificates } from '../../lambdas/providers/step-ca/answer.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { chainEnd } from '../../lambdas/x509/chain.ts';
import { differences } from '../../lambdas/x509/correspondence.ts';
import { describeCertificate } from '../../lambdas/x509/facts.ts';
import { mutateDer, mutateText, type Random } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Feeds one input to the entry point. Throws the error of the entry point. */
  run(random: Random): Promise<void> | void;
}

const folder = (name: string) => new URL(`../../test/golden/${name}/`, import.meta.url);
const golden = (room: string, name: string) => readFileSync(new URL(name, folder(room)));
const names = (room: string, end: string) => readdirSync(folder(room)).filter((name) => name.endsWith(end));
const password = golden('secret', 'password.txt').toString().replace(/\n$/, '');

/** Returns DER and label of every PEM block in a room's golden files. */
function blocks(room: string, end: string): { label: string; der: Uint8Array }[] {
  return names(room, end).flatMap((name) => {
    const [, label = '', body = ''] =
      /-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END/.exec(golden(room, name).toString()) ?? [];
    return label === '' ? [] : [{ label, der: new Uint8Array(Buffer.from(body, 'base64')) }];
  });
}

const pick = <T>(list: readonly T[], random: Random): T => {
  const item = list[random(list.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
};

const certificates = blocks('x509', '.crt').map(({ der }) => der);
const keys = blocks('secret', '.key');
const files = names('secret', '.p12').map((name) => new Uint8Array(golden('secret', name)));
const wellRead = certificates.flatMap((der) => {
  try {
    return [parseCertificate(der)];
  } catch {
    return [];
  }
});

/** Neither may fail on an accepted certificate. */
export function useCertificate(der: Uint8Array, random: Random): void {
  const certificate = parseCertificate(der);
  describeCertificate(certificate);
  const other = pick(wellRead, random);
  for (const operation of ['renew', 'rekey'] as const) differences(other, certificate, operation);
  chainEnd(certificate, [other, certificate], [pick(wellRead, random)]);
}

export const pemOf = (label: string, der: Uint8Array) => (der.length === 0 ? '' : encodePem(label, der));

function secretText(random: Random): string {
  const certificate = pemOf(
    'CERTIFICATE',
    random(2) === 0 ? mutateDer(pick(certificates, random), random) : pick(certificates, random),
  );
  const { label, der } = pick(keys, random);
  const key = pemOf(label, random(2) === 0 ? mutateDer(der, random) : der);
  const shapes: readonly string[] = [
    `${certificate}\n${key}\n`,
    JSON.stringify({ certificate, privateKey: key, certificateChain: certificate }),
    JSON.stringify({ certificate, private_key: key, ca_chain: [certificate], issuing_ca: certificate }),
    JSON.stringify({ 'tls.crt': certificate, 'tls.key': key, 'ca.crt': certificate }),
    JSON.stringify({ certificate, kmsKeyId: 'alias/x' }),
    JSON.stringify({ pkcs12: Buffer.from(mutateDer(pick(files, random), random)).toString('base64') }),
  ];
  const text = pick(shapes, random);
  return random(3) === 0 ? mutateText(text, random) : text;
}

export async function useSecret(value: Parameters<typeof readSecret>[0], word = password): Promise<void> {
  const content = await readSecret(value, { password: word });
  if (content.key.kind === 'private') localSigner(content.key.privateKey);
  const { leaf, chain } = content;
  await content.write({ leaf, chain, root: undefined, key: undefined });
}

const request = JSON.stringify({
  secretId: 'a',
  expiresIn: '8h30m',
  kty: 'EC',
  curve: 'P-256',
  force: true,
  out: { secretId: 'b' },
});
const message = JSON.stringify({ secretArn: 'arn:aws:x', versionId: 'v1', force: true });
const rotation = JSON.stringify({ Step: 'createSecret', SecretId: 'a', ClientRequestToken: 'x'.repeat(36) });
const config = readFileSync(new URL('../../examples/cert-renewer.json', import.meta.url), 'utf8');
const body = JSON.stringify({ type: 'existing', notAfter: '2027-01-01T00:00:00.000Z' });
const tokenSecret = JSON.stringify([
  { sha256: 'a'.repeat(64), authorities: ['issuing'], expires: '2027-01-01T00:00:00Z' },
]);

/** Parses a mutated text as JSON. Returns the text itself if it is not JSON. */
function value(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const answer = (text: string) => ({ status: 201, headers: {}, body: Buffer.from(text) });

function caAnswer(random: Random): string {
  const crt = pemOf('CERTIFICATE', mutateDer(pick(certificates, random), random));
  const text = JSON.stringify({ crt, ca: crt, certChain: [crt, crt], crts: [crt] });
  return random(2) === 0 ? mutateText(text, random) : text;
}

export const targets: readonly Target[] = [
  { name: 'certificates', run: (random) => useCertificate(mutateDer(pick(certificates, random), random), random) },
  { name: 'secrets', run: (random) => useSecret({ kind: 'string', text: secretText(random) }) },
  { name: 'PKCS#12', run: (random) => useSecret({ kind: 'binary', bytes: mutateDer(pick(files, random), random) }) },
  {
    name: 'tags',
    run: (random) => {
      const field = pick(Object.values(tags), random);
      const text = pick(['8h', '33%', 'true', 'rekey', 'P-256', '3 2026-11-22T08:00:00Z CaUnavailable'], random);
      readTagSettings(new Map([[field, mutateText(text, random)]]));
    },
  },
  { name: 'requests', run: (random) => void parseOnDemandRequest(value(mutateText(request, random))) },
  { name: 'scan requests', run: (random) => void parseScanRequest(value(mutateText(request, random))) },
  { name: 'queue messages', run: (random) => void parseQueueMessage(mutateText(message, random)) },
  { name: 'rotation', run: (random) => void parseRotationRequest(value(mutateText(rotation, random))) },
  {
    name: 'configuration',
    run: (random) => {
      const parsed = parseJsonText(mutateText(config, random));
      const baseDirectory = new URL('../../examples/', import.meta.url).pathname;
      if (!('problems' in parsed)) validateConfig(parsed.value, { source: 'x', baseDirectory });
    },
  },
  { name: 'HTTP bodies', run: (random) => void parseBody(Buffer.from(mutateText(body, random))) },
  { name: 'tokens', run: (random) => void parseTokens({ kind: 'string', text: mutateText(tokenSecret, random) }) },
  { name: 'Authorization', run: (random) => void bearerToken(mutateText(`Bearer ${'a'.repeat(64)}`, random)) },
  { name: 'CA answers', run: (random) => void issuedChain(answer(caAnswer(random)), 'ca') },
  { name: 'intermediates', run: (random) => void listedCertificates(answer(caAnswer(random)), 'ca') },
];

/** Returns undefined for an allowed error, else what is wrong with it. */
export function unexpected(error: unknown): string | undefined {
  if (error instanceof ConfigError || error instanceof Problem) return undefined;
  if (!(error instanceof RenewalError)) return error instanceof Error ? `${error.stack}` : `a thrown ${typeof error}`;
  if (!isErrorCode(error.code)) return `the code ${error.code}`;
  // A message must not contain a run of base64 or hex that may be part of a key.
  if (/[A-Za-z0-9+/]{80}/.test(error.message)) return `a long run of base64 in: ${error.message}`;
  return error.message.length > 4_000 ? `a message of ${error.message.length} characters` : undefined;
}

export interface Outcome {
  readonly accepted: number;
  readonly refused: number;
  /** The failures, each with its seed. */
  readonly lost: readonly string[];
  readonly slowestMs: number;
}

/** Each run has its own seed, so that it can be repeated alone. */
export async function fuzz(
  target: Target,
  seed: number,
  count: number,
  make: (seed: number) => Random,
): Promise<Outcome> {
  const lost: string[] = [];
  let accepted = 0;
  let slowestMs = 0;
  for (let run = 0; run < count; run++) {
    const started = process.cpuUsage(); // CPU time, because a busy machine is not a hang
    try {
      await target.run(make(seed + run));
      accepted++;
    } catch (error) {
      const problem = unexpected(error);
      if (problem !== undefined) lost.push(`seed ${seed + run}: ${problem}`);
    }
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1_000;
    slowestMs = Math.max(slowestMs, took);
    if (took > 1_000) lost.push(`seed ${seed + run}: ${Math.round(took)} ms`);
  }
  return { accepted, refused: count - accepted, lost, slowestMs };
}
