import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Queue } from '../../lambdas/domain/ports.ts';
import type { QueueMessage } from '../../lambdas/domain/request.ts';

export interface Received {
  readonly body: unknown;
  readonly receiptHandle: string;
}

export interface QueueWorld {
  readonly queue: Queue & { changeVisibility(receiptHandle: string, seconds: number): Promise<void> };
  /** Receives all visible messages. A received message is hidden for a while. */
  receive(): Promise<readonly Received[]>;
  /** Deletes messages. */
  remove(received: readonly Received[]): Promise<void>;
  close(): Promise<void>;
}

const message = (index: number): QueueMessage => ({
  secretArn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:web/${index}-AbCdEf`,
  versionId: `version-${index}`,
});

/** Tests of every Queue. */
export function queueSuite(name: string, open: () => Promise<QueueWorld>): void {
  let world: QueueWorld;

  describe(`queue: ${name}`, () => {
    beforeAll(async () => {
      world = await open();
    }, 60_000);
    afterAll(() => world?.close());

    test.each([0, 1, 10, 11, 237])('%i messages arrive, each once', async (count) => {
      const sent = Array.from({ length: count }, (_, index) => message(index));
      await world.queue.send(sent);
      const received = await world.receive();
      const byArn = (a: unknown, b: unknown) => JSON.stringify(a).localeCompare(JSON.stringify(b));
      expect(received.map(({ body }) => body).sort(byArn)).toEqual([...sent].sort(byArn));
      await world.remove(received);
    });

    test('a message has exactly its three fields', async () => {
      const stray = { ...message(1), force: true, privateKey: { secretId: 'x' } };
      await world.queue.send([stray]);
      const received = await world.receive();
      expect(received.map(({ body }) => body)).toEqual([{ ...message(1), force: true }]);
      await world.remove(received);
    });

    test('a pause hides a message, and a pause of 0 shows it', async () => {
      await world.queue.send([message(7)]);
      const [first] = await world.receive();
      await world.queue.changeVisibility(first?.receiptHandle ?? '', 300);
      expect(await world.receive()).toEqual([]);
      await world.queue.changeVisibility(first?.receiptHandle ?? '', 0);
      const again = await world.receive();
      expect(again.map(({ body }) => body)).toEqual([message(7)]);
      await world.remove(again);
    });

    test('a delayed message comes later', async () => {
      await world.queue.send([message(9)], 900);
      expect(await world.receive()).toEqual([]);
    });

    test('a pause for a deleted message does nothing', async () => {
      await world.queue.send([message(8)]);
      const received = await world.receive();
      await world.remove(received);
      await world.queue.changeVisibility(received[0]?.receiptHandle ?? '', 30);
      expect(await world.receive()).toEqual([]);
    });
  });
}
