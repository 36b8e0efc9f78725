/**
 * The schema of an authority. The stack has one SSM parameter for each authority, with JSON of this schema. Synthesis makes it from
 * `authorities` of the configuration and from the step-ca `ca.json` that `caConfig` names.
 */
import * as z from 'zod/mini';
import type { Authority, Claims } from '../domain/authority.ts';
import { parseGoDuration } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import { quote } from '../domain/quote.ts';
import { constraintBase } from '../x509/extension-values.ts';
import { profileName } from './profile-name.ts';
import { durationText, explainIssues } from './vocabulary.ts';

const text = () => z.string().check(z.minLength(1));
const milliseconds = () => z.number().check(z.minimum(0));

const constraintText = z
  .string()
  .check(
    z.refine(
      (value) => constraintBase(value) !== undefined,
      'expected dns:example.com, email:example.com, uri:.example.com or ip:10.0.0.0/8',
    ),
  );
const constraintTexts = (description: string) =>
  z.optional(z.array(constraintText).check(z.maxLength(100), z.describe(description)));

/** `authorities.<name>.create` of the configuration. `key` describes the KMS key to create, the other fields the certificate. */
export const createFields = {
  subject: text(),
  key: z
    .string()
    .check(
      z.regex(
        /^(?:EC P-(?:256|384|521)|RSA (?:2048|3072|4096))$/,
        'expected EC P-256, EC P-384, EC P-521, RSA 2048, RSA 3072 or RSA 4096',
      ),
    ),
  validity: durationText,
  pathLen: z.optional(z.int().check(z.minimum(0), z.maximum(16))),
  nameConstraints: z.optional(
    z.strictObject({
      permitted: constraintTexts(
        'Permitted subtrees, up to 100: dns:example.com, email:example.com, uri:.example.com or ip:10.0.0.0/8. Default: all names.',
      ),
      excluded: constraintTexts('Excluded subtrees, up to 100. Default: none.'),
    }),
  ),
};

const claimFields = z.strictObject({
  minDuration: z.optional(milliseconds()),
  maxDuration: z.optional(milliseconds()),
  defaultDuration: z.optional(milliseconds()),
  disableRenewal: z.optional(z.boolean()),
  allowRenewalAfterExpiry: z.optional(z.boolean()),
});

/** The parameter's JSON. Durations are in milliseconds. */
export const authoritySchema = z.strictObject({
  secretId: text(),
  kmsKeyArn: z.optional(text()),
  passwordSecretId: z.optional(text()),
  parent: z.optional(profileName),
  disabled: z.optional(z.boolean()),
  backdate: z.optional(milliseconds()),
  claims: z.optional(claimFields),
  provisionerClaims: z.optional(z.record(z.string(), claimFields)),
  create: z.optional(
    z.strictObject({
      subject: createFields.subject,
      validity: milliseconds().check(z.minimum(1)),
      pathLength: createFields.pathLen,
      nameConstraints: createFields.nameConstraints,
    }),
  ),
});

/** The document that the deployment writes. Its JSON is the parameter's value, and parseAuthority reads it. */
export type AuthorityDocument = z.infer<typeof authoritySchema>;

/** step-ca's default, in milliseconds. */
export const defaultBackdate = 60_000;

/**
 * Parses the SSM parameter of a deployed authority. Throws Internal if it is not valid, because only a deployment writes these
 * parameters.
 */
export function parseAuthority(name: string, json: string): Authority {
  const bad = (found: string, cause?: unknown) =>
    new RenewalError('Internal', `The SSM parameter of authority ${name} is not ${found}: deploy the stack again.`, {
      cause,
    });
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw bad('JSON', cause);
  }
  const parsed = authoritySchema.safeParse(document, { reportInput: true });
  if (!parsed.success) throw bad(`an authority (${explainIssues(parsed.error.issues, 'authority')})`);
  return toAuthority(name, parsed.data);
}

function toAuthority(name: string, document: AuthorityDocument): Authority {
  const { secretId, kmsKeyArn, passwordSecretId, parent, create } = document;
  return {
    name,
    secretId,
    ...(kmsKeyArn !== undefined && { kmsKeyArn }),
    ...(passwordSecretId !== undefined && { passwordSecretId }),
    ...(parent !== undefined && { parent }),
    disabled: document.disabled ?? false,
    backdate: document.backdate ?? defaultBackdate,
    claims: toClaims(document.claims),
    provisionerClaims: new Map(
      Object.entries(document.provisionerClaims ?? {}).map(([provisioner, claims]) => [provisioner, toClaims(claims)]),
    ),
    ...(create && { create: toCreation(create) }),
  };
}

function toCreation(create: NonNullable<AuthorityDocument['create']>): NonNullable<Authority['create']> {
  const { subject, validity, pathLength, nameConstraints } = create;
  return {
    subject,
    validity,
    ...(pathLength !== undefined && { pathLength }),
    ...(nameConstraints && {
      nameConstraints: { permitted: nameConstraints.permitted ?? [], excluded: nameConstraints.excluded ?? [] },
    }),
  };
}

/** Leaves out undefined fields, because the domain's types allow only absent ones. */
function toClaims(found: z.infer<typeof claimFields> = {}): Claims {
  const { minDuration, maxDuration, defaultDuration, disableRenewal, allowRenewalAfterExpiry } = found;
  return {
    ...(minDuration !== undefined && { minDuration }),
    ...(maxDuration !== undefined && { maxDuration }),
    ...(defaultDuration !== undefined && { defaultDuration }),
    ...(disableRenewal !== undefined && { disableRenewal }),
    ...(allowRenewalAfterExpiry !== undefined && { allowRenewalAfterExpiry }),
  };
}

// ---- step-ca's ca.json --------------------------------------------------------------------------------------------

const goDuration = z
  .string()
  .check(z.refine((value) => (parseGoDuration(value) ?? -1n) >= 0n, 'expected a duration such as 24h, 1.5h or 5m'));

const stepClaims = z.object({
  minTLSCertDuration: z.optional(goDuration),
  maxTLSCertDuration: z.optional(goDuration),
  defaultTLSCertDuration: z.optional(goDuration),
  disableRenewal: z.optional(z.boolean()),
  allowRenewalAfterExpiry: z.optional(z.boolean()),
});
type StepClaims = z.infer<typeof stepClaims>;

/** The part of a ca.json that authorities use. Other fields are ignored. */
const stepConfig = z.object({
  authority: z.optional(
    z.object({
      backdate: z.optional(goDuration),
      claims: z.optional(stepClaims),
      provisioners: z.optional(z.array(z.object({ name: z.string(), claims: z.optional(z.nullable(stepClaims)) }))),
    }),
  ),
});

export interface CaConfigClaims {
  /** Milliseconds. */
  readonly backdate: number;
  readonly claims: Claims;
  /** Every provisioner of the file, also those without claims. step-ca renews only certificates of provisioners that it knows. */
  readonly provisionerClaims: ReadonlyMap<string, Claims>;
}

/**
 * Returns the settings for renewals and new certificates from the text of a step-ca `ca.json`. Throws InvalidRequest with the JSON
 * path. The message never quotes the file, because it may contain passwords.
 */
export function claimsOfCaConfig(json: string): CaConfigClaims {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    throw new RenewalError('InvalidRequest', 'The file is not JSON: expected the ca.json of a step-ca.');
  }
  const parsed = stepConfig.safeParse(document, { reportInput: true });
  if (!parsed.success) {
    throw new RenewalError(
      'InvalidRequest',
      `The file is not the ca.json of a step-ca: ${explainIssues(parsed.error.issues, '$', { quotes: false })}.`,
    );
  }
  const { backdate, claims = {}, provisioners = [] } = parsed.data.authority ?? {};
  const names = provisioners.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new RenewalError(
      'InvalidRequest',
      `Two provisioners in the file have the name ${quote(twice)}: expected different names.`,
    );
  }
  return {
    backdate: backdate === undefined ? defaultBackdate : inMilliseconds(backdate),
    claims: { ...readClaims(claims, {}), ...usualDuration(claims) },
    provisionerClaims: new Map(provisioners.map(({ name, claims: own }) => [name, readClaims(own ?? {}, claims)])),
  };
}

/**
 * Returns the authority's default duration. Provisioners' defaults do not count, because no provisioner signs declared
 * certificates.
 */
function usualDuration({ defaultTLSCertDuration: usual }: StepClaims): Pick<Claims, 'defaultDuration'> {
  return usual === undefined ? {} : { defaultDuration: inMilliseconds(usual) };
}

function inMilliseconds(duration: string): number {
  return Number(parseGoDuration(duration) ?? 0n) / 1e6;
}

/**
 * Reads a provisioner's claims. A default outside of the common limits replaces the limit, unless the provisioner sets one
 * (step-ca's Claimer).
 */
function readClaims(own: StepClaims, common: StepClaims): Claims {
  const read = (duration: string | undefined) => (duration === undefined ? undefined : inMilliseconds(duration));
  const usual = read(own.defaultTLSCertDuration);
  const [least, most] = [read(common.minTLSCertDuration), read(common.maxTLSCertDuration)];
  return toClaims({
    minDuration:
      read(own.minTLSCertDuration) ?? (usual !== undefined && least !== undefined && usual < least ? usual : undefined),
    maxDuration:
      read(own.maxTLSCertDuration) ?? (usual !== undefined && most !== undefined && usual > most ? usual : undefined),
    disableRenewal: own.disableRenewal,
    allowRenewalAfterExpiry: own.allowRenewalAfterExpiry,
  });
}
