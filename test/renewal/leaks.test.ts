/**
 * Contract 6.6, in one process: every error code is provoked, with keys, passwords and tokens in the way of each, through
 * the real use cases, CA clients, translator of AWS's errors and journal; then all that was told is searched for them.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { awsError } from '../../lambdas/aws/errors.ts';
import { powertoolsJournal } from '../../lambdas/aws/journal.ts';
import { errorCodes, RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaProvider } from '../../lambdas/domain/ports.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { withoutCause } from '../../lambdas/edge.ts';
import { parseAskCaRequest, parseQueueMessage, parseScanRequest } from '../../lambdas/policy/request.ts';
import { renewOnDemand } from '../../lambdas/renewal/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/queued.ts';
import { scan } from '../../lambdas/renewal/scan.ts';
import { makeHierarchy, makeKey, spkiOf } from '../fakes/certificates.ts';
import { fakeInfisical, login } from '../fakes/infisical.ts';
import { hour, mockCa, now } from '../providers/step-ca/mock-ca.ts';
import { hierarchy, pem } from '../providers/tls-server.ts';
import { leaks, password, type Secret, secretsOf, type Trace, tokens } from '../support/leaks.ts';
import { dueDates, internal, pairOf, World } from './world.ts';

const pkcs8 = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
const keyPassword = randomBytes(18).toString('base64url');

/** One world a mishap, and all that it leaves behind. */
class Stage {
  readonly world = new World({ ...internal, passwordSecretId: 'pki/password' });
  readonly secrets: Secret[] = [password('the password', keyPassword)];
  readonly told: Trace[] = [];
  /** What was written to the standard streams meanwhile. */
  readonly lines: string[];

  readonly #ids = new Set<string>();
  readonly #world = Object.assign(Object.create(this.world) as World, { journal: powertoolsJournal() });

  constructor(lines: string[]) {
    this.lines = lines;
    this.world.store.add({ name: 'pki/password', value: `${keyPassword}\n` });
  }

  /** A key that must not be found again. */
  key(kind: Parameters<typeof makeKey>[0] = 'P-256'): KeyObject {
    const key = makeKey(kind);
    this.secrets.push(secretsOf(kind, key));
    return key;
  }

  enrol(more: Parameters<World['enrol']>[0] = {}): string {
    return this.world.enrol({ ...more, key: more.key ?? this.key() });
  }

  /** By hand, and by the queue to its last delivery. */
  async everyWay(request: { readonly secretId: string; readonly [field: string]: unknown }): Promise<void> {
    const world = this.#world;
    this.#ids.add(request.secretId);
    await this.#attempt(() => renewOnDemand(world, request));
    await this.#attempt(() => renewOnDemand(world, { ...request, dryRun: true }));
    await this.#attempt(async () => parseAskCaRequest({ askCa: request.secretId }));
    const body = JSON.stringify({ secretArn: request.secretId, versionId: 'v1' });
    for (const delivery of [1, 2, 3]) {
      await this.#attempt(async () => renewQueued(world, parseQueueMessage(body), delivery));
    }
  }

  /** The schedule, and scans by hand; then what is there. */
  async end(): Promise<void> {
    for (const more of [{ dryRun: true }, { force: true }, {}]) {
      await this.#attempt(() => scan(this.#world, parseScanRequest(more)));
    }
    for (const id of this.#ids) {
      for (const more of [{ secretIds: [id] }, { profile: id }]) {
        await this.#attempt(() => scan(this.#world, parseScanRequest({ ...more, dryRun: true })));
      }
    }
    this.#collect();
  }

  async #attempt(run: () => Promise<unknown>): Promise<void> {
    try {
      this.told.push({ place: 'the answers', text: JSON.stringify(await run()) });
    } catch (thrown) {
      const { name, message, stack } = withoutCause(thrown); // what Lambda shows, and its own log
      this.told.push({ place: 'the errors', text: JSON.stringify({ name, message, stack, text: `${thrown}` }) });
    }
  }

  #collect(): void {
    const { store, publisher, queue, faults } = this.world;
    const names = faults.calls.map(({ method, args }) => [
      method,
      args[0],
      method === 'stage' ? args[1] : args.slice(1),
    ]);
    const noted = [...this.#ids].map((id) => {
      try {
        return Object.entries(store.tagsOf(id)).filter(([tag]) => statusTags.has(tag));
      } catch {
        return []; // it is not there
      }
    });
    this.told.push({ place: 'the logs', text: this.lines.join('\n') });
    this.told.push({ place: 'the events', text: JSON.stringify(publisher.events) });
    this.told.push({ place: 'the tags', text: JSON.stringify(noted) });
    this.told.push({ place: 'the queue', text: JSON.stringify(queue.sent) });
    this.told.push({
      place: 'the names asked for',
      text: JSON.stringify(names.filter(([method]) => method !== 'publish')),
    });
  }
}

/** A user's own tags stay as they are. */
const statusTags: ReadonlySet<string> = new Set([tags.versionId, tags.notBefore, tags.notAfter, tags.failure]);

const open: { close(): Promise<void> }[] = [];
afterAll(() => Promise.all(open.splice(0).map((each) => each.close())));

/** What AWS's client throws; its text quotes what it was sent. */
const awsRefusal = (name: string, text: string, service: 'kms' | 'secrets', status = 400): RenewalError => {
  const thrown = Object.assign(new Error(text), { name, $metadata: { httpStatusCode: status, requestId: 'r-1' } });
  return awsError(thrown, { service, action: 'Sign', resource: 'web/tls' });
};

/** A secret whose text is made of a certificate's and a key that are a pair. */
async function withText(stage: Stage, write: (certificate: string, key: string) => string): Promise<void> {
  const key = stage.key();
  const arn = stage.enrol({ key });
  const value = stage.world.store.value(arn);
  const { certificate, privateKey } = JSON.parse(value.kind === 'string' ? value.text : '');
  stage.world.store.write(arn, write(certificate, privateKey), 'v1');
  await stage.everyWay({ secretId: arn });
}

async function withCa(stage: Stage, provider: CaProvider, mode: 'renew' | 'rekey' = 'renew'): Promise<void> {
  const { world } = stage;
  world.clock.set(now);
  world.ca.hierarchy = hierarchy;
  Object.assign(world, { providerFor: async () => provider });
  const dates = { notBefore: now - 10 * hour, notAfter: now + 2 * hour };
  await stage.everyWay({ secretId: stage.enrol({ ...dates, tags: { [tags.mode]: mode } }) });
}

/** A CA that says again whatever it was told, the credentials among it. */
async function echoing(stage: Stage, status: number, mode: 'renew' | 'rekey' = 'renew'): Promise<void> {
  const ca = await mockCa(({ body }) => (response) => {
    const { authorization = '' } = response.req.headers;
    const signature = authorization.split('.')[2];
    if (signature) stage.secrets.push({ name: 'a token', bytes: [Buffer.from(signature, 'base64url')] });
    return response
      .writeHead(status)
      .end(JSON.stringify({ message: `cannot take ${authorization} ${body}`, authorization }));
  });
  open.push(ca);
  await withCa(stage, ca.provider(), mode);
}

async function infisical(stage: Stage, path: RegExp, status: number): Promise<void> {
  const server = await fakeInfisical();
  open.push(server);
  stage.secrets.push(password('the client secret', login.clientSecret));
  server.answers = ({ path: asked, headers, body }) =>
    path.test(asked)
      ? [status, { message: `no: ${headers.authorization} ${JSON.stringify(body)}`, statusCode: status }]
      : undefined;
  await withCa(stage, server.provider());
  for (const token of server.tokens) stage.secrets.push(password('the access token', token));
}

const encrypted = (key: KeyObject, passphrase: string): string =>
  String(key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));

/** Every form in which somebody may have a key in his clipboard. */
const clipboards: Readonly<Record<string, (key: KeyObject) => string>> = {
  PEM: pkcs8,
  'PEM on one line': (key) => pkcs8(key).replaceAll('\n', ' '),
  'PEM with \\n': (key) => JSON.stringify(pkcs8(key)).slice(1, -1),
  'PEM, SEC1': (key) => String(key.export({ type: 'sec1', format: 'pem' })),
  'DER in base64, PKCS#8': (key) => key.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  'DER in base64, SEC1': (key) => key.export({ type: 'sec1', format: 'der' }).toString('base64'),
  'DER in base64url': (key) => key.export({ type: 'sec1', format: 'der' }).toString('base64url'),
  'DER in hex': (key) => key.export({ type: 'sec1', format: 'der' }).toString('hex'),
  JWK: (key) => JSON.stringify(key.export({ format: 'jwk' })),
};

type Mishap = (stage: Stage) => Promise<unknown>;

const mishaps: Readonly<Record<string, Mishap>> = {
  ...Object.fromEntries(
    Object.entries(clipboards).flatMap(([form, write]): [string, Mishap][] => [
      [
        `${form} in every field of a request`,
        async (stage) => {
          const text = write(stage.key());
          const secretId = stage.enrol();
          await stage.everyWay({ secretId: text });
          await stage.everyWay({ secretId: `arn:aws:secretsmanager:us-east-1:1:secret:${text}` });
          for (const field of ['privateKey', 'out']) await stage.everyWay({ secretId, [field]: { secretId: text } });
          await stage.everyWay({ secretId, privateKey: { kmsKeyId: text } });
          for (const field of ['mode', 'expiresIn', 'kty', text]) await stage.everyWay({ secretId, [field]: text });
        },
      ],
      [
        `${form} in every tag`,
        async (stage) => {
          const text = write(stage.key()).slice(0, 256);
          for (const tag of Object.values(tags)) {
            await stage.everyWay({ secretId: stage.enrol({ name: tag, tags: { [tag]: text } }) });
          }
        },
      ],
      [
        `${form} as kmsKeyId, as a field's name, and beside a wrong shape`,
        async (stage) => {
          const text = write(stage.key());
          await withText(stage, (certificate) => JSON.stringify({ certificate, kmsKeyId: text }));
          await withText(stage, (certificate) => JSON.stringify({ certificate, [text]: text }));
          await withText(stage, () => text);
          await withText(stage, (certificate) => JSON.stringify({ certificate: text, privateKey: certificate }));
        },
      ],
    ]),
  ),
  'SecretNotFound, of the request and of a key': async (stage) => {
    await stage.everyWay({ secretId: 'nowhere' });
    await stage.everyWay({ secretId: stage.enrol(), privateKey: { secretId: 'nowhere' } });
  },
  SecretNotEnrolled: async (stage) => {
    stage.world.store.add({ name: 'other', value: pkcs8(stage.key()) });
    await stage.everyWay({ secretId: 'other' });
  },
  'UnsupportedSecret: a cut key': (stage) =>
    withText(stage, (certificate, key) => JSON.stringify({ certificate, privateKey: key.slice(0, 150) })),
  'UnsupportedSecret: cut JSON': (stage) =>
    withText(stage, (certificate, key) => JSON.stringify({ privateKey: key, certificate }).slice(0, 400)),
  'UnsupportedSecret: user and password': (stage) =>
    withText(stage, () => JSON.stringify({ username: 'admin', password: keyPassword })),
  'InvalidCertificate: the key in its place': (stage) =>
    withText(stage, (_, key) =>
      JSON.stringify({ certificate: key.replaceAll('PRIVATE KEY', 'CERTIFICATE'), privateKey: key }),
    ),
  KeyMismatch: (stage) =>
    withText(stage, (certificate) => JSON.stringify({ certificate, privateKey: pkcs8(stage.key('RSA-2048')) })),
  WeakKey: async (stage) => {
    const value = pkcs8(stage.key('RSA-1024'));
    stage.world.store.add({ name: 'weak', value, tags: { [tags.profile]: 'internal' } });
    await stage.everyWay({ secretId: stage.enrol(), privateKey: { secretId: 'weak' } });
  },
  'PasswordRequired: another password': (stage) => {
    const key = stage.key();
    const privateKey = encrypted(key, randomBytes(9).toString('hex'));
    return withText(stage, (certificate) => JSON.stringify({ certificate, privateKey }));
  },
  'PasswordRequired: a password in binary': (stage) => {
    stage.world.store.write('pki/password', { kind: 'binary', bytes: Buffer.from(keyPassword) });
    return withText(stage, (certificate) =>
      JSON.stringify({ certificate, privateKey: encrypted(stage.key(), keyPassword) }),
    );
  },
  CertificateExpired: async (stage) => {
    const { notBefore } = dueDates;
    await stage.everyWay({ secretId: stage.enrol({ notBefore, notAfter: notBefore + hour }) });
  },
  NotYetValid: async (stage) => {
    const notBefore = stage.world.clock.now() + hour;
    const secretId = stage.enrol({ notBefore, notAfter: notBefore + 2 * hour });
    await stage.everyWay({ secretId, force: true });
  },
  'CaUnavailable: a CA that says it all again': (stage) => echoing(stage, 500),
  'CaUnavailable: and with a CSR': (stage) => echoing(stage, 503, 'rekey'),
  'CaRejected: a CA that says it all again': (stage) => echoing(stage, 400),
  'CaRejected: and with a CSR': (stage) => echoing(stage, 403, 'rekey'),
  'CaUntrusted: another root': async (stage) => {
    const { stepCaProvider } = await import('../../lambdas/providers/step-ca/index.ts');
    const ca = await mockCa([[201, {}]]);
    open.push(ca);
    const root = pem(makeHierarchy(now - hour, now + hour).root);
    await withCa(stage, stepCaProvider({ url: ca.url, root, entropy: stage.world.entropy }));
  },
  'Infisical at the login': (stage) => infisical(stage, /login/, 401),
  'Infisical at the renewal': (stage) => infisical(stage, /renew/, 403),
  'Infisical out of order': (stage) => infisical(stage, /renew/, 502),
  'CertificateRejected: for another key': async (stage) => {
    stage.world.ca.tamper = (template) => ({ ...template, spki: spkiOf(stage.key()) });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'CertificateRejected: a key in place of a certificate': async (stage) => {
    const key = stage.key();
    stage.world.ca.tamperChain = () => [key.export({ type: 'pkcs8', format: 'der' })];
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'KmsDenied, and AWS quotes': async (stage) => {
    const text = pkcs8(stage.key());
    const refused = awsRefusal('AccessDeniedException', `not authorized on ${text} because ${text}`, 'kms');
    stage.world.faults.failBefore('read', refused, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'KmsUnavailable, and AWS quotes': async (stage) => {
    stage.world.faults.failBefore('read', awsRefusal('KMSInternalException', pkcs8(stage.key()), 'kms', 500), {
      times: 99,
    });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'AccessDenied, and AWS quotes': async (stage) => {
    const refused = awsRefusal('AccessDeniedException', pkcs8(stage.key()), 'secrets');
    stage.world.faults.failBefore('stage', refused, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'Throttled, and AWS quotes': async (stage) => {
    const refused = awsRefusal('ThrottlingException', pkcs8(stage.key()), 'secrets');
    stage.world.faults.failBefore('promote', refused, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'SecretChanged: answers that are behind': async (stage) => {
    stage.world.faults.failBefore('promote', new RenewalError('SecretChanged', 'It was.'), { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  OutputExists: async (stage) => {
    const value = pkcs8(stage.key());
    stage.world.store.add({ name: 'out', value, tags: { [tags.profile]: 'internal' } });
    await stage.everyWay({ secretId: stage.enrol(), out: { secretId: 'out' } });
  },
  'Internal: a parser that quotes its input': async (stage) => {
    const text = pkcs8(stage.key());
    const thrown = new SyntaxError(`Unexpected token "${text}" is not valid JSON`, { cause: new Error(text) });
    Object.assign(thrown, { input: text, code: text });
    stage.world.faults.failBefore('read', thrown, { times: Infinity });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'Internal: an error with a key for a name, and no error at all': async (stage) => {
    const text = pkcs8(stage.key());
    const named = Object.assign(new Error(text), { name: text });
    stage.world.ca.faults.failBefore('rekey', named, { times: 3 });
    stage.world.faults.meanwhile('before', 'stage', () => Promise.reject(text), { times: 99 });
    await stage.everyWay({ secretId: stage.enrol() });
  },
  'a renewal that goes well': async (stage) => {
    await stage.everyWay({ secretId: stage.enrol() });
    stage.secrets.push(secretsOf('the new key', pairOf(stage.world.store.value('web/tls')).key));
  },
};

describe('no key, password or token', () => {
  const stages = new Map<string, Stage>();

  beforeAll(async () => {
    vi.stubEnv('POWERTOOLS_DEV', '');
    for (const [name, mishap] of Object.entries(mishaps)) {
      const lines: string[] = [];
      const write = (chunk: unknown) => lines.push(String(chunk)) > 0;
      const spies = [process.stdout, process.stderr].map((stream) =>
        vi.spyOn(stream, 'write').mockImplementation(write),
      );
      const stage = new Stage(lines);
      stages.set(name, stage);
      try {
        await mishap(stage);
        await stage.end();
      } finally {
        for (const spy of spies) spy.mockRestore();
      }
    }
    vi.unstubAllEnvs();
  }, 120_000);

  it.each(Object.keys(mishaps))('%s', (name) => {
    const stage = stages.get(name);
    expect(stage?.told.length).toBeGreaterThan(9);
    expect(stage?.secrets.length).toBeGreaterThan(1);
    expect(leaks(stage?.told ?? [], stage?.secrets ?? [])).toEqual([]);
    expect(tokens(stage?.told ?? [])).toEqual([]);
  });

  it('though every error code was reached, and told of in a log line', () => {
    const lines = [...stages.values()].flatMap(({ lines }) => lines).filter((line) => line.startsWith('{'));
    const codes = new Set(lines.map((line) => JSON.parse(line).reason?.code));
    expect(Object.keys(errorCodes).filter((code) => !codes.has(code))).toEqual([]);
  });
});
