/**
 * A proxy in front of the local AWS that makes faults. It knows each call by its name. For each call a plan decides whether the proxy
 * passes it on, refuses it, loses it, cuts its answer, delays it, or repeats an old answer. Such a plan serves a table of crashes,
 * a table of faults, and a soak that draws its faults from a seed.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface AwsCall {
  /** AWS's name of the call: DescribeSecret, PutEvents … */
  readonly api: string;
  /** 1 for the first call with this name. */
  readonly count: number;
  readonly body: string;
}

export type Trouble =
  /** Answers with an error in AWS's form. AWS does not get the call. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  /** Closes the connection before the call, after it, or in the middle of its answer. */
  | { readonly kind: 'drop' | 'lose' | 'cut' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Repeats the last answer to the same request, if there is one. */
  | { readonly kind: 'stale' }
  /** Runs `act` just before the call, or after it and before its answer. If `act` returns `drop` before the call, AWS does not get it. */
  | { readonly kind: 'before' | 'after'; readonly act: () => unknown };

export interface AwsProxy {
  readonly endpoint: string;
  /** All calls, in the order of arrival. */
  readonly calls: AwsCall[];
  /** Type and `detail` of each event that the bus has accepted. */
  readonly events: { readonly type: string; readonly detail: Readonly<Record<string, unknown>> }[];
  /** Decides on the fault of a call. Undefined passes the call on. */
  plan: (call: AwsCall) => Trouble | undefined;
  count(api: string): number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Starts a proxy in front of `target` (http) on a free port of 127.0.0.1. */
export async function startAwsProxy(target: string): Promise<AwsProxy> {
  const agent = new Agent({ keepAlive: true });
  const remembered = new Map<string, Answer>();
  const counts = new Map<string, number>();
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray());
    const api = apiOf(incoming);
    const count = (counts.get(api) ?? 0) + 1;
    counts.set(api, count);
    const call = { api, count, body: body.toString() };
    proxy.calls.push(call);
    const trouble = proxy.plan(call);
    if (trouble?.kind === 'drop') return void response.destroy();
    if (trouble?.kind === 'refuse') return refuse(response, trouble.status, trouble.code);
    if (trouble?.kind === 'delay') await sleep(trouble.milliseconds);
    if (trouble?.kind === 'before' && (await trouble.act()) === 'drop') return void response.destroy();
    const question = `${api} ${call.body}`;
    const known = trouble?.kind === 'stale' ? remembered.get(question) : undefined;
    const answer = known ?? (await forward(incoming, body));
    remembered.set(question, answer);
    if (api === 'PutEvents' && answer.status === 200) proxy.events.push(...eventsOf(call.body));
    if (trouble?.kind === 'after') await trouble.act();
    if (trouble?.kind === 'lose') return void response.destroy();
    response.writeHead(answer.status, answer.headers);
    if (trouble?.kind !== 'cut') return void response.end(answer.body);
    response.write(answer.body.subarray(0, answer.body.length / 2), () => response.destroy());
  }

  function forward({ method, url = '/', headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(url, target), { method, headers, agent }, (incoming) => {
        const { statusCode: status = 502, headers: answered } = incoming;
        incoming.toArray().then((parts) => {
          const { 'transfer-encoding': _, ...plain } = answered;
          resolve({ status, headers: plain, body: Buffer.concat(parts) });
        }, reject);
      });
      outgoing.on('error', reject).end(body);
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has one
  const proxy: AwsProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    calls: [],
    events: [],
    plan: () => undefined,
    count: (api) => counts.get(api) ?? 0,
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** AWS's JSON protocols name the call in a header: `secretsmanager.DescribeSecret`. */
function apiOf({ headers, url }: IncomingMessage): string {
  const named = headers['x-amz-target'];
  return (typeof named === 'string' ? named.split('.').at(-1) : undefined) ?? url ?? '';
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const body = JSON.stringify({ __type: code, message: 'on order of a test' });
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code }).end(body);
}

function eventsOf(body: string): AwsProxy['events'] {
  const { Entries = [] }: { Entries?: readonly { DetailType?: string; Detail?: string }[] } = JSON.parse(body);
  return Entries.map(({ DetailType = '', Detail = '{}' }) => ({ type: DetailType, detail: JSON.parse(Detail) }));
}
