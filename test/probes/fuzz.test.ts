/** A hundred thousand tags and hostile resolvers: a connection is made only where `allow` permits, by an independent judge. */
import { hash } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProbeTerms } from '../../lambdas/domain/profile.ts';
import type { Handshake, HandshakeTarget, ProbeNetwork, Resolution } from '../../lambdas/domain/serving.ts';
import { readEndpoints } from '../../lambdas/policy/endpoints.ts';
import { probeEndpoint } from '../../lambdas/probes/endpoint.ts';
import { contains, forbidden, isForbidden, oddForms, reachedBy } from '../../testkit/hostile/addresses.ts';

const terms: ProbeTerms = {
  allow: ['dns:svc.example', 'ip:10.0.0.0/8', 'ip:127.0.0.2', 'ip:2001:db8::/32'],
  within: 3_600_000,
};
const allowed = new BlockList();
allowed.addSubnet('10.0.0.0', 8, 'ipv4');
allowed.addAddress('127.0.0.2', 'ipv4');
allowed.addSubnet('2001:db8::', 32, 'ipv6');
const ownLoopback = new BlockList();
ownLoopback.addAddress('127.0.0.2', 'ipv4');

const usual = ['10.0.0.7', '10.255.0.1', '203.0.113.9', '2001:db8::7', '127.0.0.2', '::ffff:10.0.0.7', '2600:1f18::1'];
const answers = [...usual, ...forbidden, ...oddForms];

/** It answers each name with three addresses, which depend on the name and on how often it was asked. */
class HostileNetwork implements ProbeNetwork {
  readonly resolved: string[] = [];
  readonly connected: HandshakeTarget[] = [];
  readonly answered = new Set<string>();

  async resolve(host: string): Promise<Resolution> {
    const chosen = hash('sha256', `${host} ${this.resolved.push(host)}`, 'buffer');
    const addresses = [0, 2, 4].map((at) => answers[chosen.readUInt16BE(at) % answers.length] ?? '');
    for (const address of addresses) this.answered.add(address);
    return { ok: true, addresses };
  }

  async handshake(target: HandshakeTarget): Promise<Handshake> {
    this.connected.push(target);
    return { ok: false, problem: 'alert', code: 'handshake_failure' };
  }
}

const hosts = [...usual, ...forbidden, ...oddForms, 'svc.example', 'web.svc.example', 'SVC.EXAMPLE', 'xsvc.example'];
const around = [
  '',
  '[',
  ']',
  '.',
  '%eth0',
  '@',
  'user@',
  '/',
  '//',
  ' ',
  '\t',
  '\0',
  'http://',
  'svc.example',
  '0x',
  '。',
];
const ports = [':443', ':22', ':0', ':65536', ':1e3', '', ':', ':443/web.svc.example', ':443/169.254.169.254', ':80 '];
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...hosts) },
  { weight: 1, arbitrary: fc.constantFrom(...around) },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.ipV4Extended() },
  { weight: 1, arbitrary: fc.ipV6() },
);
const hostText = fc.oneof(
  { weight: 4, arbitrary: piece },
  { weight: 1, arbitrary: fc.tuple(piece, piece).map(([a, b]) => a + b) },
  { weight: 1, arbitrary: piece.map((text) => `[${text}]`) },
  { weight: 2, arbitrary: fc.tuple(piece, fc.constant('.svc.example')).map(([a, b]) => a + b) },
);
const entry = fc
  .tuple(
    hostText,
    fc.oneof({ weight: 8, arbitrary: fc.constant(':443') }, { weight: 1, arbitrary: fc.constantFrom(...ports) }),
  )
  .map(([host, port]) => host + port);
const tagValue = fc.oneof(
  { weight: 8, arbitrary: entry },
  { weight: 1, arbitrary: fc.array(entry, { maxLength: 6 }).map((entries) => entries.join(' ')) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
);

/** What is wrong with the connections of one tag. */
function misled(network: HostileNetwork, isNamed: boolean): readonly string[] {
  return network.connected.flatMap(({ address, port, serverName }) => {
    const leadsTo = reachedBy(address);
    const isAllowed = leadsTo?.some((each) => contains(allowed, each)) === true;
    const wrong = [
      isIP(address) === 0 && 'no address',
      isForbidden(address, ownLoopback) && 'forbidden',
      isNamed && !network.answered.has(address) && 'not the answer of the resolver',
      !isNamed && !isAllowed && 'a literal outside of allow',
      !(port >= 1 && port <= 65_535) && 'a port',
      serverName !== undefined && (isIP(serverName) !== 0 || !/^[a-z0-9_.-]+$/.test(serverName)) && 'a server name',
    ].filter((each) => each !== false);
    return wrong.map((each) => `${address} is ${each}`);
  });
}

function read(value: string, readBy: ProbeTerms | undefined): ReturnType<typeof readEndpoints> {
  try {
    return readEndpoints(value, readBy);
  } catch {
    return [];
  }
}

const isAllowedName = (host: string): boolean => host === 'svc.example' || host.endsWith('.svc.example');

describe('tags of any text', () => {
  it('never make it connect elsewhere', { timeout: 120_000 }, async () => {
    const seen = { tags: 0, valid: 0, connections: 0, denied: 0 };
    const offered = new Set<string>();
    const connectedTo = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(tagValue, { minLength: 1_000, maxLength: 1_000 }), async (values) => {
        for (const value of values) {
          seen.tags += 1;
          await one(value);
        }
      }),
      { numRuns: 100, endOnFailure: true },
    );

    async function one(value: string): Promise<void> {
      // Read without `allow`: the probe judges again. A worker may have read the tag by another configuration.
      const endpoints = read(value, undefined);
      if (read(value, terms).length > 0) seen.valid += 1;
      for (const endpoint of endpoints) {
        const network = new HostileNetwork();
        const results = await probeEndpoint(network, endpoint, terms, { keyType: 'EC' });
        seen.connections += network.connected.length;
        seen.denied += results.filter(({ outcome }) => !outcome.ok && outcome.problem === 'notAllowed').length;
        for (const each of network.answered) offered.add(each);
        for (const { address } of network.connected) connectedTo.add(address);
        const wrong = [
          ...misled(network, !endpoint.isAddress),
          ...network.resolved.filter((host) => !isAllowedName(host) || isIP(host) !== 0),
        ];
        if (wrong.length > 0) throw new Error(`${JSON.stringify(value)}: ${wrong.join(', ')}`);
      }
    }

    expect(seen.tags).toBe(100_000);
    expect(seen.valid).toBeGreaterThan(5_000);
    expect(seen.connections).toBeGreaterThan(5_000);
    expect(seen.denied).toBeGreaterThan(20_000);
    expect(answers.filter((each) => !offered.has(each))).toEqual([]);
    expect(usual.filter((each) => !connectedTo.has(each))).toEqual([]);
  });
});
