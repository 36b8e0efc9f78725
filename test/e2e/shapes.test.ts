/**
 * Every shape × EC, RSA, Ed25519 × renew and rekey, through the deployed worker. openssl, keytool and step read the result,
 * and all other bytes of the secret are compared.
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Mode } from '../../lambdas/domain/profile.ts';
import { forge } from '../../testkit/cas/leaf.ts';
import { type KeyKind, keyAlgorithm, makeKey } from '../../testkit/certificates/index.ts';
import { uniqueName } from '../../testkit/local-aws/client.ts';
import { step } from '../../testkit/tools/go-tools.ts';
import { type FileForm, forms, type Pieces, type Programs, type TextForm } from '../support/forms.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { beside, keytool, quickJava } from '../support/programs.ts';
import { aged, renewerOf } from '../support/renewer.ts';
import { keptStatements, refusals } from './judges.ts';

const english = [...quickJava, '-J-Duser.language=en'];
const tools = [await step(), await keytool()] as const;
const kinds: readonly KeyKind[] = ['P-256', 'RSA-2048', 'Ed25519'];
const outcomes = { renew: 'renewed', rekey: 'rekeyed' };

/** Shapes with an encrypted key or file need the profile with the password. The others use `internal`. */
const profileOf = (form: TextForm | FileForm): string =>
  form.kind === 'file' || form.encrypted ? 'encrypted' : 'internal';

const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const keyOf = (certificate: string): string => spki(new X509Certificate(certificate).publicKey);

interface Packed {
  readonly pieces: Pieces;
  readonly file: Buffer;
}

describeWith(['stack', 'step-ca'], 'every shape', (local) => {
  describeFound(tools, 'read by openssl, keytool and step', () => {
    const { ca } = local;
    const { renew, secrets, password } = renewerOf(local);
    const keys = new Map<KeyKind, KeyObject>(); // one RSA key for each kind, because it takes long to make
    const listings = new Map<FileForm, readonly string[]>();
    let programs: Programs;

    beforeAll(async () => {
      for (const kind of kinds) keys.set(kind, makeKey(kind));
      programs = { step: tools[0].found ? tools[0].path : '', password: await password() };
    });

    async function pair(kind: KeyKind) {
      const key = keys.get(kind) ?? makeKey(kind);
      const leaf = await forge(ca, { key, ...aged(1), sans: ['dns:shape.example', 'ip:10.0.0.7'] });
      return { key, leaf: leaf.certificatePem, chain: leaf.chainPem };
    }

    async function put(form: TextForm | FileForm, value: string | Uint8Array): Promise<string> {
      const Tags = [{ Key: 'cert-renewer:profile', Value: profileOf(form) }];
      const content = typeof value === 'string' ? { SecretString: value } : { SecretBinary: value };
      const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name: uniqueName('shape'), Tags, ...content }));
      return ARN;
    }

    async function get(SecretId: string): Promise<string | Uint8Array> {
      const { SecretString, SecretBinary } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      if ((SecretString === undefined) === (SecretBinary === undefined)) throw new Error('expected a string or bytes');
      return SecretString ?? SecretBinary ?? '';
    }

    /** Checks the certificate with openssl and step: its chain, and everything in it but the key. */
    async function judgeCertificates(before: Pieces, after: Pieces, mode: Mode): Promise<void> {
      expect(after.leaf).not.toBe(before.leaf);
      expect(await refusals([after.leaf], { root: ca.rootPem, chain: after.chain })).toEqual([]);
      expect(await keptStatements(after.leaf, mode)).toEqual(await keptStatements(before.leaf, mode));
      expect(keyOf(after.leaf) === keyOf(before.leaf)).toBe(mode === 'renew');
      await beside({ 'leaf.pem': after.leaf + after.chain, 'root.pem': ca.rootPem }, ({ call }) =>
        call(programs.step, 'certificate', 'verify', 'leaf.pem', '--roots', 'root.pem'),
      );
    }

    /** Checks the key with openssl and step, and that nobody reads an encrypted one without the password. */
    async function judgeKey(form: TextForm, { leaf, key }: Pieces): Promise<void> {
      await beside({ 'key.pem': key, password: programs.password }, async ({ call }) => {
        const passin = form.encrypted ? ['-passin', 'file:password'] : [];
        expect(await call('openssl', 'pkey', '-in', 'key.pem', '-pubout', ...passin)).toBe(keyOf(leaf));
        const passwordFile = form.encrypted ? ['--password-file', 'password'] : [];
        expect(await call(programs.step, 'crypto', 'key', 'public', ...passwordFile, 'key.pem')).toBe(keyOf(leaf));
        if (!form.encrypted) return;
        await expect(call('openssl', 'pkey', '-in', 'key.pem', '-noout', '-passin', 'pass:wrong')).rejects.toThrow();
      });
    }

    async function inText(form: TextForm, kind: KeyKind, mode: Mode): Promise<void> {
      const { key, ...certificates } = await pair(kind);
      const before = { ...certificates, key: await form.keyBlock(key, programs) };
      const value = form.write(before);
      const arn = await put(form, value);
      expect(await renew({ secretId: arn, mode })).toMatchObject({
        outcome: outcomes[mode],
        keyAlgorithm: keyAlgorithm(kind),
      });
      const now = await get(arn);
      if (typeof now !== 'string') throw new Error('it was text, and is binary');
      const after = form.read(now);
      expect(form.write(after)).toBe(now); // all other bytes
      expect(after.chain).toBe(ca.intermediatePem);
      await judgeCertificates(before, after, mode);
      await judgeKey(form, after);
      if (mode === 'renew') expect(after.key).toBe(before.key);
      else expect(after.key).not.toBe(before.key);
      expect(await protection(after.key)).toEqual(await protection(before.key));
      expect(await get(arn)).toBe(now);
    }

    async function inFile(form: FileForm, kind: KeyKind, mode: Mode): Promise<void> {
      const { pieces, file } = await packed(form, kind);
      const arn = await put(form, form.write(file));
      expect(await renew({ secretId: arn, mode })).toMatchObject({
        outcome: outcomes[mode],
        keyAlgorithm: keyAlgorithm(kind),
      });
      const now = await get(arn);
      const next = form.read(now);
      expect(form.write(next)).toEqual(now);
      const [was, is] = [await opened(file), await opened(next)];
      await judgeCertificates({ ...pieces, key: was.key }, is, mode);
      expect(is.chain).toBe(ca.intermediatePem);
      expect(spki(createPublicKey(is.key))).toBe(keyOf(is.leaf));
      expect(is.attributes).toEqual(was.attributes);
      expect(is.attributes).toContainEqual(expect.stringMatching(/friendlyName: web server/i));
      expect(is.protection).toMatch(/MAC: sha256, Iteration \d{4,}/);
      expect(is.protection.match(/AES-256-CBC/g)?.length).toBeGreaterThanOrEqual(2);
      expect(is.protection).not.toMatch(/RC2|3DES|SHA1/i);
      // keytool lists nothing of the kind of the key.
      const listing = listings.get(form) ?? (await listedByKeytool(file));
      listings.set(form, listing);
      expect(await listedByKeytool(next)).toEqual(listing);
    }

    /** Returns a file of this form. */
    async function packed(form: FileForm, kind: KeyKind): Promise<Packed> {
      const { key, ...certificates } = await pair(kind);
      const pieces = { ...certificates, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
      const file = await form.pack(pieces, programs);
      return { pieces, file };
    }

    /** Returns what openssl finds in a PKCS#12 file. */
    async function opened(file: Buffer) {
      return beside({ 'pair.p12': file, password: programs.password }, async ({ call }) => {
        const of = (...args: string[]) =>
          call('openssl', 'pkcs12', '-in', 'pair.p12', '-passin', 'file:password', ...args);
        const all = await of('-nodes');
        const only = async (...args: string[]) => withoutAttributes(await of(...args));
        return {
          leaf: await only('-nokeys', '-clcerts'),
          chain: await only('-nokeys', '-cacerts'),
          key: await only('-nocerts', '-nodes'),
          attributes: all.match(/^ *friendlyName: .*$/gm) ?? [],
          // openssl describes the encryption on stderr.
          protection: await call('sh', '-c', 'openssl pkcs12 -info -noout -in pair.p12 -passin file:password 2>&1'),
        };
      });
    }

    /** Checks aliases and kinds of entries, the length of the chain, and that the leaf belongs to the key. */
    async function listedByKeytool(file: Buffer): Promise<string[]> {
      const listed = await beside({ 'pair.p12': file, password: programs.password }, ({ call }) =>
        call('keytool', ...english, '-list', '-v', '-keystore', 'pair.p12', '-storepass:file', 'password'),
      );
      return listed.match(/^(?:Alias name|Entry type|Certificate chain length|Owner|Issuer): .*$/gm) ?? [];
    }

    // Every pair of form, kind and mode occurs here. The properties in test/secret mix all three, without starting a program
    // for each.
    const modeOf = (form: number, kind: number): Mode => ((form + kind) % 2 === 0 ? 'rekey' : 'renew');
    for (const [formAt, form] of forms.entries()) {
      describe(form.name, () => {
        it.each(kinds.map((kind, at) => ({ kind, mode: modeOf(formAt, at) })))('$mode of $kind', ({ mode, kind }) =>
          form.kind === 'text' ? inText(form, kind, mode) : inFile(form, kind, mode),
        );
      });
    }
  });
});

const withoutAttributes = (pem: string): string =>
  (pem.match(/-----BEGIN ([A-Z ]+)-----\n[^-]*-----END \1-----\n/g) ?? []).join('');

/** Returns the encryption of a key's block: its label, and scheme, ciphers and iterations. Salts and IVs are new each time. */
async function protection(key: string): Promise<readonly string[]> {
  const [label = '', , dek = ''] = key.split('\n');
  if (label.includes('ENCRYPTED PRIVATE KEY')) {
    const parsed = await beside({ 'key.pem': key }, ({ call }) => call('openssl', 'asn1parse', '-in', 'key.pem'));
    return [label, ...(parsed.match(/(?:OBJECT|INTEGER) +:\S+/g) ?? [])];
  }
  return [label, dek.startsWith('DEK-Info') ? dek.replace(/,.*/, '') : 'plain'];
}
