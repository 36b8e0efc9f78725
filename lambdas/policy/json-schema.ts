/**
 * Request and answer of the renew function for other programs: schemas/*.schema.json are made from here (npm run schema).
 * No handler imports this: the request is validated by the zod schema itself, and the answer is typed.
 */
import * as z from 'zod/mini';
import { dueCodes, skipCodes, warningCodes } from '../domain/decision.ts';
import type { RenewalResult } from '../domain/result.ts';
import { onDemandSchema } from './request.ts';

type JsonSchema = Record<string, unknown>;

const requestFields: Readonly<Record<keyof z.infer<typeof onDemandSchema>, string>> = {
  secretId: 'Name or ARN of the secret.',
  mode: 'rekey: a new key pair. renew: the same one. Default: the tag, else the profile.',
  expiresIn: 'Act only if no more than this is left: 8h30m, or 33% of the validity.',
  rekeyPeriod: 'Act only if this much has passed since notBefore.',
  kty: 'Type of the new key. Default: as the present key.',
  curve: 'With kty EC: P-256 (default), P-384, P-521. With kty OKP: Ed25519.',
  size: 'With kty RSA: bits, 2048 by default.',
  privateKey: 'Rekey with this key: of a secret of the same profile, or in KMS.',
  out: 'Write the pair to this secret of the same profile instead, and leave the source as it is.',
  force: 'Act whatever NotDue, RecentlyRenewed and Paused say, and permit to overwrite out.',
  dryRun: 'Decide and say why; touch nothing.',
};

/** What one field alone can't say; parseOnDemandRequest says the same, and more kindly. */
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

/** schemas/renew-request.schema.json. Durations of zero and the ends of percentages are refused by the function itself. */
export function requestJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(onDemandSchema, { target: 'draft-2020-12', io: 'input' });
  const described = Object.entries(schema.properties ?? {}).map(([field, node]) => [
    field,
    { description: requestFields[field as keyof typeof requestFields], ...(node as JsonSchema) }, // the same schema's fields
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
  outcome: z.enum(['issued', 'renewed', 'rekeyed', 'skipped', 'planned']),
  reason: z.strictObject({ code: z.enum([...dueCodes, ...skipCodes]), message: z.string() }),
  warnings: z.array(z.strictObject({ code: z.enum(warningCodes), message: z.string() })),
  secretArn: z.string(),
  versionId: nullable(describe('The version that is AWSCURRENT afterwards.', z.string())),
  previousVersionId: nullable(describe('The version that was replaced.', z.string())),
  profile: z.string(),
  subject: nullable(describe('RFC 4514.', z.string())),
  sans: z.nullable(z.array(matching(/^(?:dns|ip|email|uri):/))),
  serialNumber: serialNumber('Lowercase hex, two digits a byte, no leading 00.'),
  previousSerialNumber: serialNumber('Of the certificate that was replaced.'),
  notBefore: instant('RFC 3339.'),
  notAfter: instant('RFC 3339.'),
  renewAt: instant('When it is due next, by its tags and its profile.'),
  keyAlgorithm: nullable(describe('Such as EC P-256, RSA 2048, OKP Ed25519.', matching(/^(?:EC|RSA|OKP) \S+$/))),
  fingerprintSha256: nullable(matching(/^[0-9a-f]{64}$/)),
  out: z.exactOptional(z.strictObject({ secretArn: z.string(), versionId: z.string() })),
}) satisfies z.ZodMiniType<RenewalResult>;

/** No field of the answer is forgotten here: a new one of RenewalResult doesn't compile without its line. */
type Unlisted = Exclude<keyof RenewalResult, keyof z.infer<typeof answerSchema>>;
const unlisted: [Unlisted] extends [never] ? true : Unlisted = true;

/** schemas/renew-answer.schema.json: what `aws lambda invoke` gets where nothing went wrong. */
export function answerJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(answerSchema, { target: 'draft-2020-12', io: 'output' });
  return { title: 'An answer of the renew function of cert-renewer', ...(unlisted && schema) };
}
