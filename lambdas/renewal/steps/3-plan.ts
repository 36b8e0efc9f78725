/**
 * Step 3 of a renewal or rekey: plans a copy of the present certificate, before a key is made or the CA is asked. 3-plan-issue.ts
 * plans an issuance. Pure.
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
  /** The request's key. */
  readonly givenKey?: Signer | undefined;
  /** The requested notAfter. The certificate has it to the second. */
  readonly notAfter?: Instant | undefined;
  readonly force: boolean;
}

/** Plans a copy with the key that next-key.ts chooses, and with a later end. Throws the errors of planKey. */
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
