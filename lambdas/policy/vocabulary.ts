/**
 * One vocabulary, three places: what a profile, a tag and a request may say of when and how to renew, by the same rules.
 * The request overrides the tag, the tag overrides the profile (policy/settings.ts).
 */
import * as z from 'zod/mini';
import { count } from '../domain/count.ts';
import { parseDuration, parseWindow } from '../domain/duration.ts';
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import { type EcCurve, type KeySpec, rsaSizes } from '../domain/key-spec.ts';
import type { Mode } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { Timing } from '../domain/timing.ts';

/** One way only to read each text, as a request's may be of any length. */
export const durationPattern = '(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h))+';

/** Go's duration; parseDuration has the last word (above zero, no overflow). */
export const durationText = z
  .string()
  .check(
    z.regex(new RegExp(`^\\+?${durationPattern}$`), 'expected a duration above zero such as 8h30m, 1.5h or 300ms'),
  );

/** A duration, or a percentage of the validity. */
export const windowText = z
  .string()
  .check(
    z.regex(
      new RegExp(`^(?:\\+?${durationPattern}|\\d{1,3}(?:\\.\\d{1,9})?(?:%|pct))$`),
      'expected a duration above zero such as 8h30m, or a percentage of the validity such as 33%',
    ),
  );

export const modes = ['rekey', 'renew'] as const satisfies readonly Mode[];

/** The fields that profile, tag and request share. */
export const settingFields = {
  mode: z.optional(z.enum(modes)),
  expiresIn: z.optional(windowText),
  rekeyPeriod: z.optional(durationText),
  kty: z.optional(z.enum(['EC', 'OKP', 'RSA'])),
  curve: z.optional(z.enum(['P-256', 'P-384', 'P-521', 'Ed25519'])),
  size: z.optional(z.int().check(z.minimum(rsaSizes.least), z.maximum(rsaSizes.most))),
};

/** `issue` of a profile. The worker judges by it (policy/issuance.ts), which most starts don't need. */
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

/** How the place at hand calls a field: `expiresIn`, `cert-renewer:expires-in`, `$.profiles.internal.expiresIn`. */
export type FieldName = (field: keyof SettingTexts) => string;

/** Undefined when neither field is there. Naming either overrides both of the places below. */
export function readTiming(texts: SettingTexts, fieldName: FieldName, code: ErrorCode): Timing | undefined {
  if (texts.expiresIn !== undefined && texts.rekeyPeriod !== undefined) {
    throw new RenewalError(
      code,
      `${fieldName('expiresIn')} and ${fieldName('rekeyPeriod')} are both set: one says how long before the end to act, the other how long after the start. Keep one.`,
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
 * kty, curve and size as one group, by the rules of `step`: a curve or a size says nothing without kty; EC defaults to
 * P-256, OKP to Ed25519, RSA to 2048. Undefined when none of the three is there.
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
      : refuse(`${fieldName(alone)} is set without ${fieldName('kty')}: name the type of key too (EC, OKP or RSA).`);
  }
  if (kty !== 'RSA' && size !== undefined) {
    return refuse(
      `${fieldName('size')} goes with RSA only, and ${fieldName('kty')} is ${kty}: remove it, or name a curve.`,
    );
  }
  if (kty === 'RSA') {
    if (curve !== undefined) {
      return refuse(
        `${fieldName('curve')} goes with EC and OKP only, and ${fieldName('kty')} is RSA: remove it, or name a size.`,
      );
    }
    return { kty, size: size ?? rsaSizes.least };
  }
  if (kty === 'OKP') {
    if (curve !== undefined && curve !== 'Ed25519') {
      return refuse(
        `${fieldName('curve')} is ${curve}, and ${fieldName('kty')} is OKP: Ed25519 is the one curve of OKP.`,
      );
    }
    return { kty, curve: 'Ed25519' };
  }
  if (curve === 'Ed25519') {
    return refuse(
      `${fieldName('curve')} is Ed25519, and ${fieldName('kty')} is EC: expected P-256, P-384 or P-521, or OKP.`,
    );
  }
  return { kty, curve: curve ?? 'P-256' };
}

/**
 * Zod's issues as one sentence: the path of each, what was found (where the schema was asked to report its input) and what is
 * allowed there. The input is named by its type only, but for short strings: a key that was put into the wrong field must
 * not be in a log. `quotes` false: nothing of it is quoted.
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
      // Without the report of the input nobody knows whether there was any.
      const isMissing = 'input' in issue && issue.input === undefined;
      return isMissing ? `missing; ${expected}` : `${found}${expected}`;
    }
    case 'invalid_value':
      return `${found}expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      // Told apart by the value of one field, as the kinds of CA are; any other union has words of its own.
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

/** Nothing where the schema's caller did not ask for the input to be reported. */
function foundIn({ input }: z.core.$ZodIssue, quotes: boolean): string {
  if (input === undefined) return '';
  if (input === null) return 'found null, ';
  if (quotes && (typeof input === 'number' || typeof input === 'boolean')) return `found ${input}, `;
  if (quotes && typeof input === 'string' && /^[\w.%+:/ -]{1,20}$/.test(input)) return `found ${quote(input)}, `;
  return `found ${withArticle(Array.isArray(input) ? 'array' : input === '' ? 'empty string' : typeof input)}, `;
}

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** What JSON calls them. */
const typeNames: Readonly<Record<string, string>> = { int: 'whole number', record: 'object' };

function inUnits(limit: number, origin: string): string {
  if (origin === 'string') return count(limit, 'character');
  return origin === 'array' ? count(limit, 'entry', 'entries') : String(limit);
}
