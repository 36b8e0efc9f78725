/** The tag `endpoints`, and where the probe may connect. */
import { describe, expect, it } from 'vitest';
import {
  addressProblem,
  endpointInTag,
  endpointProblem,
  isAllowEntry,
  mostEndpoints,
  parseEndpoint,
  readEndpoints,
} from '../../lambdas/policy/endpoints.ts';
import { forbidden, isForbidden, oddForms, reachedBy } from '../../testkit/hostile/addresses.ts';

const everywhere = ['ip:0.0.0.0/0', 'ip:::/0'];

describe('parsing', () => {
  it.each([
    ['web.example.com:443', 'web.example.com', 443, 'web.example.com', false],
    ['WEB.Example.com:8443', 'web.example.com', 8443, 'web.example.com', false],
    ['a_b.xn--bcher-kva.example:1', 'a_b.xn--bcher-kva.example', 1, 'a_b.xn--bcher-kva.example', false],
    ['localhost:443', 'localhost', 443, 'localhost', false],
    ['lb.example:443/WEB.example', 'lb.example', 443, 'web.example', false],
    ['10.0.0.7:443', '10.0.0.7', 443, undefined, true],
    ['10.0.0.7:65535/web.example', '10.0.0.7', 65_535, 'web.example', true],
    ['2001:db8::7:443', '2001:db8::7', 443, undefined, true],
    ['[2001:DB8::7]:443/web.example', '2001:db8::7', 443, 'web.example', true],
    ['::ffff:10.0.0.7:443', '::ffff:10.0.0.7', 443, undefined, true],
  ])('%s', (text, host, port, serverName, isAddress) => {
    expect(parseEndpoint(text)).toEqual({ text, host, port, serverName, isAddress });
  });

  it.each([
    ...['', ':', ':443', 'web.example', 'web.example:', 'web.example:0', 'web.example:65536', 'web.example:0443'],
    ...['web.example:+443', 'web.example:44 3', 'web.example:4.4e2', 'web.example:٤٤٣', 'web.example:443/'],
    ...['web.example:443/a/b', 'web.example:443/10.0.0.1', 'web.example:443/a b', 'web.example:443?x', '/web.example'],
    ...[
      'https://web.example:443',
      'user@web.example:443',
      'user:pw@web.example:443',
      'web.example.:443',
      '.example:443',
    ],
    ...[
      'web..example:443',
      '-web.example:443',
      'web-.example:443',
      '*.example:443',
      'bücher.example:443',
      'web.example\n:443',
    ],
    ...[
      `${'a'.repeat(64)}.example:443`,
      `${'a.'.repeat(130)}example:443`,
      '[web.example]:443',
      '[10.0.0.1:443',
      '10.0.0.1]:443',
    ],
    ...[
      '[]:443',
      '[fe80::1%eth0]:443',
      'web.example%00:443',
      'web.example#:443',
      'web.example\\:443',
      'WEB.example:443\t',
    ],
  ])('refuses %j', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });

  it.each(oddForms.filter((form) => form !== 'localhost' && form !== '[::1]'))('%j is no host', (form) => {
    expect(parseEndpoint(`${form}:443`)).toBeUndefined();
  });

  it.each([
    ['a:1 b:2 c:3 d:4 e:5', mostEndpoints],
    ['  a:1   b:2 ', 2],
  ])('%j', (value, count) => {
    expect(readEndpoints(value, undefined)).toHaveLength(count);
  });

  it.each(['', '   ', 'a:1 b:2 c:3 d:4 e:5 f:6', 'a:1,b:2', 'a:1\tb:2', 'a:1 -'])('%j is InvalidTag', (value) => {
    expect(() => readEndpoints(value, undefined)).toThrow(expect.objectContaining({ code: 'InvalidTag' }));
  });

  it('the tag has IPv6 addresses without brackets', () => {
    const text = endpointInTag('[2001:db8::7]:443/web.example');
    expect(text).toBe('2001:db8::7:443/web.example');
    expect(parseEndpoint(text)).toMatchObject({ host: '2001:db8::7', port: 443, serverName: 'web.example' });
  });
});

describe('names', () => {
  const problemOf = (text: string, ...allow: string[]) => {
    const [endpoint] = readEndpoints(text, undefined);
    return endpoint && endpointProblem(endpoint, { allow });
  };

  it.each([
    ['svc.example:443', 'dns:svc.example', true],
    ['web.svc.example:443', 'dns:SVC.example', true],
    ['a.b.svc.example:443', 'dns:svc.example', true],
    ['xsvc.example:443', 'dns:svc.example', false],
    ['svc.example.evil.example:443', 'dns:svc.example', false],
    ['example:443', 'dns:svc.example', false],
    ['other.example:443/web.svc.example', 'dns:svc.example', false],
    ['web.svc.example:443', 'ip:0.0.0.0/0', false],
    ['10.0.0.7:443', 'dns:svc.example', false],
  ])('%s with %s', (text, allow, isAllowed) => {
    expect(problemOf(text, allow) === undefined).toBe(isAllowed);
    const read = () => readEndpoints(text, { allow: [allow] });
    if (!isAllowed) expect(read).toThrow(expect.objectContaining({ code: 'InvalidTag' }));
    else expect(read()).toHaveLength(1);
  });
});

describe('addresses', () => {
  it.each(forbidden)('%s is never allowed', (address) => {
    expect(isForbidden(address)).toBe(true);
    for (const isNamed of [true, false]) expect(addressProblem(address, { allow: everywhere, isNamed })).toBeDefined();
  });

  it.each(oddForms)('%j is no address', (address) => {
    for (const isNamed of [true, false]) expect(addressProblem(address, { allow: everywhere, isNamed })).toBeDefined();
  });

  it.each([
    ['10.1.2.3', 'ip:10.0.0.0/8', true],
    ['11.1.2.3', 'ip:10.0.0.0/8', false],
    ['10.0.0.7', 'ip:10.0.0.7', true],
    ['10.0.0.8', 'ip:10.0.0.7', false],
    ['10.0.0.127', 'ip:10.0.0.64/26', true],
    ['10.0.0.128', 'ip:10.0.0.64/26', false],
    ['::ffff:10.0.0.7', 'ip:10.0.0.0/8', true],
    ['::ffff:10.0.0.7', 'ip:::/0', false],
    ['2001:db8::7', 'ip:2001:db8::/32', true],
    ['2001:db9::7', 'ip:2001:db8::/32', false],
    ['10.0.0.7', 'ip:::/0', false],
    ['2001:db8::7', 'ip:0.0.0.0/0', false],
    ['127.0.0.1', 'ip:127.0.0.0/8', true],
    ['127.0.0.1', 'ip:127.0.0.1', true],
    ['127.0.0.2', 'ip:127.0.0.1', false],
    ['127.0.0.1', 'ip:126.0.0.0/7', false],
    ['127.0.0.1', 'ip:0.0.0.0/0', false],
    ['::ffff:127.0.0.1', 'ip:127.0.0.1', true],
    ['::1', 'ip:::1', true],
    ['::1', 'ip:::/0', false],
    ['169.254.169.254', 'ip:169.254.169.254', false],
    ['fd00:ec2::254', 'ip:fd00::/8', false],
  ])('%s with %s', (address, allow, isAllowed) => {
    expect(addressProblem(address, { allow: [allow], isNamed: false }) === undefined).toBe(isAllowed);
  });

  it.each([
    ['10.0.0.7', [], true],
    ['203.0.113.9', [], true],
    ['127.0.0.1', [], false],
    ['127.0.0.1', ['ip:127.0.0.0/24'], true],
    ['::1', ['ip:127.0.0.0/8'], false],
    ['::1', ['ip:::1'], true],
  ] as const)('what an allowed name resolves to: %s with %j', (address, allow, isAllowed) => {
    expect(addressProblem(address, { allow, isNamed: true }) === undefined).toBe(isAllowed);
  });

  it('entries of probe.allow', () => {
    const good = [
      'dns:example',
      'dns:a.example',
      'ip:10.0.0.0/8',
      'ip:10.0.0.7',
      'ip:::/0',
      'ip:2001:db8::/32',
      'ip:::1',
    ];
    const bad = [
      'example',
      'dns:',
      'dns:*.example',
      'dns:10.0.0.1',
      'ip:',
      'ip:10.0.0.0/33',
      'ip:10.0.0.0/',
      'ip:::/129',
    ];
    const odd = [
      'ip:10.0.0.0/8/8',
      'ip:10.0.0.0/-1',
      'ip:10/8',
      'ip:10.0.0.0/0x8',
      'uri:x',
      '',
      'IP:10.0.0.7',
      'ip:a.example',
    ];
    expect(good.filter((entry) => !isAllowEntry(entry))).toEqual([]);
    expect([...bad, ...odd].filter(isAllowEntry)).toEqual([]);
  });
});

it('the judge of the tests knows an allowed address from a forbidden one', () => {
  const allowed = ['10.0.0.7', '2001:db8::7', '::ffff:10.0.0.7', '64:ff9b::a00:7', '2002:a00:7::1', '8.8.8.8'];
  expect(allowed.filter((address) => isForbidden(address))).toEqual([]);
  expect(reachedBy('2002:a9fe:a9fe::1')).toContain('169.254.169.254');
});
