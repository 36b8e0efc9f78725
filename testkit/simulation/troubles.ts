/** The plan's faults, as the calls meet them. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CallName, Fault, FaultKind } from './plan.ts';

export class Troubles {
  readonly #byCall = new Map<CallName, { readonly fault: Fault; left: number }[]>();
  /** How often each was met. */
  readonly met = new Map<string, number>();

  constructor(faults: readonly Fault[]) {
    for (const fault of faults) {
      const list = this.#byCall.get(fault.call) ?? [];
      this.#byCall.set(fault.call, list);
      list.push({ fault, left: fault.times });
    }
  }

  /** The one that this call meets. `now`: milliseconds after the start. */
  take(call: CallName, secrets: readonly (string | undefined)[], now: number): FaultKind | undefined {
    const found = this.#byCall
      .get(call)
      ?.find(
        ({ fault, left }) =>
          left > 0 &&
          fault.at <= now &&
          now < fault.until &&
          (fault.secret === undefined || secrets.includes(fault.secret)),
      );
    if (found === undefined) return undefined;
    found.left -= 1;
    this.met.set(found.fault.id, (this.met.get(found.fault.id) ?? 0) + 1);
    return found.fault.kind;
  }
}

/** What the port throws. A lost answer looks like one that did not come. */
export function errorOf(call: CallName, kind: FaultKind): RenewalError {
  const isKms = call === 'key' || call === 'sign';
  if (kind === 'refused') {
    return new RenewalError(
      call === 'ca' ? 'CaRejected' : isKms ? 'KmsDenied' : 'AccessDenied',
      `${call} was refused.`,
    );
  }
  const code = call === 'ca' ? 'CaUnavailable' : isKms ? 'KmsUnavailable' : 'Throttled';
  return new RenewalError(code, `${call} did not work.`, { busy: kind === 'busy' });
}
