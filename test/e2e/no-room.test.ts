/** Secrets that have no room for the status tags, on the deployed stack: reported once, left alone, nothing issued. */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { client, waitFor } from '../../testkit/local-aws/client.ts';
import { collectEvents } from '../../testkit/local-aws/events.ts';
import { crowd, saysNoRoom } from '../support/crowded.ts';
import { describeWith } from '../support/local.ts';
import { aged, renewerOf } from '../support/renewer.ts';

describeWith(['stack'], 'a secret without room for the status tags', (local) => {
  const { emulator, outputs } = local;
  const secrets = client(SecretsManagerClient, emulator);
  const { fresh, scan, look } = renewerOf(local);

  it('fails with UnsupportedSecret, once, before a CA is asked', async () => {
    const secret = await fresh({}, aged(23));
    await crowd(secrets, secret.arn);
    const before = await look(secret.arn);
    const bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [secret.arn] });
    expect(await scan([secret.arn])).toMatchObject({ enqueued: 1 });
    await waitFor('the label', () => saysNoRoom(secrets, secret.arn));
    await bus.next('the failure', ({ detail }) => detail['code'] === 'UnsupportedSecret');
    expect(await scan([secret.arn], { dryRun: true })).toMatchObject({
      backingOff: 1,
      plan: [{ action: 'skip', reason: { code: 'UnsupportedSecret' } }],
    });
    const after = await look(secret.arn);
    expect(after.value).toEqual(before.value);
    expect([...after.tags]).toEqual([...before.tags]);
  });
});
