/** Checks requests against AWS's own models of its APIs, as botocore ships them (aws_model.py). One process checks many. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { RecordedRequest } from '../../testkit/local-aws/calls.ts';

/** As sent over the wire. */
export type WireRequest = Omit<RecordedRequest, 'role' | 'session'>;

export interface Judged {
  /** '' if the service has no such operation. */
  readonly operation: string;
  readonly problems: readonly string[];
}

/** @throws Error with Python's message. */
export function judgeRequests(python: string, requests: readonly WireRequest[]): Promise<Judged[]> {
  return new Promise((resolve, reject) => {
    const program = join(import.meta.dirname, 'aws_model.py');
    const child = execFile(python, [program], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
    child.stdin?.end(JSON.stringify(requests));
  });
}

/** Builds a request of the JSON protocols, which have everything in the target header and the body. */
export function jsonRequest(service: string, target: string, body: unknown): WireRequest {
  return { service, target, method: 'POST', path: '/', query: {}, headers: {}, body };
}
