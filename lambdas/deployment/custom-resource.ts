/**
 * CloudFormation's events for custom resources, and the answers to them
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html).
 */
import * as z from 'zod/mini';
import { RenewalError, toRenewalError } from '../domain/errors.ts';

export const filled = z.string().check(z.minLength(1));

/** The fields of every such event. */
export const eventFields = {
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: filled,
  StackId: filled,
  RequestId: filled,
  LogicalResourceId: filled,
  PhysicalResourceId: z.optional(filled),
};

const eventSchema = z.object(eventFields);
export type CustomResourceEvent = z.infer<typeof eventSchema>;

export interface CustomResourceAnswer {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason: string;
  readonly PhysicalResourceId: string;
  /** Attributes of the resource for templates. */
  readonly Data?: Readonly<Record<string, string>>;
}

/** Parses the event of a custom resource. Throws InvalidRequest. */
export const parseCustomResourceEvent = (input: unknown): CustomResourceEvent =>
  parseEvent(eventSchema, input, 'this resource');

/**
 * Parses an event. `about` names the resource in the message. The event is not quoted, because it contains a signed URL. Throws
 * InvalidRequest.
 */
export function parseEvent<Event>(schema: z.ZodMiniType<Event>, input: unknown, about: string): Event {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RenewalError(
    'InvalidRequest',
    `This is not an event of CloudFormation for ${about} ($.${issue?.path.join('.') ?? ''}): only the stack's deployment may invoke this function.`,
  );
}

/** The fields by which CloudFormation assigns an answer. */
type Identity = Pick<CustomResourceEvent, 'StackId' | 'RequestId' | 'LogicalResourceId'>;

/** Does the work and always answers, because the deployment hangs without an answer. Throws the errors of `respond`. */
export async function answered(
  respond: (url: string, response: CustomResourceAnswer & Identity) => Promise<void>,
  { StackId, RequestId, LogicalResourceId, ResponseURL, PhysicalResourceId }: CustomResourceEvent,
  work: () => Promise<CustomResourceAnswer>,
): Promise<void> {
  let answer: CustomResourceAnswer;
  try {
    answer = await work();
  } catch (thrown) {
    const { code, message } = toRenewalError(thrown);
    const id = PhysicalResourceId ?? `failed-${RequestId}`;
    answer = { Status: 'FAILED', Reason: `${code}: ${message}`, PhysicalResourceId: id };
  }
  await respond(ResponseURL, { ...answer, StackId, RequestId, LogicalResourceId });
}
