import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeTxtZones } from '../../testkit/fakes/txt-zones.ts';
import { txtZoneSuite } from './txt-zones.ts';

txtZoneSuite('fake', async () => {
  const clock = new FakeClock();
  const zones = new FakeTxtZones({ clock, syncMs: 30_000 });
  const zoneId = 'Z0123';
  zones.addZone(zoneId);
  return {
    ...{ zoneId, domain: 'example.com', zones, elsewhere: zones },
    put: async (name, set) => zones.setRecord(zoneId, name, set),
    read: async (name) => {
      const set = zones.recordOf(zoneId, name);
      return set && { ...set, values: set.values.toSorted() };
    },
    settle: async () => clock.advance(30_000),
    close: async () => {},
  };
});
