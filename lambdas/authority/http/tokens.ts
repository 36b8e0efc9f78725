/** Checks bearer tokens. The secret contains only their SHA-256, so a reader of the secret can't use them. */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { SecretValue } from '../../domain/secret.ts';

export interface TokenEntry {
  /** SHA-256 of the token, 32 bytes. */
  readonly digest: Uint8Array;
  /** Names of the authorities that the token may renew. */
  readonly authorities: readonly string[];
  /** The token is invalid from this instant. */
  readonly expires: Instant | undefined;
}

const tokensSchema = z.array(
  z.strictObject({
    sha256: z.string().check(z.regex(/^[0-9a-fA-F]{64}$/)),
    authorities: z.array(z.string().check(z.minLength(1))),
    expires: z.optional(z.string()),
  }),
);

/**
 * Parses the token secret: `[{"sha256":"<hex>","authorities":["issuing"],"expires":"2027-01-01T00:00:00Z"?}]`. One invalid entry makes all
 * invalid: a typing error must not extend a token's life.
 *
 * Throws Internal. The message names the entry and what is expected there, but not its value.
 */
export function parseTokens(value: SecretValue): readonly TokenEntry[] {
  if (value.kind !== 'string') throw malformed('holds binary data');
  let document: unknown;
  try {
    document = JSON.parse(value.text);
  } catch {
    throw malformed('is not JSON'); // the parser's message quotes the text
  }
  const parsed = tokensSchema.safeParse(document);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw malformed(`breaks the schema at ${JSON.stringify(first?.path.slice(0, 2) ?? [])}`);
  }
  return parsed.data.map(({ sha256, authorities, expires }, i) => {
    const end = expires === undefined ? undefined : parseEnd(expires);
    if (expires !== undefined && end === undefined) throw malformed(`breaks the schema at [${i},"expires"]`);
    return { digest: Buffer.from(sha256, 'hex'), authorities, expires: end };
  });
}

function malformed(found: string): RenewalError {
  return new RenewalError(
    'Internal',
    `The token secret of the API ${found}: expected [{"sha256":"<64 hex digits>","authorities":["<name>"],"expires":"2027-01-01T00:00:00Z"}], expires being optional.`,
  );
}

/** Parses RFC 3339 in UTC, with or without a fraction. */
function parseEnd(text: string): Instant | undefined {
  const [whole, seconds] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z$/.exec(text) ?? [];
  const instant = Date.parse(whole ?? '');
  const exists = !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(seconds ?? ' ');
  return exists ? instant : undefined;
}

/** RFC 6750 section 2.1. A token of 32 random bytes has at least 32 characters. */
const bearer = /^Bearer +([A-Za-z0-9._~+/-]{32,4096}=*) *$/i;

/** Returns the token of an Authorization header; undefined for anything else. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined || authorization.length > 8192 ? undefined : bearer.exec(authorization)?.[1];
}

/**
 * Returns the authorities that a token may renew; undefined for an unknown or expired token. It compares all entries, each in constant
 * time, so the duration reveals nothing about the tokens.
 */
export function permittedAuthorities(
  token: string,
  entries: readonly TokenEntry[],
  now: Instant,
): ReadonlySet<string> | undefined {
  const digest = createHash('sha256').update(token).digest();
  const matching = entries.filter((entry) => timingSafeEqual(entry.digest, digest));
  const valid = matching.filter(({ expires }) => expires === undefined || now < expires);
  return valid.length === 0 ? undefined : new Set(valid.flatMap(({ authorities }) => authorities));
}
