/** Certificates of secrets in a real nginx: renewed by a scan, and reloaded by nobody until the test does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScanResult } from '../../lambdas/domain/result.ts';
import type { ProbeResult } from '../../lambdas/probes/run.ts';
import { issue } from '../../testkit/cas/leaf.ts';
import { invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { enrol, look } from '../../testkit/local-aws/enrolled.ts';
import { collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { nginx } from '../../testkit/tools/nginx.ts';
import { records } from '../cli/stage.ts';
import { here } from '../support/command-here.ts';
import { inPipe } from '../support/command-line.ts';
import { dueInNginx, type InNginx } from '../support/in-nginx.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { camel } from '../support/on-demand.ts';
import { permitted } from '../support/permitted.ts';

const tag = { served: 'cert-renewer:served', fingerprint: 'cert-renewer:fingerprint' };
const program = await nginx();

describeWith(['stack'], 'the certificate of a secret', ({ emulator, ca, outputs }) => {
  const scan = (request: object) => invoke<ScanResult>(emulator, outputs['ScanFunctionName'] ?? '', request);
  const probe = (request: object) => invoke<ProbeResult>(emulator, outputs['ProbeFunctionName'] ?? '', request);

  describeFound([program], 'in nginx', () => {
    let web: InNginx;
    let named: InNginx;
    let bus: EventCollector;

    const told = async (type: string) =>
      (await bus.events()).flatMap((event) => (event['detail-type'] === type ? [event.detail['endpoints']] : []));
    const answer = async ({ secret }: InNginx) => {
      const { payload, error } = await probe({ secretIds: [secret.arn] });
      expect(error).toBeUndefined();
      return payload.results?.[0];
    };
    const isRenewed = async ({ secret: { arn, versionId } }: InNginx) => {
      const { tags, ...now } = await look(emulator, arn);
      return now.versionId !== versionId && tags.get('cert-renewer:version-id') === now.versionId;
    };

    beforeAll(async () => {
      // The profile `offline` has an authority of the stack.
      web = await dueInNginx(emulator, ca, { program, profile: 'offline' });
      named = await dueInNginx(emulator, ca, { program, host: 'localhost' });
      bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [web.secret.arn] });
      await scan({ secretIds: [web.secret.arn, named.secret.arn] });
      for (const each of [web, named]) await waitFor('the renewal', () => isRenewed(each));
      for (const each of [web, named]) await each.write();
      await sleep(1_100); // probe.within of the configuration
    });
    afterAll(() => Promise.all([web?.stop(), named?.stop()]));

    it('renewed, but not reloaded: an event tells serial number and end of what is served', async () => {
      const { serialNumber, notAfter } = web.before;
      const { endpoint } = web;
      const stale = [{ endpoint, state: 'stale', serialNumber, notAfter, message: expect.any(String) }];
      expect(await answer(web)).toMatchObject({ state: 'not-served', endpoints: stale });
      const event = await bus.next('the event', (each) => each['detail-type'] === 'Certificate Not Served');
      expect(event).toMatchObject({ source: 'cert-renewer', detail: { name: web.secret.name, endpoints: stale } });
      const { tags } = await look(emulator, web.secret.arn);
      expect(tags.get(tag.served)).toContain(' not-served ');
      expect(event.detail['fingerprintSha256']).toBe(tags.get(tag.fingerprint));
    });

    it('reloaded: an event tells once that it is served', async () => {
      const { endpoint } = web;
      await web.reload();
      const { serialNumber, notAfter, fingerprint } = await web.now();
      expect((await look(emulator, web.secret.arn)).tags.get(tag.fingerprint)).toBe(fingerprint);
      const now = [expect.objectContaining({ endpoint, state: 'served', serialNumber, notAfter })];
      expect(await answer(web)).toMatchObject({ state: 'served', endpoints: now });
      await bus.next('the event', (each) => each['detail-type'] === 'Certificate Served');
      expect((await probe({})).error).toBeUndefined(); // all certificates, as an operator does
      expect(await answer(web)).toMatchObject({ state: 'served' });
      expect(await told('Certificate Served')).toEqual([now]);
      expect(await told('Certificate Not Served')).toHaveLength(1);
      expect((await look(emulator, web.secret.arn)).tags.get(tag.served)).toContain(' served ');
    });

    const said = async (name: string, flags: readonly string[], start = inPipe) => {
      const { code, stdout, output } = await permitted(emulator, ['probe', name, '--json', ...flags], {}, start);
      return { code, said: records(stdout), output };
    };

    it.each([['from the function'], ['from here', '--local']])('at the command line, %s', async (_from, ...flags) => {
      const [{ serialNumber }, { serialNumber: old }] = [await web.now(), named.before];
      const good = await said(web.secret.name, flags);
      expect(good).toMatchObject({ code: 0, said: [{ state: 'served', endpoints: [{ serialNumber }] }] });
      const bad = await said(named.secret.name, flags, here);
      expect(bad).toMatchObject({ code: 1, said: [{ endpoints: [{ state: 'stale', serialNumber: old }] }] });
    });

    it('at a name: each address of the name is probed', async () => {
      await named.reload();
      // localhost may have an IPv6 address too, which is not in probe.allow.
      const { endpoints } = (await answer(named)) ?? {};
      expect(endpoints).toMatchObject([{ serialNumber: (await named.now()).serialNumber }]);
    });

    it('is left out by the schedule until it is due', async () => {
      const { payload } = await probe({ due: true });
      expect(payload).toMatchObject({ probed: 0 });
      expect(payload.listed).toBeGreaterThanOrEqual(2);
    });
  });

  describe('with an endpoint outside of probe.allow', () => {
    const outside = ['web.example.com:443', '10.0.0.1:443', '169.254.169.254:80', 'localhost.example.com:443'];

    it.each(outside)('%s: an invalid tag in the plan and at the probe, which connects nowhere', async (endpoints) => {
      const leaf = await issue(ca);
      const { arn } = await enrol(emulator, { name: 'outside', tags: { endpoints }, value: camel(leaf, leaf.keyPem) });
      const { payload } = await scan({ secretIds: [arn], dryRun: true });
      expect(payload.plan).toMatchObject([{ action: 'skip', reason: { code: 'InvalidTag' } }]);
      const { results } = (await probe({ secretIds: [arn] })).payload;
      expect(results).toMatchObject([{ state: null, endpoints: [], error: { code: 'InvalidTag' } }]);
    });
  });
});
