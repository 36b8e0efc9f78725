/** Converts the problem documents of a CA (RFC 7807, RFC 8555 section 6.7) to the product's errors. */
import { type ErrorCode, RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { jsonObject, quoted, quotedName, retryAfter } from '../ca-answer.ts';
import { type Fields, fieldsIn, listIn, textIn } from './fields.ts';

/** An answer without success. */
export class Problem extends RenewalError {
  /** The type without the prefix of ACME's errors, such as `badNonce`. Empty if the answer is no problem document. */
  readonly type: string;
  readonly status: number;
  /** The CA's text, for decisions only. Messages quote it. */
  readonly detail: string;

  constructor(
    code: ErrorCode,
    message: string,
    { type, status, detail, ...pause }: Pick<Problem, 'type' | 'status' | 'detail'> & Pause,
  ) {
    super(code, message, pause);
    this.type = type;
    this.status = status;
    this.detail = detail;
  }
}

interface Pause {
  readonly retryAfter: number | undefined;
  readonly busy: boolean;
}

const prefix = 'urn:ietf:params:acme:error:';
/** Subproblems in a message. An order may have a hundred. */
const mostSubproblems = 10;

interface Asked {
  readonly host: string;
  readonly now: Instant;
  /** Texts that were sent and that no message repeats. */
  readonly secrets?: readonly string[] | undefined;
}

/** Returns the error for an answer without success. */
export function problemOf(answer: HttpsAnswer, { host, now, secrets = [] }: Asked): Problem {
  const { status } = answer;
  const fields = jsonObject(answer);
  const type = fields === undefined ? '' : typeOf(fields);
  const isLimit = status === 429 || type === 'rateLimited';
  const found = {
    type,
    status,
    detail: textIn(fields?.['detail']) ?? '',
    retryAfter: retryAfter(answer, now),
    busy: isLimit,
  };
  const said = fields === undefined ? undefined : `The CA at ${host} answered ${status}: ${wordsOf(fields, secrets)}.`;
  if (isLimit) return new Problem('CaUnavailable', `${said ?? notJson(host, status)} It takes no more for now.`, found);
  if (status >= 500) {
    return new Problem(
      'CaUnavailable',
      said ?? `${notJson(host, status)} It has a problem, or a proxy before it.`,
      found,
    );
  }
  if (said === undefined) {
    const redirect = status >= 300 && status < 400 ? ' Redirects are not followed.' : '';
    const advice = `Check the directory of the profile.${redirect}`;
    return new Problem('CaRejected', `${notJson(host, status)} ${advice}`, found);
  }
  return new Problem('CaRejected', `${said}${advices[type] === undefined ? '' : ` ${advices[type]}`}`, found);
}

const notJson = (host: string, status: number) =>
  `The answer of ${host} (status ${status}) is not a problem document of ACME.`;

const advices: Readonly<Partial<Record<string, string>>> = {
  externalAccountRequired:
    'Set eabSecretId in the ca of the profile, with the name of a secret that has kid and hmacKey, or for ACM eabBinding.',
  userActionRequired: "Read the CA's terms of service at the address in its message, then set agreeToTerms.",
  invalidContact: 'Correct contact in the ca of the profile.',
  unsupportedContact: 'Correct contact in the ca of the profile: most CAs take mailto: addresses only.',
  badPublicKey: 'Declare another kty, curve or size, or use another accountKeyArn.',
  badSignatureAlgorithm: 'Use an accountKeyArn with a P-256, P-384 or RSA key.',
  rejectedIdentifier: 'The CA does not issue for this name: correct the declaration, or ask the CA to allow it.',
  unsupportedIdentifier: 'The CA does not issue for this kind of name: correct the declaration.',
  caa: 'Allow this CA in the CAA record of the name.',
  invalidProfile: 'Correct acmeProfile in the ca of the profile.',
  badCSR:
    'Correct the declaration: many CAs take a subject with a common name at most, which must be one of the names.',
};

function typeOf(fields: Fields): string {
  const type = textIn(fields['type']) ?? '';
  return type.startsWith(prefix) ? type.slice(prefix.length) : type;
}

/** Returns a problem document in words, quoted: detail and type, then each subproblem with its name. Accepts anything. */
export function wordsOf(problem: unknown, secrets: readonly string[] = []): string {
  const fields = fieldsIn(problem);
  if (fields === undefined) return 'no reason';
  const type = typeOf(fields);
  const detail = textIn(fields['detail']) ?? textIn(fields['title']) ?? 'no detail';
  const subproblems = listIn(fields['subproblems'])
    .map(fieldsIn)
    .filter((each) => each !== undefined);
  const parts = subproblems.slice(0, mostSubproblems).map((each) => {
    const name = textIn(fieldsIn(each['identifier'])?.['value']);
    const words = wordsOf({ type: each['type'], detail: each['detail'] }, secrets);
    return name === undefined ? words : `${quotedName(name, secrets)}: ${words}`;
  });
  const more = subproblems.length - parts.length;
  const list = [`${quoted(detail, secrets)}${type === '' ? '' : ` (${shortType(type)})`}`, ...parts];
  return more > 0 ? `${list.join('; ')}; and ${more} more` : list.join('; ');
}

/** A type is text of the CA too. */
const shortType = (type: string): string => (/^[\w:.-]{1,60}$/.test(type) ? type : quoted(type));

/** Whether the answer asks to wait for a time that it gives. */
export function isWaiting(error: unknown): error is Problem & { readonly retryAfter: number } {
  return error instanceof Problem && error.busy && error.retryAfter !== undefined;
}
