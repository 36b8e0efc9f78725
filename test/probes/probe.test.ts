/** The probe: from a renewal to the proof that the new certificate is in use. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { hour } from '../renewal/world.ts';
import { endpoint, ProbeScene, serialOf } from './scene.ts';

const minute = 60_000;

describe('after a renewal', () => {
  it('tells once that it is served, when the server was reloaded', async () => {
    const scene = new ProbeScene();
    const arn = scene.enrol();
    const old = scene.current(arn);
    scene.serve(arn);
    await scene.renew(arn);
    expect(await scene.probe()).toMatchObject({ listed: 1, probed: 0, pending: 1 });
    scene.world.clock.advance(minute);
    expect(await scene.probe()).toMatchObject({ listed: 1, probed: 1, pending: 1 });
    scene.serve(arn);
    scene.world.clock.advance(minute);
    expect(await scene.probe()).toMatchObject({ probed: 1, served: 1 });
    scene.world.clock.advance(minute);
    expect(await scene.probe()).toMatchObject({ probed: 0, served: 1 });
    expect(scene.world.publisher.of('Certificate Not Served')).toEqual([]);
    const [event, ...more] = scene.world.publisher.of('Certificate Served');
    expect(more).toEqual([]);
    expect(event?.detail).toMatchObject({ name: 'web/tls', endpoints: [{ endpoint, state: 'served' }], warnings: [] });
    expect(serialOf(old)).not.toBe(event?.detail.endpoints[0]?.serialNumber);
  });

  it('tells what is served instead when the time has passed, again after a day, and at last that it is served', async () => {
    const scene = new ProbeScene();
    const arn = scene.enrol();
    const old = scene.current(arn);
    scene.serve(arn);
    await scene.renew(arn);
    let probes = 0;
    for (let passed = 0; passed < 26 * 60; passed++) {
      scene.world.clock.advance(minute);
      probes += (await scene.probe()).probed;
    }
    expect(probes).toBeLessThan(40);
    const events = scene.world.publisher.of('Certificate Not Served');
    expect(events.map(({ detail }) => detail.endpoints)).toEqual([
      [expect.objectContaining({ endpoint, state: 'stale', serialNumber: serialOf(old) })],
      [expect.objectContaining({ endpoint, state: 'stale', serialNumber: serialOf(old) })],
    ]);
    expect(scene.world.store.summary(arn).tags.get(tags.served)).toContain('not-served');
    scene.serve(arn);
    scene.world.clock.advance(hour);
    expect(await scene.probe()).toMatchObject({ served: 1 });
    expect(scene.world.publisher.of('Certificate Served')).toHaveLength(1);
  });
});
