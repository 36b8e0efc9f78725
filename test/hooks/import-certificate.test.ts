import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CertificateImporter, ImportedContent } from '../../lambdas/domain/hook.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { type ImportHook, importCertificate } from '../../lambdas/hooks/import-certificate.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { issue, party } from '../x509/issue.ts';
import { renewedEvent, reportWorld } from './events.ts';

const golden = (name: string) => readFileSync(new URL(`../golden/secret/${name}`, import.meta.url), 'utf8');
const [leaf, intermediate, root, key] = ['leaf.crt', 'intermediate.crt', 'root.crt', 'step-plain.key'].map(golden);
const encrypted = golden('step-encrypted.key');
const certificateArn = 'arn:aws:acm:us-east-1:000000000000:certificate/12345678-1234-1234-1234-123456789012';

const hook: ImportHook = {
  profile: 'web',
  type: 'acm',
  certificates: new Map([['web/lb', certificateArn]]),
  passwordSecretId: 'pki/password',
};

function setUp(value: string, { name = 'web/lb', password = golden('password.txt') } = {}) {
  const store = new FakeStore();
  const secretArn = store.add({ name, value });
  store.add({ name: 'pki/password', value: password });
  const imported: (ImportedContent & { arn: string })[] = [];
  const importer: CertificateImporter = {
    import: async (arn, content) => {
      imported.push({ arn, ...content });
    },
  };
  const reads: string[] = [];
  const read: FakeStore['read'] = (id, version) => {
    reads.push(id);
    return store.read(id, version);
  };
  return {
    ...reportWorld(),
    store: { read },
    importer,
    imported,
    reads,
    event: renewedEvent({ secretArn }),
    secretArn,
  };
}

const camel = (privateKey: string | undefined, chain = intermediate) =>
  JSON.stringify({ certificate: leaf, privateKey, certificateChain: chain });

/** A leaf under two intermediates under a root, and the leaf's key, in PEM. */
function twoLevels() {
  const [rootCa, upperCa, lowerCa, server] = [party('Root'), party('Upper'), party('Lower'), party('server')];
  const pem = ({ der }: { der: Uint8Array }) => `${encodePem('CERTIFICATE', der)}\n`;
  return {
    root: pem(issue(rootCa, rootCa, { ca: true })),
    upper: pem(issue(rootCa, upperCa, { ca: true })),
    lower: pem(issue(upperCa, lowerCa, { ca: true })),
    leaf: pem(issue(lowerCa, server)),
    key: server.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** ACM's checks: the leaf, its key without a password, and the chain from its issuer upwards. */
function expectPair(content: (ImportedContent & { arn: string }) | undefined, source: string | undefined) {
  expect(content?.arn).toBe(certificateArn);
  const certificate = new X509Certificate(content?.certificate ?? '');
  expect(certificate.raw).toEqual(new X509Certificate(source ?? '').raw);
  expect(content?.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(certificate.checkPrivateKey(createPrivateKey(content?.privateKey ?? ''))).toBe(true);
  expect(content?.certificate.match(/BEGIN/g)).toHaveLength(1);
}

describe('after a renewal the certificate is imported again', () => {
  it('under the same ARN, with key and chain, and the root left out', async () => {
    const world = setUp(camel(key, `${intermediate}${root}`));
    await importCertificate(world, hook, world.event);
    expect(world.imported).toHaveLength(1);
    expectPair(world.imported[0], leaf);
    const chain = world.imported[0]?.chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
    expect(chain.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual([
      new X509Certificate(intermediate ?? '').fingerprint256,
    ]);
    expect(world.publisher.events).toEqual([]);
    expect(world.reads).toEqual([world.secretArn]); // a password is not needed
  });

  it('with the chain sorted, and without certificates outside of the path', async () => {
    const { upper, ...made } = twoLevels();
    const strangers = [root ?? '', made.root, golden('leaf.crt')];
    const world = setUp(
      JSON.stringify({
        certificate: made.leaf,
        privateKey: made.key,
        certificateChain: [...strangers, upper, made.lower].join(''),
      }),
    );
    await importCertificate(world, hook, world.event);
    expectPair(world.imported[0], made.leaf);
    expect(world.imported[0]?.chain).toBe(`${made.lower}${upper}`);
  });

  it.each([
    ['PEM text', () => `${leaf}${intermediate}${key}`],
    ['JSON, TLS', () => JSON.stringify({ 'tls.crt': `${leaf}${intermediate}`, 'tls.key': key })],
  ])('from %s', async (_, value) => {
    const world = setUp(value());
    await importCertificate(world, hook, world.event);
    expectPair(world.imported[0], leaf);
    expect(world.imported[0]?.chain).toContain('BEGIN CERTIFICATE');
  });

  it('with its key decrypted by the password of the profile', async () => {
    const encryptedLeaf = golden('step-encrypted.crt');
    const world = setUp(JSON.stringify({ certificate: encryptedLeaf, privateKey: encrypted }));
    await importCertificate(world, hook, world.event);
    expectPair(world.imported[0], encryptedLeaf);
    expect(world.imported[0]?.chain).toBe('');
    expect(createPublicKey(world.imported[0]?.privateKey ?? '').type).toBe('public');
  });

  it('unless the hook does not name its secret', async () => {
    const world = setUp(camel(key), { name: 'web/other' });
    await importCertificate(world, hook, world.event);
    expect({ imported: world.imported, events: world.publisher.events, reads: world.reads }).toEqual({
      imported: [],
      events: [],
      reads: [],
    });
  });

  it('only by the whole name of the secret', async () => {
    const world = setUp(camel(key), { name: 'web/lb-abcdef' });
    await importCertificate(world, hook, world.event);
    expect(world.imported).toEqual([]);
  });
});

describe('a certificate that can’t be imported is reported', () => {
  const failed = async (world: ReturnType<typeof setUp>, other: Partial<ImportHook> = {}) => {
    await importCertificate(world, { ...hook, ...other }, world.event);
    expect(world.imported).toEqual([]);
    const [event] = world.publisher.of('Certificate Hook Failed');
    expect(event).toMatchObject({ secretArn: world.secretArn, detail: { profile: 'web', hook: 'acm' } });
    expect(world.journal.total('HookFailed', 'web')).toBe(1);
    return event?.detail;
  };

  it('a key in KMS', async () => {
    const world = setUp(JSON.stringify({ certificate: leaf, kmsKeyId: 'alias/web' }));
    expect(await failed(world)).toMatchObject({ code: 'UnsupportedSecret', message: expect.stringContaining('ACM') });
  });

  it('an encrypted key without a password', async () => {
    const world = setUp(JSON.stringify({ certificate: leaf, privateKey: encrypted }));
    expect(await failed(world, { passwordSecretId: undefined })).toMatchObject({ code: 'PasswordRequired' });
  });

  it('a wrong password, without the key or the password', async () => {
    const world = setUp(JSON.stringify({ certificate: leaf, privateKey: encrypted }), { password: 'U2VjcmV0' });
    expect(await failed(world)).toMatchObject({ code: 'PasswordRequired' });
    expect(JSON.stringify([world.publisher.events, world.journal])).not.toContain('U2VjcmV0');
  });

  it('a refusal of ACM, without the key that was sent', async () => {
    const world = setUp(camel(key));
    const importer = {
      import: async (_: string, { privateKey }: ImportedContent) => {
        throw new RenewalError('InvalidRequest', 'ACM refused.', { cause: new Error(privateKey) });
      },
    };
    await importCertificate({ ...world, importer }, hook, world.event);
    expect(world.publisher.of('Certificate Hook Failed')).toHaveLength(1);
    expect(JSON.stringify(world.publisher.events)).not.toContain('PRIVATE KEY');
  });

  it('but for a busy ACM, Lambda tries again', async () => {
    const world = setUp(camel(key));
    const importer = { import: () => Promise.reject(new RenewalError('Throttled', 'Later.')) };
    await expect(importCertificate({ ...world, importer }, hook, world.event)).rejects.toMatchObject({
      code: 'Throttled',
    });
    expect(world.publisher.events).toEqual([]);
  });
});

it('the private key is in no log line', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const d = privateKey.export({ format: 'jwk' }).d ?? '';
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const world = setUp(JSON.stringify({ certificate: leaf, privateKey: pem }));
  await importCertificate(world, hook, world.event);
  expect(world.imported[0]?.privateKey).toBe(pem);
  const told = JSON.stringify([world.journal.decisions, world.journal.failures, world.publisher.events]);
  expect(told).not.toContain(d);
  expect(told).not.toContain(pem.split('\n')[1]);
});
