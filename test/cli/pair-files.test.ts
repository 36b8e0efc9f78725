import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { forgedKey } from '../../testkit/certificates/forged.ts';
import {
  basicConstraints,
  commonNameOnly,
  extendedKeyUsage,
  keyUsage,
  serverAuth,
  subjectAltName,
} from '../../testkit/certificates/index.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { dueDates, freshDates, hour, internal, newKey, pairValue, start, World } from '../renewal/world.ts';
import { records, stage } from './stage.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cert-renewer-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A world whose profile trusts its CA, and files with a pair of that CA. */
async function scene({
  profile = {},
  dates = freshDates,
  rootOf = undefined as World | undefined,
  key = newKey(),
  extensions = undefined as readonly Extension[] | undefined,
  directly = false,
} = {}) {
  const world = new World(internal);
  const { root: rootDer, rootName, rootKey } = world.ca.hierarchy;
  if (directly) {
    const itself = { intermediate: rootDer, intermediateName: rootName, intermediateKey: rootKey };
    world.ca.hierarchy = { ...world.ca.hierarchy, ...itself };
  }
  const [root = new Uint8Array()] = await (rootOf ?? world).ca.roots();
  const ca = { type: 'step-ca' as const, url: 'https://ca.example', root: encodePem('CERTIFICATE', root) };
  const found = { ...internal, ca, ...profile };
  const { leaf, chain } = world.ca.issueLeaf({
    key,
    subject: commonNameOnly('leaf.example'),
    ...dates,
    ...(extensions && { extensions }),
  });
  const pem = (ders: readonly Uint8Array[]) => ders.map((der) => `${encodePem('CERTIFICATE', der)}\n`).join('');
  const authorities = new FakeAuthorities();
  const deployment = async () => ({
    profiles: { find: async (name: string) => (name === 'internal' ? found : undefined) },
    authorities,
    rotationFunctionArn: undefined,
    step: () => hour,
    longestGap: hour,
  });
  const staged = stage({ world, session: { deployment } });
  const dir = await mkdtemp(join(folder, 'files-'));
  const write = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const texts = { cert: pem([leaf]), chain: pem(chain), key: String(key.export({ format: 'pem', type: 'pkcs8' })) };
  return { ...staged, world, authorities, key, leaf, chain, texts, write, dir };
}

describe('import', () => {
  it('creates an enrolled secret with the content of the files', async () => {
    const { cli, write, texts, world } = await scene();
    const [cert, chain, key] = [
      await write('web.crt', texts.cert),
      await write('chain.crt', texts.chain),
      await write('web.key', texts.key),
    ];
    const words = ['--cert', cert, '--key', key, '--chain', chain, '--profile', 'internal', '--mode', 'renew'];
    const { code, stdout, stderr } = await cli('import', 'web/tls', ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe('web/tls: created and enrolled in internal: CN=leaf.example, until 2026-11-23T11:00:00Z\n');
    expect(world.store.tagsOf('web/tls')).toEqual({ [tags.profile]: 'internal', [tags.mode]: 'renew' });
    const { certificate, privateKey, certificateChain } = JSON.parse(
      Buffer.from(Object(world.store.value('web/tls')).text).toString(),
    );
    expect({ certificate, privateKey, certificateChain }).toEqual({
      certificate: texts.cert,
      privateKey: texts.key,
      certificateChain: texts.chain,
    });
  });

  it('refuses a pair that a worker would refuse, and creates nothing', async () => {
    const [other, forged] = [await scene(), await scene()];
    const forgedText = String(forgedKey(forged.key, 'P-256').export({ format: 'pem', type: 'pkcs8' }));
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const cases: [string, Awaited<ReturnType<typeof scene>>, { cert?: string; key?: string }, RegExp][] = [
      ['another key', await scene(), { key: other.texts.key }, /KeyMismatch/],
      ['a key that claims another’s public half', forged, { key: forgedText }, /KeyMismatch/],
      ['no PEM', await scene(), { cert: 'hello' }, /UnsupportedSecret/],
      ['cut', await scene(), { cert: (await scene()).texts.cert.slice(0, 200) }, /UnsupportedSecret/],
      [
        'expired',
        await scene({ dates: { notBefore: start - 48 * hour, notAfter: start - hour } }),
        {},
        /CertificateExpired/,
      ],
      ['not yet', await scene({ dates: { notBefore: start + hour, notAfter: start + 2 * hour } }), {}, /NotYetValid/],
      ['a weak key', await scene({ key: weak }), {}, /WeakKey/],
      ['another root', await scene({ rootOf: new World() }), {}, /CaUntrusted/],
    ];
    for (const [what, { cli, write, texts, world }, spoilt, code] of cases) {
      const cert = await write('web.crt', (spoilt.cert ?? texts.cert) + texts.chain);
      const key = await write('web.key', spoilt.key ?? texts.key);
      const found = await cli('import', 'web', '--cert', cert, '--key', key, '--profile', 'internal');
      expect(found.code, what).toBe(1);
      expect(found.stdout, what).toMatch(code);
      expect(found.stdout + found.stderr, what).not.toContain('PRIVATE KEY');
      expect(() => world.store.summary('web'), what).toThrow();
    }
  });

  it('refuses a certificate that its profile can never renew, as the worker would', async () => {
    const key = newKey();
    const serverOnly = [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth), subjectAltName('dns:leaf.example')];
    const { cli, world, write, texts } = await scene({ key, extensions: serverOnly });
    const files = [
      '--cert',
      await write('web.crt', texts.cert + texts.chain),
      '--key',
      await write('web.key', texts.key),
    ];
    for (const [more, code] of [
      [[], 'InvalidRequest: .*clientAuth'],
      [['--mode', 'renew'], 'CaRejected: .*clientAuth'],
    ] as const) {
      const found = await cli('import', 'web', ...files, '--profile', 'internal', ...more);
      expect({ code: found.code, stdout: found.stdout }).toEqual({ code: 1, stdout: expect.stringMatching(code) });
      expect(() => world.store.summary('web')).toThrow();
    }
  });

  describe('into an offline profile', () => {
    const ca = { type: 'offline', authority: 'issuing' } as const;

    /** Files with a pair, and a stack whose authority is the CA of `issuer`. Default: the CA of the pair. */
    async function ofAuthority({
      issuer = undefined as World | undefined,
      extensions = undefined as readonly Extension[] | undefined,
    } = {}) {
      const made = await scene({ profile: { ca }, ...(extensions && { extensions }) });
      const { intermediate, root, intermediateKey } = (issuer ?? made.world).ca.hierarchy;
      made.world.store.add({ name: 'pki/issuing', value: pairValue(intermediate, [root], intermediateKey) });
      made.authorities.set(authority('issuing'));
      const cert = await made.write('web.crt', made.texts.cert);
      const words = ['import', 'web', '--cert', cert, '--key', await made.write('web.key', made.texts.key)];
      return { ...made, run: () => made.cli(...words, '--profile', 'internal') };
    }

    it('accepts certificates of its authority, also those for serverAuth only', async () => {
      const { run } = await ofAuthority({ extensions: [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth)] });
      expect(await run()).toMatchObject({ code: 0 });
    });

    it.each([
      ['a certificate of another issuer', { issuer: new World() }, /CaUntrusted: .*not signed by this authority/],
      [
        'a CA’s certificate',
        { extensions: [keyUsage('keyCertSign'), basicConstraints(true, 0)] },
        /CaUntrusted: The certificate is a CA certificate/,
      ],
    ])('refuses %s', async (_, more, message) => {
      const { run, world } = await ofAuthority(more);
      expect(await run()).toEqual({ code: 1, stdout: expect.stringMatching(message), stderr: '' });
      expect(() => world.store.summary('web')).toThrow();
    });

    it('creates the secret with a note if the authority’s certificate may not be read', async () => {
      const { run, world } = await ofAuthority({ issuer: new World() });
      world.store.faults.failBefore('read', new RenewalError('AccessDenied', 'no'), { times: 9 });
      expect(await run()).toMatchObject({ code: 0, stderr: expect.stringMatching(/did not check whether profile/) });
      expect(world.store.summary('web').currentVersionId).toBe('v1');
    });
  });

  it('describes an error in whole sentences', async () => {
    const { cli, write, texts } = await scene({ rootOf: new World() });
    const files = [
      '--cert',
      await write('web.crt', texts.cert + texts.chain),
      '--key',
      await write('web.key', texts.key),
    ];
    const { stdout } = await cli('import', 'web', ...files, '--profile', 'internal');
    expect(stdout).toMatch(/CaUntrusted/);
    expect(stdout).not.toMatch(/\.[.;]/);
  });

  it('misses no chain if the root signed the certificate itself', async () => {
    const { cli, write, authorities: _, ...made } = await scene({ directly: true });
    const [cert, key] = [await write('web.crt', made.texts.cert), await write('web.key', made.texts.key)];
    const { code, stderr } = await cli('import', 'web', '--cert', cert, '--key', key, '--profile', 'internal');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('warns of a window that is longer than the validity', async () => {
    const { cli, write, texts } = await scene();
    const [cert, key] = [await write('web.crt', texts.cert + texts.chain), await write('web.key', texts.key)];
    const words = ['import', 'web', '--cert', cert, '--key', key, '--profile', 'internal', '--expires-in', '48h'];
    const { code, stdout } = await cli(...words);
    expect(code).toBe(0);
    expect(stdout).toMatch(/WindowClamped: .*a third of the validity \(8h\)/);
  });

  it('reports an unreadable file, an unknown profile and a missing chain', async () => {
    const { cli, write, texts } = await scene();
    const [cert, key] = [await write('web.crt', texts.cert), await write('web.key', texts.key)];
    expect((await cli('import', 'web', '--cert', '/nowhere', '--key', key, '--profile', 'internal')).stdout).toMatch(
      /InvalidRequest: The file \/nowhere can't be read \(ENOENT\)/,
    );
    expect(await cli('import', 'web', '--cert', cert, '--key', key, '--profile', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^UnknownProfile: .*internal/),
    });
    expect((await cli('import', 'web', '--cert', cert, '--profile', 'internal')).code).toBe(2);
    expect((await cli('import', 'web', '--cert', cert, '--key', key, '--profile', 'internal')).stderr).toMatch(
      /--chain/,
    );
  });
});

describe('export', () => {
  async function exported(more: readonly string[] = [], made = scene()) {
    const found = await made;
    const { world, leaf, chain, key, dir } = found;
    const tagged = { [tags.profile]: 'internal' };
    world.store.add({ name: 'web', value: pairValue(leaf, chain, key), versionId: 'v1', tags: tagged });
    const [outCert, outKey] = [join(dir, 'web.crt'), join(dir, 'web.key')];
    const run = () => found.cli('export', 'web', '--out-cert', outCert, '--out-key', outKey, ...more);
    return { ...found, outCert, outKey, run, result: await run() };
  }

  it('writes the certificate with its chain, and the key with mode 0600', async () => {
    const { result, outCert, outKey, leaf, chain, key, dir } = await exported();
    expect(result).toMatchObject({
      code: 0,
      stdout: 'web: web.crt and web.key written, valid until 2026-11-23T11:00:00Z\n',
    });
    const pem = (await readFile(outCert, 'utf8')).split(/(?<=END CERTIFICATE-----\n)/);
    expect(pem.map((each) => new Uint8Array(new X509Certificate(each).raw))).toEqual([leaf, ...chain]);
    expect(createPrivateKey(await readFile(outKey)).equals(key)).toBe(true);
    expect((await stat(outKey)).mode & 0o777).toBe(0o600);
    expect((await readdir(dir)).sort()).toEqual(['web.crt', 'web.key']);
  });

  it('replaces nothing without --force', async () => {
    const { run, outKey, outCert, world, cli } = await exported();
    const before = await readFile(outKey);
    expect((await run()).stdout).toMatch(/failed: OutputExists: .*--force/);
    await rm(outCert);
    expect((await run()).code).toBe(1); // the key is still there
    expect(await readFile(outKey)).toEqual(before);
    expect((await cli('export', 'web', '--out-cert', outCert, '--out-key', outKey, '--force')).code).toBe(0);
    expect(world.store.versionIds('web')).toEqual(['v1']);
  });

  it('writes DER', async () => {
    const { outCert, outKey, leaf, key } = await exported(['--format', 'der']);
    expect(new Uint8Array(await readFile(outCert))).toEqual(leaf);
    const found = createPrivateKey({ key: await readFile(outKey), format: 'der', type: 'pkcs8' });
    expect(found.equals(key)).toBe(true);
  });

  it('writes PKCS#12, which our own reader accepts', async () => {
    const made = await scene();
    const password = await made.write('pass', 'correct horse\n');
    const words = ['--format', 'p12', '--password-file', password];
    const { outKey, leaf, chain, key, result } = await exported(words, Promise.resolve(made));
    expect(result.code).toBe(0);
    const bytes = new Uint8Array(await readFile(outKey));
    const content = await readSecret({ kind: 'binary', bytes }, { password: 'correct horse' });
    expect(content).toMatchObject({ shape: 'pkcs12', leaf, chain });
    expect(content.key.kind === 'private' && content.key.privateKey.equals(key)).toBe(true);
    await expect(readSecret({ kind: 'binary', bytes }, { password: 'wrong' })).rejects.toThrow();
    const without = await exported(['--format', 'p12']);
    expect(without.result.stdout).toMatch(/PasswordRequired: .*--password-file/);
    expect(await readdir(without.dir)).toEqual([]);
  });

  it('leaves an encrypted key encrypted with the password of the profile', async () => {
    const made = await scene({ profile: { passwordSecretId: 'password' } });
    const { world, leaf, chain, key, cli, dir } = made;
    world.store.add({ name: 'password', value: 'battery staple\n' });
    const sealed = String(
      key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'battery staple' }),
    );
    const value = JSON.stringify({ ...JSON.parse(pairValue(leaf, chain, key)), privateKey: sealed });
    world.store.add({ name: 'sealed', value, tags: { [tags.profile]: 'internal' } });
    for (const format of ['pem', 'der', 'p12'] as const) {
      const [cert, out] = [join(dir, `${format}.crt`), join(dir, `${format}.key`)];
      const found = await cli('export', 'sealed', '--out-cert', cert, '--out-key', out, '--format', format);
      expect(found).toMatchObject({ code: 0 });
      const bytes = await readFile(out);
      if (format === 'p12') {
        const read = await readSecret({ kind: 'binary', bytes: new Uint8Array(bytes) }, { password: 'battery staple' });
        expect(read.leaf).toEqual(leaf);
        continue;
      }
      const form = format === 'der' ? { format, type: 'pkcs8' as const } : { format };
      expect(() => createPrivateKey({ key: bytes, ...form })).toThrow();
      expect(createPrivateKey({ key: bytes, ...form, passphrase: 'battery staple' }).equals(key)).toBe(true);
    }
  });

  it('refuses a value without a pair, a key in KMS and a secret that is not enrolled, and creates no file', async () => {
    const { cli, world, leaf, chain, dir } = await scene();
    const tagged = { [tags.profile]: 'internal' };
    world.store.add({ name: 'mixed', value: pairValue(leaf, chain, newKey()), tags: tagged });
    const { certificate } = JSON.parse(pairValue(leaf, chain, newKey()));
    world.store.add({ name: 'kms', value: JSON.stringify({ certificate, kmsKeyId: 'alias/web' }), tags: tagged });
    world.store.add({ name: 'stranger', value: pairValue(leaf, chain, newKey()) });
    const run = (name: string, ...more: string[]) =>
      cli('export', name, '--out-cert', join(dir, 'c'), '--out-key', join(dir, 'k'), ...more);
    expect((await run('mixed')).stdout).toMatch(/KeyMismatch/);
    expect((await run('kms')).stdout).toMatch(/in KMS and never leaves it/);
    expect((await run('stranger')).stdout).toMatch(/SecretNotEnrolled/);
    expect(records((await run('stranger', '--json')).stdout)).toMatchObject([
      { error: { errorType: 'SecretNotEnrolled' } },
    ]);
    expect((await cli('export', 'mixed', '--out-cert', join(dir, 'c'))).code).toBe(2);
    expect(await readdir(dir)).toEqual([]);
    expect(dueDates.notAfter).toBeGreaterThan(start);
  });
});
