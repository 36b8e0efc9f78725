/**
 * What CloudFormation sends to the function of a custom resource, and what it is answered
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
  /** What a template may ask of the resource. */
  readonly Data?: Readonly<Record<string, string>>;
}

/** Throws InvalidRequest: only CloudFormation may invoke such a function. */
export const parseCustomResourceEvent = (input: unknown): CustomResourceEvent => parseEvent(eventSchema, input, 'it');

/** `about` names the resource in the message. The event is not quoted, it holds a signed address. Throws InvalidRequest. */
export function parseEvent<Event>(schema: z.ZodMiniType<Event>, input: unknown, about: string): Event {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RenewalError(
    'InvalidRequest',
    `This is no event of CloudFormation for ${about} ($.${issue?.path.join('.') ?? ''}): only the stack's own deployment invokes this function.`,
  );
}

/** What CloudFormation knows an answer by. */
type Identity = Pick<CustomResourceEvent, 'StackId' | 'RequestId' | 'LogicalResourceId'>;

/** Does the work and answers, whatever happens: without an answer the deployment hangs. Throws what `respond` throws. */
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
