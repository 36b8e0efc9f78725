/** The stage for leaks.test.ts: a world, its secrets, and all that it leaves behind. */
import { type KeyObject, randomBytes } from 'node:crypto';
import { awsError } from '../../lambdas/aws/errors.ts';
import { powertoolsJournal } from '../../lambdas/aws/journal.ts';
import type { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaProvider } from '../../lambdas/domain/ports.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { withoutCause } from '../../lambdas/functions/edge.ts';
import {
  parseAskCaRequest,
  parseQueueMessage,
  parseScanRequest,
  parseShowRequest,
} from '../../lambdas/policy/request.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { show } from '../../lambdas/renewal/entry/show.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import type { RenewalWorld, ScanWorld } from '../../lambdas/renewal/world.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { passwordIn } from '../../lambdas/secret/password.ts';
import { makeKey } from '../../testkit/certificates/index.ts';
import { fakeInfisical, login } from '../../testkit/fakes/infisical.ts';
import { hierarchy } from '../../testkit/fakes/tls-server.ts';
import { hour, type MockCa, mockCa, now } from '../providers/step-ca/mock-ca.ts';
import { password, type Secret, secretsOf, type Trace } from '../support/leaks.ts';
import { internal, issuing, World } from './world.ts';

export const pkcs8 = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
export const keyPassword = randomBytes(18).toString('base64url');

/** One world for each error, with all that it leaves behind. */
export class Stage {
  readonly world = new World({ ...internal, passwordSecretId: 'pki/password' });
  readonly secrets: Secret[] = [password('the password', keyPassword)];
  readonly told: Trace[] = [];
  /** Output to the standard streams meanwhile. */
  readonly lines: string[];

  readonly journal = powertoolsJournal();
  readonly #ids = new Set<string>();

  constructor(lines: string[]) {
    this.lines = lines;
    this.world.store.add({ name: 'pki/password', value: `${keyPassword}\n` });
  }

  /** The world as it is now: a test may have given it another CA. */
  get #world(): RenewalWorld & ScanWorld {
    return { ...this.world, journal: this.journal };
  }

  /** A key that must not appear anywhere. */
  key(kind: Parameters<typeof makeKey>[0] = 'P-256'): KeyObject {
    const key = makeKey(kind);
    this.secrets.push(secretsOf(kind, key));
    return key;
  }

  enrol(more: Parameters<World['enrol']>[0] = {}): string {
    return this.world.enrol({ ...more, key: more.key ?? this.key() });
  }

  /**
   * Declares a certificate in an empty secret. New keys are encrypted, unless the profile has no password. Returns the
   * secret's name.
   */
  async declare(more: Parameters<World['declareCertificate']>[0] = {}, hasPassword = true): Promise<string> {
    this.world.profiles.set({ ...issuing, ...(hasPassword && { passwordSecretId: 'pki/password' }) });
    await this.world.declareCertificate(more);
    return more.secretName ?? 'web/tls';
  }

  /** Adds the key that was made for the secret to those that must not appear. */
  async keepSecretsOf(secretId: string): Promise<void> {
    const { store, entropy } = this.world;
    const content = await readSecret(store.value(secretId), { entropy, password: passwordIn(store, 'pki/password') });
    if (content.key.kind !== 'private') throw new Error('it has no private key');
    this.secrets.push(secretsOf(`the new key of ${secretId}`, content.key.privateKey));
  }

  /** Renews on demand, and from the queue up to its last delivery. */
  async everyWay(request: { readonly secretId: string; readonly [field: string]: unknown }): Promise<void> {
    const world = this.#world;
    this.#ids.add(request.secretId);
    await this.attempt(() => renewOnDemand(world, request));
    await this.attempt(() => renewOnDemand(world, { ...request, dryRun: true }));
    await this.attempt(async () => parseAskCaRequest({ askCa: request.secretId }));
    await this.attempt(async () => show(world, parseShowRequest({ show: request.secretId })));
    const body = JSON.stringify({ secretArn: request.secretId, versionId: 'v1' });
    for (const delivery of [1, 2, 3]) {
      await this.attempt(async () => renewQueued(world, parseQueueMessage(body), delivery));
    }
  }

  /** Scans by schedule and on demand, then collects all traces. */
  async end(): Promise<void> {
    for (const more of [{ dryRun: true }, { force: true }, {}]) {
      await this.attempt(() => scan(this.#world, parseScanRequest(more)));
    }
    for (const id of this.#ids) {
      for (const more of [{ secretIds: [id] }, { profile: id }]) {
        await this.attempt(() => scan(this.#world, parseScanRequest({ ...more, dryRun: true })));
      }
    }
    this.#collect();
  }

  async attempt(run: () => Promise<unknown>): Promise<void> {
    try {
      this.told.push({ place: 'the answers', text: JSON.stringify((await run()) ?? null) });
    } catch (thrown) {
      const { name, message, stack } = withoutCause(thrown); // what Lambda shows and logs itself
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
/** Stops the servers of the CAs. */
export const closeAll = () => Promise.all(open.splice(0).map((each) => each.close()));

/** A mock CA that is stopped with the others. */
export async function keptCa(answers: Parameters<typeof mockCa>[0]): Promise<MockCa> {
  const ca = await mockCa(answers);
  open.push(ca);
  return ca;
}

/** An error of AWS's client; its text quotes the request. */
export const awsRefusal = (
  name: string,
  text: string,
  service: 'kms' | 'secrets' | 'acm' | 'ssm',
  status = 400,
): RenewalError => {
  const thrown = Object.assign(new Error(text), { name, $metadata: { httpStatusCode: status, requestId: 'r-1' } });
  return awsError(thrown, { service, action: 'Sign', resource: 'web/tls' });
};

/** A secret that combines one pair's certificate with a given key text. */
export async function withText(stage: Stage, write: (certificate: string, key: string) => string): Promise<void> {
  const key = stage.key();
  const arn = stage.enrol({ key });
  const value = stage.world.store.value(arn);
  const { certificate, privateKey } = JSON.parse(value.kind === 'string' ? value.text : '');
  stage.world.store.write(arn, write(certificate, privateKey), 'v1');
  await stage.everyWay({ secretId: arn });
}

export async function withCa(stage: Stage, provider: CaProvider, mode: 'renew' | 'rekey' = 'renew'): Promise<void> {
  const { world } = stage;
  world.clock.set(now);
  world.ca.hierarchy = hierarchy;
  Object.assign(world, { providerFor: async () => provider });
  const dates = { notBefore: now - 10 * hour, notAfter: now + 2 * hour };
  await stage.everyWay({ secretId: stage.enrol({ ...dates, tags: { [tags.mode]: mode } }) });
}

/** A CA that repeats all that it received in its error, credentials included. */
export async function echoing(stage: Stage, status: number, mode: 'renew' | 'rekey' = 'renew'): Promise<void> {
  const ca = await keptCa(({ body }) => (response) => {
    const { authorization = '' } = response.req.headers;
    const signature = authorization.split('.')[2];
    if (signature) stage.secrets.push({ name: 'a token', bytes: [Buffer.from(signature, 'base64url')] });
    return response
      .writeHead(status)
      .end(JSON.stringify({ message: `cannot take ${authorization} ${body}`, authorization }));
  });
  await withCa(stage, ca.provider(), mode);
}

/** A CA that repeats the one-time token and the CSR for a declared certificate. */
export async function echoingIssuer(stage: Stage, status: number): Promise<void> {
  const provisioner = stage.key();
  stage.world.store.add({ name: 'pki/provisioner', value: pkcs8(provisioner) });
  const ca = await keptCa(({ body }) => (response) => {
    const { ott = '' }: { ott?: string } = JSON.parse(body);
    const signature = ott.split('.')[2];
    if (signature) stage.secrets.push({ name: 'a one-time token', bytes: [Buffer.from(signature, 'base64url')] });
    return response.writeHead(status).end(JSON.stringify({ message: `cannot take ${ott} ${body}`, ott }));
  });
  const { world } = stage;
  world.clock.set(now);
  world.ca.hierarchy = hierarchy;
  const asked = { name: 'renewer', keySecretId: 'pki/provisioner' };
  const provider = ca.provider({ provisioner: asked }, { store: world.store });
  Object.assign(world, { providerFor: async () => provider });
  await stage.everyWay({ secretId: await stage.declare() });
  if (ca.asked.length === 0) throw new Error('the CA was not asked');
}

export async function infisical(stage: Stage, path: RegExp, status: number): Promise<void> {
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

export const encrypted = (key: KeyObject, passphrase: string): string =>
  String(key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));

/** Every form in which a user may have a key in the clipboard. */
export const clipboards: Readonly<Record<string, (key: KeyObject) => string>> = {
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
