/**
 * Step 3: what exactly the new certificate is to be, before a key is made or a CA is asked: a copy of what is there. 3-plan-issue.ts
 * plans what is declared. Pure.
 */
import type { Warning } from '../../domain/decision.ts';
import type { Instant } from '../../domain/instant.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Signer } from '../../domain/signer.ts';
import type { Wanted } from '../../domain/wanted.ts';
import { planKey } from '../next-key.ts';
import type { Subject } from '../place.ts';

export interface Plan {
  readonly wanted: Wanted;
  readonly warnings: readonly Warning[];
}

export interface PlanInput {
  readonly settings: Settings;
  /** A key that the request has brought. */
  readonly givenKey?: Signer | undefined;
  /** The end that was asked for by name; the certificate has it to the second. */
  readonly notAfter?: Instant | undefined;
  readonly force: boolean;
}

/** The certificate as it is, with the key that next-key.ts chooses, and a later end. Throws what planKey throws. */
export function plan(subject: Subject, { settings, givenKey, notAfter, force }: PlanInput): Plan {
  const { key, warnings } = planKey(subject, settings, givenKey);
  const wanted: Wanted = {
    content: { kind: 'as it is', leaf: subject.leaf, chain: subject.chain },
    key,
    end: { laterThan: subject.validity.end, orEqual: force },
    ...(notAfter !== undefined && { notAfter: Math.floor(notAfter / 1000) * 1000 }),
  };
  return { wanted, warnings };
}
