/**
 * The event bus. Events that are published together travel together, in as few calls as EventBridge allows: a scan after an
 * outage of the CA tells of thousands.
 */
import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { type CallPolicy, call as within } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Clock, Publisher } from '../domain/ports.ts';
import type { RenewalEvent } from '../domain/result.ts';
import { type AwsOptions, clientConfig, once, pauseBefore } from './clients.ts';
import { awsEntryError, awsError } from './errors.ts';

export interface EventBridgePublisherOptions extends AwsOptions {
  /** Name or ARN. */
  readonly eventBusName: string;
  readonly clock: Clock;
}

/** PutEvents' limits: entries in a call, and bytes of all of them. */
const mostEntries = 10;
const mostBytes = 256 * 1024;
/** How long (ms) the first event waits for company: a call takes longer than that. */
const waitsFor = 4;
const attempts = 3;

/** A Publisher that waits a moment for company. */
export interface BatchingPublisher extends Publisher {
  /** Sends what waits now: nobody else is coming. */
  flush(): void;
}

interface Waiting {
  readonly entry: PutEventsRequestEntry;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A Publisher whose client is loaded with the first event. What one invocation publishes at the same time shares its calls. */
export function eventBridgePublisher(options: EventBridgePublisherOptions): (policy: CallPolicy) => BatchingPublisher {
  const sdk = once(async () => {
    const loaded = await import('./sdk/eventbridge.ts');
    return { ...loaded, client: new loaded.EventBridgeClient(clientConfig(options)) };
  });
  return (policy) => batching(options, policy, sdk);
}

type Sdk = () => Promise<typeof import('./sdk/eventbridge.ts') & { readonly client: EventBridgeClient }>;

function batching(options: EventBridgePublisherOptions, policy: CallPolicy, sdk: Sdk): BatchingPublisher {
  const call = { service: 'events', action: 'PutEvents', resource: options.eventBusName } as const;
  let waiting: Waiting[] = [];

  async function putEvents(batch: readonly Waiting[]) {
    try {
      const { client, PutEventsCommand } = await sdk();
      return await client.send(new PutEventsCommand({ Entries: batch.map(({ entry }) => entry) }));
    } catch (thrown) {
      throw awsError(thrown, call);
    }
  }

  /** Never throws: every event of the batch learns its own outcome. */
  async function deliver(batch: readonly Waiting[]): Promise<void> {
    let left = batch;
    try {
      for (let attempt = 1; left.length > 0; attempt++) {
        if (attempt > 1) await options.clock.sleep(pauseBefore(attempt));
        const { Entries = [] } = await putEvents(left);
        const refused: Waiting[] = [];
        for (const [index, one] of left.entries()) {
          const name = Entries[index]?.ErrorCode;
          const error = name === undefined ? undefined : awsEntryError(name, call);
          if (error === undefined) one.resolve();
          else if (error.retryable && attempt < attempts) refused.push(one);
          else one.reject(error);
        }
        left = refused;
      }
    } catch (error) {
      for (const { reject } of left) reject(error);
    }
  }

  function flush(): void {
    const batches = split(waiting);
    waiting = [];
    for (const batch of batches) void deliver(batch);
  }

  return {
    publish(event) {
      const entry = entryOf(event, options.eventBusName);
      const bytes = sizeOf(entry);
      if (bytes > mostBytes) return Promise.reject(tooLarge(event, bytes));
      return within(policy, 'publish', () => {
        return new Promise((resolve, reject) => {
          waiting.push({ entry, bytes, resolve, reject });
          if (waiting.length === 1) void options.clock.sleep(waitsFor).then(flush);
          else if (waiting.length >= mostEntries) flush();
        });
      });
    },
    flush,
  };
}

/** EventBridge itself sets the time: that of the call. */
function entryOf(event: RenewalEvent, EventBusName: string): PutEventsRequestEntry {
  return {
    Source: 'cert-renewer',
    DetailType: event.type,
    Detail: JSON.stringify({ version: '1', ...event.detail }),
    Resources: 'secretArn' in event ? [event.secretArn] : [],
    EventBusName,
  };
}

/** As EventBridge counts an entry's bytes (user guide, "Calculating PutEvents event entry size"); no Time is sent. */
function sizeOf({ Source = '', DetailType = '', Detail = '', Resources = [] }: PutEventsRequestEntry): number {
  return [Source, DetailType, Detail, ...Resources].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function split(all: readonly Waiting[]): Waiting[][] {
  const batches: Waiting[][] = [];
  let bytes = 0;
  for (const one of all) {
    const last = batches.at(-1);
    if (last === undefined || last.length === mostEntries || bytes + one.bytes > mostBytes) {
      batches.push([one]);
      bytes = one.bytes;
    } else {
      last.push(one);
      bytes += one.bytes;
    }
  }
  return batches;
}

function tooLarge(event: RenewalEvent, bytes: number): RenewalError {
  return new RenewalError(
    'Internal',
    `The event "${event.type}" has ${bytes} bytes, and EventBridge takes ${mostBytes}: it was not published. Report it with the log line's requestId.`,
  );
}
