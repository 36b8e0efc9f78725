/** What a row says beside its state: the cause, the message, the next command. */
import { expect, it } from 'vitest';
import { causeOf, messageText, nextFor } from '../../lambdas/inventory/cause.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { besideState, sentence } from '../../lambdas/inventory/words.ts';
import { hostileNames, sampleNow as now, sampleRows } from '../../testkit/inventory/rows.ts';

const minute = 60_000;
const notDue = { code: 'NotDue', message: 'Not due before 2026-12-01.' } as const;
const failure = { code: 'CaRejected', count: 3, at: now, nextTry: now + 5 * minute } as const;
const plain: InventoryRow = {
  name: 'web/tls',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web-AbCdEf',
  profile: 'internal',
  state: 'ok',
  states: ['ok'],
  reason: notDue,
  notBefore: now,
  notAfter: now + 60 * minute,
  renewAt: now + 40 * minute,
  overdue: false,
  declared: false,
  wanting: undefined,
  failure: undefined,
};
const row = (fields: Partial<InventoryRow>): InventoryRow => ({
  ...plain,
  ...(fields.state && { states: [fields.state] }),
  ...fields,
});

it.each<[string, Partial<InventoryRow>, string]>([
  ['ok: nothing', {}, ''],
  ['due: nothing', { state: 'due', reason: { code: 'Expiring', message: 'It expires.' } }, ''],
  ['a failure: its tries', { state: 'failing', failure }, '3 tries, next try in 5m'],
  [
    'an invalid tag: the message that names the tag',
    {
      state: 'failing',
      failure: { ...failure, code: 'InvalidTag', nextTry: undefined },
      reason: { code: 'InvalidTag', message: 'The tag x is wrong.' },
    },
    'The tag x is wrong.',
  ],
  [
    'a pause: what pauses it',
    { state: 'expired', states: ['expired', 'paused'], reason: { code: 'Paused', message: 'Paused by the tag.' } },
    'Paused by the tag.',
  ],
  [
    'missing: what comes',
    { state: 'missing', reason: { code: 'Missing', message: 'A worker issues it.' } },
    'A worker issues it.',
  ],
  [
    'waiting: since when, and the next look',
    { state: 'waiting', wait: { since: now - 90 * minute, again: now + minute, until: now + minute, isPlaced: true } },
    'it waits for its CA for 1h 30m, looked at again in 1m',
  ],
  [
    'waiting for a limit: its end, and not the looks before it',
    {
      state: 'waiting',
      wait: { since: now - minute, again: now + 15 * minute, until: now + 120 * minute, isPlaced: false },
    },
    'it waits for its CA for 1m, the CA is asked again in 2h',
  ],
  ...(
    [
      ['served', 'served, probed 3m ago'],
      ['pending', 'not served yet, probed 3m ago'],
      ['lost', 'served before, but an endpoint has not answered for 2h, probed 3m ago'],
      ['not-served', 'not served for 2h, probed 3m ago'],
    ] as const
  ).map(([state, expected]): [string, Partial<InventoryRow>, string] => {
    const serving = { state, since: now - 120 * minute, probed: now - 3 * minute };
    return [`not served (${state}): since when`, { state: 'not served', serving }, expected];
  }),
  ['not served: what is wrong', { state: 'not served' }, 'an endpoint does not serve the present certificate'],
])('the message of %s', (_, fields, expected) => {
  expect(messageText(row(fields), now)).toBe(expected);
});

it('a certificate that is not served has a cause of its own, unless it fails too', () => {
  expect(causeOf(row({ state: 'not served' }))?.code).toBe('NotServed');
  expect(causeOf(row({ state: 'failing', states: ['failing', 'not served'], failure }))?.code).toBe('CaRejected');
  const paused = { code: 'Paused', message: 'Paused by the tag cert-renewer:paused.' } as const;
  const resting = row({ state: 'not served', states: ['not served', 'paused'], reason: paused });
  expect(causeOf(resting)?.code).toBe('NotServed');
  expect(nextFor(resting, '')).toMatchObject({ command: 'cert-renewer probe web/tls' });
});

it('every certificate with a problem has a cause with words, and no other has one', () => {
  for (const each of sampleRows(500)) {
    const cause = causeOf(each);
    expect(cause !== undefined).toBe(['expired', 'overdue', 'failing', 'not served'].includes(each.state));
    if (cause) expect(sentence(cause.means)).toMatch(/^[A-Z].*[^.]\.$/);
  }
});

it('states beside the first one are named once', () => {
  expect(besideState(row({ state: 'failing', states: ['failing', 'missing'], wanting: 'missing' }))).toBe('missing');
  expect(besideState(row({ state: 'missing', wanting: 'missing', declared: true }))).toBe('');
});

it.each([
  ['web/tls', 'cert-renewer renew web/tls'],
  ['a b', "cert-renewer renew 'a b'"],
  ["it's", "cert-renewer renew 'it'\\''s'"],
  [hostileNames[1], `cert-renewer renew 'web/$(reboot);\`id\` '\\''"/tls'`],
])('a shell takes the name %j in the next command as one word', (name, command) => {
  expect(nextFor(row({ name, state: 'due' }), '')?.command).toBe(command);
});
