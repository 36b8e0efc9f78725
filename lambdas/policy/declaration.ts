/**
 * The schema and rules of a declaration, the same for the configuration and for the deployed parameter. A worker validates the
 * parameter again, because another version of cert-renewer may have written it.
 */
import * as z from 'zod/mini';
import { type Declaration, declaredShapes, declaredUsages } from '../domain/declaration.ts';
import { parseDuration } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import { holdsKey } from '../domain/key-text.ts';
import { type NameKind, readDeclaredName } from '../x509/declared-names.ts';
import { parseName } from '../x509/name-text.ts';
import { profileName } from './profile-name.ts';
import { durationText, explainIssues, readKeySpec, settingFields } from './vocabulary.ts';

/** A key that was pasted by mistake must not get into a certificate, a message or a call to AWS. */
const text = () =>
  z.string().check(
    z.minLength(1),
    z.refine((value) => !holdsKey(value), 'it looks like a private key or a token'),
  );
const names = () => z.optional(z.array(text()).check(z.maxLength(100)));

/** Secrets Manager's own rule for names. */
export const secretName = z
  .string()
  .check(
    z.regex(/^[A-Za-z0-9/_+=.@-]{1,512}$/, "expected a secret's name: at most 512 letters, digits and / _ + = . @ -"),
  );

/** The certificate's fields in the configuration and in the parameter. */
export const declarationFields = {
  profile: profileName,
  dnsNames: names(),
  ipAddresses: names(),
  emails: names(),
  uris: names(),
  commonName: z.optional(text()),
  subject: z.optional(text()),
  usages: z.optional(z.array(z.enum(declaredUsages)).check(z.minLength(1))),
  duration: z.optional(durationText),
  kty: z.nullish(settingFields.kty),
  curve: z.nullish(settingFields.curve),
  size: z.nullish(settingFields.size),
  kmsKeyId: z.optional(text()),
  shape: z.optional(z.enum(declaredShapes)),
};

/** The parameter's JSON. */
export const declarationSchema = z.strictObject({
  secretName,
  /** The deployment's resource that wrote it. Undefined: a person did. It does not affect the certificate. */
  declaredBy: z.optional(text()),
  ...declarationFields,
});
export type DeclarationDocument = z.infer<typeof declarationSchema>;

export interface DeclarationProblem {
  /** Path in the declaration. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The fields with names, and the kind of name of each. */
export const nameFields = [
  ['dnsNames', 'dns'],
  ['ipAddresses', 'ip'],
  ['emails', 'email'],
  ['uris', 'uri'],
] as const satisfies readonly (readonly [keyof typeof declarationFields, NameKind])[];

/** Converts a document and returns the problems that the schema does not find. The declaration is valid only without problems. */
export function readDeclaration(document: DeclarationDocument): {
  readonly declaration: Declaration;
  readonly problems: readonly DeclarationProblem[];
} {
  const problems: DeclarationProblem[] = [];
  const wrong = (path: DeclarationProblem['path'], message: string) => {
    problems.push({ path, message });
    return undefined;
  };
  /** Messages of other parsers start with the field, which the path names already. */
  const tried = <Value>(field: string, read: (where: string) => Value): Value | undefined => {
    try {
      return read(field);
    } catch (thrown) {
      if (!(thrown instanceof RenewalError)) throw thrown;
      return wrong([field], thrown.message.replace(new RegExp(`^${field} `), ''));
    }
  };
  const { kty, curve, size, kmsKeyId, usages = ['serverAuth', 'clientAuth'] } = document;
  const found = namesOf(document, wrong);
  if (found.length === 0) wrong([], 'it has no name: give dnsNames, ipAddresses, emails or uris');
  if (document.commonName !== undefined && document.subject !== undefined) {
    wrong(
      ['commonName'],
      'commonName and subject are both set: keep one, and write a common name into the subject as CN=',
    );
  }
  if (new Set(usages).size < usages.length) wrong(['usages'], 'a usage is listed twice: remove one');
  const keyTexts = { kty: kty ?? undefined, curve: curve ?? undefined, size: size ?? undefined };
  const key = tried('kty', () => readKeySpec(keyTexts, (field) => field, 'InvalidRequest'));
  if (kmsKeyId !== undefined && Object.values(keyTexts).some((each) => each !== undefined)) {
    wrong(['kmsKeyId'], 'the type of the key in KMS is fixed: remove kty, curve and size');
  }
  const { duration } = document;
  return {
    declaration: {
      secretName: document.secretName,
      profile: document.profile,
      names: found,
      subject: subjectOf(document, tried),
      usages,
      duration:
        duration === undefined
          ? undefined
          : tried('duration', (where) => parseDuration(duration, where, 'InvalidRequest')),
      key,
      kmsKeyId,
      shape: document.shape ?? 'camel',
    },
    problems,
  };
}

function namesOf(
  document: DeclarationDocument,
  wrong: (path: DeclarationProblem['path'], message: string) => void,
): readonly string[] {
  const found: string[] = [];
  for (const [field, kind] of nameFields) {
    for (const [index, value] of (document[field] ?? []).entries()) {
      const read = readDeclaredName(kind, value);
      if (!read.ok) wrong([field, index], read.problem);
      else if (found.includes(read.text)) wrong([field, index], 'the name is listed twice: remove one');
      else found.push(read.text);
    }
  }
  return found;
}

function subjectOf(
  { commonName, subject }: DeclarationDocument,
  tried: (field: string, read: (where: string) => Uint8Array) => Uint8Array | undefined,
): Uint8Array | undefined {
  if (subject !== undefined) return tried('subject', (where) => parseName(subject, where));
  if (commonName === undefined) return undefined;
  const escaped = [...commonName].map((each) => (/[A-Za-z0-9]/.test(each) ? each : escapedOctets(each))).join('');
  return tried('commonName', (where) => parseName(`CN=${escaped}`, where));
}

const escapedOctets = (character: string): string =>
  [...Buffer.from(character, 'utf8')].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('');

/** Parses a deployed declaration from its SSM parameter. Throws Internal for a document that no deployment writes. */
export function parseDeclaration(parameter: string, json: string): Declaration {
  const bad = (found: string, cause?: unknown) =>
    new RenewalError(
      'Internal',
      `The SSM parameter ${parameter} is not a valid declaration (${found}): deploy or declare it again.`,
      {
        cause,
      },
    );
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw bad('it is not JSON', cause);
  }
  const parsed = declarationSchema.safeParse(document, { reportInput: true });
  if (!parsed.success) throw bad(explainIssues(parsed.error.issues, 'declaration', { quotes: false }));
  const { declaration, problems } = readDeclaration(parsed.data);
  const [first] = problems;
  if (first) throw bad(`${['declaration', ...first.path].join('.')}: ${first.message}`);
  return declaration;
}
