/** Names of a declaration: what is accepted, in which form, and what is refused, with the reason. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generalNameOf, type NameKind, readDeclaredName } from '../../lambdas/x509/declared-names.ts';

const taken: [NameKind, string, string][] = [
  ['dns', 'web.svc.example', 'dns:web.svc.example'],
  ['dns', 'WEB.Example', 'dns:web.example'],
  ['dns', '*.svc.example', 'dns:*.svc.example'],
  ['dns', 'localhost', 'dns:localhost'],
  ['dns', '1.example', 'dns:1.example'],
  ['dns', 'xn--bcher-kva.example', 'dns:xn--bcher-kva.example'],
  ['dns', `${'a'.repeat(63)}.example`, `dns:${'a'.repeat(63)}.example`],
  ['ip', '10.0.0.7', 'ip:10.0.0.7'],
  ['ip', '2001:DB8:0:0:0:0:0:1', 'ip:2001:db8::1'],
  ['ip', '::', 'ip:::'],
  ['ip', '::ffff:192.0.2.1', 'ip:::ffff:192.0.2.1'],
  ['email', 'Ops+x@Example.COM', 'email:Ops+x@example.com'],
  ['uri', 'spiffe://example.com/web', 'uri:spiffe://example.com/web'],
  ['uri', 'urn:uuid:3b1a3ea0-56a4-4f3c-9c0f-000000000001', 'uri:urn:uuid:3b1a3ea0-56a4-4f3c-9c0f-000000000001'],
  ['uri', 'https://u@[2001:db8::1]:8443/x?y#z', 'uri:https://u@[2001:db8::1]:8443/x?y#z'],
  ['uri', 'SPIFFE://Example.com/Web', 'uri:spiffe://Example.com/Web'],
  ['uri', 'https://192.0.2.1/', 'uri:https://192.0.2.1/'],
];

const refused: [NameKind, string, string | RegExp][] = [
  ['dns', '', 'empty label'],
  ['dns', 'bücher.example', 'xn--bcher-kva.example'],
  ['dns', 'xn--a.example', 'not an A-label'],
  ['dns', 'xn--.example', /hyphen at either end/],
  ['dns', '*', 'wildcard'],
  ['dns', '*.*.example', 'wildcard'],
  ['dns', 'w*.example', 'wildcard'],
  ['dns', 'www.*.example', 'wildcard'],
  ['dns', '*.', 'empty label'],
  ['dns', 'example.', 'empty label'],
  ['dns', '.example', 'empty label'],
  ['dns', 'a..example', 'empty label'],
  ['dns', '-a.example', 'hyphen at either end'],
  ['dns', 'a_b.example', 'letters, digits and hyphens'],
  ['dns', 'a b.example', 'letters, digits and hyphens'],
  ['dns', `${'a'.repeat(64)}.example`, '63 characters'],
  ['dns', `${'a.'.repeat(124)}example`, '253 characters'],
  ['dns', '10.0.0.7', 'ipAddresses'],
  ['dns', '2001:db8::1', 'ipAddresses'],
  ['dns', 'host.1', 'last label is a number'],
  ['dns', 'https://a.example', 'letters, digits and hyphens'],
  ['ip', '10.0.0.0/8', 'not a range'],
  ['ip', '10.0.0.256', 'IPv4'],
  ['ip', '010.0.0.1', 'IPv4'],
  ['ip', '::ffff:300.0.2.1', 'IPv4'],
  ['ip', 'fe80::1%eth0', 'IPv4'],
  ['ip', 'web.example', 'IPv4'],
  ['email', 'example.com', 'ops@example.com'],
  ['email', 'a@b@example.com', 'ops@example.com'],
  ['email', '.a@example.com', 'ops@example.com'],
  ['email', 'a@', 'ops@example.com'],
  ['email', `${'a'.repeat(65)}@example.com`, 'ops@example.com'],
  ['email', 'ä@example.com', 'ops@example.com'],
  ['email', 'a@*.example.com', 'its host: a wildcard'],
  ['uri', '/web', 'absolute URI'],
  ['uri', 'spiffe:///web', 'no host'],
  ['uri', 'https://a_b/', 'no host'],
  ['uri', 'https://a.example/ü', 'visible ASCII'],
  ['uri', 'https://a.example/a b', 'visible ASCII'],
  ['uri', 'https://a.example/%zz', 'absolute URI'],
];

describe('a declared name', () => {
  it.each(taken)('%s %s is accepted', (kind, value, text) => {
    expect(readDeclaredName(kind, value)).toEqual({ ok: true, text });
    const { kind: read } = generalNameOf(text);
    expect(read).toBe(kind);
  });

  it.each(refused)('%s %s is refused: %s', (kind, value, problem) => {
    expect(readDeclaredName(kind, value)).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });

  it('has one form: its own text is read as the same name', () => {
    const kinds = fc.constantFrom<NameKind>('dns', 'ip', 'email', 'uri');
    const values = fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6(), fc.emailAddress(), fc.webUrl());
    fc.assert(
      fc.property(kinds, values, (kind, value) => {
        const read = readDeclaredName(kind, value);
        if (!read.ok) return;
        expect(read.text).toMatch(/^(?:dns|ip|email|uri):[!-~]+$/);
        expect(readDeclaredName(kind, read.text.slice(kind.length + 1))).toEqual(read);
      }),
    );
  });

  it('of an unknown kind is a programming error', () => {
    for (const text of ['', 'dns', 'ip:web.example', 'cn:x']) expect(() => generalNameOf(text)).toThrow(TypeError);
  });
});
