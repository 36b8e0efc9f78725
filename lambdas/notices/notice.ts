/**
 * Turns an event into an e-mail. EventBridge's input transformer can't do it: it sends JSON to a topic, so a text arrives in
 * quotation marks, and quotation marks in a value break the text
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
 */
import { docs } from '../domain/docs.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Notice, NoticeTopic } from '../domain/notice.ts';
import type { Journal } from '../domain/ports.ts';
import type { RenewalEvent } from '../domain/result.ts';
import { type CommandTarget, typedCommand } from '../domain/typed-command.ts';

export interface NoticeWorld {
  readonly topic: NoticeTopic;
  /** For the commands in the e-mails. */
  readonly stackName: string;
  readonly journal: Pick<Journal, 'decision'>;
}

type Detail = Readonly<Record<string, unknown>>;

/** The one command that an e-mail ends with. */
interface Todo {
  /** What the command is for. It ends with a colon. */
  readonly to: string;
  /** The words after `cert-renewer`. */
  readonly words: (name: string) => string;
  /** The heading of docs/operations.md that says more. */
  readonly heading: string;
}

/** The subject and the lines of an e-mail, and what to do. */
interface Wording {
  readonly subject: (name: string, detail: Detail) => string;
  readonly text: (name: string, detail: Detail) => readonly string[];
  readonly todo: Todo;
}

const status = (name: string): string => `status ${name}`;

const wordings: Readonly<Partial<Record<RenewalEvent['type'], Wording>>> = {
  'Certificate Renewal Failed': {
    subject: (name, detail) => `cert-renewer: ${name} was not ${tried(detail)} (${said(detail['code'])})`,
    text: (name, detail) => [
      `The certificate in ${placed(name, detail)} could not be ${tried(detail)}.`,
      `${said(detail['code'])}: ${said(detail['message'])}`,
      `Failures in a row: ${said(detail['failures'])}. ${isKnown(detail) ? expiry(detail) : 'No certificate is known in this secret yet.'}`,
    ],
    todo: { to: 'To see when the next try is, and what to do before:', words: status, heading: 'failed' },
  },
  'Certificate Renewal Overdue': {
    subject: (name) => `cert-renewer: ${name} is overdue`,
    text: (name, detail) =>
      isKnown(detail)
        ? [
            `The certificate in ${placed(name, detail)} should have been renewed at ${said(detail['renewAt'])}, but it was not.`,
            expiry(detail),
          ]
        : [
            `The declared certificate in ${placed(name, detail)} should have been issued by ${said(detail['renewAt'])}, but it was not.`,
          ],
    todo: { to: 'To see why, and what to do:', words: status, heading: 'overdue' },
  },
  'Certificate Hook Failed': {
    subject: (name, { hook }) => `cert-renewer: a hook of ${name} failed (${said(hook)})`,
    text: (name, detail) => [
      `The certificate in ${placed(name, detail)} was issued or renewed, but its hook (${said(detail['hook'])}) failed.`,
      `${said(detail['code'])}: ${said(detail['message'])}`,
      'A server may still use the old certificate. A failed hook is not repeated.',
    ],
    todo: {
      to: 'Remove the cause. Then renew the certificate again, which runs the hooks of its profile:',
      words: (name) => `renew ${name} --force`,
      heading: 'hookfailed',
    },
  },
  'Certificate Not Served': {
    subject: (name) => `cert-renewer: ${name} is not served`,
    text: (name, detail) => [
      `The certificate in ${placed(name, detail)} was issued or renewed, but not every server presents it.`,
      ...endpointsOf(detail).map(
        (one) => `${said(member(one, 'endpoint'))} (${said(member(one, 'state'))}): ${said(member(one, 'message'))}`,
      ),
      ...(isKnown(detail) ? [`The certificate in the secret expires at ${said(detail['notAfter'])}.`] : []),
    ],
    todo: {
      to: 'Have the servers load the new certificate. Then probe them now:',
      words: (name) => `probe ${name}`,
      heading: 'notserved',
    },
  },
};

/** Returns the results for the endpoints, those that present the certificate last. */
function endpointsOf({ endpoints }: Detail): readonly unknown[] {
  const all: readonly unknown[] = Array.isArray(endpoints) ? endpoints : [];
  const isServed = (one: unknown) => member(one, 'state') === 'served';
  return [...all.filter((one) => !isServed(one)), ...all.filter(isServed)];
}

/** In the event, notAfter is null if there was never a certificate, and if none could be read. */
const isKnown = ({ notAfter }: Detail): boolean => notAfter !== null;
const tried = (detail: Detail): string => (isKnown(detail) ? 'renewed' : 'issued or renewed');
const placed = (name: string, { profile }: Detail): string => `${name} (profile ${said(profile)})`;
const expiry = ({ notAfter }: Detail): string => `It expires at ${said(notAfter)}.`;

/** The detail-types of events that are sent by e-mail. */
export const noticedEvents = Object.keys(wordings);

/**
 * Sends the e-mail for an event. Throws InvalidRequest for an event without an e-mail, and the errors of publishing. Lambda tries
 * again, and keeps an event that fails each time.
 */
export async function sendNotice({ topic, journal, stackName }: NoticeWorld, event: unknown): Promise<void> {
  await topic.publish(noticeOf(event, stackName));
  const secretArn = textOf(member(member(event, 'detail'), 'secretArn')) ?? '';
  journal.decision({ secretArn, reason: { code: 'Requested', message: 'Sent by e-mail.' } });
}

/** Returns the e-mail of a stack for an event. Throws InvalidRequest. */
export function noticeOf(event: unknown, stackName: string): Notice {
  const type = textOf(member(event, 'detail-type'));
  const wording =
    type !== undefined && Object.hasOwn(wordings, type) ? wordings[type as RenewalEvent['type']] : undefined;
  const detail = member(event, 'detail');
  if (wording === undefined || member(event, 'source') !== 'cert-renewer' || !isObject(detail)) {
    throw new RenewalError(
      'InvalidRequest',
      `This event is not sent by e-mail: expected one of cert-renewer's events ${noticedEvents.join(', ')}. Only the stack's own rules may invoke this function.`,
    );
  }
  const secretArn = textOf(detail['secretArn']);
  const name = textOf(detail['name']) ?? nameOf(secretArn);
  const place = [
    ...(secretArn === undefined ? [] : [`Secret: ${secretArn}`]),
    `Account ${said(member(event, 'account'))}, Region ${said(member(event, 'region'))}, at ${said(member(event, 'time'))}.`,
  ];
  const region = textOf(member(event, 'region'));
  const todo = linesOf(wording.todo, typable(name), { stackName, region });
  return {
    subject: subjectOf(wording.subject(name, detail)),
    text: [...wording.text(name, detail), '', ...place, '', ...todo].join('\n'),
  };
}

function linesOf({ to, words, heading }: Todo, name: string, target: CommandTarget): readonly string[] {
  return [to, `    ${typedCommand(words(name), target)}`, `More: ${docs('operations.md', heading)}`];
}

/** Returns the name for a shell. An event with another name than Secrets Manager allows was written by somebody else. */
function typable(name: string): string {
  return /^[A-Za-z0-9/_+=.@][A-Za-z0-9/_+=.@-]*$/.test(name) ? name : 'NAME';
}

/** Returns a field's value as text, or `unknown`. */
function said(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : 'unknown';
}

/** SNS allows ASCII without control characters, fewer than 100 characters (API reference, Publish). */
function subjectOf(text: string): string {
  const ascii = text.replace(/[^\x20-\x7e]/g, '?');
  return ascii.length < 100 ? ascii : `${ascii.slice(0, 96)}...`;
}

/** Returns the secret's name from its ARN, without the six characters that AWS adds. */
function nameOf(secretArn: string | undefined): string {
  return secretArn?.split(':secret:')[1]?.replace(/-[A-Za-z0-9]{6}$/, '') ?? 'an unknown secret';
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: unknown): value is Detail {
  return typeof value === 'object' && value !== null;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
