/** The provider with a real Pebble, as it misbehaves by default, and with step-ca's ACME. */
import { X509Certificate } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { KeySpec } from '../../../lambdas/domain/key-spec.ts';
import type { CaProvider, IssuedChain } from '../../../lambdas/domain/ports.ts';
import type { Signer } from '../../../lambdas/domain/signer.ts';
import type { Acme } from '../../../lambdas/providers/acme/index.ts';
import type { CaTools } from '../../../lambdas/providers/kind.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { subjectAltNames } from '../../../lambdas/x509/general-names.ts';
import { commonName } from '../../../lambdas/x509/names.ts';
import { type AcmeReference, acmeWorld, pebbleScene, stepCaScene } from '../../../testkit/cas/acme-scene.ts';
import type { PebbleOptions } from '../../../testkit/cas/pebble.ts';
import { makeKey, pem } from '../../../testkit/certificates/index.ts';
import { providerFor } from '../../../testkit/fakes/asking.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { FakeStore } from '../../../testkit/fakes/store.ts';
import { declared, wantedAs } from '../step-ca/declared.ts';
import { failureOf } from './scene.ts';

const open: { close(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const quick = { PEBBLE_VA_NOSLEEP: '1' } as const;

async function pebble(options: Omit<PebbleOptions, 'dns'> = { env: quick }, accountKey?: KeySpec) {
  const world = acmeWorld(accountKey === undefined ? { syncMs: 500 } : { syncMs: 500, accountKey });
  const scene = await pebbleScene(world, options);
  open.push(scene);
  const before = { name: '_acme-challenge.example.com', value: 'of others' };
  await world.put(before.name, before.value);
  return { world, scene, unchanged: { [before.name]: [before.value] } };
}

const clock = { now: () => Date.now(), sleep: async (milliseconds: number) => void (await setTimeout(milliseconds)) };

interface Order {
  readonly ca: AcmeReference & Pick<Acme, 'eabSecretId' | 'preferredChain'>;
  readonly tools: Partial<CaTools>;
  readonly names: readonly string[];
  readonly key?: Signer;
  readonly replaced?: ReturnType<typeof parseCertificate>;
  readonly meanwhile?: (looks: number, provider: CaProvider) => unknown;
}

/** Each look is one of a new process. Pauses are a tenth of what the provider says. */
async function issue({
  ca,
  tools,
  names,
  key = signerFor(makeKey()),
  replaced,
  meanwhile,
}: Order): Promise<IssuedChain> {
  const wanted = wantedAs(declared({ names, usages: ['serverAuth'] }), key);
  let receipt: string | undefined;
  for (let looks = 1; looks < 300; looks++) {
    const provider = await providerFor({ ...ca }, { clock, ...tools });
    const answer = await provider.ask({ wanted, current: undefined, key, receipt, replaced });
    if (answer.kind === 'gone') throw new Error(answer.says);
    if (answer.kind === 'issued') {
      expect(Buffer.from(parseCertificate(answer.certificates[0] ?? Buffer.of()).spki).equals(key.spki)).toBe(true);
      return answer;
    }
    receipt = answer.receipt;
    await meanwhile?.(looks, provider);
    await setTimeout(answer.after / 10);
  }
  throw new Error('the order has no end');
}

const namesOf = ({ certificates: [leaf = Buffer.of()] }: IssuedChain): readonly string[] =>
  subjectAltNames(parseCertificate(leaf)).toSorted();
const leafOf = ({ certificates: [leaf = Buffer.of()] }: IssuedChain) => parseCertificate(leaf);

/** Whether the chain leads to this root, by OpenSSL. */
function leadsTo({ certificates }: IssuedChain, rootPem: string): boolean {
  const chain = [...certificates.map((der) => new X509Certificate(der)), new X509Certificate(rootPem)];
  return chain.every((each, at) => each.verify((chain[at + 1] ?? each).publicKey));
}

// They mostly wait.
describe.concurrent('Pebble', () => {
  test.each<[string, KeySpec]>([
    ['P-256', { kty: 'EC', curve: 'P-256' }],
    ['P-384', { kty: 'EC', curve: 'P-384' }],
    ['RSA', { kty: 'RSA', size: 2048 }],
  ])('issues for an apex and its wildcard, with an account key %s, as it misbehaves by default', async (_, spec) => {
    const { world, scene, unchanged } = await pebble({}, spec);
    const names = ['dns:*.example.com', 'dns:example.com'];
    const issued = await issue({
      ca: await scene.ca(),
      tools: world.tools,
      names,
      key: signerFor(makeKey('RSA-2048')),
    });
    expect(namesOf(issued)).toEqual(names);
    expect(leadsTo(issued, await scene.server.issuingRoot())).toBe(true);
    expect(await world.texts()).toEqual(unchanged);
    expect(await scene.server.counts()).toMatchObject({ accounts: 1, orders: 1, finalizations: 1, issued: 1 });
  });

  test('issues for a hundred names, with a third of the nonces refused', async () => {
    const { world, scene, unchanged } = await pebble({ env: { ...quick, PEBBLE_WFE_NONCEREJECT: '33' } });
    const names = Array.from({ length: 100 }, (_, n) => `dns:n${n}.example.com`).toSorted();
    const issued = await issue({ ca: await scene.ca(), tools: world.tools, names });
    expect(namesOf(issued)).toEqual(names);
    expect(await world.texts()).toEqual(unchanged);
  });

  test('issues with an external account binding', async () => {
    const hmacKey = Buffer.alloc(32, 7).toString('base64url');
    const config = { externalAccountBindingRequired: true, externalAccountMACKeys: { 'kid-1': hmacKey } };
    const { world, scene } = await pebble({ env: quick, config });
    const ca = await scene.ca();
    const store = new FakeStore();
    store.add({ name: 'eab', value: JSON.stringify({ kid: 'kid-1', hmacKey }) });
    const names = ['dns:www.example.com'];
    expect(await failureOf(issue({ ca, tools: world.tools, names }))).toMatchObject({ code: 'CaRejected' });
    const issued = await issue({ ca: { ...ca, eabSecretId: 'eab' }, tools: { ...world.tools, store }, names });
    expect(namesOf(issued)).toEqual(names);
  });

  test('issues names that were approved before, without any call to Route 53', async () => {
    const { world, scene } = await pebble({ env: { ...quick, PEBBLE_AUTHZREUSE: '100' } });
    const names = ['dns:www.example.com'];
    await issue({ ca: await scene.ca(), tools: world.tools, names });
    const calls = world.tools.zones.faults.calls.length;
    const ca = await scene.ca({ type: 'none' });
    expect(namesOf(await issue({ ca, tools: world.tools, names }))).toEqual(names);
    expect(await failureOf(issue({ ca, tools: world.tools, names: ['dns:other.example.com'] }))).toMatchObject({
      code: 'CaRejected',
      message: expect.stringContaining('other.example.com'),
    });
    expect(world.tools.zones.faults.calls).toHaveLength(calls);
  });

  test('issues by dns-persist-01 after the record that the error names is there', async () => {
    const { world, scene } = await pebble();
    const ca = await scene.ca({ type: 'dns-persist-01' });
    const names = ['dns:*.example.com'];
    const { message } = await failureOf(issue({ ca, tools: world.tools, names }));
    const [, name = '', value = ''] = /record (\S+) must have the value ("[^"]+")/.exec(message) ?? [];
    await world.put(name, JSON.parse(value));
    await setTimeout(600);
    expect(namesOf(await issue({ ca, tools: world.tools, names }))).toEqual(names);
  });

  test('offers chains, of which one is preferred', async () => {
    const { world, scene } = await pebble({ env: { ...quick, PEBBLE_ALTERNATE_ROOTS: '2' } });
    const root = parseCertificate(new X509Certificate(await scene.server.issuingRoot(2)).raw);
    const preferredChain = commonName(root.subject) ?? '';
    const order = { tools: world.tools, names: ['dns:www.example.com'] };
    const ca = await scene.ca();
    expect(leadsTo(await issue({ ...order, ca: { ...ca, preferredChain } }), pem(root.der))).toBe(true);
    expect(leadsTo(await issue({ ...order, ca }), await scene.server.issuingRoot(0))).toBe(true);
  });

  test('suggests a window, and takes what an order replaces', async () => {
    const { world, scene } = await pebble();
    const ca = await scene.ca();
    const order = { ca, tools: world.tools, names: ['dns:www.example.com'] };
    const leaf = leafOf(await issue(order));
    const provider = await providerFor({ ...ca }, { clock, ...world.tools });
    const window = await provider.suggestedWindow?.({ leaf, chain: [] });
    expect(window?.start).toBeGreaterThan(leaf.notBefore);
    expect(window?.end).toBeLessThan(leaf.notAfter);
    for (let times = 1; times <= 2; times++) await issue({ ...order, replaced: leaf }); // the second one is refused, and sent without
    expect((await scene.server.counts()).issued).toBe(3);
  });

  test('says why a name failed, when its value was taken away too early', async () => {
    const { world, scene, unchanged } = await pebble();
    const order = { ca: await scene.ca(), tools: world.tools, names: ['dns:a.example.com', 'dns:b.example.com'] };
    const zones = { [world.zoneId]: '_acme-challenge.b.example.com' };
    const meanwhile = async () => {
      for (const [zone, name] of Object.entries(zones))
        for (const value of world.tools.zones.valuesOf(name)) await world.tools.zones.remove(zone, [{ name, value }]);
    };
    const error = await failureOf(issue({ ...order, meanwhile }));
    expect(error.code).toBe('CaRejected');
    expect(error.message).toMatch(/"b\.example\.com": .*TXT/);
    expect(error.message).not.toContain('"a.example.com"');
    expect(await world.texts()).toEqual(unchanged);
  });

  test('has forgotten an order after a restart', async () => {
    const { world, scene } = await pebble();
    const meanwhile = async (looks: number) => {
      if (looks !== 3) return;
      await scene.server.stop();
      await scene.server.start();
    };
    const names = ['dns:www.example.com'];
    await expect(issue({ ca: await scene.ca(), tools: world.tools, names, meanwhile })).rejects.toThrow(
      /does not know/,
    );
  });

  test("refuses a name with the CA's reason", async () => {
    const { world, scene } = await pebble({ env: quick, config: { domainBlocklist: ['blocked.example.com'] } });
    const error = await failureOf(
      issue({ ca: await scene.ca(), tools: world.tools, names: ['dns:blocked.example.com'] }),
    );
    expect(error).toMatchObject({ code: 'CaRejected', message: expect.stringContaining('blocked.example.com') });
  });
});

describe("step-ca's ACME", () => {
  test('issues for an apex and its wildcard', async () => {
    const world = acmeWorld({ syncMs: 500 });
    const scene = await stepCaScene(world);
    open.push(scene);
    const names = ['dns:*.example.com', 'dns:example.com'];
    const ca = await scene.ca();
    const issued = await issue({ ca, tools: world.tools, names });
    expect(namesOf(issued)).toEqual(names);
    expect(leadsTo(issued, ca.root)).toBe(true);
    expect(await world.texts()).toEqual({});
  });
});
