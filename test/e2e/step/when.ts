/** When: --expires-in, --daemon, --rekey-period. */
import { expect } from 'vitest';
import { collectEvents } from '../../../testkit/local-aws/events.ts';
import { hour } from '../../support/on-demand.ts';
import { aged, isKeyOf, scanned } from '../../support/renewer.ts';
import { expectRekeyed, expectUntouched, type Row, refusedFields, type World } from './row.ts';

export const expiresIn: Row[] = [
  {
    here: '{ expiresIn: "8h" } with 23 h left: skipped, NotDue',
    see: async (world) => {
      const secret = await world.fresh();
      const answer = await world.renew({ secretId: secret.arn, expiresIn: '8h' });
      expect(answer).toMatchObject({ outcome: 'skipped', reason: { code: 'NotDue' } });
      await expectUntouched(world, secret);
    },
  },
  {
    here: '{ expiresIn: "8h" } with 7 h 59 m left: rekeyed, Expiring',
    see: async (world) => {
      const secret = await world.fresh({}, aged(16 + 1 / 60));
      const answer = await world.renew({ secretId: secret.arn, expiresIn: '8h' });
      expect(answer).toMatchObject({ reason: { code: 'Expiring' } });
      await expectRekeyed(world, secret, answer);
    },
  },
  {
    here: '{ expiresIn }: the jitter is less than a twentieth, earlier, and every look gives the same',
    see: async (world) => {
      const { arn, leaf } = await world.fresh();
      const looks = [1, 2, 3].map(() => world.renew({ secretId: arn, expiresIn: '10h', dryRun: true }));
      const times = new Set((await Promise.all(looks)).map(({ renewAt }) => renewAt));
      expect(times.size).toBe(1);
      const window = Date.parse(leaf.certificate.validTo) - Date.parse([...times][0] ?? '');
      expect(window).toBeGreaterThanOrEqual(10 * hour);
      expect(window).toBeLessThanOrEqual(10.5 * hour + 1000);
    },
  },
  {
    here: '{ expiresIn } negative, or not less than the validity: refused',
    see: async (world) => {
      const secret = await world.fresh();
      for (const wrong of ['-8h', '0s', '24h', '48h', '100%', 'soon']) {
        const error = await world.refused({ secretId: secret.arn, expiresIn: wrong });
        expect(error.errorType, wrong).toBe('InvalidRequest');
      }
      await expectUntouched(world, secret);
    },
  },
];

/** The schedule's own scan, for a certificate that is due, and for one that is not. */
const bySchedule = (
  here: string,
  { tags = {}, profile = 'internal' }: { tags?: Record<string, string>; profile?: string },
  code: string,
  hours: { readonly due: number; readonly early: number },
): Row[] => [
  {
    here: `${here}: at ${hours.due} h of 24 the scan has it rekeyed (${code})`,
    see: async (world) => {
      const secret = await world.fresh({ tags, profile }, aged(hours.due));
      const pattern = { resources: [secret.arn] };
      const bus = await collectEvents(world.emulator, world.outputs['EventBusName'] ?? '', pattern);
      const found = await scanned(world, secret, 2);
      const event = await bus.next('the event', () => true);
      expect(event).toMatchObject({ 'detail-type': 'Certificate Renewed', detail: { reason: { code } } });
      expect(isKeyOf(secret.leaf.key, found.certificate)).toBe(false);
      expect(found.stages.get('AWSPREVIOUS')).toBe(secret.versionId);
    },
  },
  {
    here: `${here}: at ${hours.early} h of 24 it is left, until its time`,
    see: async (world) => {
      const secret = await world.fresh({ tags, profile }, aged(hours.early));
      await scanned(world, secret, 1); // its first inspection
      await expectUntouched(world, secret);
      const { plan } = await world.scan([secret.arn], { dryRun: true });
      expect(plan).toMatchObject([{ secretArn: secret.arn }]);
      expect(Date.parse(plan[0]?.renewAt ?? '')).toBeGreaterThan(Date.now() + hour);
    },
  },
];

// The scan acts on what is due before the next one, an hour later; the jitter is up to 24 or 48 minutes.
export const daemon = bySchedule('the schedule', {}, 'Expiring', { due: 16.1, early: 13.5 });
export const before8h30m = [
  ...bySchedule('tag expires-in 8h30m', { tags: { 'expires-in': '8h30m' } }, 'Expiring', { due: 15.6, early: 13.5 }),
  ...bySchedule('profile with expiresIn 8h30m', { profile: 'before-8h30m' }, 'Expiring', { due: 15.6, early: 13.5 }),
];
export const every16h = [
  ...bySchedule('tag rekey-period 16h', { tags: { 'rekey-period': '16h' } }, 'PeriodElapsed', {
    due: 16.1,
    early: 13.5,
  }),
  ...bySchedule('profile with rekeyPeriod 16h', { profile: 'every-16h' }, 'PeriodElapsed', { due: 16.1, early: 13.5 }),
  {
    here: '{ rekeyPeriod: "16h" }: PeriodElapsed at 16 h, NotDue at 13.5 h',
    see: async (world: World) => {
      const [old, young] = [await world.fresh({}, aged(16.1)), await world.fresh({}, aged(13.5))];
      const answer = await world.renew({ secretId: old.arn, rekeyPeriod: '16h' });
      expect(answer).toMatchObject({ reason: { code: 'PeriodElapsed' } });
      await expectRekeyed(world, old, answer);
      expect(await world.renew({ secretId: young.arn, rekeyPeriod: '16h' })).toMatchObject({
        outcome: 'skipped',
        reason: { code: 'NotDue' },
      });
    },
  },
  refusedFields({ rekeyPeriod: '24h' }, { rekeyPeriod: '16h', expiresIn: '8h' }, { rekeyPeriod: '66%' }),
];
