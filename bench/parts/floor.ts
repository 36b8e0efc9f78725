/**
 * The floor: a program that only makes the calls of a renewal, with the same clients of the SDK. It verifies
 * nothing, decides nothing and logs nothing. The difference to ours is the cost of safety and of wasted work.
 * It handles only P-256 keys and the JSON shape of the benchmark.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign, X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { SQSEvent } from 'aws-lambda';
import * as write from '../../lambdas/asn1/writer.ts';
import { signatureAlgorithmDer } from '../../lambdas/x509/algorithms.ts';

interface Profile {
  readonly ca: { readonly url: string; readonly root: string };
  readonly mode: 'rekey' | 'renew';
}

interface Pair {
  readonly certificate: string;
  readonly certificateChain: string;
  readonly privateKey: string;
}

const secrets = new SecretsManagerClient({});
const events = new EventBridgeClient({});
const parameters = new SSMClient({});
const kept = new Agent({ keepAlive: true });
let profile: Promise<Profile> | undefined;
let entries: PutEventsRequestEntry[] = [];
let published: Promise<unknown> = Promise.resolve();

export async function handler({ Records }: SQSEvent) {
  await Promise.all(Records.map(({ body }) => renewed(JSON.parse(body))));
  return { batchItemFailures: [] };
}

async function renewed({ secretArn: SecretId, versionId }: { secretArn: string; versionId: string }): Promise<void> {
  const { Tags = [] } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  const name = Tags.find(({ Key }) => Key === 'cert-renewer:profile')?.Value ?? '';
  profile ??= profileOf(name);
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId, VersionId: versionId }));
  const old: Pair = JSON.parse(SecretString);
  const next = (await profile).mode === 'rekey' ? await rekey(await profile, old) : await renew(await profile, old);
  const id = randomUUID();
  await secrets.send(
    new PutSecretValueCommand({
      SecretId,
      ClientRequestToken: id,
      VersionStages: ['AWSPENDING'],
      SecretString: JSON.stringify(next),
    }),
  );
  await secrets.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: versionId,
      MoveToVersionId: id,
    }),
  );
  const { serialNumber, fingerprint256, validFrom, validTo } = new X509Certificate(next.certificate);
  const [notBefore = '', notAfter = ''] = [validFrom, validTo].map((date) => new Date(date).toISOString());
  const detail = { secretArn: SecretId, versionId: id, serialNumber, fingerprint256, notBefore, notAfter };
  const entry = { Source: 'cert-renewer', DetailType: 'Certificate Renewed', Detail: JSON.stringify(detail) };
  await publish({ ...entry, Resources: [SecretId], EventBusName: 'bench' });
  const tags = { 'version-id': id, 'not-before': notBefore, 'not-after': notAfter };
  await secrets.send(
    new TagResourceCommand({
      SecretId,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key: `cert-renewer:${Key}`, Value })),
    }),
  );
}

/** Publishes the events of four milliseconds in one call, as ours does. */
function publish(entry: PutEventsRequestEntry): Promise<unknown> {
  const waiting = entries;
  if (waiting.push(entry) === 1) {
    published = sleep(4).then(() => {
      entries = [];
      return events.send(new PutEventsCommand({ Entries: waiting }));
    });
  }
  return published;
}

async function profileOf(name: string): Promise<Profile> {
  const path = `${process.env['PROFILE_PREFIX']}/${name}`;
  const { Parameter } = await parameters.send(new GetParameterCommand({ Name: path }));
  return JSON.parse(Parameter?.Value ?? '');
}

/** Rekeys by TLS with the old pair. Each request has its own connection. */
async function rekey({ ca }: Profile, { certificate, certificateChain, privateKey }: Pair): Promise<Pair> {
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = JSON.stringify({ csr: requestFor(made) });
  const tls = { cert: certificate + certificateChain, key: privateKey, agent: new Agent({ maxCachedSessions: 0 }) };
  const issued = await post(`${ca.url}/rekey`, { ca: ca.root, ...tls }, { 'content-type': 'application/json' }, body);
  return { ...issued, privateKey: made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function requestFor({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): string {
  const info = write.sequence(
    write.integer(0),
    write.sequence(),
    publicKey.export({ type: 'spki', format: 'der' }),
    write.context(0),
  );
  const signature = write.bitString(sign('sha256', info, privateKey));
  const der = write.sequence(info, signatureAlgorithmDer({ kty: 'EC', curve: 'P-256' }), signature);
  const label = 'CERTIFICATE REQUEST';
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}

/** Renews by token, on a kept connection. */
async function renew({ ca }: Profile, { certificate, certificateChain, privateKey }: Pair): Promise<Pair> {
  const part = (data: object): string => Buffer.from(JSON.stringify(data)).toString('base64url');
  const chain = (certificate + certificateChain).match(/(?<=BEGIN CERTIFICATE-----)[^-]+/g) ?? [];
  const x5cInsecure = chain.map((text) => text.replace(/\s/g, ''));
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'step-ca-client/1.0', aud: `${ca.url}/renew`, jti: randomBytes(16).toString('hex') };
  const sub = new X509Certificate(certificate).subject.replace(/^CN=/, '');
  const input = `${part({ alg: 'ES256', typ: 'JWT', x5cInsecure })}.${part({ ...claims, sub, iat: now, nbf: now, exp: now + 300 })}`;
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const authorization = `Bearer ${input}.${signature.toString('base64url')}`;
  const issued = await post(`${ca.url}/renew`, { ca: ca.root, agent: kept }, { authorization }, '');
  return { ...issued, privateKey };
}

type Issued = Pick<Pair, 'certificate' | 'certificateChain'>;
type Tls = Readonly<Record<'ca', string>> & Readonly<{ agent: Agent; cert?: string; key?: string }>;

function post(url: string, tls: Tls, headers: Readonly<Record<string, string>>, body: string): Promise<Issued> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...tls, method: 'POST', headers: { ...headers, 'content-length': body.length } });
    sent.on('error', reject).on('response', async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString();
      if (answer.statusCode !== 201) return reject(new Error(`the CA answered ${answer.statusCode}: ${text}`));
      const [certificate, ...chain]: string[] = JSON.parse(text).certChain;
      resolve({ certificate: certificate ?? '', certificateChain: chain.join('') });
    });
    sent.end(body);
  });
}
