/**
 * Reports hook failures that AWS reports: a command that failed on an instance (Run Command), an event that could not be delivered
 * (EventBridge), and a hook's function that failed at every try (Lambda).
 */

import { type ErrorCode, isErrorCode, RenewalError } from '../domain/errors.ts';
import { type CommandRunner, type HookType, hookTypes } from '../domain/hook.ts';
import { quote } from '../domain/quote.ts';
import { claimedSecret, field, textOf } from './renewed-event.ts';
import { type ReportWorld, report } from './report.ts';

export interface FailureWorld extends ReportWorld {
  readonly commands: Pick<CommandRunner, 'find'>;
  /** The type of the hooks of each dead-letter queue, by the queue's ARN. */
  readonly queues: ReadonlyMap<string, HookType>;
  /** Prefix of the names of this stack's SSM documents. */
  readonly documentPrefix: string;
}

// ---- Run Command --------------------------------------------------------------------------------------------------

/** Returns a document's profile and hook. The deployment names a document `<prefix><part>.<profile>.<index>.<type>`. */
export function hookOfDocument(name: string, prefix: string): { profile: string; hook: HookType } | undefined {
  const [, profile, type] = name.startsWith(prefix)
    ? (/^\d+\.(.+)\.\d+\.(\w+)$/.exec(name.slice(prefix.length)) ?? [])
    : [];
  return profile !== undefined && isHookType(type) ? { profile, hook: type } : undefined;
}

/** Returns whether the input is a status event of SSM. */
export function isCommandStatus(input: unknown): boolean {
  return field(input, 'source') === 'aws.ssm';
}

/**
 * Reports a failure on one instance, or of a whole command if no instance has reported one. Throws Throttled, AccessDenied, and
 * InvalidRequest for a document of another stack.
 */
export async function reportCommand(world: FailureWorld, event: unknown): Promise<void> {
  const detail = field(event, 'detail');
  const document = textOf(detail, 'document-name') ?? '';
  const of = hookOfDocument(document, world.documentPrefix);
  if (of === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      `The document ${quote(document)} does not belong to a hook of this stack (expected a name that begins with ${world.documentPrefix}): only the stack's own rule may send status events.`,
    );
  }
  const commandId = textOf(detail, 'command-id') ?? '';
  const instanceId = textOf(detail, 'instance-id');
  const status = textOf(detail, 'status') ?? 'unknown';
  const sent = await world.commands.find(commandId);
  if (instanceId === undefined && sent !== undefined && sent.failedOn > 0) return;
  const where = instanceId === undefined ? 'and reached no instance' : `on ${instanceId}`;
  await report(world, {
    ...of,
    ...claimedSecret({ detail: sent?.parameters }),
    code: 'Internal',
    message: `The command ended with the status ${status} ${where}: check the output of command ${commandId} in Run Command, and the state of the instances.`,
    commandId,
    ...(instanceId !== undefined && { instanceId }),
  });
}

// ---- Dead letters -------------------------------------------------------------------------------------------------

/** A record of an SQS event source. */
export interface DeadLetter {
  readonly body: string;
  readonly eventSourceARN: string;
  readonly messageAttributes: Readonly<Record<string, { readonly stringValue?: string | undefined }>>;
}

/** Reports a hook's dead letter. Throws the errors of publishing. */
export async function reportDeadLetter(world: FailureWorld, letter: DeadLetter): Promise<void> {
  const body = parsed(letter.body);
  const isOfLambda = field(body, 'requestPayload') !== undefined; // else of EventBridge: the event itself
  const event = isOfLambda ? field(body, 'requestPayload') : body;
  const { code, message } = isOfLambda ? failureOfFunction(body) : failureOfDelivery(letter);
  await report(world, {
    profile: textOf(field(event, 'detail'), 'profile') ?? '',
    hook: world.queues.get(letter.eventSourceARN) ?? 'lambda',
    ...claimedSecret(event),
    code,
    message: `${message}${deploymentIn(event)}`,
  });
}

/** Returns what an event of ECS is about, which names no profile and no secret. Empty for other events. */
function deploymentIn(event: unknown): string {
  const resources = field(event, 'resources');
  const arn: unknown = Array.isArray(resources) ? resources[0] : undefined;
  if (field(event, 'source') !== 'aws.ecs' || typeof arn !== 'string') return '';
  return ` The event was the end of a deployment of ${/^arn:[\w:/-]{1,700}$/.test(arn) ? arn : 'a service'}.`;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function failureOfFunction(body: unknown): { code: ErrorCode; message: string } {
  const answer = field(body, 'responsePayload');
  const type = textOf(answer, 'errorType') ?? '';
  const message = textOf(answer, 'errorMessage');
  // cert-renewer's own errors contain no secret.
  if (isErrorCode(type) && message !== undefined) return { code: type, message };
  const condition = textOf(field(body, 'requestContext'), 'condition') ?? 'unknown';
  return { code: 'Internal', message: `The hook's function failed at every try (${word(condition)}): see its log.` };
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
function failureOfDelivery({ messageAttributes }: DeadLetter): { code: ErrorCode; message: string } {
  const attribute = (name: string) => messageAttributes[name]?.stringValue ?? '';
  const reason = word(attribute('ERROR_CODE')) || 'unknown';
  const target = /^arn:[\w:/.+=@-]{1,300}$/.test(attribute('TARGET_ARN')) ? attribute('TARGET_ARN') : 'its target';
  const code: ErrorCode =
    reason === 'NO_PERMISSIONS' ? 'AccessDenied' : reason === 'THROTTLING' ? 'Throttled' : 'Internal';
  return {
    code,
    message: `EventBridge could not deliver the event to ${target} (${reason}): check that it exists and accepts events, and see the attribute ERROR_MESSAGE of the dead letter.`,
  };
}

const word = (text: string): string => (/^\w{1,60}$/.test(text) ? text : '');

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isHookType(value: unknown): value is HookType {
  return hookTypes.some((type) => type === value);
}
