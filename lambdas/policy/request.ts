/** Validates the input of invocations and of the queue, before any secret is read. */
import * as z from 'zod/mini';
import { RenewalError } from '../domain/errors.ts';
import { holdsKey } from '../domain/key-text.ts';
import type { OnDemandRequest, ProbeRequest, QueueMessage, ScanRequest } from '../domain/request.ts';
import { explainIssues, readKeySpec, readTiming, settingFields } from './vocabulary.ts';

/** The value is sent to AWS unchanged. It must not contain a key, because AWS's errors and CloudTrail would show it. */
const isName = z.refine<string>(
  (text) => !/[\p{Cc}\u2028\u2029]/u.test(text) && !holdsKey(text),
  'expected a name, id or ARN on one line, and not a key or a token',
);
const secretId = z.string().check(z.minLength(1), z.maxLength(2048), isName);
/** The limit of `secretIds` in one scan. */
const mostSecretIds = 5000;
/** The limit of `secretIds` in one probe: the answer contains a report of each. */
const mostProbedIds = 100;

export const onDemandSchema = z.strictObject({
  secretId,
  ...settingFields,
  privateKey: z.optional(
    z.union(
      [z.strictObject({ secretId }), z.strictObject({ kmsKeyId: secretId })],
      'expected { "secretId": … } or { "kmsKeyId": … }',
    ),
  ),
  out: z.optional(z.strictObject({ secretId })),
  force: z.optional(z.boolean()),
  dryRun: z.optional(z.boolean()),
});

/** A profile of the configuration, or `authority:` and the name of an authority. */
const anyProfileName = z
  .string()
  .check(
    z.regex(
      /^(?:authority:)?[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
      "expected a profile's name (at most 64 letters, digits and _ . -), or authority: and an authority's name",
    ),
  );

const count = () => z.int().check(z.minimum(0));

/** The state that the scan function passes to its own next invocation. */
const continuationSchema = z.strictObject({
  from: z.optional(z.string().check(z.minLength(1), z.maxLength(10_000))),
  part: z.int().check(z.minimum(1), z.maximum(100)),
  started: count(),
  sums: z.strictObject({
    enqueued: count(),
    notDue: count(),
    paused: count(),
    backingOff: count(),
    waiting: count(),
    invalid: count(),
    unknown: count(),
    overdue: count(),
    profiles: z.record(
      z.string().check(z.maxLength(1_000)), // a replica is counted, and its tag may contain any text
      z.strictObject({ managed: count(), overdue: count(), secondsToExpiry: z.optional(z.int()) }),
    ),
  }),
  notFound: z.optional(z.array(secretId).check(z.maxLength(mostSecretIds))),
});

const scanSchema = z.strictObject({
  continuation: z.optional(continuationSchema),
  profile: z.optional(anyProfileName),
  secretIds: z.optional(z.array(secretId).check(z.minLength(1), z.maxLength(mostSecretIds))),
  force: z.optional(z.boolean()),
  dryRun: z.optional(z.boolean()),
});

const messageSchema = z.strictObject({
  secretArn: secretId,
  versionId: z.string().check(z.minLength(1), z.maxLength(64), isName),
  force: z.optional(z.boolean()),
});

function parse<T>(schema: z.ZodMiniType<T>, input: unknown, what: string): T {
  const parsed = schema.safeParse(input, { reportInput: true }); // so that a message can say what was found
  if (parsed.success) return parsed.data;
  throw new RenewalError(
    'InvalidRequest',
    `${what} is not valid: ${explainIssues(parsed.error.issues, '$')}. See docs/invoke.md.`,
  );
}

/** Parses an on-demand request to the renew function. Throws InvalidRequest. */
export function parseOnDemandRequest(input: unknown): OnDemandRequest {
  const body = parse(onDemandSchema, input, 'The request');
  const fieldName = (field: string) => `$.${field}`;
  const timing = readTiming(body, fieldName, 'InvalidRequest');
  const key = readKeySpec(body, fieldName, 'InvalidRequest');
  const refuse = (message: string): never => {
    throw new RenewalError('InvalidRequest', message);
  };
  if (body.privateKey && key) {
    refuse('$.privateKey has a fixed type of key: remove $.kty, $.curve and $.size, or remove $.privateKey.');
  }
  if (body.mode === 'renew' && (key || body.privateKey)) {
    refuse(
      '$.mode is renew, which keeps the key: remove $.kty, $.curve, $.size and $.privateKey, or set $.mode to rekey.',
    );
  }
  return {
    secretId: body.secretId,
    ...(body.mode && { mode: body.mode }),
    ...(timing && { timing }),
    ...(key && { key }),
    ...(body.privateKey && { privateKey: body.privateKey }),
    ...(body.out && { out: body.out }),
    force: body.force ?? false,
    dryRun: body.dryRun ?? false,
  };
}

/** Parses an invocation of the scan function. The schedule sends `{}`. Throws InvalidRequest. */
export function parseScanRequest(input: unknown): ScanRequest {
  const body = parse(scanSchema, input ?? {}, 'The scan request');
  return {
    ...(body.profile !== undefined && { profile: body.profile }),
    ...(body.secretIds && { secretIds: body.secretIds }),
    ...(body.continuation && { continuation: body.continuation }),
    force: body.force ?? false,
    dryRun: body.dryRun ?? false,
  };
}

const probeSchema = z.strictObject({
  secretIds: z.optional(z.array(secretId).check(z.minLength(1), z.maxLength(mostProbedIds))),
  due: z.optional(z.boolean()),
});

/** Parses an invocation of the probe function. The schedule sends `{ "due": true }`. Throws InvalidRequest. */
export function parseProbeRequest(input: unknown): ProbeRequest {
  const { secretIds, due = false } = parse(probeSchema, input ?? {}, 'The probe request');
  return { due, ...(secretIds && { secretIds }) };
}

const askCaSchema = z.strictObject({ askCa: anyProfileName });

/** Parses `{ "askCa": "internal" }` and returns the profile's name. Throws InvalidRequest. */
export function parseAskCaRequest(input: unknown): string {
  return parse(askCaSchema, input, 'The request').askCa;
}

const showSchema = z.strictObject({ show: secretId });

/** Parses `{ "show": "web/tls" }` and returns the secret's name or ARN. Throws InvalidRequest. */
export function parseShowRequest(input: unknown): string {
  return parse(showSchema, input, 'The request').show;
}

/** Parses the body of one queue message. Throws InvalidRequest. */
export function parseQueueMessage(body: string): QueueMessage {
  let input: unknown;
  try {
    input = JSON.parse(body);
  } catch (cause) {
    throw new RenewalError(
      'InvalidRequest',
      'The queue message is not JSON: expected a message of the scan function.',
      {
        cause,
      },
    );
  }
  const message = parse(messageSchema, input, 'The queue message');
  return {
    secretArn: message.secretArn,
    versionId: message.versionId,
    ...(message.force !== undefined && { force: message.force }),
  };
}

const rotationSteps = {
  createSecret: 'createSecret',
  setSecret: 'setSecret',
  testSecret: 'testSecret',
  finishSecret: 'finishSecret',
  // Secrets Manager's documentation has these forms too.
  create_secret: 'createSecret',
  set_secret: 'setSecret',
  test_secret: 'testSecret',
  finish_secret: 'finishSecret',
} as const;

const rotationSchema = z.object({
  Step: z.string(),
  SecretId: secretId,
  ClientRequestToken: z.string().check(z.minLength(32), z.maxLength(64), isName),
});

export interface RotationRequest {
  readonly step: (typeof rotationSteps)[keyof typeof rotationSteps];
  readonly secretId: string;
  /** Id of the version that will become current. */
  readonly token: string;
}

/** Parses the event of one step of Secrets Manager's native rotation. Throws InvalidRequest. */
export function parseRotationRequest(input: unknown): RotationRequest {
  const body = parse(rotationSchema, input, 'The rotation event');
  const step = Object.hasOwn(rotationSteps, body.Step)
    ? rotationSteps[body.Step as keyof typeof rotationSteps] // checked by hasOwn
    : undefined;
  if (step === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The rotation event names an unknown step: expected createSecret, setSecret, testSecret or finishSecret.',
    );
  }
  return { step, secretId: body.SecretId, token: body.ClientRequestToken };
}
