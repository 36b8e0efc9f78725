/**
 * The trust bundle: a secret with the roots of the stack's authorities in PEM: the current ones and, until they expire, the previous ones.
 * A client that trusts them trusts every chain of the stack, also while a root changes.
 */

import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { encodePem, pemBlocks } from '../domain/pem.ts';
import type { Clock, Entropy, Store } from '../domain/ports.ts';
import type { SecretValue } from '../domain/secret.ts';
import { newVersionId } from '../domain/version-id.ts';
import { promote, stage } from '../renewal/steps/6-swap.ts';
import { isPlaceholder } from '../secret/placeholder.ts';
import { parseCertificate } from '../x509/certificate.ts';

export interface BundleWorld {
  readonly store: Pick<Store, 'describe' | 'read' | 'stage' | 'promote' | 'discard'>;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const rounds = 3;

/**
 * Returns a function that keeps the bundle's secret up to date. It is called with a renewed root and with an inspected one, so the bundle
 * is complete before a change, and expired roots are removed. It writes only a changed bundle, by compare-and-swap. Throws what reading and
 * writing throw.
 */
export function trustBundleUpkeep(
  world: BundleWorld,
  secretId: string,
): (certificate: Certificate, previous: Certificate | undefined) => Promise<void> {
  return async (certificate, previous) => {
    if (!sameBytes(certificate.subject, certificate.issuer)) return; // not a root
    const roots = previous === undefined ? [certificate] : [certificate, previous];
    for (let round = 1; ; round++) {
      try {
        return await update(world, secretId, roots);
      } catch (error) {
        // Another root was written meanwhile: the bundle needs both.
        const isLost = error instanceof RenewalError && error.code === 'SecretChanged';
        if (!isLost || round === rounds) throw error;
      }
    }
  };
}

async function update(world: BundleWorld, secretId: string, roots: readonly Certificate[]): Promise<void> {
  const { store, clock, entropy } = world;
  const { arn, currentVersionId: from } = await store.describe(secretId);
  const present = from === undefined ? undefined : (await store.read(arn, from)).value;
  const text = bundleOf([...roots, ...certificatesIn(present)], clock.now());
  if (text === '' || (present?.kind === 'string' && present.text === text)) return;
  const to = newVersionId(from ?? arn, entropy);
  const swap = { secretArn: arn, from, to };
  await stage(store, swap, { kind: 'string', text });
  await promote(world, swap);
}

/** Returns the certificates of the bundle; an empty list if it was never filled. Throws UnsupportedSecret for another value. */
function certificatesIn(value: SecretValue | undefined): Certificate[] {
  if (value === undefined || isPlaceholder(value)) return [];
  const text = value.kind === 'string' ? value.text : Buffer.from(value.bytes).toString('latin1');
  return pemBlocks(text, 'The trust bundle').map(({ der }) => parseCertificate(der));
}

/**
 * Returns the text of the bundle, without duplicates, sorted by subject, then by the latest end: the same roots always give the same text.
 */
function bundleOf(certificates: readonly Certificate[], now: Instant): string {
  const alive = certificates.filter(({ notAfter }) => now <= notAfter);
  const distinct = new Map(alive.map((certificate) => [Buffer.from(certificate.der).toString('base64'), certificate]));
  return [...distinct.values()]
    .sort((a, b) => Buffer.compare(a.subject, b.subject) || b.notAfter - a.notAfter || Buffer.compare(a.der, b.der))
    .map(({ der }) => `${encodePem('CERTIFICATE', der)}\n`)
    .join('');
}
