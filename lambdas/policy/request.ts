/** The edges: what comes in by invocation and by queue, validated whole before anything is read. */
import * as z from 'zod/mini';
import { RenewalError } from '../domain/errors.ts';
import { holdsKey } from '../domain/key-text.ts';
import type { OnDemandRequest, QueueMessage, ScanRequest } from '../domain/request.ts';
import { explainIssues, readKeySpec, readTiming, settingFields } from './vocabulary.ts';

/** It goes to AWS as it is, so that nobody's key may be in it: neither AWS's answer nor its trail would keep it secret. */
const isName = z.refine<string>(
  (text) => !/[\p{Cc}\u2028\u2029]/u.test(text) && !holdsKey(text),
  'expected a name, id or ARN on one line, and no key or token itself',
);
const secretId = z.string().check(z.minLength(1), z.maxLength(2048), isName);
/** As many as one scan may be asked for by name. */
const mostSecretIds = 5000;

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

/** Of the configuration, or of an authority of the stack's own. */
const anyProfileName = z
  .string()
  .check(
    z.regex(
      /^(?:authority:)?[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
      'expected the name of a profile: letters, digits and _ . -, at most 64 long, perhaps behind authority:',
    ),
  );

const count = () => z.int().check(z.minimum(0));

/** What the scan function writes for itself, and nobody else has to know. */
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
      z.string().check(z.maxLength(1_000)), // a replica's tag may name anything, and is counted all the same
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

/** An invocation of the renew function by hand. Throws InvalidRequest. */
export function parseOnDemandRequest(input: unknown): OnDemandRequest {
  const body = parse(onDemandSchema, input, 'The request');
  const fieldName = (field: string) => `$.${field}`;
  const timing = readTiming(body, fieldName, 'InvalidRequest');
  const key = readKeySpec(body, fieldName, 'InvalidRequest');
  const refuse = (message: string): never => {
    throw new RenewalError('InvalidRequest', message);
  };
  if (body.privateKey && key) {
    refuse('$.privateKey brings a key of its own kind: remove $.kty, $.curve and $.size, or remove $.privateKey.');
  }
  if (body.mode === 'renew' && (key || body.privateKey)) {
    refuse('$.mode is renew, which keeps the key: remove $.kty, $.curve, $.size and $.privateKey, or say rekey.');
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

/** An invocation of the scan function; the schedule sends `{}`. Throws InvalidRequest. */
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

const askCaSchema = z.strictObject({ askCa: anyProfileName });

/** `{ "askCa": "internal" }`: the name of a profile. Throws InvalidRequest. */
export function parseAskCaRequest(input: unknown): string {
  return parse(askCaSchema, input, 'The request').askCa;
}

/** The body of one queue message. Throws InvalidRequest. */
export function parseQueueMessage(body: string): QueueMessage {
  let input: unknown;
  try {
    input = JSON.parse(body);
  } catch (cause) {
    throw new RenewalError('InvalidRequest', 'The queue message is not JSON: only the scan function may send here.', {
      cause,
    });
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
  // Secrets Manager's documentation writes them this way too.
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
  /** The id of the version that is to become AWSCURRENT. */
  readonly token: string;
}

/** One step of Secrets Manager's native rotation. Throws InvalidRequest. */
export function parseRotationRequest(input: unknown): RotationRequest {
  const body = parse(rotationSchema, input, 'The rotation event');
  const step = Object.hasOwn(rotationSteps, body.Step)
    ? rotationSteps[body.Step as keyof typeof rotationSteps] // hasOwn has just seen it
    : undefined;
  if (step === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The rotation event names an unknown step: expected createSecret, setSecret, testSecret or finishSecret.',
    );
  }
  return { step, secretId: body.SecretId, token: body.ClientRequestToken };
}
