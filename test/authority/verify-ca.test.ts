/** A renewed CA certificate with any one field changed is refused, and nothing is promoted. One row for each field. */
import { describe, expect, it } from 'vitest';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import type { CaProvider } from '../../lambdas/domain/ports.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  basicConstraints,
  type CertificateTemplate,
  commonNameOnly,
  der,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeKey,
  octets,
  oid,
  sequence,
  serverAuth,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
  utf8,
} from '../../testkit/certificates/index.ts';
import { day, Stack, start, year } from './world.ts';

const subtree = (name: string, tag = 0x82) => sequence(utf8(name, tag));
const constraints = (...names: readonly string[]) =>
  extension('2.5.29.30', sequence(der(0xa0, ...names.map((name) => subtree(name)))), true);
const policy = (id: string) => extension('2.5.29.32', sequence(sequence(oid(id))));
const unknown = extension('1.3.6.1.4.1.99999.2', octets(Uint8Array.of(5, 0)), true);
const aia = (url: string) =>
  extension('1.3.6.1.5.5.7.1.1', sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), utf8(url, 0x86))));
const crl = (url: string) => extension('2.5.29.31', sequence(sequence(der(0xa0, der(0xa0, utf8(url, 0x86))))));

const everything: readonly Extension[] = [
  keyUsage('keyCertSign', 'cRLSign'),
  basicConstraints(true, 0),
  constraints('leaf.example'),
  policy('1.3.6.1.4.1.99999.5'),
  aia('http://pki.example/root.crt'),
  crl('http://pki.example/root.crl'),
  unknown,
];

type Change = (template: CertificateTemplate) => CertificateTemplate;
const without =
  (id: string): Change =>
  (t) => ({ ...t, extensions: t.extensions.filter((each) => each.oid !== id) });
const withOther =
  (by: Extension): Change =>
  (t) => ({
    ...t,
    extensions: t.extensions.map((each) => (each.oid === by.oid ? by : each)),
  });
const withMore =
  (more: Extension): Change =>
  (t) => ({ ...t, extensions: [...t.extensions, more] });
const critical =
  (id: string, value: boolean): Change =>
  (t) => ({
    ...t,
    extensions: t.extensions.map((each) => (each.oid === id ? { ...each, critical: value } : each)),
  });

const rows: [string, Change][] = [
  ['the subject', (t) => ({ ...t, subject: commonNameOnly('Evil Issuing') })],
  ['the public key', (t) => ({ ...t, spki: spkiOf(makeKey('P-256')) })],
  ['the serial number: the old one', (t) => ({ ...t, serialNumber: Uint8Array.of(0x11, 1, 2, 3, 4, 5, 6, 7) })],
  ['the serial number: 21 octets', (t) => ({ ...t, serialNumber: new Uint8Array(21).fill(0x11) })],
  ['an end that is earlier', (t) => ({ ...t, notAfter: start + day })],
  ['an end that is the same', (t) => ({ ...t, notAfter: start + 100 * day })],
  ['a notBefore over a minute ahead', (t) => ({ ...t, notBefore: start + 61_000 })],
  ['pathLen 1', withOther(basicConstraints(true, 1))],
  ['no pathLen', withOther(basicConstraints(true))],
  ['no CA any more', withOther(basicConstraints(false))],
  ['no basicConstraints', without('2.5.29.19')],
  ['basicConstraints not critical', critical('2.5.29.19', false)],
  ['another name constraint', withOther(constraints('evil.example'))],
  ['a name constraint more', withOther(constraints('leaf.example', 'evil.example'))],
  ['no name constraints', without('2.5.29.30')],
  ['name constraints not critical', critical('2.5.29.30', false)],
  ['another policy', withOther(policy('1.3.6.1.4.1.99999.6'))],
  ['no policy', without('2.5.29.32')],
  ['a critical policy', critical('2.5.29.32', true)],
  ['another key usage', withOther(keyUsage('keyCertSign', 'cRLSign', 'digitalSignature'))],
  ['no key usage', without('2.5.29.15')],
  ['an extended key usage', withMore(extendedKeyUsage(serverAuth))],
  ['another AIA', withOther(aia('http://evil.example/root.crt'))],
  ['no AIA', without('1.3.6.1.5.5.7.1.1')],
  ['another CRL point', withOther(crl('http://evil.example/root.crl'))],
  ['no CRL point', without('2.5.29.31')],
  ['another SKI', withOther(subjectKeyIdentifier(spkiOf(makeKey('P-256'))))],
  ['no SKI', without('2.5.29.14')],
  ['an unknown extension less', without(unknown.oid)],
  ['an unknown extension’s value', withOther(extension(unknown.oid, octets(Uint8Array.of(5, 1)), true))],
  ['an unknown extension not critical', critical(unknown.oid, false)],
  ['an extension more', withMore(extension('1.3.6.1.4.1.99999.3', utf8('new')))],
];

/** The stack's issuing authority with every extension in its certificate, and a parent that changes what it signs. */
async function stackWith(change: Change, name: 'root' | 'issuing'): Promise<Stack> {
  const stack = await new Stack().hierarchy();
  const spki = spkiOf(stack.keyOf(name));
  const signer = { subject: stack.certificateOf('root').subject, key: stack.keyOf('root') };
  const subject = name === 'root' ? signer.subject : commonNameOnly('Issuing');
  const certificate = signCertificate(
    {
      subject,
      spki,
      serialNumber: Uint8Array.of(0x11, 1, 2, 3, 4, 5, 6, 7),
      notBefore: start - 2 * year,
      notAfter: start + 100 * day,
      extensions: [...everything, subjectKeyIdentifier(spki)],
    },
    signer,
  );
  stack.install(name, certificate);
  const providerFor = stack.providerFor;
  Object.assign(stack, {
    providerFor: async (profile: Parameters<typeof providerFor>[0]): Promise<CaProvider> => {
      const real = await providerFor(profile);
      return {
        ...real,
        ask: async (request) => {
          const answer = await real.ask(request);
          if (answer.kind !== 'issued') return answer;
          const [leaf = new Uint8Array(), ...chain] = answer.certificates;
          const changed = signCertificate(change(templateOf(parseCertificate(leaf))), signer);
          return { kind: 'issued', certificates: [changed, ...chain] };
        },
      };
    },
  });
  return stack;
}

function templateOf(certificate: Certificate): CertificateTemplate {
  return { ...certificate, serialNumber: Buffer.from(certificate.serialNumber, 'hex') };
}

describe.each(['issuing', 'root'] as const)('a renewed certificate of the authority %s is refused with', (name) => {
  it.each(rows)('%s changed', async (_, change) => {
    const stack = await stackWith(change, name);
    const { currentVersionId } = stack.store.summary(`pki/${name}`);
    await expect(renewOnDemand(stack, { secretId: `pki/${name}` })).rejects.toMatchObject({
      name: 'CertificateRejected',
    });
    expect(stack.store.summary(`pki/${name}`).currentVersionId).toBe(currentVersionId);
    expect(stack.publisher.of('Certificate Renewed')).toEqual([]);
  });

  it('nothing, if nothing is changed', async () => {
    const stack = await stackWith((template) => template, name);
    expect(await renewOnDemand(stack, { secretId: `pki/${name}` })).toMatchObject({ outcome: 'renewed' });
  });

  it('a signature by another key of the same name', async () => {
    const stack = await stackWith((template) => template, name);
    const impostor = { subject: stack.certificateOf('root').subject, key: makeKey('P-256') };
    const { providerFor } = stack;
    Object.assign(stack, {
      providerFor: async (profile: Parameters<typeof providerFor>[0]): Promise<CaProvider> => ({
        ...(await providerFor(profile)),
        ask: async ({ current }) => {
          if (current === undefined) throw new Error('nothing is declared');
          const { leaf } = current;
          const template = { ...leaf, serialNumber: Uint8Array.of(0x22, 2, 3, 4, 5, 6, 7, 8), notAfter: start + year };
          return { kind: 'issued', certificates: [signCertificate(template, impostor)] };
        },
        roots: async () => [stack.certificateOf('root').der],
      }),
    });
    await expect(renewOnDemand(stack, { secretId: `pki/${name}` })).rejects.toMatchObject({
      name: 'CertificateRejected',
    });
  });
});
