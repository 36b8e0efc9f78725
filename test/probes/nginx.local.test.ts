/** The probe with a real nginx, which serves the certificate of a secret. openssl is the judge of what is served. */
import { generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import type { Resolution } from '../../lambdas/domain/serving.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { probeNetwork } from '../../lambdas/net/tls-handshake.ts';
import type { Anchors } from '../../lambdas/probes/chain.ts';
import { type ProbeAnswer, probe } from '../../lambdas/probes/run.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { parseIssuer } from '../../lambdas/x509/certificate.ts';
import {
  clientAuth,
  extendedKeyUsage,
  keyUsage,
  pem,
  serverAuth,
  subjectAltName,
} from '../../testkit/certificates/index.ts';
import { type Nginx, type NginxOptions, nginx, type ServedPair, startNginx } from '../../testkit/tools/nginx.ts';
import { freePort } from '../../testkit/tools/process.ts';
import { presentedAt } from '../../testkit/tools/s-client.ts';
import { required } from '../../testkit/tools/tool.ts';
import { hour, internal, newKey, pairOf, World } from '../renewal/world.ts';
import { describeFound } from '../support/local.ts';

const program = await nginx();
const minute = 60_000;
const name = 'web.svc.example';
const profile = { ...internal, probe: { allow: ['dns:svc.example', 'ip:127.0.0.0/8'], within: hour } };
const rsaKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

const opened: Nginx[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

async function serve(options: NginxOptions): Promise<Nginx> {
  const started = await startNginx(required(program), options);
  opened.push(started);
  return started;
}

/** The real network with the use cases on fakes. `names` is the DNS. */
class Scene {
  readonly world = new World(profile);
  readonly names = new Map<string, readonly string[]>([[name, ['127.0.0.1']]]);
  readonly #network = probeNetwork({ limitMs: 10_000 });

  enrol(endpoints: string, { secretName = 'web/tls', key = newKey(), names = [name] } = {}): string {
    const usages = [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth, clientAuth)];
    const extensions = [...usages, subjectAltName(...names.map((each) => `dns:${each}`))];
    return this.world.enrol({ name: secretName, key, extensions, tags: { [tags.endpoints]: endpoints } });
  }

  /** Renews it, and lets the minute pass after which it is probed. */
  async renew(arn: string): Promise<void> {
    await renewOnDemand(this.world, { secretId: arn, force: true });
    this.world.clock.advance(minute);
  }

  /** The certificate in the secret, as a deployment writes it to the files of a server. */
  pair(arn: string): ServedPair {
    const value = this.world.store.value(arn);
    if (value.kind !== 'string') throw new Error('expected a string');
    return JSON.parse(value.text);
  }

  fingerprint = (arn: string): string => hash('sha256', pairOf(this.world.store.value(arn)).leaf.der, 'hex');

  run(request: { readonly due: boolean; readonly secretIds?: readonly string[] } = { due: true }) {
    const { store, profiles, publisher, journal, clock, ca } = this.world;
    const roots = [parseIssuer(ca.hierarchy.root)];
    const anchorsOf = async (): Promise<Anchors> => ({ kind: 'certificates', roots });
    const resolve = async (host: string): Promise<Resolution> => {
      const addresses = this.names.get(host);
      return addresses ? { ok: true, addresses } : { ok: false, code: 'ENOTFOUND' };
    };
    const network = { resolve, handshake: this.#network.handshake };
    return probe({ store, profiles, publisher, journal, clock, anchorsOf, network }, request);
  }

  async answer(arn: string): Promise<ProbeAnswer> {
    const { results: [only] = [] } = await this.run({ due: false, secretIds: [arn] });
    if (!only) throw new Error('no answer');
    return only;
  }

  told = (type: 'Certificate Served' | 'Certificate Not Served') =>
    this.world.publisher.of(type).map(({ detail }) => detail.endpoints);
}

describeFound([program], 'nginx', () => {
  it('serves the old certificate until it is reloaded: told with its serial number and end, and then once that it is served', async () => {
    const scene = new Scene();
    const port = await freePort();
    const endpoint = `${name}:${port}`;
    const arn = scene.enrol(endpoint);
    const server = await serve({ servers: [{ port, pairs: ['web'] }], pairs: { web: scene.pair(arn) } });
    await scene.renew(arn);
    const { serialNumber, notAfter, fingerprint } = await presentedAt(`127.0.0.1:${port}`);
    expect(await scene.run()).toMatchObject({ listed: 1, probed: 1, pending: 1 });
    await server.write('web', scene.pair(arn));
    scene.world.clock.advance(hour);
    expect(await scene.run()).toMatchObject({ probed: 1, notServed: 1 });
    expect(scene.told('Certificate Not Served')).toEqual([
      [expect.objectContaining({ endpoint, state: 'stale', serialNumber, notAfter })],
    ]);

    await server.reload();
    for (let runs = 0; runs < 3; runs++) {
      scene.world.clock.advance(hour);
      expect(await scene.run()).toMatchObject({ served: 1 });
    }
    const now = await presentedAt(`127.0.0.1:${port}`);
    expect(now.fingerprint).toBe(scene.fingerprint(arn));
    expect(now.fingerprint).not.toBe(fingerprint);
    const { serialNumber: newSerial } = now;
    expect(scene.told('Certificate Served')).toEqual([
      [expect.objectContaining({ endpoint, state: 'served', serialNumber: newSerial, notAfter: now.notAfter })],
    ]);
    expect(scene.told('Certificate Not Served')).toHaveLength(1);
  });

  it('has two addresses of one name, and the stale one is told', async () => {
    const scene = new Scene();
    const port = await freePort();
    const arn = scene.enrol(`${name}:${port}`);
    scene.names.set(name, ['127.0.0.1', '127.0.0.2']);
    const old = scene.pair(arn);
    await scene.renew(arn);
    await serve({
      servers: [
        { port, pairs: ['new'] },
        { address: '127.0.0.2', port, pairs: ['old'] },
      ],
      pairs: { new: scene.pair(arn), old },
    });
    const { serialNumber } = await presentedAt(`127.0.0.2:${port}`);
    const { state, endpoints } = await scene.answer(arn);
    expect({ state, endpoints }).toMatchObject({ state: 'pending', endpoints: [{ state: 'stale', serialNumber }] });
    const about = (address: string) => endpoints[0]?.message.split('. ').find((sentence) => sentence.includes(address));
    expect(about('127.0.0.2')).toContain(serialNumber);
    expect(about('127.0.0.1')).not.toContain(serialNumber);
  });

  const keys = [
    { asked: 'RSA', own: rsaKey, other: newKey },
    { asked: 'ECDSA', own: newKey, other: rsaKey },
  ];
  it.each(keys)('with an RSA and an ECDSA certificate is asked for the one of the secret: $asked', async (kinds) => {
    const scene = new Scene();
    const port = await freePort();
    const arn = scene.enrol(`${name}:${port}`, { key: kinds.own() });
    const other = scene.enrol(`${name}:1`, { secretName: 'other', key: kinds.other() });
    const pairs = { own: scene.pair(arn), other: scene.pair(other) };
    const server = await serve({ servers: [{ port, pairs: ['other', 'own'] }], pairs });
    await scene.renew(arn);
    expect((await scene.answer(arn)).endpoints).toMatchObject([{ state: 'stale' }]);
    await server.write('own', scene.pair(arn));
    await server.reload();
    expect((await scene.answer(arn)).endpoints).toMatchObject([{ state: 'served' }]);
  });

  const configurations = [
    { what: 'TLS 1.2 only', more: ['ssl_protocols TLSv1.2'], judge: ['-tls1_2'] },
    { what: 'TLS 1.3 only', more: ['ssl_protocols TLSv1.3'], judge: ['-tls1_3'] },
    {
      what: 'a required client certificate, TLS 1.2',
      more: ['ssl_verify_client on', 'ssl_protocols TLSv1.2'],
      judge: ['-tls1_2'],
    },
    {
      what: 'a required client certificate, TLS 1.3',
      more: ['ssl_verify_client on', 'ssl_protocols TLSv1.3'],
      judge: ['-tls1_3'],
    },
  ];
  it.each(configurations)('is probed with $what', async ({ more, judge }) => {
    const scene = new Scene();
    const port = await freePort();
    const arn = scene.enrol(`127.0.0.1:${port}`);
    const server = await serve({
      servers: [{ port, pairs: ['web'], more: [...more, 'ssl_client_certificate $folder/ca.pem'] }],
      pairs: { web: scene.pair(arn) },
      files: { 'ca.pem': pem(scene.world.ca.hierarchy.root) },
    });
    await scene.renew(arn);
    const { serialNumber } = await presentedAt(`127.0.0.1:${port}`, ...judge);
    expect((await scene.answer(arn)).endpoints).toMatchObject([{ state: 'stale', serialNumber }]);
    await server.write('web', scene.pair(arn));
    await server.reload();
    expect(await scene.answer(arn)).toMatchObject({ state: 'served', warnings: [] });
  });

  it('has two server blocks: the server name selects one, and an unknown name gets none', async () => {
    const scene = new Scene();
    const port = await freePort();
    const [a, b, unknown] = ['a.svc.example', 'b.svc.example', 'c.svc.example'];
    const first = scene.enrol(`127.0.0.1:${port}/${a}`, { secretName: 'a', names: [a] });
    const second = scene.enrol(`127.0.0.1:${port}/${b}`, { secretName: 'b', names: [b] });
    const third = scene.enrol(`127.0.0.1:${port}/${unknown}`, { secretName: 'c', names: [unknown] });
    for (const arn of [first, second, third]) await scene.renew(arn);
    await serve({
      servers: [
        { port, pairs: [], more: ['ssl_reject_handshake on'] },
        { port, names: [a], pairs: ['a'] },
        { port, names: [b], pairs: ['b'] },
      ],
      pairs: { a: scene.pair(first), b: scene.pair(second) },
    });
    expect(await scene.answer(first)).toMatchObject({ state: 'served' });
    expect(await scene.answer(second)).toMatchObject({ state: 'served' });
    expect((await scene.answer(third)).endpoints).toMatchObject([{ state: 'unreachable', serialNumber: null }]);
  });

  it('presents the certificate of another name: told with that name', async () => {
    const scene = new Scene();
    const port = await freePort();
    const arn = scene.enrol(`${name}:${port}`);
    const other = scene.enrol(`${name}:1`, { secretName: 'other', names: ['shop.svc.example'] });
    await scene.renew(arn);
    await serve({ servers: [{ port, pairs: ['other'] }], pairs: { other: scene.pair(other) } });
    const { endpoints } = await scene.answer(arn);
    expect(endpoints).toMatchObject([{ state: 'stale', message: expect.stringContaining('shop.svc.example') }]);
  });

  it('leaves out the intermediate certificate: served, with a warning', async () => {
    const scene = new Scene();
    const port = await freePort();
    const arn = scene.enrol(`${name}:${port}`);
    await scene.renew(arn);
    const { certificate, privateKey } = scene.pair(arn);
    const server = await serve({ servers: [{ port, pairs: ['web'] }], pairs: { web: { certificate, privateKey } } });
    expect(await scene.answer(arn)).toMatchObject({ state: 'served', warnings: [{ code: 'IncompleteChain' }] });
    await server.write('web', scene.pair(arn));
    await server.reload();
    expect(await scene.answer(arn)).toMatchObject({ state: 'served', warnings: [] });
  });

  it('is stopped: told as an endpoint that refuses, with no certificate', async () => {
    const scene = new Scene();
    const port = await freePort();
    const arn = scene.enrol(`${name}:${port}`);
    const server = await serve({ servers: [{ port, pairs: ['web'] }], pairs: { web: scene.pair(arn) } });
    await scene.renew(arn);
    await server.stop();
    const { endpoints } = await scene.answer(arn);
    expect(endpoints).toMatchObject([{ state: 'unreachable', serialNumber: null, notAfter: null }]);
  });
});
