/** The dashboard's inventory, answered by the deployed function with its own role. */
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { beforeAll, expect, it } from 'vitest';
import { client, invoke } from '../../testkit/local-aws/client.ts';
import { describeWith } from '../support/local.ts';
import { renewerOf } from '../support/renewer.ts';

describeWith(['stack', 'step-ca'], 'the dashboard', (local) => {
  const { emulator } = local;
  const renewer = renewerOf(local);
  let inventory: string;
  beforeAll(async () => {
    const { Functions = [] } = await client(LambdaClient, emulator).send(new ListFunctionsCommand({ MaxItems: 1000 }));
    inventory = Functions.find(({ Handler }) => Handler === 'show-inventory.handler')?.FunctionName ?? '';
  });

  it('shows a certificate by its tags, and finds it by a part of its name', async () => {
    const secret = await renewer.fresh({ profile: 'internal' });
    await renewer.renew({ secretId: secret.arn });
    const form = { profile: 'internal', state: 'ok', search: secret.name.slice(3).toUpperCase() };
    const { error, payload } = await invoke(emulator, inventory, { page: 0, widgetContext: { forms: { all: form } } });
    expect(error).toBeUndefined();
    const html = String(payload);
    expect([...html.matchAll(/<tr><td>(.*?)<\/td>/g)].map(([, found]) => found)).toEqual([secret.name]);
    expect(html).toContain('<td><b class="well">ok</b></td>');
  });

  it('shows the authorities of the stack too', async () => {
    const { payload } = await invoke(emulator, inventory, { search: '' });
    expect(String(payload)).toContain('<option value="authority:');
  });

  it('describes its parameters', async () => {
    expect(String((await invoke(emulator, inventory, { describe: true })).payload)).toContain('| profile |');
  });
});
