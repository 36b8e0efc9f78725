/**
 * An entry of `certificates`: the declaration (declaration.ts), and settings of its secret. Synthesis and the deployment's function
 * both validate it by these rules.
 */
import * as z from 'zod/mini';
import { RenewalError } from '../domain/errors.ts';
import { tags, tagValueLimit } from '../domain/tags.ts';
import {
  type DeclarationDocument,
  type DeclarationProblem,
  declarationFields,
  readDeclaration,
  secretName,
} from './declaration.ts';
import { endpointForm, endpointInTag, mostEndpoints, parseEndpoint } from './endpoints.ts';
import { readTiming, settingFields } from './vocabulary.ts';

const text = () => z.string().check(z.minLength(1));

export const certificateFields = {
  ...declarationFields,
  mode: z.nullish(settingFields.mode),
  expiresIn: z.nullish(settingFields.expiresIn),
  rekeyPeriod: z.nullish(settingFields.rekeyPeriod),
  paused: z.optional(z.boolean()),
  encryptionKey: z.optional(text()),
  existing: z.optional(z.boolean()),
  endpoints: z.optional(z.array(text()).check(z.maxLength(mostEndpoints))),
  wait: z.optional(z.boolean()),
};

export const certificateSchema = z.strictObject(certificateFields);
/** An entry of `certificates`: the declaration of a certificate and the settings of its secret. */
export type CertificateEntry = z.infer<typeof certificateSchema>;

/** `certificates` of the configuration: entries by the secret's name. */
export const certificatesSchema = z.record(secretName, certificateSchema);

/** Returns the document for the declaration's parameter: the certificate's fields, without the settings of its secret. */
export function documentOf(name: string, entry: CertificateEntry): DeclarationDocument {
  const declared = Object.entries(entry).filter(
    ([field, value]) => value !== null && Object.hasOwn(declarationFields, field),
  );
  return { secretName: name, ...(Object.fromEntries(declared) as Omit<DeclarationDocument, 'secretName'>) };
}

/** Returns the problems that the schema does not find. Empty for a valid entry. `path` is relative to the entry. */
export function entryProblems(name: string, entry: CertificateEntry): readonly DeclarationProblem[] {
  return [
    ...readDeclaration(documentOf(name, entry)).problems,
    ...timingProblems(entry),
    ...keyProblems(entry),
    ...endpointProblems(entry),
  ];
}

function timingProblems({ expiresIn, rekeyPeriod }: CertificateEntry): DeclarationProblem[] {
  try {
    const texts = { expiresIn: expiresIn ?? undefined, rekeyPeriod: rekeyPeriod ?? undefined };
    readTiming(texts, (field) => field, 'InvalidRequest');
    return [];
  } catch (thrown) {
    if (!(thrown instanceof RenewalError)) throw thrown;
    const field = expiresIn == null ? 'rekeyPeriod' : 'expiresIn';
    return [{ path: [field], message: thrown.message.replace(new RegExp(`^${field} `), '') }];
  }
}

/** Shapes that can hold the id of a KMS key. */
const shapesWithKms: ReadonlySet<string> = new Set(['camel', 'snake', 'tls']);

function keyProblems({ kmsKeyId, shape = 'camel', mode }: CertificateEntry): DeclarationProblem[] {
  if (kmsKeyId === undefined) return [];
  return [
    ...(shapesWithKms.has(shape)
      ? []
      : [
          {
            path: ['shape'],
            message: `${shape} can't hold the id of a KMS key: expected camel, snake or tls`,
          },
        ]),
    ...(mode === 'rekey'
      ? [
          {
            path: ['mode'],
            message: 'rekey is not possible with a key in KMS, which is never replaced: expected renew',
          },
        ]
      : []),
  ];
}

function endpointProblems({ endpoints = [] }: CertificateEntry): DeclarationProblem[] {
  const odd = endpoints.flatMap((endpoint, index) =>
    parseEndpoint(endpoint) ? [] : [{ path: ['endpoints', index], message: endpointForm }],
  );
  const isTooLong = endpoints.map(endpointInTag).join(' ').length > tagValueLimit;
  const tooLong = { path: ['endpoints'], message: `expected at most ${tagValueLimit} characters in total` };
  return isTooLong ? [...odd, tooLong] : odd;
}

/** The tags for an entry's settings, without `profile` and `paused`. */
export const settingTags: readonly string[] = [
  tags.mode,
  tags.expiresIn,
  tags.rekeyPeriod,
  tags.kty,
  tags.curve,
  tags.size,
  tags.endpoints,
];

/** Returns the tags that an entry sets on its secret, with `profile` and without the declaration's hash. */
export function entryTags(entry: CertificateEntry): Readonly<Record<string, string>> {
  const { profile, mode, expiresIn, rekeyPeriod, kty, curve, size, paused, endpoints = [] } = entry;
  const texts: Readonly<Record<string, string | undefined>> = {
    [tags.profile]: profile,
    [tags.mode]: mode ?? undefined,
    [tags.expiresIn]: expiresIn?.replace('%', 'pct'), // a tag's value can't contain %
    [tags.rekeyPeriod]: rekeyPeriod ?? undefined,
    [tags.kty]: kty ?? undefined,
    [tags.curve]: curve ?? undefined,
    [tags.size]: size?.toString(),
    [tags.paused]: paused ? 'true' : undefined,
    [tags.endpoints]: endpoints.length > 0 ? endpoints.map(endpointInTag).join(' ') : undefined,
  };
  return Object.fromEntries(Object.entries(texts).filter((tag): tag is [string, string] => tag[1] !== undefined));
}
