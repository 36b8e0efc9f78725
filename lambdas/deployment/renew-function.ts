/** Requests a declared certificate from the renew function, and interprets the answer. */
import type { FunctionAnswer } from '../domain/declaring.ts';
import { isErrorCode, RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import { tags } from '../domain/tags.ts';
import { readWait } from '../policy/waiting.ts';
import type { DeclarationWorld } from './world.ts';

export type RenewAnswer =
  | { readonly kind: 'result'; readonly result: RenewalResult }
  | { readonly kind: 'failed'; readonly error: RenewalError };

/** Converts an answer of the function. An unknown errorType is Lambda's own, for instance after a timeout. */
export function renewAnswer(answer: FunctionAnswer): RenewAnswer {
  if (answer.kind === 'answered') return { kind: 'result', result: answer.answer as RenewalResult }; // schemas/renew-answer.schema.json
  const { errorType, message } = answer;
  const isKnown = isErrorCode(errorType);
  const code = isKnown ? errorType : 'Internal';
  const text = isKnown ? message : `The renew function ended with ${errorType}: ${message}`;
  // Running out of time has the code Internal too, and only the code is transferred.
  return { kind: 'failed', error: new RenewalError(code, text, code === 'Internal' ? { retryable: true } : {}) };
}

export interface AwaitedCertificate {
  readonly secretArn: string;
  /** Hash of the declaration. The tag `issued` has it when the certificate is issued. */
  readonly hash: string;
  /** Whether the secret existed and no certificate was issued for it by a declaration. It may already contain the declared one. */
  readonly isTakenOver: boolean;
}

/** `answer`: the renew function's, if this request issued the certificate. `later`: ask again later; `isQuiet`: it was no failure. */
export type Look =
  | { readonly kind: 'issued'; readonly answer?: RenewalResult }
  | { readonly kind: 'paused' }
  | { readonly kind: 'later'; readonly why: RenewalError; readonly isQuiet?: boolean };

const isForGood: ReadonlySet<string> = new Set(['Replica', 'RotationEnabled', 'ManagedByService']);

/**
 * A request without a window would renew a certificate that is already as declared. With this one it is issued only if necessary.
 */
const ifDue = { expiresIn: '1s' };

/** Requests the certificate. Throws the error of its issuance. */
export async function askForCertificate(world: DeclarationWorld, awaited: AwaitedCertificate): Promise<Look> {
  const request = { secretId: awaited.secretArn, ...(awaited.isTakenOver && ifDue) };
  const look = renewAnswer(await world.renewal.ask(request));
  if (look.kind === 'failed') {
    // A worker of the schedule, or another deployment, has issued it.
    if (look.error.code === 'SecretChanged' && (await isThere(world, awaited))) return { kind: 'issued' };
    throw look.error;
  }
  const { outcome, reason } = look.result;
  if (outcome === 'issued') return { kind: 'issued', answer: look.result };
  if (reason.code === 'Paused') return { kind: 'paused' };
  if (isForGood.has(reason.code)) throw new RenewalError('InvalidRequest', `${reason.code}: ${reason.message}`);
  if (await isThere(world, awaited)) return { kind: 'issued' };
  if (outcome === 'pending') return { kind: 'later', why: notFinished(reason.message), isQuiet: true };
  const why = `the renew function answered ${String(outcome)}: ${reason.code}: ${reason.message}`;
  return { kind: 'later', why: new RenewalError('SecretChanged', why) };
}

/** `since`: the reason of the answer, which says since when and for what it waits. */
const notFinished = (since: string) =>
  new RenewalError(
    'CaUnavailable',
    // The advice comes first, because CloudFormation cuts a long message.
    `the CA has not finished. The order stays open and continues without this wait; after a rollback, deploy again to continue it. ${since}`,
  );

/**
 * Milliseconds. A longer pause is a rate limit, which each question counts against, so it holds for a deployment too. During a shorter one the
 * deployment asks all the same: only the function's answer has the message if the order fails.
 */
const longPause = 300_000;

/** Looks at an order by the tags alone. `waiting`: the CA is not to be asked yet. Messages of the schedule continue the order. */
export async function lookAtOrder(
  { store, clock }: DeclarationWorld,
  { secretArn, hash }: AwaitedCertificate,
): Promise<'issued' | 'waiting' | 'due'> {
  const secret = await store.describe(secretArn);
  if (secret.tags.get(tags.issued) === hash) return 'issued';
  const now = clock.now();
  const wait = readWait(secret, now);
  return wait !== undefined && wait.until > now + longPause ? 'waiting' : 'due';
}

async function isThere({ store }: DeclarationWorld, { secretArn, hash }: AwaitedCertificate): Promise<boolean> {
  return (await store.describe(secretArn)).tags.get(tags.issued) === hash;
}
