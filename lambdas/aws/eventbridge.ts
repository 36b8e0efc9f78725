/**
 * Publishes to the event bus. Events that are published together share calls, as many as EventBridge allows: a scan after an outage of the
 * CA publishes thousands.
 */
import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { type CallPolicy, call as within } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Clock, Publisher } from '../domain/ports.ts';
import type { RenewalEvent } from '../domain/result.ts';
import { type AwsOptions, clientConfig, once, pauseBefore } from './clients.ts';
import { awsEntryError, awsError } from './errors.ts';

export interface EventBridgePublisherOptions extends AwsOptions {
  /** Name or ARN of the bus. */
  readonly eventBusName: string;
  readonly clock: Clock;
}

/** Limits of PutEvents: entries of a call, and their bytes in total. */
const mostEntries = 10;
const mostBytes = 256 * 1024;
/** Milliseconds that the first event waits for others; a call takes longer. */
const waitsFor = 4;
const attempts = 3;

/** A Publisher that waits a moment for more events. */
export interface BatchingPublisher extends Publisher {
  /** Sends the waiting events now, because no others will follow. */
  flush(): void;
}

interface Waiting {
  readonly entry: PutEventsRequestEntry;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Returns a publisher for each invocation. Its client is loaded with the first event. Events that an invocation publishes at the same time
 * share calls.
 */
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

  /** Sends a batch. Never throws: each event gets its own result. */
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

/** Returns an entry. EventBridge sets its time, that of the call. */
function entryOf(event: RenewalEvent, EventBusName: string): PutEventsRequestEntry {
  return {
    Source: 'cert-renewer',
    DetailType: event.type,
    Detail: JSON.stringify({ version: '1', ...event.detail }),
    Resources: 'secretArn' in event ? [event.secretArn] : [],
    EventBusName,
  };
}

/**
 * Returns the bytes of an entry as EventBridge counts them (user guide, "Calculating PutEvents event entry size"), without Time, which is
 * not sent.
 */
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
    `The event "${event.type}" has ${bytes} bytes, but EventBridge accepts ${mostBytes}: it was not published. Report it with the log line's requestId.`,
  );
}
