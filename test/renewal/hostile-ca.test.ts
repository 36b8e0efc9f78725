/** Complete renewals against a real TLS server that is not the right CA: each answer has its code, and nothing is promoted. */
import type { ServerResponse } from 'node:http';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { readSequence } from '../../lambdas/asn1/reader.ts';
import { tags as derTags } from '../../lambdas/asn1/tags.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { defaultTimeoutMs } from '../../lambdas/net/https.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import type { RenewalWorld } from '../../lambdas/renewal/world.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  basicConstraints,
  type CertificateTemplate,
  commonNameOnly,
  extension,
  type Hierarchy,
  makeHierarchy,
  oid,
  pem,
  sequence,
  signCertificate,
  spkiOf,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { hierarchy } from '../../testkit/fakes/tls-server.ts';
import { type Answer, hour, type MockCa, mockCa, now, type Question } from '../providers/step-ca/mock-ca.ts';
import { newKey, pairOf, World } from './world.ts';

const day = 24 * hour;
const open: MockCa[] = [];
afterAll(async () => {
  await Promise.all(open.splice(0).map((ca) => ca.close()));
});

/** The inputs of an answer: the certificate that is replaced, the key to certify, and a clock. */
interface Asked {
  readonly before: Certificate;
  readonly spki: Uint8Array;
  /** The answer never completes. */
  readonly waitInVain: () => void;
}
type Hostile = (asked: Asked) => Answer;
type Change = (template: CertificateTemplate, asked: Asked) => CertificateTemplate;

/** The certificate that step-ca would issue. */
function rightTemplate({ before, spki }: Asked): CertificateTemplate {
  const notBefore = now - 60_000;
  const isRekey = Buffer.compare(spki, before.spki) !== 0;
  return {
    subject: before.subject,
    spki,
    notBefore,
    notAfter: notBefore + (before.notAfter - before.notBefore),
    extensions: before.extensions.map((each) =>
      isRekey && each.oid === '2.5.29.14' ? subjectKeyIdentifier(spki) : each,
    ),
  };
}

function issueBy(asked: Asked, change: Change, by: Hierarchy = hierarchy): Uint8Array {
  const issuer = { subject: by.intermediateName, key: by.intermediateKey };
  return signCertificate(change(rightTemplate(asked), asked), issuer);
}

const chain = (...ders: readonly Uint8Array[]): Answer => [201, { certChain: ders.map((each) => pem(each)) }];
const issued =
  (change: Change): Hostile =>
  (asked) =>
    chain(issueBy(asked, change), hierarchy.intermediate);
const changed = (fields: Partial<CertificateTemplate>): Hostile => issued((template) => ({ ...template, ...fields }));
const right = changed({});
const status =
  (code: number, body: unknown, headers: Record<string, string> = {}): Hostile =>
  () =>
  (response) =>
    response.writeHead(code, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
const raw =
  (talk: (response: ServerResponse) => void): Hostile =>
  () =>
    talk;

const silence: Hostile =
  ({ waitInVain }) =>
  () =>
    waitInVain();

const drip: Hostile =
  ({ waitInVain }) =>
  (response) => {
    response.writeHead(201).write('{"crt":"');
    let drops = 0;
    const timer = setInterval(() => {
      response.write('A');
      if (++drops === 10) waitInVain();
    }, 5);
    response.on('close', () => clearInterval(timer));
  };

function flood(response: ServerResponse): void {
  response.writeHead(201);
  const megabyte = Buffer.alloc(2 ** 20, 'A');
  let left = 50;
  const more = (): void => {
    while (left-- > 0) if (!response.write(megabyte)) return void response.once('drain', more);
    response.end();
  };
  more();
}

const stranger = makeHierarchy(now - day, now + day);
const namesake = makeHierarchy(now - day, now + day, 'Test');
const withExtension = (oid: string, critical: boolean): Hostile =>
  issued((template) => ({
    ...template,
    extensions: [...template.extensions, extension(oid, Uint8Array.of(5, 0), critical)],
  }));
const sans = (...names: string[]): Hostile =>
  issued((template) => ({
    ...template,
    extensions: template.extensions.map((each) => (each.oid === '2.5.29.17' ? subjectAltName(...names) : each)),
  }));

/** Signed by the right key: only the hash is weak. */
function signedWithSha1(asked: Asked): Answer {
  const odd = { algorithm: sequence(oid('1.2.840.10045.4.1')), digest: 'sha1' };
  const issuer = { subject: hierarchy.intermediateName, key: hierarchy.intermediateKey };
  return chain(signCertificate({ ...rightTemplate(asked), odd }, issuer), hierarchy.intermediate);
}

/** `[name, answer, code]`; each is tried with renew and with rekey. */
const answers: readonly [string, Hostile, string][] = [
  ['429 with Retry-After', status(429, { message: 'slow down' }, { 'retry-after': '200' }), 'CaUnavailable'],
  ['500', status(500, { message: 'Internal Server Error' }), 'CaUnavailable'],
  ['503, HTML', status(503, '<html>'), 'CaUnavailable'],
  ['a slow drip', drip, 'CaUnavailable'],
  ['silence', silence, 'CaUnavailable'],
  [
    'a cut body',
    raw((response) => {
      response.writeHead(201, { 'content-length': '5000' }).write('{"crt":"');
      setTimeout(() => response.socket?.destroy(), 10);
    }),
    'CaUnavailable',
  ],
  [
    'a content-length that is too short',
    raw((response) => {
      response.strictContentLength = false;
      response.socket?.end('HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n{"crt":"AAAAAAAAAAAAAAAAAA"}');
    }),
    'CaRejected',
  ],
  ['HTML', status(201, '<html>Welcome'), 'CaRejected'],
  ['50 MB', raw(flood), 'CaRejected'],
  ['headers of 100 KB', status(201, {}, { 'x-long': 'a'.repeat(100_000) }), 'CaRejected'],
  ['a redirect', status(307, '', { location: 'https://localhost/renew' }), 'CaRejected'],
  ['JSON nested deep', status(201, `{"crt":${'['.repeat(200_000)}`), 'CaRejected'],
  ['JSON with __proto__', status(201, '{"__proto__":{"crt":"x","certChain":["x"]}}'), 'CaRejected'],
  ['JSON with a name twice', () => [201, '{"crt":"x","crt":"y"}'], 'CaRejected'],
  [
    'a chain of 1,000',
    (asked) =>
      chain(
        issueBy(asked, (template) => template),
        ...Array(999).fill(hierarchy.intermediate),
      ),
    'CaRejected',
  ],
  [
    'a chain of 100',
    (asked) =>
      chain(
        issueBy(asked, (template) => template),
        ...Array(99).fill(hierarchy.intermediate),
      ),
    'CertificateRejected',
  ],
  ['a certificate for another key', changed({ spki: spkiOf(newKey()) }), 'CertificateRejected'],
  ['another subject', changed({ subject: commonNameOnly('other.example') }), 'CertificateRejected'],
  ['other SANs', sans('dns:other.example'), 'CertificateRejected'],
  ['a SAN more', sans('dns:leaf.example', 'dns:other.example'), 'CertificateRejected'],
  [
    'a CA certificate',
    issued((template) => ({ ...template, extensions: [...template.extensions, basicConstraints(true)] })),
    'CertificateRejected',
  ],
  ['the intermediate itself', () => chain(hierarchy.intermediate), 'CertificateRejected'],
  ['a shorter one', changed({ notAfter: now + hour }), 'CertificateRejected'],
  ['an expired one', changed({ notBefore: now - 2 * hour, notAfter: now - hour }), 'CertificateRejected'],
  ['one that is not valid yet', changed({ notBefore: now + hour, notAfter: now + 20 * hour }), 'CertificateRejected'],
  ['one for 100 years', changed({ notAfter: now + 36_525 * day }), 'CertificateRejected'],
  ['a signature with SHA-1', signedWithSha1, 'CertificateRejected'],
  ['an unknown critical extension', withExtension('1.2.3.4', true), 'CertificateRejected'],
  ['an unknown extension', withExtension('1.2.3.4', false), 'CertificateRejected'],
  ['no intermediate', (asked) => chain(issueBy(asked, (template) => template)), 'CertificateRejected'],
  [
    'another root',
    (asked) =>
      chain(
        issueBy(asked, (template) => template, stranger),
        stranger.intermediate,
        stranger.root,
      ),
    'CertificateRejected',
  ],
  [
    'another root, of the same name',
    (asked) =>
      chain(
        issueBy(asked, (template) => template, namesake),
        namesake.intermediate,
        namesake.root,
      ),
    'CertificateRejected',
  ],
  [
    'a signature by another key than the intermediate of that name has',
    (asked) =>
      chain(
        issueBy(asked, (template) => template, namesake),
        hierarchy.intermediate,
      ),
    'CertificateRejected',
  ],
  [
    'the serial number of before',
    issued((template, { before }) => ({ ...template, serialNumber: Buffer.from(before.serialNumber, 'hex') })),
    'CertificateRejected',
  ],
  ['the very same certificate', ({ before }) => chain(before.der, hierarchy.intermediate), 'CertificateRejected'],
  [
    'bytes behind the certificate',
    (asked) => chain(Buffer.concat([issueBy(asked, (template) => template), Buffer.alloc(9)]), hierarchy.intermediate),
    'CertificateRejected',
  ],
  [
    'bytes behind the intermediate',
    (asked) =>
      chain(
        issueBy(asked, (template) => template),
        Buffer.concat([hierarchy.intermediate, Buffer.alloc(9)]),
      ),
    'CertificateRejected',
  ],
];

/** Answers that only the time limit ends. */
const endless = [drip, silence];

/**
 * A world whose secrets are of the server's CA, and a server that answers as `answerTo` says. `waitInVain` is called for an
 * answer that never completes, instead of the time limit.
 */
async function scene(answerTo: (before: Certificate) => Hostile, waitInVain?: () => void) {
  const world = new World();
  world.clock.set(now);
  world.ca.hierarchy = hierarchy;
  const enrolled: Certificate[] = [];
  const ca: MockCa = await mockCa((question) => {
    const before = presentedBy(question, enrolled);
    const spki = requestedKey(question) ?? before.spki;
    return answerTo(before)({ before, spki, waitInVain: waitInVain ?? ca.limits.pass });
  });
  open.push(ca);
  const provider = ca.provider();
  const hostile: RenewalWorld = { ...world, providerFor: async () => provider };
  const enrol = (name: string, mode: 'renew' | 'rekey'): { arn: string; leaf: Certificate } => {
    const dates = { notBefore: now - 10 * hour, notAfter: now + 2 * hour };
    const arn = world.enrol({ name, key: newKey(), tags: { [tags.mode]: mode }, ...dates });
    const { leaf } = pairOf(world.store.value(arn));
    enrolled.push(leaf);
    return { arn, leaf };
  };
  return { world, hostile, ca, enrol };
}

/** Returns the leaf in the token; without a token the first enrolled one. */
function presentedBy({ token }: Question, enrolled: readonly Certificate[]): Certificate {
  const [leaf] = token?.header.x5cInsecure ?? [];
  const found = leaf === undefined ? enrolled[0] : parseCertificate(Buffer.from(leaf, 'base64'));
  if (found === undefined) throw new Error('nothing is enrolled');
  return found;
}

/** Returns the key of the CSR (RFC 2986, section 4.1): the element after version and subject. */
function requestedKey({ body }: Question): Uint8Array | undefined {
  if (body === '') return undefined;
  const [block] = pemBlocks(JSON.parse(body).csr);
  const info = readSequence(block?.der ?? new Uint8Array(), 'the CSR').enter(derTags.sequence);
  info.take(derTags.integer);
  info.take(derTags.sequence);
  return info.take(derTags.sequence).bytes;
}

describe.each(['renew', 'rekey'] as const)('%s by a hostile CA', (mode) => {
  it('works if the CA is not hostile', async () => {
    const { world, hostile, enrol } = await scene(() => right);
    const { arn } = enrol('web/tls', mode);
    expect(await renewQueued(hostile, { secretArn: arn, versionId: 'v1' }, 1)).toEqual({});
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  });

  it.concurrent.each(answers)('%s', async (_, hostileAnswer, code) => {
    const { world, hostile, ca, enrol } = await scene(() => hostileAnswer);
    const { arn } = enrol('web/tls', mode);
    const value = world.store.value(arn);
    const last = await renewQueued(hostile, { secretArn: arn, versionId: 'v1' }, 3);
    expect(ca.limits.passed).toBe(endless.includes(hostileAnswer) ? 1 : 0);
    expect(world.publisher.events).toMatchObject([{ type: 'Certificate Renewal Failed', detail: { code } }]);
    expect(last).toEqual(code === 'CaUnavailable' ? { retryAfter: 0 } : {});
    expect(world.store.value(arn)).toEqual(value);
    expect(world.labels(arn)).toEqual({ v1: ['AWSCURRENT'] });
    expect(world.faults.count('stage')).toBe(0);
  });
});

describe('a series of hostile answers', () => {
  it('does not stop the healthy secrets, and does not grow the memory', async () => {
    expect(defaultTimeoutMs).toBe(10_000);
    const byLeaf = new Map<string, Hostile>();
    let waiting = 0;
    let everyoneWaits = () => {};
    const allWait = new Promise<void>((resolve) => {
      everyoneWaits = resolve;
    });
    const { world, hostile, ca, enrol } = await scene(
      ({ serialNumber }) => byLeaf.get(serialNumber) ?? right,
      () => {
        waiting += 1;
        if (waiting === endless.length) everyoneWaits();
      },
    );
    const bad = answers.map(([name, answer], i) => {
      const { arn, leaf } = enrol(`bad/${i}`, 'renew');
      byLeaf.set(leaf.serialNumber, answer);
      return { arn, name, answer };
    });
    const good = Array.from({ length: 20 }, (_, i) => enrol(`good/${i}`, 'renew').arn);
    let highest = 0;
    const before = process.memoryUsage.rss();
    const watch = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage.rss());
    }, 20);
    onTestFinished(() => clearInterval(watch));
    const renewAll = (arns: readonly string[]) =>
      Promise.all(arns.map((secretArn) => renewQueued(hostile, { secretArn, versionId: 'v1' }, 3)));
    // Answers that only the time limit ends wait until all others are finished.
    const those = (isEndless: boolean) =>
      bad.filter(({ answer }) => endless.includes(answer) === isEndless).map(({ arn }) => arn);
    const last = renewAll(those(true));
    await Promise.all([allWait, renewAll([...those(false), ...good])]);
    ca.limits.pass();
    await last;
    const events = JSON.stringify(world.publisher.events.filter(({ type }) => type === 'Certificate Renewal Failed'));
    for (const arn of good) expect(events).not.toContain(arn);
    for (const arn of good) expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    for (const { arn, name } of bad) expect(world.versionOf(arn), name).toBe('v1');
    // The server's 50 MB are in this process too.
    expect(highest - before).toBeLessThan(300 * 2 ** 20);
  }, 30_000);
});

describe('Retry-After', () => {
  const busy = (retryAfter: string) => status(429, { message: 'slow down' }, { 'retry-after': retryAfter });
  const later = (milliseconds: number) => new Date(now + milliseconds).toUTCString();
  it.each([
    ['200', 1, 200],
    ['5', 1, 30],
    ['86400', 1, 300],
    ['200', 2, 200],
    ['5', 2, 120],
    ['200', 3, 0],
    [later(90_000), 1, 90],
    [later(-90_000), 1, 30],
    ['-1', 1, 30],
    ['soon', 1, 30],
    ['1e9', 1, 30],
  ])('%s after delivery %i: %i s', async (retryAfter, delivery, seconds) => {
    const { hostile, enrol } = await scene(() => busy(retryAfter));
    const { arn } = enrol('web/tls', 'renew');
    const outcome = await renewQueued(hostile, { secretArn: arn, versionId: 'v1' }, delivery);
    expect(outcome).toEqual({ retryAfter: seconds });
  });
});
