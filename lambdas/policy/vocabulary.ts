/**
 * The settings that profiles, tags and requests share, with the same rules in all three. policy/settings.ts decides which one
 * applies.
 */
import * as z from 'zod/mini';
import { count } from '../domain/count.ts';
import { parseDuration, parseWindow, unitHint } from '../domain/duration.ts';
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import { type EcCurve, type KeySpec, rsaSizes } from '../domain/key-spec.ts';
import type { Mode } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { Timing } from '../domain/timing.ts';

/** Unambiguous, so that matching takes linear time: a request's text may have any length. */
export const durationPattern = '(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h))+';

/** The hint repeats nothing of a text but its number, so it is safe for a field that holds a key by mistake. */
function withUnitHint(message: string) {
  return {
    error: ({ input }: { readonly input?: unknown }) => message + (typeof input === 'string' ? unitHint(input) : ''),
  };
}

/** A Go duration. parseDuration also refuses zero and overflow. */
export const durationText = z
  .string()
  .check(
    z.regex(
      new RegExp(`^\\+?${durationPattern}$`),
      withUnitHint('expected a duration above zero such as 8h30m, 1.5h or 300ms'),
    ),
  );

/** A duration, or a percentage of the validity. */
export const windowText = z
  .string()
  .check(
    z.regex(
      new RegExp(`^(?:\\+?${durationPattern}|\\d{1,3}(?:\\.\\d{1,9})?(?:%|pct))$`),
      withUnitHint('expected a duration above zero such as 8h30m, or a percentage of the validity such as 33%'),
    ),
  );

export const modes = ['rekey', 'renew'] as const satisfies readonly Mode[];

/** The fields that profiles, tags and requests share. */
export const settingFields = {
  mode: z.optional(z.enum(modes)),
  expiresIn: z.optional(windowText),
  rekeyPeriod: z.optional(durationText),
  kty: z.optional(z.enum(['EC', 'OKP', 'RSA'])),
  curve: z.optional(z.enum(['P-256', 'P-384', 'P-521', 'Ed25519'])),
  size: z.optional(z.int().check(z.minimum(rsaSizes.least), z.maximum(rsaSizes.most))),
};

/** `issue` of a profile. policy/issuance.ts has the checks, which most invocations do not load. */
export const issuanceFields = {
  allow: z
    .array(
      z
        .string()
        .check(
          z.regex(
            /^(?:dns|email|uri|ip|cn):./s,
            'expected dns:example.com, email:example.com, uri:.example.com, ip:10.0.0.0/8 or cn:<text>',
          ),
        ),
    )
    .check(z.minLength(1), z.maxLength(200)),
  duration: z.optional(durationText),
  maxDuration: z.optional(durationText),
};

export interface SettingTexts {
  readonly expiresIn?: string | undefined;
  readonly rekeyPeriod?: string | undefined;
  readonly kty?: 'EC' | 'OKP' | 'RSA' | undefined;
  readonly curve?: EcCurve | 'Ed25519' | undefined;
  readonly size?: number | undefined;
}

/** Returns a field's name as the user writes it: `expiresIn`, `cert-renewer:expires-in`, `$.profiles.internal.expiresIn`. */
export type FieldName = (field: keyof SettingTexts) => string;

/**
 * Returns the timing, or undefined if neither field is set. Each of the two fields overrides both fields of a lower precedence.
 *
 * Throws `code`.
 */
export function readTiming(texts: SettingTexts, fieldName: FieldName, code: ErrorCode): Timing | undefined {
  if (texts.expiresIn !== undefined && texts.rekeyPeriod !== undefined) {
    throw new RenewalError(
      code,
      `${fieldName('expiresIn')} and ${fieldName('rekeyPeriod')} are both set: the first counts back from the end of the validity, the second from its start. Keep one.`,
    );
  }
  if (texts.expiresIn !== undefined) {
    return { kind: 'expiresIn', window: parseWindow(texts.expiresIn, fieldName('expiresIn'), code) };
  }
  if (texts.rekeyPeriod !== undefined) {
    const milliseconds = parseDuration(texts.rekeyPeriod, fieldName('rekeyPeriod'), code);
    return { kind: 'rekeyPeriod', milliseconds, text: texts.rekeyPeriod };
  }
  return undefined;
}

/**
 * Reads kty, curve and size as one group, by the rules of `step`. A curve or a size needs a kty. The default of EC is P-256, of OKP
 * Ed25519, of RSA 2048. Returns undefined if none of the three is set.
 *
 * Throws `code`.
 */
export function readKeySpec(texts: SettingTexts, fieldName: FieldName, code: ErrorCode): KeySpec | undefined {
  const { kty, curve, size } = texts;
  const refuse = (message: string): never => {
    throw new RenewalError(code, message);
  };
  if (kty === undefined) {
    const alone = curve !== undefined ? 'curve' : size !== undefined ? 'size' : undefined;
    return alone === undefined
      ? undefined
      : refuse(`${fieldName(alone)} is set without ${fieldName('kty')}: set the type of key too (EC, OKP or RSA).`);
  }
  if (kty !== 'RSA' && size !== undefined) {
    return refuse(
      `${fieldName('size')} is for RSA only, but ${fieldName('kty')} is ${kty}: remove it, or set ${fieldName('curve')} instead.`,
    );
  }
  if (kty === 'RSA') {
    if (curve !== undefined) {
      return refuse(
        `${fieldName('curve')} is for EC and OKP only, but ${fieldName('kty')} is RSA: remove it, or set ${fieldName('size')} instead.`,
      );
    }
    return { kty, size: size ?? rsaSizes.least };
  }
  if (kty === 'OKP') {
    if (curve !== undefined && curve !== 'Ed25519') {
      return refuse(
        `${fieldName('curve')} is ${curve}, but ${fieldName('kty')} is OKP: expected Ed25519, or ${fieldName('kty')} EC.`,
      );
    }
    return { kty, curve: 'Ed25519' };
  }
  if (curve === 'Ed25519') {
    return refuse(
      `${fieldName('curve')} is Ed25519, but ${fieldName('kty')} is EC: expected P-256, P-384 or P-521, or ${fieldName('kty')} OKP.`,
    );
  }
  return { kty, curve: curve ?? 'P-256' };
}

/**
 * Formats zod's issues as one sentence. For each: the path, the found value (if the schema reports its input) and the allowed
 * values. Only short values are quoted, of others only the type is named, because a key in a wrong field must not get into a log.
 * `quotes` false: no value is quoted.
 */
export function explainIssues(issues: readonly z.core.$ZodIssue[], root: string, { quotes = true } = {}): string {
  return issues
    .slice(0, 5)
    .map((issue) => `${formatPath(root, issue.path)}: ${explainIssue(issue, quotes)}`)
    .join('; ');
}

export function formatPath(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    return /^[A-Za-z_$][\w$]*$/.test(name) ? (text === '' ? name : `${text}.${name}`) : `${text}[${quote(name)}]`;
  }, root);
}

function explainIssue(issue: z.core.$ZodIssue, quotes: boolean): string {
  const found = foundIn(issue, quotes);
  switch (issue.code) {
    case 'invalid_type': {
      const expected = `expected ${withArticle(typeNames[issue.expected] ?? issue.expected)}`;
      // Without `input` in the issue it is unknown whether the field was set.
      const isMissing = 'input' in issue && issue.input === undefined;
      return isMissing ? `missing; ${expected}` : `${found}${expected}`;
    }
    case 'invalid_value':
      return `${found}expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      // A union that one field discriminates, as the types of CA. Any other union has its own message.
      return 'options' in issue && Array.isArray(issue.options)
        ? `expected one of ${issue.options.map((value) => JSON.stringify(value)).join(', ')}`
        : `${found}${issue.message}`;
    case 'unrecognized_keys':
      return `unknown ${issue.keys.length === 1 ? 'field' : 'fields'} ${issue.keys.slice(0, 5).map(quote).join(', ')}`;
    case 'too_small':
      return `${found}expected at least ${inUnits(Number(issue.minimum), issue.origin)}`;
    case 'too_big':
      return `${found}expected at most ${inUnits(Number(issue.maximum), issue.origin)}`;
    default:
      return `${found}${issue.message}`;
  }
}

/** Returns the found value for a message. Empty if the schema did not report its input. */
function foundIn({ input }: z.core.$ZodIssue, quotes: boolean): string {
  if (input === undefined) return '';
  if (input === null) return 'found null, ';
  if (quotes && (typeof input === 'number' || typeof input === 'boolean')) return `found ${input}, `;
  if (quotes && typeof input === 'string' && /^[\w.%+:/ -]{1,20}$/.test(input)) return `found ${quote(input)}, `;
  return `found ${withArticle(Array.isArray(input) ? 'array' : input === '' ? 'empty string' : typeof input)}, `;
}

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** The names of types in JSON. */
const typeNames: Readonly<Record<string, string>> = { int: 'whole number', record: 'object' };

function inUnits(limit: number, origin: string): string {
  if (origin === 'string') return count(limit, 'character');
  return origin === 'array' ? count(limit, 'entry', 'entries') : String(limit);
}
