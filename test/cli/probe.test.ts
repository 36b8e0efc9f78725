/** `probe`: by the function, which is the real one on a fake network, and from this machine. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { probeNetwork } from '../../lambdas/net/tls-handshake.ts';
import { parseProbeRequest } from '../../lambdas/policy/request.ts';
import { probe } from '../../lambdas/probes/run.ts';
import { presenting } from '../../testkit/fakes/probe-network.ts';
import { address, endpoint, ProbeScene, probing, serialOf } from '../probes/scene.ts';
import { hour, internal, World } from '../renewal/world.ts';
import { records, type StageOptions, stack, stage } from './stage.ts';

/** A real root is not needed: the configuration does not say where the chain of an imported authority ends. */
const offline = { ...probing, ca: { type: 'offline', authority: 'issuing' } };

/** A certificate whose server presents the one before, a minute after its renewal. The function is invoked on the same network. */
async function stale(scene = new ProbeScene(new World(offline))) {
  const arn = scene.enrol();
  const old = scene.current(arn);
  scene.serve(arn);
  await scene.renew(arn);
  scene.world.clock.advance(60_000);
  return { scene, arn, old };
}

function pairIn(value: SecretValue) {
  if (value.kind !== 'string') throw new Error('expected a string');
  const { certificate: cert, privateKey: key } = JSON.parse(value.text);
  return { cert, key };
}

function staged(scene: ProbeScene, more: Partial<StageOptions> = {}) {
  const outputs = new Map([...stack.outputs, ['ProbeFunctionName', 'probe'] as const]);
  return stage({
    world: scene.world,
    invoke: (functionName, request) => {
      expect(functionName).toBe('probe');
      return probe(scene.probeWorld, parseProbeRequest(request));
    },
    session: { network: scene.network, stack: async () => ({ ...stack, outputs }) },
    ...more,
  });
}

describe('probe by the function', () => {
  it('prints state, serial number, end and message of each endpoint, and ends with 1 until all is served', async () => {
    const { scene, arn, old } = await stale();
    const { cli, requests } = staged(scene);
    const first = await cli('probe', 'web/tls');
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/^web\/tls: not served yet\n/);
    expect(first.stdout).toContain(`${endpoint}: stale, serial ${serialOf(old)}, until 20`);
    expect(first.stdout).toMatch(new RegExp(`${address}.* presents a certificate for .*: configure the server`));
    scene.serve(arn);
    const second = await cli('probe', 'web/tls', '--json');
    expect(second.code).toBe(0);
    expect(records(second.stdout)).toMatchObject([
      { name: 'web/tls', secretArn: arn, state: 'served', endpoints: [{ endpoint, state: 'served' }], warnings: [] },
    ]);
    expect(requests.map(({ request }) => request)).toEqual([{ secretIds: ['web/tls'] }, { secretIds: ['web/tls'] }]);
    expect(scene.world.publisher.of('Certificate Served')).toHaveLength(1);
  });

  it('says what prevents a probe, and probes the others', async () => {
    const { scene } = await stale();
    scene.world.enrol({ name: 'plain' });
    const { cli } = staged(scene);
    const { code, stdout } = await cli('probe', 'nowhere', 'plain', 'web/tls', 'web/tls', '--json');
    expect(code).toBe(1);
    expect(records(stdout)).toMatchObject([
      { name: 'nowhere', error: { errorType: 'SecretNotFound' } },
      { name: 'plain', error: { errorType: 'InvalidRequest', message: expect.stringContaining(tags.endpoints) } },
      { name: 'web/tls', state: 'pending' },
    ]);
    expect((await cli('probe', 'plain')).stdout).toMatch(/^plain: failed: InvalidRequest: /);
  });

  it('asks for 100 at once', async () => {
    const { scene } = await stale();
    const names = Array.from({ length: 250 }, (_, i) => `web/${i}`);
    const { cli, requests } = staged(scene);
    const { stdout } = await cli('probe', ...names, '--json');
    expect(records(stdout).map(({ name }) => name)).toEqual(names);
    expect(requests.map(({ request }) => Object(request['secretIds']).length)).toEqual([100, 100, 50]);
  });

  it('without names probes all, and prints the counts', async () => {
    const { scene, arn } = await stale();
    const { cli, requests } = staged(scene);
    const words = '1 certificate with endpoints, 1 probed:';
    expect(await cli('probe')).toMatchObject({
      code: 1,
      stdout: `${words} 0 served, 1 not served yet, 0 not served, 0 skipped.\n`,
    });
    scene.world.clock.advance(2 * hour);
    const late = await staged(scene, { tty: true }).cli('probe');
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining("status --state 'not served'") });
    scene.serve(arn);
    const { code, stdout } = await cli('probe', '--json');
    expect(code).toBe(0);
    expect(records(stdout)).toMatchObject([{ listed: 1, probed: 1, served: 1 }]);
    expect(requests.map(({ request }) => request)).toEqual([{}, {}]);
  });

  it('ends with 1 if the time was over before all were probed', async () => {
    const { scene, arn } = await stale();
    scene.serve(arn);
    await scene.probe();
    const invoke = () => probe(scene.probeWorld, { due: false }, { aborted: true });
    const { code, stderr } = await staged(scene, { invoke }).cli('probe');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('run it again') });
  });

  it('says how to configure it, if the stack does not probe', async () => {
    const { cli, requests } = stage();
    const { code, stderr } = await cli('probe', 'due');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^IncompleteStack: .*add "probe" to the configuration/);
    expect(requests).toEqual([]);
  });

  it('ends with the error of the function', async () => {
    const { scene } = await stale();
    const invoke = () => {
      throw new FunctionFailure('AccessDenied', 'Secrets Manager refused ListSecrets on *.');
    };
    expect(await staged(scene, { invoke }).cli('probe')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^AccessDenied: /),
    });
  });
});

describe('probe --local', () => {
  it('finds what the function finds, and writes nothing', async () => {
    const { scene, arn, old } = await stale();
    const before = scene.world.store.tagsOf('web/tls');
    const { cli, requests } = staged(scene);
    const first = await cli('probe', 'web/tls', '--local', '--json');
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/this machine.*Nothing is noted, and no event is sent/);
    expect(records(first.stdout)).toMatchObject([
      { name: 'web/tls', state: 'pending', endpoints: [{ endpoint, state: 'stale', serialNumber: serialOf(old) }] },
    ]);
    scene.serve(arn);
    expect((await cli('probe', '--local')).stdout).toMatch(/^web\/tls: served\n/);
    expect(scene.world.store.tagsOf('web/tls')).toEqual(before);
    expect(scene.world.publisher.of('Certificate Served')).toEqual([]);
    expect(requests).toEqual([]);
  });

  it('without names leaves out the secrets of other stacks, and names none of them', async () => {
    const { scene, arn } = await stale();
    scene.world.enrol({ name: 'theirs', tags: { [tags.profile]: 'theirs', [tags.endpoints]: endpoint } });
    scene.serve(arn);
    const { code, stdout } = await staged(scene).cli('probe', '--local', '--json');
    expect({ code, names: records(stdout).map(({ name }) => name) }).toEqual({ code: 0, names: ['web/tls'] });
    const named = await staged(scene).cli('probe', 'theirs', '--local', '--json');
    expect(named.code).toBe(1);
    expect(records(named.stdout)).toMatchObject([{ name: 'theirs', error: { errorType: 'UnknownProfile' } }]);
  });

  it('asks a server for the certificate with the type of the key', async () => {
    const { scene, arn, old } = await stale();
    const current = scene.current(arn);
    scene.network.server(address, 443, (target) => presenting(target.keyType === 'EC' ? current : old)(target));
    expect((await staged(scene).cli('probe', 'web/tls', '--local')).code).toBe(0);
  });

  it('makes a real handshake, and tells a stale server from one that is reloaded and from none', async () => {
    const loopback = { ...offline, probe: { allow: ['ip:127.0.0.0/8'], within: hour } };
    const scene = new ProbeScene(new World(loopback));
    const server = createServer({});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const place = `127.0.0.1:${port}/web.svc.example`;
      const arn = scene.enrol({ tags: { [tags.endpoints]: place } });
      const load = () => server.setSecureContext(pairIn(scene.world.store.value(arn)));
      load();
      await scene.renew(arn);
      const { cli } = staged(scene, { session: { network: probeNetwork() } });
      const look = async () => records((await cli('probe', 'web/tls', '--local', '--json')).stdout)[0];
      expect(await look()).toMatchObject({ state: 'pending', endpoints: [{ endpoint: place, state: 'stale' }] });
      load();
      expect(await look()).toMatchObject({ state: 'served', endpoints: [{ endpoint: place, state: 'served' }] });
      await new Promise((resolve) => server.close(resolve));
      expect(await look()).toMatchObject({ endpoints: [{ state: 'unreachable', serialNumber: null, notAfter: null }] });
    } finally {
      server.close();
    }
  });

  it.each([
    ['an endpoint outside of probe.allow', { [tags.endpoints]: 'web.elsewhere.example:443' }, 'InvalidTag'],
    ['metadata, by its address', { [tags.endpoints]: '169.254.169.254:80' }, 'InvalidTag'],
    ['no endpoint', {}, 'InvalidRequest'],
  ])('connects nowhere for %s', async (_, more, errorType) => {
    const scene = new ProbeScene();
    scene.world.enrol({ tags: more });
    const { code, stdout } = await staged(scene).cli('probe', 'web/tls', '--local', '--json');
    expect({ code, records: records(stdout) }).toMatchObject({ code: 1, records: [{ error: { errorType } }] });
    expect([...scene.network.resolved, ...scene.network.connected]).toEqual([]);
  });

  it('never connects to metadata, which an allowed name resolves to', async () => {
    const { scene } = await stale();
    scene.network.name('web.svc.example', '169.254.169.254');
    const connected = scene.network.connected.length;
    const { code, stdout } = await staged(scene).cli('probe', 'web/tls', '--local');
    expect(code).toBe(1);
    expect(stdout).toContain('was not probed: 169.254.169.254 is link-local');
    expect(scene.network.connected).toHaveLength(connected);
  });

  it('probes nothing for a stack that does not', async () => {
    const { probe: _, ...profile } = offline;
    const { scene } = await stale(new ProbeScene(new World(profile)));
    const { code, stdout } = await staged(scene).cli('probe', 'web/tls', '--local');
    expect(code).toBe(1);
    expect(stdout).toMatch(/add "probe" to its configuration/);
    const nothing = new ProbeScene(new World(internal));
    expect(await staged(nothing).cli('probe', '--local')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('No secret has the tag'),
    });
  });
});
