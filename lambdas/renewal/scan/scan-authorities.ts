/** The authorities in a scan. Their secrets are described by name and not listed by tag. */
import type { Authority } from '../../domain/authority.ts';
import type { Instant } from '../../domain/instant.ts';
import type { SecretSummary } from '../../domain/secret.ts';
import type { Judgement } from '../../policy/judgement.ts';
import { isEmergency } from '../../policy/renewal-time.ts';
import type { ScanWorld } from '../world.ts';

export interface FoundAuthority {
  readonly authority: Authority;
  readonly secret: SecretSummary;
}

/** Returns the authorities that can be read and described. Logs an error of any other one and continues. */
export async function findAuthorities({
  authorities,
  store,
  journal,
}: Pick<ScanWorld, 'authorities' | 'store' | 'journal'>): Promise<readonly FoundAuthority[]> {
  if (authorities === undefined) return [];
  const found = await Promise.all(
    authorities.names.map(async (name): Promise<FoundAuthority | undefined> => {
      let secretArn: string | null = null;
      try {
        const authority = await authorities.find(name);
        if (authority === undefined) return undefined;
        secretArn = authority.secretId;
        return { authority, secret: await store.describe(authority.secretId) };
      } catch (error) {
        journal.failure({ secretArn, error, authority: name });
        return undefined;
      }
    }),
  );
  return found.filter((each) => each !== undefined);
}

const isDue = ({ decision }: Judgement): boolean => decision.action === 'renew' && decision.code !== 'Forced';

/**
 * Skips a due child while its parent is due too. A child's certificate can't outlive its parent's, so after the parent's renewal it
 * can last longer. A child in the last twentieth of its validity does not wait.
 */
export function parentsFirst(judged: readonly Judgement[], now: Instant): readonly Judgement[] {
  const due = new Set(judged.flatMap((judgement) => (isDue(judgement) ? (judgement.authority?.name ?? []) : [])));
  return judged.map((judgement) => {
    const { status, authority } = judgement;
    const validity = status.known ? status.validity : undefined;
    const hurries = validity !== undefined && (now >= validity.end || isEmergency(validity, now));
    if (authority?.parent === undefined || !due.has(authority.parent) || !isDue(judgement) || hurries) return judgement;
    const message = `Its parent, authority ${authority.parent}, is due too and is renewed first: the next scan decides again.`;
    return { ...judgement, decision: { action: 'skip', code: 'NotDue', message } };
  });
}
