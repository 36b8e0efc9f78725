/** The keys that authorities sign with: every kind in KMS, and in their secrets. */
import { describe, expect, it } from 'vitest';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import {
  basicConstraints,
  keyUsage,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { found, textOf } from './odd.ts';
import { opensslVerify } from './openssl.ts';
import { certificatesIn, day, hour, keyOf, Stack, start, year } from './world.ts';

const specs: readonly KeySpec[] = [
  { kty: 'EC', curve: 'P-256' },
  { kty: 'EC', curve: 'P-384' },
  { kty: 'EC', curve: 'P-521' },
  { kty: 'RSA', size: 2048 },
  { kty: 'RSA', size: 3072 },
  { kty: 'RSA', size: 4096 },
];

it.each(specs.map((spec) => [formatKeySpec(spec), spec] as const))(
  'a key of %s in KMS signs for itself and for others',
  async (_, spec) => {
    const stack = await new Stack().hierarchy({ root: { spec }, issuing: { spec } });
    stack.clock.advance(hour);
    await renewOnDemand(stack, { secretId: 'pki/root', force: true });
    await renewOnDemand(stack, { secretId: 'pki/issuing', force: true });
    stack.enrolLeaf();
    await renewOnDemand(stack, { secretId: 'web/tls' });
    const { leaf, chain } = certificatesIn(stack.store.value('web/tls'));
    const verified = { roots: [stack.certificateOf('root').der], chain: chain.map((each) => each.der) };
    expect(opensslVerify(leaf.der, { ...verified, now: stack.clock.now() })).toMatchObject({ ok: true });
  },
  30_000,
);

describe('a key in the secret', () => {
  it.each(['plain', 'encrypted'] as const)('that is %s signs as well', async (kind) => {
    const stack = await new Stack().hierarchy();
    const { certificate } = JSON.parse(textOf(stack, 'pki/root'));
    const format = { type: 'pkcs8', format: 'pem' } as const;
    const key = stack.keyOf('root');
    const privateKey =
      kind === 'plain' ? key.export(format) : key.export({ ...format, cipher: 'aes-256-cbc', passphrase: 'hunter2' });
    stack.store.add({ name: 'pki/password', value: 'hunter2\n' });
    const { kmsKeyArn: _, ...rest } = await found(stack, 'root');
    stack.authorities.set({ ...rest, ...(kind === 'encrypted' && { passwordSecretId: 'pki/password' }) });
    stack.store.write('pki/root', JSON.stringify({ certificate, privateKey }));
    stack.clock.advance(hour);
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({ outcome: 'renewed' });
    expect(await renewOnDemand(stack, { secretId: 'pki/issuing' })).toMatchObject({ outcome: 'renewed' });
    expect(JSON.parse(textOf(stack, 'pki/root')).privateKey).toBe(privateKey);
  });

  it('is KeyMismatch if it is another key, like a key in KMS; nothing is signed', async () => {
    const stack = await new Stack().hierarchy();
    const other = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    stack.authorities.set({ ...(await found(stack, 'root')), kmsKeyArn: other });
    stack.clock.advance(hour);
    const signed = stack.faults.count('sign');
    await expect(renewOnDemand(stack, { secretId: 'pki/root' })).rejects.toMatchObject({ name: 'KeyMismatch' });
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({ name: 'KeyMismatch' });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('in KMS that the secret names, but not the configuration, is not used', async () => {
    const stack = await new Stack().hierarchy();
    const { kmsKeyArn: _, ...rest } = await found(stack, 'root');
    stack.authorities.set(rest);
    stack.clock.advance(hour);
    for (const secretId of ['pki/issuing', 'pki/root']) {
      await expect(renewOnDemand(stack, { secretId })).rejects.toMatchObject({
        name: 'UnsupportedSecret',
        message: expect.stringContaining('configure the key as kmsKeyArn'),
      });
    }
  });

  it('of RSA under 2048 bits signs nothing', async () => {
    const stack = await new Stack().hierarchy({ issuing: { spec: { kty: 'RSA', size: 2048 } } });
    const weak = keyOf({ kty: 'RSA', size: 1024 });
    const { kmsKeyArn: _, ...rest } = await found(stack, 'root');
    stack.authorities.set(rest);
    const subject = stack.certificateOf('root').subject;
    const spki = spkiOf(weak);
    const extensions = [keyUsage('keyCertSign'), basicConstraints(true), subjectKeyIdentifier(spki)];
    const dates = { notBefore: start - day, notAfter: start + year };
    const der = signCertificate({ subject, spki, ...dates, extensions }, { subject, key: weak });
    const privateKey = weak.export({ type: 'pkcs8', format: 'pem' });
    const certificate = `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
    stack.store.write('pki/root', JSON.stringify({ certificate, privateKey }));
    await expect(renewOnDemand(stack, { secretId: 'pki/root' })).rejects.toMatchObject({ name: 'WeakKey' });
  });
});
