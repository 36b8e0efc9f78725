/** The scene of testkit/cas/acme-scene.ts gets a certificate: by each server, with the zone and the key in memory and in the local AWS. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Clock } from '../../lambdas/domain/ports.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { type AcmeScene, acmeWorld, pebbleScene, stepCaScene } from '../../testkit/cas/acme-scene.ts';
import { makeKey, pem } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { acmeWorldOn } from '../../testkit/local-aws/acme-world.ts';
import { pebble, stepCa } from '../../testkit/tools/go-tools.ts';
import { declared, wantedAs } from '../providers/step-ca/declared.ts';
import { describeFound, describeWith } from '../support/local.ts';

const realClock: Clock = { now: () => Date.now(), sleep };
const entropy = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

let scene: Pick<AcmeScene, 'close'> | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

/** Orders an apex with its wildcard. Waits as the CA wants, but a tenth of the time. Returns the leaf. */
async function issued({ world, ca }: AcmeScene<AcmeScene['world'], unknown>): Promise<X509Certificate> {
  const provider = await providerFor(await ca(), { clock: realClock, entropy, ...world.tools });
  const key = signerFor(makeKey());
  const content = declared({ names: [`dns:${world.domain}`, `dns:*.${world.domain}`], usages: ['serverAuth'] });
  let receipt: string | undefined;
  for (let ask = 1; ask <= 100; ask++) {
    const answer = await provider.ask({ wanted: wantedAs(content, key), current: undefined, key, receipt });
    if (answer.kind === 'issued') return new X509Certificate(answer.certificates[0] ?? new Uint8Array());
    if (answer.kind === 'gone') throw new Error(answer.says);
    receipt = answer.receipt;
    await sleep(answer.after / 10);
  }
  throw new Error('the CA has not issued after 100 requests');
}

const quick = { env: { PEBBLE_VA_NOSLEEP: '1' }, config: { retryAfter: { authz: 1, order: 1 } } };

async function proves(started: AcmeScene<AcmeScene['world'], unknown>): Promise<void> {
  const { domain, texts, put } = started.world;
  scene = started;
  await put(`_acme-challenge.${domain}`, 'of somebody else');
  const before = await texts();
  const leaf = await issued(started);
  expect(leaf.subjectAltName?.split(', ').sort()).toEqual([`DNS:*.${domain}`, `DNS:${domain}`]);
  expect(await texts()).toEqual(before);
}

const tools = [await pebble(), await stepCa()] as const;

describeFound([tools[0]], 'Pebble', () => {
  test('issues for a zone in memory whose changes take a while', async () => {
    const started = await pebbleScene(acmeWorld({ syncMs: 300 }), quick);
    await proves(started);
    expect(await started.server.counts()).toEqual({
      accounts: 1,
      orders: 1,
      finalizations: 1,
      issued: 1,
      validations: 2,
    });
  });

  test('after a restart it knows no order, and has another root', async () => {
    const started = await pebbleScene(acmeWorld(), quick);
    scene = started;
    const { server } = started;
    await issued(started);
    const root = await server.issuingRoot();
    await server.start({ env: { ...quick.env, PEBBLE_ALTERNATE_ROOTS: '1' } });
    expect(await server.counts()).toMatchObject({ accounts: 0, orders: 0 });
    expect([root, await server.issuingRoot()]).not.toContain(await server.issuingRoot(1));
    expect(await server.issuingRoot()).not.toBe(root);
    await issued(started);
  });

  test('its answer about a renewal can be set', async () => {
    const started = await pebbleScene(acmeWorld(), quick);
    scene = started;
    const leaf = parseCertificate(new Uint8Array((await issued(started)).raw));
    const [start, end] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    await started.server.setRenewalInfo(pem(leaf.der), { suggestedWindow: { start, end } });
    const provider = await providerFor(await started.ca(), { clock: realClock, entropy, ...started.world.tools });
    expect(await provider.suggestedWindow?.({ leaf, chain: [] })).toMatchObject({
      start: Date.parse(start),
      end: Date.parse(end),
    });
    // Not for a certificate that it has not issued.
    await expect(started.server.setRenewalInfo(started.server.serverRoot, {})).rejects.toThrow('404');
  });
});

describeFound([tools[1]], 'step-ca', () => {
  test('issues for a zone in memory', async () => proves(await stepCaScene(acmeWorld())));
});

describeWith(['emulator'], 'the local AWS', ({ emulator }) => {
  describeFound(tools, 'with an ACME server', () => {
    test.each([
      ['Pebble', 'EC', async (world: AcmeScene['world']) => pebbleScene(world, quick)],
      ['step-ca', 'RSA', async (world: AcmeScene['world']) => stepCaScene(world)],
    ] as const)('%s issues for a zone in Route 53 and an account key %s in KMS', async (_, kty, start) => {
      const accountKey = kty === 'EC' ? ({ kty, curve: 'P-256' } as const) : ({ kty, size: 2048 } as const);
      const world = await acmeWorldOn(emulator, { accountKey });
      await proves(await start(world));
      await world.remove();
    });
  });
});
