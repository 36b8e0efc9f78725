/** `export`: writes the pair of an enrolled secret to two files, which change together. */

import { parse } from 'node:path';
import { sameBytes } from '../../lambdas/domain/bytes.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { Entropy } from '../../lambdas/domain/ports.ts';
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
import { profileOfSecret } from '../session.ts';

const formats = ['pem', 'der', 'p12'] as const;
type Format = (typeof formats)[number];

export const exportPair = command({
  name: 'export',
  summary: 'write the current pair to two files, both or neither',
  description: [
    'Writes both files or neither, even if the command is killed: for a moment both paths are links into one folder, and one rename switches them. The key has mode 0600. Existing files need --force and are replaced without a backup.',
    '--format pem (the default) writes the certificate with its chain, and the key as PKCS#8. der writes the leaf alone, and PKCS#8. p12 writes a PKCS#12 file with key, leaf and chain to --out-key, and the certificates in PEM to --out-cert.',
    'If the key is encrypted in the secret, it stays encrypted in the file with the same password, that of the profile. A PKCS#12 file has that password, or the one in --password-file. A key in KMS can’t be exported.',
  ],
  argument: { name: '<name>', description: 'name or ARN of a secret' },
  options: {
    outCert: { flags: '--out-cert <file>', description: 'file for the certificate; required' },
    outKey: { flags: '--out-key <file>', description: 'file for the key; required' },
    format: { flags: '--format <format>', description: 'format of the files (default: pem)', choices: formats },
    passwordFile: { flags: '--password-file <file>', description: 'file with the password of the PKCS#12 file' },
    force: { flags: '--force', description: 'replace existing files' },
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
      throw new UsageError('--out-cert and --out-key are both required.');
    if (passwordFile !== undefined && format !== 'p12') throw new UsageError('--password-file needs --format p12.');
    const { session, entropy, process } = context;
    return each(context, names, async (name) => {
      const secret = await session.store.describe(name);
      requireEnrolled(secret);
      const profile = await profileOfSecret(session, secret);
      const version = await session.store.read(secret.arn);
      const pair = await pairOf(session, entropy, profile, version);
      const asked = passwordFile === undefined ? undefined : passwordOf(await readTextFile(passwordFile));
      const password = asked ?? (await passwordIn(session.store, profile.passwordSecretId)?.());
      const files = await filesOf(pair, format as Format, password, entropy); // commander checks the choices
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
      'The secret contains no private key: the CA keeps it. There is nothing to export.',
    );
  }
  const above = inOrder(leaf, chain);
  const text = (pem: string) => new TextEncoder().encode(`${pem}\n`);
  const pem = text([leaf, ...above].map(({ der }) => encodePem('CERTIFICATE', der)).join('\n'));
  if (format === 'p12') {
    if (password === undefined || password === '') {
      throw new RenewalError(
        'PasswordRequired',
        'A PKCS#12 file needs a password, and the profile has none: give --password-file.',
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

/** Sorts the chain: each certificate is the issuer of the one before, unrelated ones come last. Leaves self-signed ones out. */
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
