/** Orders and authorisations (RFC 8555 sections 7.1.3 and 7.1.4) as the CA tells them. */
import type { HttpsAnswer } from '../../net/https.ts';
import { type Fields, fieldsIn, listIn, notAcme, objectOf, requiredUrl, textIn, urlIn } from './fields.ts';

const orderStates = ['pending', 'ready', 'processing', 'valid', 'invalid'] as const;
const authorizationStates = ['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked'] as const;

export interface Order {
  readonly status: (typeof orderStates)[number];
  /** Milliseconds since 1970; NaN if the CA does not tell it. */
  readonly expires: number;
  readonly authorizations: readonly URL[];
  readonly finalize: URL;
  readonly certificate: URL | undefined;
  /** A problem document, or undefined. */
  readonly error: unknown;
  /** For Retry-After. */
  readonly answer: HttpsAnswer;
}

export interface Challenge {
  readonly type: string;
  readonly url: URL;
  readonly status: string;
  /** Undefined for a challenge without one. */
  readonly token: string | undefined;
  /** A problem document, or undefined. */
  readonly error: unknown;
  /** Of dns-persist-01. */
  readonly issuers: readonly string[];
}

export interface Authorization {
  readonly url: URL;
  readonly status: (typeof authorizationStates)[number];
  /** The name, without `*.`. */
  readonly value: string;
  readonly isDns: boolean;
  readonly wildcard: boolean;
  readonly challenges: readonly Challenge[];
}

/** The name of an authorisation as in the declaration. */
export const nameOf = ({ value, wildcard }: Pick<Authorization, 'value' | 'wildcard'>): string =>
  wildcard ? `*.${value}` : value;

/** Reads an order. Throws CaRejected for an answer that is none. */
export function readOrder(answer: HttpsAnswer, host: string): Order {
  const fields = objectOf(answer, 'the order', host);
  const status = orderStates.find((each) => each === fields['status']);
  if (status === undefined) throw notAcme('the order has no known status', host);
  return {
    status,
    expires: Date.parse(textIn(fields['expires']) ?? ''),
    authorizations: listIn(fields['authorizations']).map((each) => requiredUrl(each, 'an authorization', host)),
    finalize: requiredUrl(fields['finalize'], 'finalize of the order', host),
    certificate: urlIn(fields['certificate']),
    error: fields['error'],
    answer,
  };
}

/** Reads an authorisation. Throws CaRejected for an answer that is none. */
export function readAuthorization(url: URL, answer: HttpsAnswer, host: string): Authorization {
  const fields = objectOf(answer, 'the authorization', host);
  const identifier = fieldsIn(fields['identifier']) ?? {};
  const status = authorizationStates.find((each) => each === fields['status']);
  const value = textIn(identifier['value']);
  if (status === undefined || value === undefined || !/^[\w.*:-]{1,253}$/.test(value)) {
    throw notAcme('an authorization has no known status or name', host);
  }
  return {
    url,
    status,
    value: value.replace(/^\*\./, '').toLowerCase(),
    isDns: identifier['type'] === 'dns',
    wildcard: fields['wildcard'] === true || value.startsWith('*.'),
    challenges: listIn(fields['challenges']).flatMap((each) => readChallenge(fieldsIn(each) ?? {}) ?? []),
  };
}

/** Returns undefined for a challenge that can't be used. */
function readChallenge(fields: Fields): Challenge | undefined {
  const url = urlIn(fields['url']);
  const type = textIn(fields['type']);
  if (url === undefined || type === undefined) return undefined;
  const token = textIn(fields['token']);
  return {
    type,
    url,
    status: textIn(fields['status']) ?? '',
    token: token !== undefined && /^[\w-]{1,200}$/.test(token) ? token : undefined,
    error: fields['error'],
    issuers: listIn(fields['issuer-domain-names'])
      .flatMap((each) => textIn(each) ?? [])
      .filter((each) => /^[\w.-]{1,253}$/.test(each)),
  };
}
