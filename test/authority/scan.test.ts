/** The schedule and the stack's own authorities. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { ScanRequest } from '../../lambdas/domain/request.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { parseScanRequest } from '../../lambdas/policy/request.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { day, hour, Stack, start, year } from './world.ts';

const all: ScanRequest = { force: false, dryRun: false };

/** Runs the scan, and a worker for each of its messages. Returns the plan as text. */
async function round(stack: Stack, request = all): Promise<Record<string, string>> {
  const { plan } = await scan(stack, { ...request, dryRun: true });
  await scan(stack, request);
  const messages = stack.queue.receive();
  for (const { body } of messages) await renewQueued(stack, body, 1);
  stack.queue.remove(messages.map(({ receiptHandle }) => receiptHandle));
  return Object.fromEntries(plan.map(({ profile, action, reason }) => [profile, `${action} ${reason.code}`]));
}

const idle = 'skip NotDue';

describe('a scan', () => {
  it('inspects a new authority, then waits until a third of its validity is left', async () => {
    const stack = await new Stack().hierarchy();
    expect(await round(stack)).toEqual({ 'authority:root': 'inspect Unknown', 'authority:issuing': 'inspect Unknown' });
    const { notBefore, notAfter } = stack.certificateOf('issuing');
    expect(stack.store.tagsOf('pki/issuing')).toMatchObject({
      [tags.notBefore]: new Date(notBefore).toISOString().replace('.000', ''),
      [tags.notAfter]: new Date(notAfter).toISOString().replace('.000', ''),
    });
    stack.clock.set(start + year);
    expect(Object.values(await round(stack)).every((each) => each === idle || each === 'inspect Unknown')).toBe(true);
    stack.clock.set(start + 2 * year + 10 * day);
    expect(await round(stack)).toMatchObject({ 'authority:issuing': 'renew Expiring' });
    expect(stack.certificateOf('issuing').notAfter).toBeGreaterThan(notAfter);
  });

  it('reads no secret', async () => {
    const stack = await new Stack().hierarchy();
    const reads = stack.faults.count('read');
    await scan(stack, all);
    expect(stack.faults.count('read')).toBe(reads);
  });

  it('uses the tags for window, paused and mode', async () => {
    const stack = await new Stack().hierarchy();
    await round(stack);
    stack.store.setTags('pki/issuing', { [tags.expiresIn]: '95pct' });
    stack.store.setTags('pki/root', { [tags.mode]: 'rekey' });
    stack.clock.advance(100 * day);
    expect(await round(stack)).toMatchObject({
      'authority:root': 'skip InvalidTag',
      'authority:issuing': 'renew Expiring',
    });
    expect(stack.publisher.of('Certificate Renewal Failed').map(({ detail }) => detail.profile)).toContain(
      'authority:root',
    );
    stack.store.setTags('pki/issuing', { [tags.paused]: 'true' });
    expect(await round(stack)).toMatchObject({ 'authority:issuing': 'skip Paused' });
  });

  it('leaves a disabled authority alone', async () => {
    const stack = await new Stack().hierarchy({ root: { disabled: false } });
    const root = await stack.authorities.find('root');
    if (root) stack.authorities.set({ ...root, disabled: true });
    expect(await round(stack)).toMatchObject({ 'authority:root': 'skip Paused' });
  });

  it('finds nothing to do for one whose secret has no value; for {} a worker finds that, without a failure', async () => {
    const stack = new Stack();
    stack.declare('waiting');
    stack.store.add({ name: 'pki/empty' });
    stack.authorities.set({
      ...(await stack.authorities.find('waiting')),
      name: 'empty',
      secretId: 'pki/empty',
    } as never);
    expect(await round(stack)).toEqual({ 'authority:waiting': 'inspect Unknown', 'authority:empty': idle });
    expect(stack.publisher.of('Certificate Renewal Failed')).toEqual([]);
    expect(stack.journal.failures).toEqual([]);
  });

  it('counts each once, even with a profile tag', async () => {
    const stack = await new Stack().hierarchy();
    stack.store.setTags('pki/issuing', { [tags.profile]: 'offline' });
    stack.enrolLeaf();
    expect(await scan(stack, all)).toMatchObject({ listed: 3, enqueued: 3, unknown: 3 });
    expect(new Set(stack.queue.sent.map(({ secretArn }) => secretArn)).size).toBe(3);
  });

  it.each<[string, Partial<ScanRequest>, string[]]>([
    ['one authority by its profile', { profile: 'authority:issuing' }, ['authority:issuing']],
    ['a profile, and no authority', { profile: 'offline' }, ['offline']],
    ['by name', { secretIds: ['pki/root', 'web/tls'] }, ['authority:root', 'offline']],
  ])('checks %s', async (_, request, expected) => {
    const stack = await new Stack().hierarchy();
    stack.enrolLeaf();
    expect(Object.keys(await round(stack, { ...parseScanRequest(request) }))).toEqual(expected);
  });

  it('continues past an authority that can’t be read or described', async () => {
    const stack = await new Stack().hierarchy();
    stack.enrolLeaf();
    stack.declare('broken');
    stack.authorities.faults.failBefore('find', new RenewalError('Internal', 'no JSON'), {
      times: Infinity,
      matches: ({ args: [name] }) => name === 'broken',
    });
    stack.faults.failBefore('describe', new RenewalError('AccessDenied', 'no'), {
      times: 1,
      matches: ({ args: [id] }) => id === stack.store.summary('pki/issuing').arn,
    });
    expect(await scan(stack, all)).toMatchObject({ listed: 2, enqueued: 2 });
    expect(stack.journal.failures).toHaveLength(2);
    for (const { body } of stack.queue.receive()) expect(await renewQueued(stack, body, 1)).toEqual({});
    expect(stack.publisher.of('Certificate Renewed')).toMatchObject([{ detail: { profile: 'offline' } }]);
  });
});

describe('parents before children', () => {
  /** Both a third from their end: the root of six years, the issuing one of three. */
  async function bothDue(): Promise<Stack> {
    const stack = await new Stack().hierarchy({ root: { create: { subject: 'CN=R', validity: 3.2 * year } } });
    await round(stack);
    stack.clock.set(start + 2.3 * year);
    return stack;
  }

  it('the parent is renewed now, the child after it', async () => {
    const stack = await bothDue();
    expect(await round(stack)).toEqual({ 'authority:root': 'renew Expiring', 'authority:issuing': idle });
    stack.clock.advance(hour);
    expect(await round(stack)).toMatchObject({ 'authority:issuing': 'renew Expiring' });
    const { notBefore, notAfter } = stack.certificateOf('issuing');
    expect(notAfter - notBefore).toBe(3 * year); // not limited by the old root
    expect(notAfter).toBeLessThanOrEqual(stack.certificateOf('root').notAfter);
  });

  it('a child in the last twentieth of its validity does not wait', async () => {
    const stack = await bothDue();
    stack.clock.set(start + 2.9 * year);
    expect(await round(stack)).toMatchObject({
      'authority:root': 'renew Expiring',
      'authority:issuing': 'renew Expiring',
    });
  });

  it('a child of a paused parent does not wait', async () => {
    const stack = await bothDue();
    stack.store.setTags('pki/root', { [tags.paused]: 'true' });
    expect(await round(stack)).toMatchObject({
      'authority:root': 'skip Paused',
      'authority:issuing': 'renew Expiring',
    });
    expect(stack.certificateOf('issuing').notAfter).toBe(stack.certificateOf('root').notAfter);
  });

  it('force sends both', async () => {
    const stack = await bothDue();
    const result = await scan(stack, { ...all, force: true });
    expect(result).toMatchObject({ enqueued: 2 });
  });
});

it('leaves with the old certificate of their authority become due before it ends', async () => {
  const stack = await new Stack().hierarchy();
  await round(stack);
  const end = stack.certificateOf('issuing').notAfter;
  // Issued for longer than the authority, as other CA software may do.
  const { arn } = stack.enrolLeaf({ notBefore: start - hour, notAfter: end + 300 * day });
  await round(stack);
  expect(stack.store.tagsOf(arn)[tags.notAfter]).toBe(new Date(end).toISOString().replace('.000', ''));
  stack.clock.set(start + 2.5 * year);
  expect(await round(stack)).toMatchObject({ 'authority:issuing': 'renew Expiring', offline: 'rekey Expiring' });
  const reasons = stack.publisher.of('Certificate Renewed').map(({ detail }) => [detail.profile, detail.reason.code]);
  expect(reasons).toEqual([
    ['authority:issuing', 'Expiring'],
    ['offline', 'ChainExpiring'],
  ]);
});
