/** An imported intermediate with every extension, and what the tests of authorities share. */
import type { Authority } from '../../lambdas/domain/authority.ts';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  der,
  extension,
  keyUsage,
  octets,
  oid,
  sequence,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
  utf8,
} from '../../testkit/certificates/index.ts';
import { day, type Stack, start, year } from './world.ts';

/** Every extension that Infisical drops, and unknown ones. */
const odd: readonly Extension[] = [
  keyUsage('keyCertSign', 'cRLSign', 'digitalSignature'),
  basicConstraints(true, 0),
  extension('2.5.29.30', sequence(der(0xa0, sequence(utf8('leaf.example', 0x82)))), true),
  extension('2.5.29.32', sequence(sequence(oid('1.3.6.1.4.1.99999.5'))), true),
  extension(
    '1.3.6.1.5.5.7.1.1',
    sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), utf8('http://pki.example/root.crt', 0x86))),
  ),
  extension('2.5.29.31', sequence(sequence(der(0xa0, der(0xa0, utf8('http://pki.example/root.crl', 0x86)))))),
  extension('1.3.6.1.4.1.99999.1', octets(Buffer.from('nobody knows')), false),
];

/** Returns an intermediate with every extension, signed by the root of the stack. */
export function oddIntermediate(
  stack: Stack,
  more: Partial<{ notBefore: number; notAfter: number; extra: Extension[] }> = {},
) {
  const spki = spkiOf(stack.keyOf('issuing'));
  return signCertificate(
    {
      subject: commonNameOnly('Odd Issuing'),
      spki,
      notBefore: more.notBefore ?? start - 2 * year,
      notAfter: more.notAfter ?? start + 100 * day,
      extensions: [
        ...odd,
        ...(more.extra ?? []),
        subjectKeyIdentifier(spki),
        authorityKeyIdentifier(spkiOf(stack.keyOf('root'))),
      ],
    },
    { subject: stack.certificateOf('root').subject, key: stack.keyOf('root') },
  );
}

export const fromQueue = (stack: Stack, name: string, delivery = 1) => {
  const { arn, currentVersionId = '' } = stack.store.summary(`pki/${name}`);
  return renewQueued(stack, { secretArn: arn, versionId: currentVersionId }, delivery);
};

export async function found(stack: Stack, name: string): Promise<Authority> {
  const authority = await stack.authorities.find(name);
  if (!authority) throw new Error(`no authority ${name}`);
  return authority;
}

/** Returns a secret's SecretString. */
export function textOf(stack: Stack, secretId: string): string {
  const value = stack.store.value(secretId);
  return value.kind === 'string' ? value.text : '';
}
