/** `export`: an enrolled secret's pair to two files, which change together. */

import { parse } from 'node:path';
import { sameBytes } from '../../lambdas/domain/bytes.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { Entropy } from '../../lambdas/domain/ports.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { Pair } from '../../lambdas/renewal/pair.ts';
import { sealPrivateKey } from '../../lambdas/secret/encrypted-key.ts';
import { passwordIn, passwordOf } from '../../lambdas/secret/password.ts';
import { makePkcs12 } from '../../lambdas/secret/pkcs12/make.ts';
import { describeCertificate } from '../../lambdas/x509/facts.ts';
import { command } from '../command.ts';
import { each } from '../each.ts';
import { UsageError } from '../exit.ts';
import { readTextFile } from '../files/read.ts';
import { type NewFile, writePair } from '../files/write-pair.ts';
import { requireEnrolled } from '../inventory.ts';
import { pairOf } from '../pair.ts';
import { describeSecrets, findStack, readPassword, readProfiles, readSettings } from '../permissions.ts';
import { requireProfile } from '../session.ts';

const formats = ['pem', 'der', 'p12'] as const;
type Format = (typeof formats)[number];

export const exportPair = command({
  name: 'export',
  summary: 'the current pair to two files, both or neither',
  description: [
    'Writes certificate and key completely or not at all, also when it is killed half-way: for a moment both paths are links to one place, which is moved. The key has mode 0600. A file that is there needs --force, and what was there before is gone.',
    '--format pem (the default): the certificate with its chain, and the key as PKCS#8. der: the leaf alone, and PKCS#8. p12: --out-key is a PKCS#12 file with all three, and --out-cert the certificates in PEM.',
    'A key that is encrypted in the secret is so in the file, with the same password (the profile’s). A PKCS#12 file takes that password too, or the one in --password-file. A key in KMS can’t be exported.',
  ],
  argument: { name: '<name>', description: 'name or ARN of a secret' },
  options: {
    outCert: { flags: '--out-cert <file>', description: 'where the certificate goes; needed' },
    outKey: { flags: '--out-key <file>', description: 'where the key goes; needed' },
    format: { flags: '--format <format>', description: 'default: pem', choices: formats },
    passwordFile: { flags: '--password-file <file>', description: 'the password of the PKCS#12 file' },
    force: { flags: '--force', description: 'replace files that are there' },
  },
  examples: [
    { command: 'cert-renewer export web/tls --out-cert web.crt --out-key web.key', says: 'for nginx' },
    {
      command: 'cert-renewer export web/tls --out-cert web.pem --out-key web.p12 --format p12 --password-file web.pass',
      says: 'for Java',
    },
  ],
  needs: [
    ...[describeSecrets, findStack, readSettings, readProfiles],
    { actions: ['secretsmanager:GetSecretValue'], on: 'enrolled' },
    { ...readPassword, when: 'the key is encrypted, or for a PKCS#12 file without `--password-file`' },
  ],
  winds: true,
  run: async (context, names, { outCert, outKey, format = 'pem', passwordFile, force }) => {
    if (outCert === undefined || outKey === undefined)
      throw new UsageError('--out-cert and --out-key are both needed.');
    if (passwordFile !== undefined && format !== 'p12') throw new UsageError('--password-file goes with --format p12.');
    const { session, entropy, process } = context;
    return each(context, names, async (name) => {
      const secret = await session.store.describe(name);
      requireEnrolled(secret);
      const profile = await requireProfile(session, secret.tags.get(tags.profile) ?? '');
      const version = await session.store.read(secret.arn);
      const pair = await pairOf(session, entropy, profile, version);
      const asked = passwordFile === undefined ? undefined : passwordOf(await readTextFile(passwordFile));
      const password = asked ?? (await passwordIn(session.store, profile.passwordSecretId)?.());
      const files = await filesOf(pair, format as Format, password, entropy); // commander knows the choices
      await writePair(
        [
          { path: outCert, bytes: files.cert, mode: 0o644 },
          { path: outKey, bytes: files.key, mode: 0o600 },
        ] satisfies [NewFile, NewFile],
        { force: force ?? false, entropy, ...process },
      );
      const { notAfter } = describeCertificate(pair.leaf);
      return {
        says: `${parse(outCert).base} and ${parse(outKey).base} written, valid until ${notAfter}`,
        record: {
          secretArn: secret.arn,
          versionId: version.versionId,
          outCert,
          outKey,
          format,
          ...describeCertificate(pair.leaf),
        },
      };
    });
  },
});

async function filesOf(
  { leaf, chain, content }: Pair,
  format: Format,
  password: string | undefined,
  entropy: Entropy,
): Promise<{ readonly cert: Uint8Array; readonly key: Uint8Array }> {
  const { key } = content;
  if (key.kind !== 'private') {
    throw new RenewalError(
      'UnsupportedSecret',
      'It holds no private key: its CA keeps it. There is nothing to export.',
    );
  }
  const above = inOrder(leaf, chain);
  const text = (pem: string) => new TextEncoder().encode(`${pem}\n`);
  const pem = text([leaf, ...above].map(({ der }) => encodePem('CERTIFICATE', der)).join('\n'));
  if (format === 'p12') {
    if (password === undefined || password === '') {
      throw new RenewalError(
        'PasswordRequired',
        'A PKCS#12 file needs a password: give --password-file, as the profile has none.',
      );
    }
    const parts = { leaf: leaf.der, chain: above.map(({ der }) => der), privateKey: key.privateKey };
    return { cert: pem, key: await makePkcs12(parts, password, entropy) };
  }
  const sealed = content.needsPassword && password !== undefined;
  const der = sealed
    ? await sealPrivateKey(key.privateKey, password, entropy)
    : key.privateKey.export({ format: 'der', type: 'pkcs8' });
  const label = sealed ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY';
  return format === 'der' ? { cert: leaf.der, key: der } : { cert: pem, key: text(encodePem(label, der)) };
}

/** Each the issuer of the one before, then what belongs to none of them; the root is left out. */
function inOrder(leaf: Certificate, chain: readonly Certificate[]): readonly Certificate[] {
  const left = chain.filter(({ subject, issuer }) => !sameBytes(subject, issuer));
  const path: Certificate[] = [];
  for (let last = leaf; ; ) {
    const at = left.findIndex(({ subject }) => sameBytes(subject, last.issuer));
    const [next] = at < 0 ? [] : left.splice(at, 1);
    if (next === undefined) return [...path, ...left];
    path.push(next);
    last = next;
  }
}
