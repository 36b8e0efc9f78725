/** docs/events.md: each example has the fields of a real event, and those who read events take it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isErrorCode } from '../../lambdas/domain/errors.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewedSecret } from '../../lambdas/hooks/renewed-event.ts';
import { report } from '../../lambdas/hooks/report.ts';
import { noticedEvents, noticeOf } from '../../lambdas/notices/notice.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { ProbeScene, probing } from '../probes/scene.ts';
import { hour, World } from '../renewal/world.ts';
import { rowsOf, sectionOf } from './tables.ts';

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

interface Envelope {
  readonly 'detail-type': string;
  readonly source: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

const examples: readonly Envelope[] = [...page.matchAll(/^```json event\n([\s\S]*?)^```$/gm)].map(([, json = '']) =>
  JSON.parse(json),
);

/** Makes an event of each type happen. */
const real: Readonly<Record<RenewalEvent['type'], (world: World) => Promise<unknown>>> = {
  'Certificate Renewed': (world) => renewOnDemand(world, { secretId: world.enrol() }),
  'Certificate Renewal Failed': (world) => {
    world.enrol({ tags: { [tags.expiresIn]: 'soon' } });
    return scan(world, { force: false, dryRun: false });
  },
  'Certificate Renewal Overdue': async (world) => {
    await world.declareCertificate();
    await world.clock.sleep(2 * hour);
    return scan(world, { force: false, dryRun: false });
  },
  'Certificate Hook Failed': (world) =>
    report(world, {
      profile: 'internal',
      hook: 'exec',
      secretArn: world.enrol(),
      versionId: 'v1',
      code: 'Internal',
      message: 'why',
      commandId: 'c',
      instanceId: 'i',
    }),
  'Certificate Served': (world) => probeOnce(world, 'served'),
  'Certificate Not Served': (world) => probeOnce(world, 'stale'),
  'Scan Completed': (world) => scan(world, { force: false, dryRun: false }),
};

async function probeOnce(world: World, state: 'served' | 'stale'): Promise<unknown> {
  const scene = new ProbeScene(world);
  const arn = scene.enrol();
  scene.serve(arn);
  await scene.renew(arn);
  if (state === 'served') scene.serve(arn);
  world.clock.advance(2 * hour);
  return scene.probe();
}
const types = Object.keys(real) as RenewalEvent['type'][];

describe('docs/events.md', () => {
  it('has a row, a section and an example for each detail-type', () => {
    const [, table = ''] = /\n\| detail-type [^\n]*\n\|---\|---\|\n([\s\S]*?)\n\n/.exec(page) ?? [];
    expect([...table.matchAll(/^\| \[`([^`]+)`\]/gm)].map(([, type]) => type).sort()).toEqual([...types].sort());
    expect(examples.map((example) => example['detail-type']).sort()).toEqual([...types].sort());
    for (const type of types) expect(sectionOf(page, type), type).not.toBe('');
  });

  it.each(types)('%s: shows the fields of a real one, and explains each', async (type) => {
    const world = new World({ ...probing, issue: { allow: ['dns:svc.example'] } });
    await real[type](world);
    const [event] = world.publisher.of(type);
    const example = examples.find((each) => each['detail-type'] === type);
    const fields = Object.keys(event?.detail ?? {});
    expect(fields.length).toBeGreaterThan(3);
    expect(Object.keys(example?.detail ?? {}).sort()).toEqual(fields.sort());
    const explained = rowsOf(page, type).flatMap(({ cells }) =>
      [...(cells[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    );
    expect(explained.filter((name) => name !== 'out').sort()).toEqual(fields.sort());
    expect(example?.resources).toEqual(event && 'secretArn' in event ? [example?.detail['secretArn']] : []);
    expect(example?.source).toBe('cert-renewer');
  });

  it('has examples that the functions which read events take', () => {
    for (const example of examples) {
      const { detail } = example;
      if (example['detail-type'] === 'Certificate Renewed')
        expect(renewedSecret(example, 'internal').versionId).toBe(detail['versionId']);
      if (noticedEvents.includes(example['detail-type']))
        expect(noticeOf(example, 'CertRenewer').subject).toContain('web/tls');
      if ('code' in detail) expect(isErrorCode(String(detail['code']))).toBe(true);
    }
  });
});
