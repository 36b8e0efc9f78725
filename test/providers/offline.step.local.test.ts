/** The `step` CLI in offline mode and the offline provider, with the same authority and the same leaf. */
import { spawnSync } from 'node:child_process';
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import { claimsOfCaConfig } from '../../lambdas/policy/authority.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import { x5cProvisioner } from '../../testkit/cas/step-ca.ts';
import { commonNameOnly, type KeyKind, type LeafRequest, makeKey, makeLeaf } from '../../testkit/certificates/index.ts';
import { providerFor, rekeyWith, renewWith } from '../../testkit/fakes/asking.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { step } from '../../testkit/tools/go-tools.ts';
import { certificateShapes } from '../conformance/ca-shapes.ts';
import { describeFound } from '../support/local.ts';

const found = await step();

/** Everything that a renewal keeps: all but serial number, dates and signature. The order of extensions may differ. */
function fields(certificate: Certificate) {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return {
    subject: hex(certificate.subject),
    issuer: hex(certificate.issuer),
    spki: hex(certificate.spki),
    duration: certificate.notAfter - certificate.notBefore,
    signatureAlgorithm: certificate.signatureAlgorithm,
    extensions: certificate.extensions
      .map(({ oid, critical, value }) => `${oid} ${critical} ${hex(value)}`)
      .sort((a, b) => a.localeCompare(b)),
  };
}

describeFound([found], 'beside the step CLI in offline mode', () => {
  describe.each<KeyKind>(['P-256', 'P-384', 'RSA-2048'])('with an authority of %s', (key) => {
    let folder: string;
    let world: Awaited<ReturnType<typeof open>>;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cert-renewer-offline-'));
      world = await open(folder, key);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const shapes: readonly (readonly [string, Partial<LeafRequest>])[] = [['what most have', {}], ...certificateShapes];

    test.each(shapes)('a leaf with %s is renewed and rekeyed to the same', async (_, part) => {
      for (const next of [undefined, makeKey('P-256')]) {
        const theirs = world.byStep(part, next);
        const ours = await world.byUs(theirs.before, theirs.key, next);
        expect(fields(ours)).toEqual(fields(theirs.after));
        expect(ours.serialNumber).not.toBe(theirs.after.serialNumber);
        expect(Math.abs(ours.notBefore - theirs.after.notBefore)).toBeLessThan(30_000);
      }
    });
  });
});

/** Writes ca.json with its files for step, and returns the same authority in our form. */
async function open(folder: string, kind: KeyKind) {
  const { root, intermediate } = pemHierarchy({ key: kind });
  const config = {
    root: join(folder, 'root.crt'),
    crt: join(folder, 'int.crt'),
    key: join(folder, 'int.key'),
    address: '127.0.0.1:9000',
    dnsNames: ['localhost'],
    authority: { backdate: '2m', provisioners: [x5cProvisioner('local', root.certificatePem)] },
  };
  const caConfig = JSON.stringify(config);
  writeFileSync(config.root, root.certificatePem);
  writeFileSync(config.crt, intermediate.certificatePem);
  writeFileSync(config.key, intermediate.keyPem, { mode: 0o600 });
  writeFileSync(join(folder, 'ca.json'), caConfig);

  const [block] = pemBlocks(intermediate.certificatePem);
  if (block === undefined) throw new Error('no intermediate');
  const issuer = parseCertificate(block.der);
  const intermediateKey = createPrivateKey(intermediate.keyPem);
  const store = new FakeStore();
  const value = { certificate: intermediate.certificatePem, certificateChain: root.certificatePem };
  store.add({ name: 'pki/issuing', value: JSON.stringify({ ...value, privateKey: intermediate.keyPem }) });
  const authorities = new FakeAuthorities(authority('issuing', claimsOfCaConfig(caConfig)));
  const entropy = (length: number) => new Uint8Array(randomBytes(length));
  const clock = { now: () => Date.now(), sleep: async () => {} };
  const provider = await providerFor({ type: 'offline', authority: 'issuing' }, { store, authorities, clock, entropy });

  return {
    byStep(part: Partial<LeafRequest>, next: KeyObject | undefined) {
      const key = makeKey('P-256');
      const second = Math.floor(Date.now() / 1000) * 1000;
      const dates = { notBefore: second - 3_600_000, notAfter: second + 7_200_000 };
      const subject = commonNameOnly('leaf.example');
      const before = makeLeaf(
        { key, subject, ...dates, ...part },
        { intermediateKey, intermediateName: issuer.subject },
      );
      const at = (name: string) => join(folder, name);
      const privatePem = (each: KeyObject) => each.export({ type: 'pkcs8', format: 'pem' });
      writeFileSync(at('leaf.crt'), `${encodePem('CERTIFICATE', before)}\n`);
      writeFileSync(at('leaf.key'), privatePem(key), { mode: 0o600 });
      const offline = ['--offline', '--ca-config', at('ca.json'), '--root', at('root.crt'), '--force'];
      if (next === undefined)
        run(folder, ['ca', 'renew', at('leaf.crt'), at('leaf.key'), '--out', at('new.crt'), ...offline]);
      else {
        writeFileSync(at('given.key'), privatePem(next), { mode: 0o600 });
        const out = ['--out-cert', at('new.crt'), '--out-key', at('new.key'), '--private-key', at('given.key')];
        run(folder, ['ca', 'rekey', at('leaf.crt'), at('leaf.key'), ...out, ...offline]);
      }
      const [after] = pemBlocks(readFileSync(at('new.crt'), 'utf8'));
      if (after === undefined) throw new Error('step wrote no certificate');
      return { before: parseCertificate(before), key, after: parseCertificate(after.der) };
    },

    async byUs(leaf: Certificate, key: KeyObject, next: KeyObject | undefined): Promise<Certificate> {
      const current = { leaf, chain: [issuer], key: signerFor(key) };
      const issued = await (next ? rekeyWith(provider, current, signerFor(next)) : renewWith(provider, current));
      return parseCertificate(issued.certificates[0] ?? new Uint8Array());
    },
  };
}

function run(folder: string, args: readonly string[]): void {
  if (!found.found) throw new Error('no step');
  const env = { PATH: process.env['PATH'], HOME: folder, STEPPATH: join(folder, '.step') };
  const { status, stdout, stderr } = spawnSync(found.path, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`step ${args.slice(0, 2).join(' ')} failed: ${stdout}${stderr}`);
}
