/** What the renew function is asked: for the certificate that was declared, which it issues where it is not there. What its answers mean. */
import type { FunctionAnswer } from '../domain/declaring.ts';
import { isErrorCode, RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import { tags } from '../domain/tags.ts';
import type { DeclarationWorld } from './world.ts';

export type RenewAnswer =
  | { readonly kind: 'result'; readonly result: RenewalResult }
  | { readonly kind: 'failed'; readonly error: RenewalError };

/** Another errorType is Lambda's own word: the function ended, out of time for instance, without one of the product's. */
export function renewAnswer(answer: FunctionAnswer): RenewAnswer {
  if (answer.kind === 'answered') return { kind: 'result', result: answer.answer as RenewalResult }; // schemas/renew-answer.schema.json
  const { errorType, message } = answer;
  const isKnown = isErrorCode(errorType);
  const code = isKnown ? errorType : 'Internal';
  const text = isKnown ? message : `The renew function ended as ${errorType}: ${message}`;
  // Time that was over is Internal too, and of the two the code alone comes across.
  return { kind: 'failed', error: new RenewalError(code, text, code === 'Internal' ? { retryable: true } : {}) };
}

export interface AwaitedCertificate {
  readonly secretArn: string;
  /** Of its declaration: the tag `issued` says so when there is a certificate by it. */
  readonly hash: string;
  /** A secret that was there, and says of no certificate that a declaration has made it: it may hold just what is declared. */
  readonly isTakenOver: boolean;
}

/** `answer`: of the one that has issued it. `later`: it is worth another look. */
export type Look =
  | { readonly kind: 'issued'; readonly answer?: RenewalResult }
  | { readonly kind: 'paused' }
  | { readonly kind: 'later'; readonly why: RenewalError };

const isForGood: ReadonlySet<string> = new Set(['Replica', 'RotationEnabled', 'ManagedByService']);

/** A request without a window would renew what is as it is declared; with this one only what is missing, another or at its end is due. */
const ifDue = { expiresIn: '1s' };

/** Throws what issuing it ends with. */
export async function askForCertificate(world: DeclarationWorld, awaited: AwaitedCertificate): Promise<Look> {
  const request = { secretId: awaited.secretArn, ...(awaited.isTakenOver && ifDue) };
  const look = renewAnswer(await world.renewal.ask(request));
  if (look.kind === 'failed') {
    // Somebody else is at it: a worker of the schedule, or another deployment.
    if (look.error.code === 'SecretChanged' && (await isThere(world, awaited))) return { kind: 'issued' };
    throw look.error;
  }
  const { outcome, reason } = look.result;
  if (outcome === 'issued') return { kind: 'issued', answer: look.result };
  if (reason.code === 'Paused') return { kind: 'paused' };
  if (isForGood.has(reason.code)) throw new RenewalError('InvalidRequest', `${reason.code}: ${reason.message}`);
  if (await isThere(world, awaited)) return { kind: 'issued' };
  const code = reason.code === 'WaitingForCa' ? 'CaUnavailable' : 'SecretChanged';
  const why = `the renew function has answered ${String(outcome)}: ${reason.code}: ${reason.message}`;
  return { kind: 'later', why: new RenewalError(code, why) };
}

async function isThere({ store }: DeclarationWorld, { secretArn, hash }: AwaitedCertificate): Promise<boolean> {
  return (await store.describe(secretArn)).tags.get(tags.issued) === hash;
}
