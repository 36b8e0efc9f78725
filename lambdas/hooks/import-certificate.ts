/** The hook `acm`: imports the renewed certificate again under the same ARN. */
import { RenewalError } from '../domain/errors.ts';
import type { CertificateImporter, ImportedContent } from '../domain/hook.ts';
import { encodePem } from '../domain/pem.ts';
import type { Store } from '../domain/ports.ts';
import { readSecret } from '../secret/index.ts';
import { passwordIn } from '../secret/password.ts';
import { parseCertificate, parseIssuer } from '../x509/certificate.ts';
import { orderedChain } from '../x509/ordered-chain.ts';
import { type Hook, renewedSecret, secretName } from './renewed-event.ts';
import { type ReportWorld, runHook } from './report.ts';

export interface ImportHook extends Hook<'acm'> {
  /** ARNs in ACM by the secrets' names. */
  readonly certificates: ReadonlyMap<string, string>;
  /** ARN or name of the secret with the password of encrypted keys. */
  readonly passwordSecretId: string | undefined;
}

export interface ImportWorld extends ReportWorld {
  readonly store: Pick<Store, 'read'>;
  readonly importer: CertificateImporter;
}

/**
 * Imports the secret's current version, which may be newer than the event's. Does nothing for a secret that the hook does not name.
 * Throws errors that are worth another try: Throttled, AccessDenied, KmsDenied.
 */
export async function importCertificate(world: ImportWorld, hook: ImportHook, event: unknown): Promise<void> {
  await runHook(world, hook, event, async () => {
    const { secretArn } = renewedSecret(event, hook.profile);
    const certificateArn = hook.certificates.get(secretName(secretArn));
    if (certificateArn === undefined) return;
    await world.importer.import(certificateArn, await contentOf(world, hook, secretArn));
    world.journal.decision({
      secretArn,
      reason: { code: 'Requested', message: `Imported again as ${certificateArn}.` },
      profile: hook.profile,
    });
  });
}

async function contentOf(
  { store }: ImportWorld,
  { passwordSecretId }: ImportHook,
  secretArn: string,
): Promise<ImportedContent> {
  const { value } = await store.read(secretArn);
  const { leaf, chain, key } = await readSecret(value, { password: passwordIn(store, passwordSecretId) });
  if (key.kind !== 'private') {
    throw new RenewalError(
      'UnsupportedSecret',
      `ACM imports a certificate only with its private key, but the key of ${secretArn} is not in the secret: remove it from the acm hook, or use a certificate whose key is in the secret.`,
    );
  }
  const pem = (der: Uint8Array): string => `${encodePem('CERTIFICATE', der)}\n`;
  return {
    certificate: pem(leaf),
    privateKey: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: chainFor(leaf, chain).map(pem).join(''),
  };
}

/**
 * Returns the chain in order. A secret may contain it in any order, with the root and with unrelated certificates. ACM accepts a
 * chain only if each certificate certifies the one before
 * (https://docs.aws.amazon.com/acm/latest/userguide/troubleshoot-import.html).
 */
function chainFor(leaf: Uint8Array, chain: readonly Uint8Array[]): readonly Uint8Array[] {
  return orderedChain(parseCertificate(leaf), chain.map(parseIssuer)).map(({ der }) => der);
}
