/**
 * Converts errors of AWS clients to the product's. AWS's messages stay in `cause`, because they may quote the request, which may contain a
 * key. Only the "because …" of an AccessDenied is passed on, which helps to find the reason.
 */

import { RenewalError, toRenewalError } from '../domain/errors.ts';
import { quote } from '../domain/quote.ts';
import {
  type AwsCall,
  awsServices,
  type Facts,
  isBusy,
  type Meaning,
  meaningOf,
  networkCodes,
} from './error-meanings.ts';

/**
 * Converts an error of an AWS client. A RenewalError stays unchanged. An error that is neither an answer of AWS nor a network error is a
 * bug and becomes Internal.
 */
export function awsError(thrown: unknown, call: AwsCall): RenewalError {
  if (thrown instanceof RenewalError) return thrown;
  const facts = factsOf(thrown);
  const meaning = meaningOf(facts, call);
  if (meaning === undefined && facts.status === undefined) return toRenewalError(thrown);
  return said(facts, call, meaning, thrown);
}

/** Converts the error of a batch's entry: `ErrorCode`, or `Code` at SQS. */
export function awsEntryError(name: string, call: AwsCall): RenewalError {
  const facts = { name, text: '', status: undefined, systemCode: undefined };
  return said(facts, call, meaningOf(facts, call), undefined);
}

function said(facts: Facts, call: AwsCall, meaning: Meaning | undefined, cause: unknown): RenewalError {
  const { code, todo } = meaning ?? { code: 'Internal' as const, todo: "report it with the log line's requestId" };
  const verb = code === 'Throttled' || code === 'KmsUnavailable' ? 'could not do' : 'refused';
  const where = `${awsServices[call.service]} ${verb} ${call.action} on ${quoteId(call.resource)}`;
  const network = facts.systemCode !== undefined && networkCodes.has(facts.systemCode) ? facts.systemCode : undefined;
  const name = network ?? (/^[\w.]{1,80}$/.test(facts.name) ? facts.name : 'an error');
  return new RenewalError(code, `${where} (${name}${becauseOf(facts)}): ${todo}.`, {
    cause,
    busy: isBusy(facts),
    ...(meaning?.settles && { settles: true }),
  });
}

/** Returns AWS's reason, which contains no input: `because no identity-based policy allows …` or `with an explicit deny in …`. */
function becauseOf({ name, text }: Facts): string {
  if (!name.startsWith('AccessDenied')) return '';
  const match =
    /(?:because [a-z -]{1,80}policy allows the [\w:]{1,80} action|with an explicit deny in [a-z -]{1,60})/.exec(text);
  return match ? ` ${match[0]}` : '';
}

function factsOf(thrown: unknown): Facts {
  if (!(thrown instanceof Error)) return { name: typeof thrown, text: '', status: undefined, systemCode: undefined };
  const { code, $metadata } = thrown as Error & { code?: unknown; $metadata?: { httpStatusCode?: unknown } };
  const status = $metadata?.httpStatusCode;
  return {
    name: thrown.name,
    text: thrown.message,
    status: typeof status === 'number' ? status : undefined,
    systemCode: typeof code === 'string' ? code : undefined,
  };
}

/**
 * Quotes an ARN completely and cuts another long name: ARNs of secrets have up to some 600 characters and are useless without their end.
 */
export function quoteId(id: string): string {
  return id.startsWith('arn:') ? JSON.stringify(id.slice(0, 700)) : quote(id);
}
