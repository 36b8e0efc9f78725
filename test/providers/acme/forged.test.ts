/** Receipts that another writer has changed, and names that the CA made up. */
import { describe, expect, test } from 'vitest';
import { makeKey } from '../../../testkit/certificates/index.ts';
import { Refused } from '../../../testkit/fakes/acme/acme-ca.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { ask, closeScenes, failureOf, finish, type Scene, scene, zoneId } from './scene.ts';

closeScenes();

const foreign = 'A'.repeat(43);

/** Returns the receipt of an order whose values are known, and not published yet. */
async function receiptOf(at: Scene): Promise<string> {
  let receipt: string | undefined;
  for (let look = 0; look < 2; look++) {
    const answer = await ask(at, at.provider(), { receipt });
    if (answer.kind === 'pending') receipt = answer.receipt;
  }
  return receipt ?? '';
}

function changed(receipt: string, change: (fields: Record<string, unknown>) => void): string {
  const fields = JSON.parse(Buffer.from(receipt, 'base64url').toString());
  change(fields);
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

const withText = (receipt: string, domain: string) =>
  changed(receipt, (fields) => {
    fields['zones'] = { [zoneId]: { texts: [[domain, foreign]] } };
  });

describe('a forged receipt', () => {
  test('has no TXT value of its own published, also for a declared name', async () => {
    const at = await scene();
    const forged = withText(await receiptOf(at), 'www.example.com');
    expect(await failureOf(ask(at, at.provider(), { receipt: forged }))).toMatchObject({ code: 'CaRejected' });
    expect(at.zones.names()).toEqual([]);
  });

  test("has no value of another's order taken away", async () => {
    const at = await scene();
    const receipt = await receiptOf(at);
    const theirs = { name: '_acme-challenge.other.example.com', value: foreign };
    await at.zones.add(zoneId, [theirs]);
    await at.provider().abandon?.(withText(receipt, 'other.example.com'));
    expect(at.zones.names()).toHaveLength(1);
  });

  test('is not accepted for another key or another order', async () => {
    const at = await scene();
    const receipt = await receiptOf(at);
    for (const forged of [
      changed(receipt, (fields) => Object.assign(fields, { key: foreign })),
      changed(receipt, (fields) => Object.assign(fields, { order: `${fields['order']}0` })),
    ]) {
      expect(await failureOf(ask(at, at.provider(), { receipt: forged }))).toMatchObject({ code: 'CaRejected' });
    }
    expect(at.zones.names()).toEqual([]);
    expect((await finish(at, () => at.provider(), { receipt })).answer.kind).toBe('issued');
  });
});

describe('an error that the CA chooses', () => {
  test('has no control character and no huge name', async () => {
    for (const value of [`www.example.com\n{"level":"INFO"}`, 'x'.repeat(500_000)]) {
      const at = await scene();
      const receipt = await receiptOf(at);
      const [authorization] = at.ca.orders[0]?.authorizations ?? [];
      Object.assign(authorization ?? {}, { identifier: { type: 'dns', value }, status: 'invalid' });
      const error = await failureOf(finish(at, () => at.provider(), { receipt }));
      expect(error.code).toBe('CaRejected');
      expect(error.message.length).toBeLessThan(5_000);
      expect(error.message).not.toMatch(/\n|level/);
    }
  });

  test('fits into an event, whatever number of reasons it has', async () => {
    const at = await scene();
    const receipt = await receiptOf(at);
    const [authorization] = at.ca.orders[0]?.authorizations ?? [];
    const error = { type: 'dns', detail: 'no such record '.repeat(30) };
    const challenges = Array.from({ length: 1_000 }, (_, id) => ({ id, type: 'a', status: 'invalid', told: 0, error }));
    Object.assign(authorization ?? {}, { status: 'invalid', challenges });
    const found = await failureOf(finish(at, () => at.provider(), { receipt }));
    expect(found.message.length).toBeLessThan(5_000);
  });

  test('of the order has few of its subproblems', async () => {
    const at = await scene({ approved: true });
    const each = { type: 'caa', detail: 'y'.repeat(200), identifier: { type: 'dns', value: 'z\n'.repeat(200) } };
    const subproblems = Array.from({ length: 1_000 }, () => each);
    at.ca.faults.failBefore('newOrder', new Refused(403, 'caa', 'no', {}, { subproblems }));
    const error = await failureOf(ask(at, at.provider()));
    expect(error.message.length).toBeLessThan(8_000);
    expect(error.message).not.toContain('\n');
  });
});

test('an order that the CA gave to two certificates is gone for the one that did not finalise it', async () => {
  const at = await scene({ reusesOrders: true });
  const other = signerFor(makeKey('RSA-2048'));
  const receipts = [];
  for (const key of [at.key, other]) {
    const answer = await ask(at, at.provider(), { key });
    receipts.push(answer.kind === 'pending' ? answer.receipt : undefined);
  }
  expect(at.ca.orders).toHaveLength(1);
  const [mine, theirs] = receipts;
  expect((await finish(at, () => at.provider(), { receipt: mine })).answer.kind).toBe('issued');
  const { answer } = await finish(at, () => at.provider(), { receipt: theirs, key: other });
  expect(answer).toMatchObject({ kind: 'gone', code: 'CertificateRejected' });
  expect((await finish(at, () => at.provider(), { key: other })).answer.kind).toBe('issued');
  expect(at.zones.names()).toEqual([]);
});
