/** One run of the probe, with the real network and a store in memory. Arguments: number of endpoints, Servers as JSON. Prints ProbeRun. */
import { randomUUID } from 'node:crypto';
import { tags } from '../../lambdas/domain/tags.ts';
import { probeNetwork } from '../../lambdas/net/tls-handshake.ts';
import { anchorsOf } from '../../lambdas/probes/anchors.ts';
import { type ProbeResult, probe } from '../../lambdas/probes/run.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';
import { FakeProfiles } from '../../testkit/fakes/profiles.ts';
import { FakePublisher } from '../../testkit/fakes/publisher.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import type { Servers } from './probed-servers.ts';

export interface ProbeRun {
  readonly result: ProbeResult;
  /** Milliseconds. */
  readonly wall: number;
  readonly cpu: number;
  /** Bytes that the run added at most, after a collection of garbage: on the heap, and beside it. */
  readonly heap: number;
  readonly external: number;
  /** Bytes of the process at most. */
  readonly rss: number;
}

const [, , count = '', json = ''] = process.argv;
const servers: Servers = JSON.parse(json);
const profile = {
  name: 'internal',
  ca: { type: 'step-ca', url: 'https://ca.example', root: servers.root },
  mode: 'rekey',
  paused: false,
  probe: { allow: ['ip:127.0.0.0/8'], within: 3_600_000 },
} as const;

const store = new FakeStore();
for (let index = 0; index < Number(count); index++) {
  // A tenth of them is dead.
  const port = index % 10 === 0 ? servers.silent : servers.ports[index % servers.ports.length];
  const versionId = randomUUID();
  store.add({
    name: `bench/${index}`,
    value: '{}',
    versionId,
    tags: {
      [tags.profile]: profile.name,
      [tags.endpoints]: `127.0.0.1:${port}`,
      [tags.versionId]: versionId,
      [tags.fingerprint]: servers.fingerprint,
    },
  });
}
const anchors = await anchorsOf(profile.ca, undefined);
const world = {
  store,
  profiles: new FakeProfiles(profile),
  publisher: new FakePublisher(),
  journal: new FakeJournal(),
  clock: { now: Date.now },
  network: probeNetwork(),
  anchorsOf: async () => anchors,
};

const collect = globalThis.gc ?? (() => {});
collect();
const before = process.memoryUsage();
const peak = { heap: 0, external: 0, rss: 0 };
const sample = (): void => {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  peak.heap = Math.max(peak.heap, heapUsed - before.heapUsed);
  peak.external = Math.max(peak.external, external - before.external);
  peak.rss = Math.max(peak.rss, rss);
};
const watch = setInterval(sample, 250);
const started = { wall: performance.now(), cpu: process.cpuUsage() };
const result = await probe(world, { due: false });
const wall = performance.now() - started.wall;
const { user, system } = process.cpuUsage(started.cpu);
clearInterval(watch);
sample();
const run: ProbeRun = { result, wall, cpu: (user + system) / 1000, ...peak };
process.stdout.write(JSON.stringify(run));
process.exit(0);
