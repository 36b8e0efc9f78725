/** Dead letters, read: which secret a message is about, and why it could not be delivered. */
import { isErrorCode } from '../lambdas/domain/errors.ts';
import type { Instant } from '../lambdas/domain/instant.ts';
import type { QueuedMessage } from './aws/queues.ts';

export interface Letter {
  readonly sentAt: Instant | undefined;
  /** The ARN; undefined for a scan, and for a message that names none. */
  readonly secretArn: string | undefined;
  /** The event, such as `Certificate Renewed`; undefined for a message that is no event. */
  readonly event: string | undefined;
  /** Why it failed, as far as the message says. A renewal says nothing: its reason is in the tags and in the log. */
  readonly error: { readonly errorType: string; readonly message: string } | undefined;
}

/**
 * Reads a message of EventBridge or of EventBridge Scheduler (the event, with the reason in attributes), a record of Lambda (the event
 * and the function's answer), or a message of the renewal queue. An answer of a user's own function is not shown: it may contain
 * anything.
 */
export function letterOf({ body, sentAt, attributes }: QueuedMessage): Letter {
  const message = parsed(body);
  const isOfLambda = 'requestPayload' in message;
  const event = isOfLambda ? objectOf(message['requestPayload']) : message;
  return {
    sentAt,
    secretArn: secretOf(event),
    event: textOf(event['detail-type']),
    error: isOfLambda ? errorOfFunction(message) : errorOfDelivery(attributes),
  };
}

/** The name of the secret in an ARN, without the six random characters. Another text stays as it is. */
export function nameInArn(arn: string): string {
  return /:secret:(.+)-[A-Za-z0-9]{6}$/.exec(arn)?.[1] ?? arn;
}

type Fields = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Fields => (value instanceof Object ? (value as Fields) : {});
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function parsed(body: string): Fields {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    return {};
  }
}

function secretOf(event: Fields): string | undefined {
  const { resources, detail, secretArn } = event;
  const [resource] = Array.isArray(resources) ? resources : [];
  return textOf(secretArn) ?? textOf(objectOf(detail)['secretArn']) ?? textOf(resource);
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function errorOfFunction(record: Fields): Letter['error'] {
  const answer = objectOf(record['responsePayload']);
  const [errorType, message] = [textOf(answer['errorType']), textOf(answer['errorMessage'])];
  if (errorType !== undefined && isErrorCode(errorType) && message !== undefined) return { errorType, message };
  const condition = textOf(objectOf(record['requestContext'])['condition']) ?? 'no answer';
  return {
    errorType: errorType ?? condition,
    message: `The function failed at every try (${condition}): see its log.`,
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
function errorOfDelivery(attributes: QueuedMessage['attributes']): Letter['error'] {
  const errorType = attributes.get('ERROR_CODE');
  if (errorType === undefined) return undefined;
  return { errorType, message: attributes.get('ERROR_MESSAGE') ?? 'EventBridge could not deliver it.' };
}
