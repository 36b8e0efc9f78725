/** `doctor` about the probe and the endpoints of certificates. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { formatServing } from '../../lambdas/policy/served.ts';
import { hour, internal, start } from '../renewal/world.ts';
import { fresh, look, usual, worldOf } from './doctor.ts';
import { stack } from './stage.ts';

describe('doctor, endpoints', () => {
  const probing = { ...internal, probe: { allow: ['dns:svc.example'], within: hour } };
  const placed = { ...fresh, [tags.endpoints]: 'web.svc.example:443' };
  const fingerprint = 'ab'.repeat(32);
  const lookAt = async (options: Parameters<typeof look>[0]) => (await look(options)).found;

  it('says nothing where no secret has endpoints, or all are probed', async () => {
    expect(await lookAt({})).toEqual([]);
    expect(await lookAt({ world: worldOf({ web: { ...placed, [tags.fingerprint]: fingerprint } }, probing) })).toEqual(
      [],
    );
  });

  it('notes endpoints in a stack that does not probe', async () => {
    const { code, found } = await look({ world: worldOf({ web: placed, db: fresh }) });
    expect(code).toBe(0);
    expect(found).toMatchObject([
      { check: 'endpoints', grade: 'note', names: ['web'], fix: expect.stringContaining('Add "probe"') },
    ]);
  });

  it('notes a secret that has no room for the tag', async () => {
    const more = Object.fromEntries(Array.from({ length: 43 }, (_, i) => [`tag ${i}`, '']));
    const world = worldOf({ web: { ...placed, ...more }, db: placed }, probing);
    expect(await lookAt({ world })).toMatchObject([
      { check: 'endpoints', grade: 'note', names: ['web'], says: expect.stringContaining(tags.served) },
    ]);
  });

  it('makes a fault of what is not served, with the command that shows it', async () => {
    const serving = { state: 'not-served', tries: 1, since: start - hour, probed: start, told: start } as const;
    const served = formatServing(fingerprint, new Map(Object.entries(placed)), { ...serving, keyType: 'EC' });
    const noted = { ...placed, [tags.fingerprint]: fingerprint, [tags.served]: served };
    const { code, found } = await look({ world: worldOf({ web: noted, db: fresh }, probing) });
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { check: 'renewals', grade: 'fault', names: ['web'], next: 'cert-renewer probe web' },
    ]);
    expect(found[0]?.['says']).toMatch(/^1 not served certificate of internal: NotServed, /);
  });

  const probe = { outputs: new Map([...stack.outputs, ['ProbeFunctionName', 'probe'] as const]) };
  const line = (text: string) => ({ at: start - 60_000, text });
  const broken = JSON.stringify({ level: 'ERROR', secretArn: null, requestId: '1', message: 'Access denied.' });
  const report = JSON.stringify({ type: 'platform.report', record: { requestId: '1', status: 'error' } });
  const oneBad = JSON.stringify({
    level: 'ERROR',
    secretArn: null,
    step: 'describing',
    requestId: '1',
    message: 'No.',
  });

  it.each([
    ['has run', [line('START RequestId: 1 Version: $LATEST')], start - 24 * hour, []],
    ['has failed', [line(broken)], start - 24 * hour, [{ grade: 'fault', says: 'The probe of 1m ago failed.' }]],
    ['has failed, as Lambda reports it', [line(broken), line(report)], start - 24 * hour, [{ grade: 'fault' }]],
    ['has failed for one secret', [line(oneBad)], start - 24 * hour, []],
    ['does not run', [], start - 24 * hour, [{ grade: 'fault', says: 'The probe has not run for 15m.' }]],
    ['is new', [], start - 60_000, [{ grade: 'note' }]],
  ])('tells whether the probe %s', async (_, lines, updatedAt, expected) => {
    const { logSince } = usual.observer;
    const observer = {
      ...usual.observer,
      logSince: async (group: string, since: number) => (group === 'probe log' ? lines : logSince(group, since)),
    };
    const settings = async (name: string) => ({
      ...(await usual.functions.settings(name)),
      ...(name === 'probe' && { logGroup: 'probe log' }),
    });
    const functions = { ...usual.functions, settings, invoke: async () => ({}) };
    const session = { observer, functions, stack: async () => ({ ...stack, ...probe, updatedAt }) };
    expect(await lookAt({ session })).toMatchObject(expected.map((each) => ({ check: 'last probe', ...each })));
  });

  it('looks at the function and the schedule of the probe too', async () => {
    const schedule = (logicalId: string, id: string) => ({ type: 'AWS::Scheduler::Schedule', logicalId, id });
    const resources = async () => [schedule('CertRenewerProbeScheduleA1', 'minutely'), schedule('Scan', 'hourly')];
    const outputs = new Map([...stack.outputs, ['ProbeFunctionName', 'probe'] as const]);
    const settings = async (name: string) => ({
      ...(await usual.functions.settings(name)),
      ...(name === 'probe' && { state: 'Inactive' }),
    });
    const scheduleState = async (id: string) => (id === 'hourly' ? 'ENABLED' : undefined);
    const session = {
      ...{ resources, stack: async () => ({ ...stack, outputs }) },
      ...{ functions: { ...usual.functions, settings }, observer: { ...usual.observer, scheduleState } },
    };
    expect(await lookAt({ session })).toMatchObject([
      { check: 'functions', grade: 'fault', says: expect.stringContaining('probe') },
      { check: 'schedule', grade: 'fault', says: expect.stringContaining('The schedule of the probe was deleted') },
    ]);
  });
});
