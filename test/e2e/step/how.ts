/** How: the kind of key, --force, the CA, the password, and options that step does not have. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect } from 'vitest';
import { issue } from '../../../testkit/cas/leaf.ts';
import type { KeyKind } from '../../../testkit/certificates/index.ts';
import { nameOfKey } from '../../../testkit/certificates/kept.ts';
import { fromShape } from '../../../testkit/local-aws/enrolled.ts';
import { camel } from '../../support/on-demand.ts';
import { beside } from '../../support/programs.ts';
import { aged, isKeyOf, serialOf } from '../../support/renewer.ts';
import { refusals } from '../judges.ts';
import { expectRekeyed, expectUntouched, ours, type Row, refusedFields } from './row.ts';

const asked = { code: 'Requested' };

const kindOf = (fields: object, present: KeyKind, wanted: string): Row => ({
  here: `${JSON.stringify(fields)} where ${present} was: ${wanted}`,
  see: async (world) => {
    const secret = await world.fresh({}, { key: present });
    const answer = await world.renew({ secretId: secret.arn, ...fields });
    expect(answer.keyAlgorithm).toBe(wanted);
    expect(nameOfKey((await world.reader(secret.arn)).pair.certificate)).toBe(wanted);
  },
});
export const kty = [
  kindOf({ kty: 'EC' }, 'RSA-2048', 'EC P-256'),
  kindOf({ kty: 'OKP' }, 'P-256', 'OKP Ed25519'),
  kindOf({ kty: 'RSA' }, 'P-256', 'RSA 2048'),
  refusedFields({ kty: 'ec' }, { kty: 'oct' }),
];
export const curve = [
  kindOf({ kty: 'EC', curve: 'P-384' }, 'P-256', 'EC P-384'),
  kindOf({ kty: 'EC', curve: 'P-521' }, 'P-256', 'EC P-521'),
  kindOf({ kty: 'OKP', curve: 'Ed25519' }, 'P-256', 'OKP Ed25519'),
  refusedFields({ curve: 'P-384' }, { kty: 'RSA', curve: 'P-256' }, { kty: 'OKP', curve: 'P-256' }),
];
/** The other name of --curve. */
export const crv = [kindOf({ kty: 'EC', curve: 'P-384' }, 'Ed25519', 'EC P-384')];
export const size = [
  kindOf({ kty: 'RSA', size: 3072 }, 'RSA-2048', 'RSA 3072'),
  refusedFields({ size: 3072 }, { kty: 'RSA', size: 1024 }, { kty: 'RSA', size: 16384 }, { kty: 'EC', size: 2048 }),
];

export const force: Row[] = [
  {
    here: '{ force } with expiresIn: NotDue no more',
    see: async (world) => {
      const secret = await world.fresh();
      const answer = await world.renew({ secretId: secret.arn, expiresIn: '8h', force: true });
      expect(answer).toMatchObject({ reason: { code: 'Forced' } });
      await expectRekeyed(world, secret, answer);
    },
  },
  {
    here: '{ force }: RecentlyRenewed and Paused no more',
    see: async (world) => {
      const { arn } = await world.fresh({ tags: { paused: 'true' } });
      expect(await world.renew({ secretId: arn })).toMatchObject({ outcome: 'skipped', reason: { code: 'Paused' } });
      expect(await world.renew({ secretId: arn, force: true })).toMatchObject({ outcome: 'rekeyed' });
      expect(await world.renew({ secretId: arn, force: true })).toMatchObject({ outcome: 'rekeyed' });
    },
  },
  {
    here: '{ force }: nothing else: a certificate beside another key stays KeyMismatch',
    see: async (world) => {
      const [one, other] = [await issue(world.ca), await issue(world.ca)];
      const name = await world.put(camel(one, other.keyPem), { profile: 'internal' });
      expect(await world.refused({ secretId: name, force: true })).toMatchObject({ errorType: 'KeyMismatch' });
    },
  },
];

export const caUrl: Row[] = [
  {
    here: "a profile with ca.url and ca.root: that CA issues, and that root verifies, and not the other profile's",
    see: async (world) => {
      const { access } = world.stack.lenient;
      const { arn } = await world.fresh({ profile: 'lenient', ca: access });
      await world.renew({ secretId: arn });
      const { pair } = await world.reader(arn);
      expect(await refusals([pair.certificate], { root: access.rootPem, chain: pair.chain })).toEqual([]);
      expect(await refusals([pair.certificate], { root: world.ca.rootPem, chain: pair.chain })).not.toEqual([]);
    },
  },
  refusedFields({ caUrl: 'https://evil.example' }, { url: 'https://evil.example' }),
];
export const root: Row[] = [
  {
    here: 'a profile whose ca.root is not its CA’s: CaUntrusted',
    see: async (world) => {
      const secret = await world.fresh({ profile: 'untrusted' });
      expect(await world.refused({ secretId: secret.arn })).toMatchObject({ errorType: 'CaUntrusted' });
      const { value } = await world.look(secret.arn);
      expect(value).toBe(camel(secret.leaf, secret.leaf.keyPem));
    },
  },
  refusedFields({ root: 'root_ca.crt' }),
];

export const password: Row[] = [
  {
    here: 'a profile with passwordSecretId: the key is read with it, and the new one encrypted with it (shapes.test.ts: all kinds)',
    see: async (world) => {
      const password = await world.password();
      const leaf = await issue(world.ca, aged(1));
      const encrypted = await encryptedByOpenssl(leaf.keyPem, password);
      const name = await world.put(camel(leaf, encrypted), { profile: 'encrypted' });
      expect(await world.renew({ secretId: name })).toMatchObject({ outcome: 'rekeyed' });
      const { certificate, privateKey = '' } = fromShape('camel', (await world.look(name)).value);
      expect(privateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
      expect(privateKey).not.toBe(encrypted);
      expect(
        isKeyOf(createPrivateKey({ key: privateKey, passphrase: password }), new X509Certificate(certificate)),
      ).toBe(true);
    },
  },
  {
    here: 'a profile without passwordSecretId: PasswordRequired',
    see: async (world) => {
      const leaf = await issue(world.ca, aged(1));
      const name = await world.put(camel(leaf, await encryptedByOpenssl(leaf.keyPem, 'secret')), ours);
      const error = await world.refused({ secretId: name, force: true });
      expect(error).toMatchObject({
        errorType: 'PasswordRequired',
        errorMessage: expect.stringMatching(/passwordSecretId/),
      });
    },
  },
];

const encryptedByOpenssl = (keyPem: string, password: string): Promise<string> =>
  beside({ 'key.pem': keyPem, password }, ({ call }) =>
    call('openssl', 'pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'file:password'),
  );

export const mode: Row[] = [
  {
    here: '{ mode: "renew" }: a new certificate for the same key',
    see: async (world) => {
      const secret = await world.fresh();
      expect(await world.renew({ secretId: secret.arn, mode: 'renew' })).toMatchObject({
        outcome: 'renewed',
        reason: asked,
      });
      const { certificate, pair } = await world.reader(secret.arn);
      expect(serialOf(certificate)).not.toBe(serialOf(secret.leaf.certificate));
      expect(pair.privateKey).toBe(secret.leaf.keyPem);
    },
  },
  refusedFields(
    { mode: 'renew', kty: 'EC' },
    { mode: 'renew', privateKey: { secretId: 's' } },
    { privateKey: { secretId: 's' }, kty: 'EC' },
    { privateKey: { secretId: 's' }, kty: 'RSA', size: 2048 },
  ),
];
export const dryRun: Row[] = [
  {
    here: '{ dryRun }: planned, and nothing is touched',
    see: async (world) => {
      const secret = await world.fresh();
      const answer = await world.renew({ secretId: secret.arn, dryRun: true });
      expect(answer).toMatchObject({ outcome: 'planned', reason: asked, versionId: secret.versionId });
      await expectUntouched(world, secret);
    },
  },
];
