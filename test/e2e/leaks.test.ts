/**
 * docs/guarantees.md, G6: no private key, password or token appears in a log, an event, a tag or an error. The run has every
 * error that a test can cause. A search then looks through everything that it left behind, and tests plant secrets to prove
 * the search.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, DeleteQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { forge, type Leaf } from '../../testkit/cas/leaf.ts';
import { client, invoke, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { enrol } from '../../testkit/local-aws/enrolled.ts';
import { collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { badInputs } from '../support/bad-input.ts';
import { PASSWORD_SECRET } from '../support/e2e-config.ts';
import {
  leaks,
  password,
  queuedMessages,
  type Secret,
  secretsOf,
  type Trace,
  tokens,
  tracesOf,
} from '../support/leaks.ts';
import { describeWith } from '../support/local.ts';
import { logEntries } from '../support/logs.ts';
import { camel, dueDates } from '../support/on-demand.ts';

describeWith(['stack', 'step-ca'], 'leaks', ({ emulator, ca, outputs }) => {
  const secrets: Secret[] = [];
  const arns: string[] = [];
  const answers: Trace[] = [];
  let collector: EventCollector;
  let started: number;
  let keyPassword: string;

  async function call(functionName: string, request: unknown): Promise<void> {
    const { payload, error } = await invoke(emulator, outputs[functionName] ?? '', request);
    answers.push({ place: 'the answers', text: JSON.stringify({ payload, error }) });
  }

  /** Every private key and every password that any version of these secrets holds, if it can be read. */
  async function learn(arn: string): Promise<void> {
    const manager = client(SecretsManagerClient, emulator);
    const list = new ListSecretVersionIdsCommand({ SecretId: arn, IncludeDeprecated: true });
    const { Versions = [] } = await manager.send(list).catch(() => ({ Versions: [] }));
    for (const { VersionId } of Versions) {
      const value = await manager.send(new GetSecretValueCommand({ SecretId: arn, VersionId })).catch(() => undefined);
      const text = value?.SecretString ?? Buffer.from(value?.SecretBinary ?? []).toString('latin1');
      const name = `${arn.split(':').at(-1)} ${VersionId}`;
      for (const key of keysIn(text, keyPassword)) secrets.push(secretsOf(name, key));
      const word = /"password":"([^"]+)"/.exec(text)?.[1];
      if (word !== undefined) secrets.push(password(name, word));
      else if (value?.SecretBinary) secrets.push({ name, bytes: [value.SecretBinary.slice(0, 2_000)] });
      else if (!text.includes('BEGIN')) secrets.push(password(name, text.slice(0, 2_000)));
    }
  }

  beforeAll(async () => {
    started = Date.now();
    collector = await collectEvents(emulator, outputs['EventBusName'] ?? '');
    const get = new GetFunctionConfigurationCommand({ FunctionName: outputs['ScanFunctionName'] });
    const { FunctionArn: anyFunctionArn = '' } = await client(LambdaClient, emulator).send(get);
    for (const { make } of badInputs) arns.push(await make({ aws: emulator, ca, anyFunctionArn, profile: 'internal' }));

    const read = new GetSecretValueCommand({ SecretId: PASSWORD_SECRET });
    keyPassword = (await client(SecretsManagerClient, emulator).send(read)).SecretString ?? '';
    secrets.push(password('the password of the profile', keyPassword));
    const add = async (leaf: Leaf, profile: string, keyPem = leaf.keyPem): Promise<void> => {
      secrets.push(secretsOf(profile, leaf.key));
      arns.push((await enrol(emulator, { value: camel(leaf, keyPem), profile, name: 'leaks' })).arn);
    };
    // Renewed by token, by TLS, with an RSA key, with a password; and with a CA that is down, or is the wrong one.
    await add(await forge(ca, dueDates()), 'same-key');
    await add(await forge(ca, { ...dueDates(), key: 'RSA-2048' }), 'internal');
    await add(await forge(ca, dueDates()), 'unreachable');
    await add(await forge(ca, dueDates()), 'untrusted');
    const locked = await forge(ca, dueDates());
    const lock = (passphrase: string): string =>
      String(locked.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));
    await add(locked, 'encrypted', lock(keyPassword));
    await add(locked, 'encrypted', lock('another password'));
    await add(locked, 'encrypted', locked.keyPem); // plain text, although the profile has a password

    await call('ScanFunctionName', { secretIds: arns, dryRun: true });
    await call('ScanFunctionName', { secretIds: arns });
    for (const secretId of arns) await call('RenewFunctionName', { secretId, force: true });

    // A user who mixed up the clipboard may put a key into any field of a request.
    const misplaced = await forge(ca);
    secrets.push(secretsOf('a key in the request', misplaced.key));
    const pem = misplaced.keyPem;
    const fields = ['secretId', 'mode', 'expiresIn', 'rekeyPeriod', 'kty', 'curve', 'size', 'force', 'dryRun', pem];
    for (const field of fields) await call('RenewFunctionName', { secretId: 'none', [field]: pem });
    for (const field of ['privateKey', 'out']) await call('RenewFunctionName', { secretId: 'none', [field]: { pem } });
    for (const text of [pem, pem.replaceAll('\n', ' '), pem.replaceAll(/-----.*-----|\n/g, '')]) {
      await call('RenewFunctionName', { secretId: text });
      for (const field of ['privateKey', 'out']) {
        await call('RenewFunctionName', { secretId: arns.at(-1), [field]: { secretId: text } });
      }
      await call('RenewFunctionName', { secretId: arns.at(-1), privateKey: { kmsKeyId: text } });
      await call('ScanFunctionName', { secretIds: [text] });
    }
    for (const field of ['profile', 'force', pem]) await call('ScanFunctionName', { [field]: pem });
    await call('ScanFunctionName', { secretIds: [pem] });
    await call('RenewFunctionName', pem);

    await waitFor('the log of the workers', async () => {
      const told = new Set((await logEntries(emulator, started)).map(({ secretArn }) => secretArn));
      return arns.slice(-7).every((arn) => told.has(arn));
    });
    for (const arn of arns) await learn(arn);
  });

  it('no key or password is in a log, an event, a tag, a queue or an answer', async () => {
    const traces = [...(await tracesOf(emulator, await collector.events(), started)), ...answers];
    expect(secrets.length).toBeGreaterThan(40);
    expect(leaks(traces, secrets)).toEqual([]);
    expect(tokens(traces)).toEqual([]);
  });

  it('the search covers many texts and all errors', async () => {
    const traces = await tracesOf(emulator, await collector.events(), started);
    // A failure on demand is in the answer, and in no log.
    const answered = answers.flatMap(({ text }) => {
      const { error }: { error?: { errorType?: string } } = JSON.parse(text);
      return error?.errorType ?? [];
    });
    const logged = (await logEntries(emulator, started)).filter(({ secretArn }) => arns.includes(secretArn ?? ''));
    const codes = new Set([...answered, ...logged.map(({ reason }) => reason?.code)]);
    const reached = [
      'UnsupportedSecret',
      'InvalidCertificate',
      'KeyMismatch',
      'PasswordRequired',
      'CertificateExpired',
    ];
    for (const code of [
      ...reached,
      'CaRejected',
      'CaUnavailable',
      'CaUntrusted',
      'KmsDenied',
      'InvalidTag',
      'InvalidRequest',
    ]) {
      expect(codes).toContain(code);
    }
    for (const { text } of traces) expect(text.length).toBeGreaterThan(200);
    const waiting = (await queuedMessages(emulator)).map(({ Body }) => Body).join();
    expect(waiting).toContain(arns.at(-5));
  });

  describe('the search finds', () => {
    const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { privateKey: ecKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = key.export({ format: 'jwk' });
    const pem = String(key.export({ type: 'pkcs8', format: 'pem' }));
    const der = key.export({ type: 'pkcs1', format: 'der' });
    const number = (name: 'd' | 'p' | 'q'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url');

    it.each([
      ['PEM', pem],
      ['PEM in JSON', JSON.stringify({ privateKey: pem })],
      ['PEM in JSON in JSON', JSON.stringify({ body: JSON.stringify({ privateKey: pem }) })],
      ['the middle of a PEM', pem.slice(600, 700)],
      ['DER in base64', der.toString('base64')],
      ['DER in base64url, one byte on', Buffer.concat([Buffer.of(0), der]).toString('base64url')],
      ['DER in hex', der.toString('hex')],
      ['DER as it is', der.toString('latin1')],
      ['a Buffer in JSON', JSON.stringify({ cause: der })],
      ['PEM in base64, as Kubernetes holds it', Buffer.from(pem).toString('base64')],
      ['p in hex with colons, capitals', (number('p').toString('hex').toUpperCase().match(/../g) ?? []).join(':')],
      ['PEM in a URL', encodeURIComponent(pem)],
      ['DER in a URL', [...der].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')],
      ['DER in JSON', JSON.stringify(der.toString('latin1'))],
      ['d in hex', number('d').toString('hex')],
      ['p in hex with colons, as openssl prints it', (number('p').toString('hex').match(/../g) ?? []).join(':')],
      ['q in base64', number('q').toString('base64')],
      ['a part of d', number('d').subarray(100, 124).toString('base64')],
      ['a JWK', JSON.stringify(jwk)],
      ["a P-256 key's PEM", String(ecKey.export({ type: 'sec1', format: 'pem' }))],
    ])('%s', (_what, text) => {
      const planted = [secretsOf('rsa', key), secretsOf('ec', ecKey)];
      expect(leaks([{ place: 'here', text: `before ${text} after` }], planted)).toHaveLength(1);
      expect(leaks([{ place: 'here', text: `before ${text} after` }], [secretsOf('ec', otherKey())])).toEqual([]);
    });

    it('what is planted in a log, an event, a tag and a queue, with its place', async () => {
      const planted = [secretsOf('planted', ecKey), password('word', 'correct-horse-battery')];
      const text = String(ecKey.export({ type: 'pkcs8', format: 'pem' }));
      const d = Buffer.from(ecKey.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
      const undo = [await plantLog(text), await plantEvent(text), await plantTag(d), await plantMessage(text)];
      await waitFor('the planted event', async () =>
        (await collector.events()).some(({ 'detail-type': type }) => type === 'planted'),
      );
      const found = leaks(await tracesOf(emulator, await collector.events(), started), planted);
      for (const step of undo) await step();
      expect(found.sort()).toEqual(
        ['the events', 'the logs', 'the queues', 'the tags'].map((place) => `${place}: planted`),
      );
    });

    it('a token', () => {
      const token = ['{"alg":"ES256","typ":"JWT"}', '{"iss":"step-ca-client/1.0"}', 'signature'].map((part) =>
        Buffer.from(part).toString('base64url'),
      );
      expect(tokens([{ place: 'here', text: `Authorization: Bearer ${token.join('.')}` }])).toEqual(['here']);
    });
  });

  type Undo = () => Promise<unknown>;

  async function plantLog(message: string): Promise<Undo> {
    const logs = client(CloudWatchLogsClient, emulator);
    const logGroupName = uniqueName('planted');
    await logs.send(new CreateLogGroupCommand({ logGroupName }));
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'stream' }));
    const logEvents = [{ timestamp: Date.now(), message: JSON.stringify({ message }) }];
    await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'stream', logEvents }));
    return () => logs.send(new DeleteLogGroupCommand({ logGroupName }));
  }

  async function plantEvent(message: string): Promise<Undo> {
    const Detail = JSON.stringify({ message });
    const entry = { Source: 'cert-renewer', DetailType: 'planted', Detail, EventBusName: outputs['EventBusName'] };
    await client(EventBridgeClient, emulator).send(new PutEventsCommand({ Entries: [entry] }));
    return async () => undefined;
  }

  async function plantTag(Value: string): Promise<Undo> {
    const secretsManager = client(SecretsManagerClient, emulator);
    const Name = uniqueName('planted');
    await secretsManager.send(new CreateSecretCommand({ Name, Tags: [{ Key: 'note', Value }] }));
    return () => secretsManager.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
  }

  async function plantMessage(MessageBody: string): Promise<Undo> {
    const sqs = client(SQSClient, emulator);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName('planted') }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    return () => sqs.send(new DeleteQueueCommand({ QueueUrl }));
  }
});

function otherKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** Returns the complete private keys in a text. A key that is encrypted with another password is left out. */
function keysIn(text: string, passphrase: string): KeyObject[] {
  const blocks = text
    .replaceAll('\\n', '\n')
    .match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/g);
  return (blocks ?? []).flatMap((pem) => {
    try {
      return [createPrivateKey({ key: pem, passphrase })];
    } catch {
      return [];
    }
  });
}
