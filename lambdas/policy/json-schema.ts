/**
 * The JSON schemas of the renew function's request and answer. `npm run schema` writes schemas/*.schema.json from here. No handler
 * imports this file: the zod schema validates the request, and the answer is typed.
 */
import * as z from 'zod/mini';
import { dueCodes, skipCodes, warningCodes } from '../domain/decision.ts';
import type { RenewalResult } from '../domain/result.ts';
import { onDemandSchema } from './request.ts';

type JsonSchema = Record<string, unknown>;

const requestFields: Readonly<Record<keyof z.infer<typeof onDemandSchema>, string>> = {
  secretId: 'Name or ARN of the secret.',
  mode: 'rekey: with a new key pair. renew: with the same key pair. Default: the tag, else the profile.',
  expiresIn:
    'Renew only if no more than this time is left: a duration such as 8h30m, or a percentage of the validity such as 33%.',
  rekeyPeriod: 'Renew only if this duration has passed since notBefore.',
  kty: 'Type of the new key. Default: as the present key.',
  curve: 'With kty EC: P-256 (default), P-384, P-521. With kty OKP: Ed25519.',
  size: 'With kty RSA: the number of bits. Default: 2048.',
  privateKey: 'Rekey with this key, from a secret of the same profile or in KMS.',
  out: 'Write the pair to this secret of the same profile. The source stays unchanged.',
  force:
    'Override NotDue, RecentlyRenewed and Paused. Allow to overwrite out. Allow a declared certificate to replace a value that is not a certificate.',
  dryRun: 'Return the decision and its reason. Change nothing.',
};

/** The rules across fields. parseOnDemandRequest has the same rules, with better messages. */
const requestRules: JsonSchema = {
  dependentRequired: { curve: ['kty'], size: ['kty'] },
  allOf: [
    { not: { required: ['expiresIn', 'rekeyPeriod'] } },
    { not: { required: ['privateKey', 'kty'] } },
    whenIs('kty', 'RSA', { properties: { curve: false } }),
    whenIs('kty', 'EC', { properties: { size: false, curve: { enum: ['P-256', 'P-384', 'P-521'] } } }),
    whenIs('kty', 'OKP', { properties: { size: false, curve: { const: 'Ed25519' } } }),
    whenIs('mode', 'renew', { properties: { kty: false, privateKey: false } }),
  ],
};

function whenIs(field: string, value: string, then: JsonSchema): JsonSchema {
  return { if: { properties: { [field]: { const: value } }, required: [field] }, then };
}

/** Returns schemas/renew-request.schema.json. The function itself also refuses durations of zero, and 0% and 100%. */
export function requestJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(onDemandSchema, { target: 'draft-2020-12', io: 'input' });
  const described = Object.entries(schema.properties ?? {}).map(([field, node]) => [
    field,
    { description: requestFields[field as keyof typeof requestFields], ...(node as JsonSchema) }, // fields of the same schema
  ]);
  return {
    title: 'A request to the renew function of cert-renewer',
    ...schema,
    properties: Object.fromEntries(described),
    ...requestRules,
  };
}

const nullable = (schema: z.ZodMiniType<string>) => z.nullable(schema);
const describe = (text: string, schema: z.ZodMiniType<string>): z.ZodMiniType<string> => schema.check(z.describe(text));
const matching = (pattern: RegExp) => z.string().check(z.regex(pattern));
const instant = (text: string) => nullable(describe(text, matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)));
const serialNumber = (text: string) => nullable(describe(text, matching(/^-?(?:[0-9a-f]{2}){1,64}$/)));

const answerSchema = z.strictObject({
  outcome: z.enum(['issued', 'renewed', 'rekeyed', 'pending', 'skipped', 'planned']),
  reason: z.strictObject({ code: z.enum([...dueCodes, ...skipCodes]), message: z.string() }),
  warnings: z.array(z.strictObject({ code: z.enum(warningCodes), message: z.string() })),
  secretArn: z.string(),
  versionId: nullable(describe('The current version after this request.', z.string())),
  previousVersionId: nullable(describe('The version that was replaced.', z.string())),
  profile: z.string(),
  subject: nullable(describe('RFC 4514.', z.string())),
  sans: z.nullable(z.array(matching(/^(?:dns|ip|email|uri):/))),
  serialNumber: serialNumber('Lowercase hex, two digits a byte, no leading 00.'),
  previousSerialNumber: serialNumber('The serial number of the replaced certificate.'),
  notBefore: instant('RFC 3339.'),
  notAfter: instant('RFC 3339.'),
  renewAt: instant('When the certificate is due next, by its tags and its profile.'),
  keyAlgorithm: nullable(describe('Such as EC P-256, RSA 2048, OKP Ed25519.', matching(/^(?:EC|RSA|OKP) \S+$/))),
  fingerprintSha256: nullable(matching(/^[0-9a-f]{64}$/)),
  out: z.exactOptional(z.strictObject({ secretArn: z.string(), versionId: z.string() })),
}) satisfies z.ZodMiniType<RenewalResult>;

/** A new field of RenewalResult does not compile without its line above. */
type Unlisted = Exclude<keyof RenewalResult, keyof z.infer<typeof answerSchema>>;
const unlisted: [Unlisted] extends [never] ? true : Unlisted = true;

/** Returns schemas/renew-answer.schema.json: the payload of a successful invocation. */
export function answerJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(answerSchema, { target: 'draft-2020-12', io: 'output' });
  return { title: 'An answer of the renew function of cert-renewer', ...(unlisted && schema) };
}
