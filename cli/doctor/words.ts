/** Error messages as one clean line: what AWS, Node and OpenSSL add is of no use to the person who reads it. */
import { explain } from '../exit.ts';

/** What libraries write, and what is left of it. */
const noise: readonly (readonly [RegExp, string])[] = [
  [/^\s*at [^\n]*(?:\n|$)/gm, ''], // a stack trace
  [/\s+/g, ' '],
  [/^\S+Z [0-9a-f-]{36} (?=Task timed out)/, ''],
  [/\bRequestId: [0-9a-f-]{36},? ?/g, ''],
  [/\bUnknownError\b(?:: ?Unknown(?:Error)?\b)?/g, 'an answer that AWS does not give'],
  [/: report it with the log line's requestId(?=\.)/g, ''],
  [/\bgetaddrinfo \w+ ([\w.:-]+)/g, 'the name $1 has no address'],
  [/\b(?:connect|read|write) (E[A-Z]+)(?: (\S+))?/g, 'the connection failed ($1 $2)'],
  [/ \)/g, ')'],
  [/(?:[0-9A-F]{8,16}:)?error:[0-9A-F]{4,8}:[^:]*:[^:]*:([^:]+)(?::[^ ]*)*/g, '$1'],
  [/^(?:\w*Error|Error): (?=\S)/, ''],
];

/** Returns a message of any origin in one line, without what only a programmer reads. */
export function plain(text: string): string {
  return noise.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text).trim();
}

/** Returns code and message of any thrown value, in one line. */
export function inWords(thrown: unknown): { readonly errorType: string; readonly message: string } {
  const { errorType, message } = explain(thrown);
  return { errorType, message: plain(message) };
}

/** Returns the permission that a denied call needs, from our own message: `SQS: GetQueueAttributes`. */
export function deniedAction(errorType: string, message: string): string | undefined {
  const [, service, action] = /^(.{1,40}) refused (\w+) on /.exec(message) ?? [];
  return errorType === 'AccessDenied' && service !== undefined ? `${service}: ${action}` : undefined;
}

/** Joins names for a sentence: `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
