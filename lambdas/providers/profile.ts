/**
 * The schema of a profile, both in the configuration file (under `profiles`) and in the deployed SSM parameter (with the root as PEM text).
 */
import * as z from 'zod/mini';
import { parseDuration } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Issuance, ProbeTerms, Profile } from '../domain/profile.ts';
import { isAllowEntry } from '../policy/endpoints.ts';
import {
  durationText,
  explainIssues,
  issuanceFields,
  readKeySpec,
  readTiming,
  settingFields,
} from '../policy/vocabulary.ts';
import type { CaKind } from './kind.ts';
import { configurable } from './kinds.ts';

type Schemas<Kinds extends readonly CaKind[]> = { [Index in keyof Kinds]: Kinds[Index]['schema'] };
const schemasOf = <const Kinds extends readonly CaKind[]>(all: Kinds) =>
  all.map(({ schema }) => schema) as Schemas<Kinds>;

/** The schema of a CA, by its type. */
export const caSchema = z.discriminatedUnion('type', schemasOf(configurable));

const issuanceSchema = z.strictObject(issuanceFields);

/** The fields of a profile that the workers need. Hooks are not among them. */
export const profileFields = {
  ca: caSchema,
  ...settingFields,
  passwordSecretId: z.optional(z.string().check(z.minLength(1))),
  paused: z.optional(z.boolean()),
  issue: z.optional(issuanceSchema),
};

/** `probe` of the configuration, which every deployed profile contains. */
export const probeFields = {
  allow: z
    .array(
      z
        .string()
        .check(z.refine(isAllowEntry, 'expected dns:example.com (that name and all names below it) or ip:10.0.0.0/8')),
    )
    .check(z.minLength(1), z.maxLength(100)),
  within: z.optional(durationText),
};

export const profileSchema = z.strictObject({ ...profileFields, probe: z.optional(z.strictObject(probeFields)) });
export type ProfileDocument = z.infer<typeof profileSchema>;

/** Converts a document to a profile, and checks the fields that depend on each other. Throws InvalidRequest that names `path`. */
export function toProfile(name: string, document: ProfileDocument, path: string): Profile {
  const fieldName = (field: string) => `${path}.${field}`;
  const timing = readTiming(document, fieldName, 'InvalidRequest');
  const key = readKeySpec(document, fieldName, 'InvalidRequest');
  return {
    name,
    ca: document.ca as Profile['ca'], // zod's optional also allows undefined, which reads the same
    mode: document.mode ?? 'rekey',
    ...(timing && { timing }),
    ...(key && { key }),
    ...(document.passwordSecretId !== undefined && { passwordSecretId: document.passwordSecretId }),
    ...(document.issue && { issue: toIssuance(document.issue, `${path}.issue`) }),
    paused: document.paused ?? false,
    ...(document.probe && { probe: toProbeTerms(document.probe, `${path}.probe`) }),
  };
}

const defaultWithin = '1h';

/** Converts `probe` of the configuration. Throws InvalidRequest that names `path`. */
export function toProbeTerms(
  { allow, within = defaultWithin }: z.infer<z.ZodMiniObject<typeof probeFields>>,
  path: string,
): ProbeTerms {
  return { allow, within: parseDuration(within, `${path}.within`, 'InvalidRequest') };
}

function toIssuance({ allow, ...texts }: z.infer<typeof issuanceSchema>, path: string): Issuance {
  const duration = texts.duration && parseDuration(texts.duration, `${path}.duration`, 'InvalidRequest');
  const maxDuration = texts.maxDuration && parseDuration(texts.maxDuration, `${path}.maxDuration`, 'InvalidRequest');
  if (duration && maxDuration && duration > maxDuration) {
    const message = `${path}.duration is ${texts.duration}, and ${path}.maxDuration is ${texts.maxDuration}: expected at most maxDuration.`;
    throw new RenewalError('InvalidRequest', message);
  }
  return { allow, ...(duration && { duration }), ...(maxDuration && { maxDuration }) };
}

/**
 * Reads a deployed profile from its SSM parameter. Throws Internal, because only a deployment writes the parameter: the secret's owner
 * can't repair it.
 */
export function parseProfile(name: string, json: string): Profile {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw new RenewalError('Internal', `The SSM parameter of profile ${name} is not JSON: deploy the stack again.`, {
      cause,
    });
  }
  const parsed = profileSchema.safeParse(document, { reportInput: true });
  if (!parsed.success) {
    const found = explainIssues(parsed.error.issues, 'profile');
    throw new RenewalError(
      'Internal',
      `The SSM parameter of profile ${name} is not a profile (${found}): deploy the stack again.`,
    );
  }
  return toProfile(name, parsed.data, 'profile');
}
