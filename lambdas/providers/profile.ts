/**
 * A profile's schema. The configuration file holds it under `profiles`, the deployed stack holds the same JSON as an SSM
 * parameter (the root as PEM text), and both are read by this schema.
 */
import * as z from 'zod/mini';
import { parseDuration } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Issuance, Profile } from '../domain/profile.ts';
import { explainIssues, issuanceFields, readKeySpec, readTiming, settingFields } from '../policy/vocabulary.ts';
import type { CaKind } from './kind.ts';
import { configurable } from './kinds.ts';

type Schemas<Kinds extends readonly CaKind[]> = { [Index in keyof Kinds]: Kinds[Index]['schema'] };
const schemasOf = <const Kinds extends readonly CaKind[]>(all: Kinds) =>
  all.map(({ schema }) => schema) as Schemas<Kinds>;

/** One of the CAs, by its type. */
export const caSchema = z.discriminatedUnion('type', schemasOf(configurable));

const issuanceSchema = z.strictObject(issuanceFields);

/** What the workers need of a profile; hooks are wired at deployment and stay there. */
export const profileFields = {
  ca: caSchema,
  ...settingFields,
  passwordSecretId: z.optional(z.string().check(z.minLength(1))),
  paused: z.optional(z.boolean()),
  issue: z.optional(issuanceSchema),
};

export const profileSchema = z.strictObject(profileFields);
export type ProfileDocument = z.infer<typeof profileSchema>;

/** Checks what a schema alone can't say: the pairs of fields. Throws InvalidRequest that names `path`. */
export function toProfile(name: string, document: ProfileDocument, path: string): Profile {
  const fieldName = (field: string) => `${path}.${field}`;
  const timing = readTiming(document, fieldName, 'InvalidRequest');
  const key = readKeySpec(document, fieldName, 'InvalidRequest');
  return {
    name,
    ca: document.ca as Profile['ca'], // zod's optional allows undefined where the domain says absent; both read the same
    mode: document.mode ?? 'rekey',
    ...(timing && { timing }),
    ...(key && { key }),
    ...(document.passwordSecretId !== undefined && { passwordSecretId: document.passwordSecretId }),
    ...(document.issue && { issue: toIssuance(document.issue, `${path}.issue`) }),
    paused: document.paused ?? false,
  };
}

function toIssuance({ allow, ...texts }: z.infer<typeof issuanceSchema>, path: string): Issuance {
  const duration = texts.duration && parseDuration(texts.duration, `${path}.duration`, 'InvalidRequest');
  const maxDuration = texts.maxDuration && parseDuration(texts.maxDuration, `${path}.maxDuration`, 'InvalidRequest');
  if (duration && maxDuration && duration > maxDuration) {
    const message = `${path}.duration is ${texts.duration}, and ${path}.maxDuration is ${texts.maxDuration}: expected no more than that.`;
    throw new RenewalError('InvalidRequest', message);
  }
  return { allow, ...(duration && { duration }), ...(maxDuration && { maxDuration }) };
}

/**
 * A deployed profile, read back from its SSM parameter. Throws Internal: only a deployment writes these, so one that
 * does not parse is none of the secret owner's doing.
 */
export function parseProfile(name: string, json: string): Profile {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw new RenewalError('Internal', `The parameter of profile ${name} is not JSON: deploy the stack again.`, {
      cause,
    });
  }
  const parsed = profileSchema.safeParse(document, { reportInput: true });
  if (!parsed.success) {
    const found = explainIssues(parsed.error.issues, 'profile');
    throw new RenewalError(
      'Internal',
      `The parameter of profile ${name} is not a profile (${found}): deploy the stack again.`,
    );
  }
  return toProfile(name, parsed.data, 'profile');
}
