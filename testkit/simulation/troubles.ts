/** Matches calls with the plan's faults. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CallName, Fault, FaultKind } from './plan.ts';

export class Troubles {
  readonly #byCall = new Map<CallName, { readonly fault: Fault; left: number }[]>();
  /** The number of calls that each fault has met. */
  readonly met = new Map<string, number>();

  constructor(faults: readonly Fault[]) {
    for (const fault of faults) {
      const list = this.#byCall.get(fault.call) ?? [];
      this.#byCall.set(fault.call, list);
      list.push({ fault, left: fault.times });
    }
  }

  /** Returns the fault of this call. `now` is in milliseconds after the start. */
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

/** Returns the error that the port throws. For the caller a lost answer is the same as no answer. */
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
