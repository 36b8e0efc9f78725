/** One endpoint: which connections it makes. */
import { describe, expect, it } from 'vitest';
import type { ProbeTerms } from '../../lambdas/domain/profile.ts';
import type { Handshake, KeyType } from '../../lambdas/domain/serving.ts';
import { readEndpoints } from '../../lambdas/policy/endpoints.ts';
import { mostAddresses, type Presented, probeEndpoint } from '../../lambdas/probes/endpoint.ts';
import { FakeNetwork, presenting } from '../../testkit/fakes/probe-network.ts';

const terms: ProbeTerms = { allow: ['dns:svc.example', 'ip:10.0.0.0/8'], within: 3_600_000 };
const der = Uint8Array.of(1);

async function probed(network: FakeNetwork, text: string, keyType?: KeyType): Promise<readonly Presented[]> {
  const [endpoint] = readEndpoints(text, undefined);
  if (endpoint === undefined) throw new Error('no endpoint');
  return probeEndpoint(network, endpoint, terms, { keyType });
}

const problems = (found: readonly Presented[]) => found.map(({ outcome }) => (outcome.ok ? 'ok' : outcome.problem));

describe('a name', () => {
  it('is asked at every address, with its server name', async () => {
    const network = new FakeNetwork().name('web.svc.example', '10.0.0.1', '2001:db8::1', '10.0.0.1');
    network.server('10.0.0.1', 443, presenting(der)).server('2001:db8::1', 443, presenting(der));
    const found = await probed(network, 'WEB.svc.example:443/other.example');
    expect(found.map(({ address }) => address)).toEqual(['10.0.0.1', '2001:db8::1']);
    expect(network.connected.map(({ serverName }) => serverName)).toEqual(['other.example', 'other.example']);
    expect(network.resolved).toEqual(['web.svc.example']);
  });

  it('is looked up once: the connection goes to the address that was judged', async () => {
    const network = new FakeNetwork().name('web.svc.example', '10.0.0.1');
    network.server('10.0.0.1', 443, () => {
      network.name('web.svc.example', '169.254.169.254');
      return { ok: false, problem: 'alert', code: 'handshake_failure' };
    });
    await probed(network, 'web.svc.example:443', 'EC');
    expect(network.resolved).toHaveLength(1);
    expect(network.connected.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.1']);
  });

  it.each(['169.254.169.254', '::ffff:169.254.169.254', '127.0.0.1', 'fd00:ec2::254', '0.0.0.0', 'fe80::1%eth0'])(
    'that resolves to %s is not connected there, but at its other address',
    async (address) => {
      const network = new FakeNetwork().name('web.svc.example', address, '10.0.0.1');
      expect(problems(await probed(network, 'web.svc.example:443'))).toEqual(['notAllowed', 'refused']);
      expect(network.connected.map((target) => target.address)).toEqual(['10.0.0.1']);
    },
  );

  it.each(['web.other.example:443', '169.254.169.254:80', '11.0.0.1:443', '::ffff:169.254.169.254:80'])(
    '%s is outside of allow: no look-up, no connection',
    async (text) => {
      const network = new FakeNetwork().name('web.other.example', '10.0.0.1');
      expect(problems(await probed(network, text))).toEqual(['notAllowed']);
      expect([network.resolved, network.connected]).toEqual([[], []]);
    },
  );

  it('without an address', async () => {
    expect(problems(await probed(new FakeNetwork(), 'web.svc.example:443'))).toEqual(['unresolved']);
    const empty = new FakeNetwork().name('web.svc.example');
    expect(problems(await probed(empty, 'web.svc.example:443'))).toEqual(['unresolved']);
  });

  it('with more addresses than are probed tells how many', async () => {
    const addresses = Array.from({ length: mostAddresses + 3 }, (_, index) => `10.0.1.${index}`);
    const network = new FakeNetwork().name('web.svc.example', ...addresses);
    const found = await probed(network, 'web.svc.example:443');
    expect(network.connected).toHaveLength(mostAddresses);
    expect(found.at(-1)?.outcome).toMatchObject({ problem: 'tooMany', code: '3' });
  });
});

it('an address is not looked up, and gets no server name', async () => {
  const network = new FakeNetwork();
  await probed(network, '10.0.0.1:8443');
  expect(network.resolved).toEqual([]);
  expect(network.connected).toMatchObject([{ address: '10.0.0.1', port: 8443, serverName: undefined }]);
});

describe('the type of key', () => {
  const asked = async (outcome: Handshake, keyType: KeyType | undefined) => {
    const network = new FakeNetwork().server('10.0.0.1', 443, (target) =>
      target.keyType === undefined ? { ok: true, certificates: [der] } : outcome,
    );
    const found = await probed(network, '10.0.0.1:443', keyType);
    return [network.connected.map((target) => target.keyType), problems(found)];
  };
  const failed = (problem: Exclude<Handshake, { ok: true }>['problem']) => ({ ok: false, problem, code: 'x' }) as const;

  it.each(['alert', 'closed', 'failed'] as const)('is dropped after %s', async (problem) => {
    expect(await asked(failed(problem), 'EC')).toEqual([['EC', undefined], ['ok']]);
  });

  it.each(['timeout', 'refused', 'noRoute', 'notTls', 'tooLarge'] as const)('stays after %s', async (problem) => {
    expect(await asked(failed(problem), 'RSA')).toEqual([['RSA'], [problem]]);
  });

  it('is asked once where it is presented', async () => {
    expect(await asked({ ok: true, certificates: [der] }, 'RSA')).toEqual([['RSA'], ['ok']]);
    expect(await asked(failed('alert'), undefined)).toEqual([[undefined], ['ok']]);
  });
});
