import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Publisher } from '../../lambdas/domain/ports.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';

/** An event as a consumer sees it. */
export interface Delivered {
  readonly type: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface PublisherWorld {
  readonly publisher: Publisher;
  /** Waits until there are `count` events that name this secret (or, without one, are Scan Completed). Returns them. */
  delivered(secretArn: string | undefined, count: number): Promise<readonly Delivered[]>;
  close(): Promise<void>;
}

const arn = (label: string | number) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:web/${label}-AbCdEf`;
const reason = { code: 'Expiring', message: '7h59m are left, "8h" is the window: größer → now' } as const;
const times = { notBefore: '2026-11-22T08:00:00Z', notAfter: '2026-11-23T08:00:00Z', renewAt: '2026-11-23T00:00:00Z' };

const renewed = (secretArn: string): RenewalEvent => ({
  type: 'Certificate Renewed',
  secretArn,
  detail: {
    ...{ operation: 'rekey', outcome: 'rekeyed', reason, warnings: [], secretArn, versionId: 'v2', ...times },
    ...{ previousVersionId: 'v1', profile: 'internal', subject: 'CN=web', sans: ['dns:web.example', 'ip:::1'] },
    ...{ serialNumber: '0a', previousSerialNumber: '09', keyAlgorithm: 'EC P-256', fingerprintSha256: '00' },
  },
});
const counts = {
  listed: 7,
  enqueued: 1,
  notDue: 2,
  paused: 1,
  backingOff: 1,
  waiting: 0,
  invalid: 2,
  unknown: 1,
  overdue: 0,
};
const events: readonly RenewalEvent[] = [
  renewed(arn('renewed')),
  {
    type: 'Certificate Renewal Failed',
    secretArn: arn('failed'),
    detail: {
      ...{
        secretArn: arn('failed'),
        name: null,
        profile: 'internal',
        code: 'CaUnavailable',
        message: 'The CA is down.',
      },
      ...{ retryable: true, failures: 2, notAfter: null },
    },
  },
  {
    type: 'Certificate Renewal Overdue',
    secretArn: arn('overdue'),
    detail: { secretArn: arn('overdue'), name: 'web', profile: 'internal', ...times },
  },
  { type: 'Scan Completed', detail: { ...counts, durationMs: 12 } },
];

/** Tests of every Publisher. */
export function publisherSuite(name: string, open: () => Promise<PublisherWorld>): void {
  let world: PublisherWorld;

  describe(`publisher: ${name}`, () => {
    beforeAll(async () => {
      world = await open();
    }, 60_000);
    afterAll(() => world?.close());

    test.each(events.map((event) => [event.type, event] as const))(
      '%s arrives as it was published',
      async (type, event) => {
        const secretArn = 'secretArn' in event ? event.secretArn : undefined;
        await world.publisher.publish(event);
        const [delivered] = await world.delivered(secretArn, 1);
        expect(delivered).toEqual({
          type,
          resources: secretArn ? [secretArn] : [],
          detail: { version: '1', ...event.detail },
        });
      },
    );

    test('30 at once arrive, each once', async () => {
      const arns = Array.from({ length: 30 }, (_, index) => arn(`many-${index}`));
      await Promise.all(arns.map((each) => world.publisher.publish(renewed(each))));
      for (const each of arns) expect(await world.delivered(each, 1)).toHaveLength(1);
    });

    test('two of one secret stay two', async () => {
      const both = [renewed(arn('twice')), renewed(arn('twice'))];
      await Promise.all(both.map((event) => world.publisher.publish(event)));
      expect(await world.delivered(arn('twice'), 2)).toHaveLength(2);
    });
  });
}
