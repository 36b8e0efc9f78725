/** The account: found by its key, made once, and its external binding. */
import { describe, expect, test } from 'vitest';
import type { AccountBindings } from '../../../lambdas/domain/ports.ts';
import { Refused } from '../../../testkit/fakes/acme/acme-ca.ts';
import { FakeStore } from '../../../testkit/fakes/store.ts';
import { ask, closeScenes, failureOf, finish, scene } from './scene.ts';

closeScenes();

const externalAccount = {
  kid: 'kid-1',
  hmacKey: Buffer.from('a secret MAC key of 32 octets!!!').toString('base64url'),
};
const storeWith = (value: string): FakeStore => {
  const store = new FakeStore();
  store.add({ name: 'eab', value });
  return store;
};

describe('an account', () => {
  test.each(['P-256', 'P-384', 'RSA-2048'] as const)('is made once for a key %s', async (accountKey) => {
    const at = await scene({ accountKey, approved: true });
    for (let process = 1; process <= 3; process++) await finish(at, () => at.provider());
    expect(at.ca.accounts).toHaveLength(1);
    expect(at.ca.orders.map(({ finalised }) => finalised)).toEqual([1, 1, 1]);
  });

  test('is asked for once a process, and not at all with a receipt', async () => {
    const at = await scene({ approved: true });
    const provider = at.provider();
    await finish(at, () => provider);
    await finish(at, () => provider);
    expect(at.ca.faults.count('newAccount')).toBe(2); // looked for, made
    const { receipt } = { receipt: '', ...(await ask(at, provider)) };
    await finish(at, () => at.provider(), { receipt });
    expect(at.ca.faults.count('newAccount')).toBe(2);
  });

  test('is looked up again where the CA does not know the one of the process', async () => {
    const at = await scene({ approved: true });
    const provider = at.provider();
    await finish(at, () => provider);
    at.ca.accounts.length = 0;
    expect((await finish(at, () => provider)).answer.kind).toBe('issued');
    expect(at.ca.accounts).toHaveLength(1);
  });

  test('is looked up once only where the CA refuses it for good', async () => {
    const at = await scene({ approved: true });
    const provider = at.provider();
    await finish(at, () => provider);
    const before = at.ca.faults.count('newAccount');
    at.ca.faults.failBefore('newOrder', new Refused(403, 'unauthorized', 'no more'), { times: 9 });
    expect(await failureOf(ask(at, provider))).toMatchObject({ code: 'CaRejected' });
    expect(at.ca.faults.count('newAccount') - before).toBe(1);
  });

  test('has the configured contact, also where it changes', async () => {
    const at = await scene({ approved: true });
    await ask(at, at.provider({ contact: ['mailto:a@example.com'] }));
    expect(at.ca.accounts[0]?.contact).toEqual(['mailto:a@example.com']);
    await ask(at, at.provider({ contact: ['mailto:b@example.com'] }));
    expect(at.ca.accounts[0]?.contact).toEqual(['mailto:b@example.com']);
    await ask(at, at.provider({ contact: ['mailto:b@example.com'] }));
    expect(at.ca.faults.count('account')).toBe(1);
  });

  test('is not made without consent to the terms', async () => {
    const at = await scene({ terms: 'https://ca.example/terms' });
    const error = await failureOf(ask(at, at.provider({ agreeToTerms: undefined })));
    expect(error).toMatchObject({ code: 'CaRejected', message: expect.stringContaining('https://ca.example/terms') });
    expect(error.message).toContain('agreeToTerms');
    expect(at.ca.accounts).toEqual([]);
  });
});

describe('an external account binding', () => {
  test('comes from a secret, which is read only to make the account', async () => {
    const at = await scene({ externalAccount, approved: true });
    const store = storeWith(JSON.stringify(externalAccount));
    for (let process = 1; process <= 2; process++) {
      const provider = at.provider({ eabSecretId: 'eab' }, { store });
      expect((await finish(at, () => provider)).answer.kind).toBe('issued');
    }
    expect(store.faults.count('read')).toBe(1);
  });

  test('comes from ACM', async () => {
    const at = await scene({ externalAccount, approved: true });
    const asked: string[] = [];
    const bindings: AccountBindings = {
      find: async (arn) => {
        asked.push(arn);
        return { keyId: externalAccount.kid, macKey: externalAccount.hmacKey };
      },
    };
    const provider = at.provider({ eabBinding: 'arn:binding' }, { bindings });
    expect((await finish(at, () => provider)).answer.kind).toBe('issued');
    expect(asked).toEqual(['arn:binding']);
  });

  test('is asked for where the CA needs it', async () => {
    const at = await scene({ externalAccount });
    const error = await failureOf(ask(at, at.provider()));
    expect(error).toMatchObject({ code: 'CaRejected' });
    for (const part of ['eabSecretId', 'eabBinding']) expect(error.message).toContain(part);
  });

  test.each([
    ['no JSON', 'hunter2hunter2hunter2'],
    ['no object', '"hunter2hunter2hunter2"'],
    ['null', 'null'],
    ['no kid', JSON.stringify({ hmacKey: 'hunter2hunter2hunter2' })],
    ['another alphabet', JSON.stringify({ kid: 'k', hmacKey: 'hunter2 hunter2 hunter2' })],
  ])('with %s in the secret is refused without a word of it', async (_, value) => {
    const at = await scene({ externalAccount });
    const error = await failureOf(ask(at, at.provider({ eabSecretId: 'eab' }, { store: storeWith(value) })));
    expect(error.code).toBe('UnsupportedSecret');
    expect(`${error.message}${error.cause ?? ''}`).not.toContain('hunter2');
  });

  test('is in no error, also where the CA repeats it', async () => {
    const at = await scene({ externalAccount: { ...externalAccount, kid: 'other' } });
    const detail = `bad MAC ${externalAccount.hmacKey}`;
    at.ca.faults.failBefore('newAccount', new Refused(403, 'unauthorized', detail), {
      matches: () => at.ca.faults.count('newAccount') > 1,
    });
    const store = storeWith(JSON.stringify(externalAccount));
    const error = await failureOf(ask(at, at.provider({ eabSecretId: 'eab' }, { store })));
    expect(error.code).toBe('CaRejected');
    expect(error.message).toContain('bad MAC');
    expect(error.message).not.toContain(externalAccount.hmacKey);
  });
});
