/** Declarations: their contents, their hash, and the limits of a profile. */
import { describe, expect, it } from 'vitest';
import type { Declaration } from '../../lambdas/domain/declaration.ts';
import {
  type DeclarationDocument,
  declarationSchema,
  parseDeclaration,
  readDeclaration,
} from '../../lambdas/policy/declaration.ts';
import { declarationHash } from '../../lambdas/policy/declaration-identity.ts';
import { issuanceProblems, unknownBases } from '../../lambdas/policy/issuance.ts';
import { formatName } from '../../lambdas/x509/names.ts';

const hour = 3_600_000;
const least = { secretName: 'web/tls', profile: 'offline', dnsNames: ['web.svc.example'] };

const declared = (more: Partial<DeclarationDocument> = {}): Declaration => {
  const { declaration, problems } = readDeclaration({ ...least, ...more });
  expect(problems).toEqual([]);
  return declaration;
};

describe('a declaration', () => {
  it('has defaults: both usages, no subject, the CA’s duration, camel', () => {
    expect(declared()).toEqual({
      ...{ secretName: 'web/tls', profile: 'offline', names: ['dns:web.svc.example'], subject: undefined },
      ...{
        usages: ['serverAuth', 'clientAuth'],
        duration: undefined,
        key: undefined,
        kmsKeyId: undefined,
        shape: 'camel',
      },
    });
  });

  it('has its names in one order and one form: DNS, addresses, e-mail, URIs', () => {
    const { names } = declared({
      ...{
        uris: ['spiffe://example/web'],
        emails: ['ops@Example.com'],
        ipAddresses: ['2001:DB8::1'],
        dnsNames: ['*.SVC.example'],
      },
    });
    expect(names).toEqual(['dns:*.svc.example', 'ip:2001:db8::1', 'email:ops@example.com', 'uri:spiffe://example/web']);
  });

  it.each<[string, string]>([
    ['web.svc.example', 'CN=web.svc.example'],
    ['Example, Inc. + "x" <a>', 'CN=Example\\, Inc. \\+ \\"x\\" \\<a\\>'],
    ['#é', 'CN=\\#é'],
  ])('has the common name %s as a subject', (commonName, subject) => {
    expect(formatName(declared({ commonName }).subject ?? new Uint8Array())).toBe(subject);
  });

  it('may have null for an omitted field, as a configuration may', () => {
    expect(declarationSchema.safeParse({ ...least, kty: null, curve: null, size: null }).success).toBe(true);
    expect(declared({ kty: null, curve: null, size: null }).key).toBeUndefined();
  });

  it.each<[Partial<DeclarationDocument>, (string | number)[], string]>([
    [{ dnsNames: [] }, [], 'no name'],
    [{ dnsNames: ['a b'] }, ['dnsNames', 0], 'letters, digits and hyphens'],
    [{ dnsNames: ['a.example', 'A.example'] }, ['dnsNames', 1], 'twice'],
    [{ ipAddresses: ['10.0.0.0/8'] }, ['ipAddresses', 0], 'not a range'],
    [{ commonName: 'a', subject: 'CN=a' }, ['commonName'], 'keep one'],
    [{ commonName: 'a'.repeat(65) }, ['commonName'], 'more than 64 characters'],
    [{ subject: 'web' }, ['subject'], 'has no ='],
    [{ duration: '0s' }, ['duration'], 'above zero'],
    [{ curve: 'P-256' }, ['kty'], 'without kty'],
    [{ kty: 'RSA', curve: 'P-256' }, ['kty'], 'EC and OKP only'],
    [{ kmsKeyId: 'alias/web', kty: 'EC' }, ['kmsKeyId'], 'is fixed'],
    [{ usages: ['serverAuth', 'serverAuth'] }, ['usages'], 'twice'],
  ])('%o is reported with its place', (more, path, message) => {
    const { problems } = readDeclaration({ ...least, ...more });
    expect(problems).toContainEqual({ path, message: expect.stringContaining(message) });
  });
});

describe('a deployed declaration', () => {
  it('is read as it was declared', () => {
    expect(parseDeclaration('/p', JSON.stringify(least))).toEqual(declared());
  });

  it.each<[string, string]>([
    ['not JSON', 'it is not JSON'],
    ['{}', 'declaration.secretName: missing'],
    [JSON.stringify({ ...least, more: 1 }), 'unknown field "more"'],
    [JSON.stringify({ ...least, dnsNames: ['*'] }), 'declaration.dnsNames.0: a wildcard'],
  ])('%s is Internal', (json, found) => {
    expect(() => parseDeclaration('/p', json)).toThrowError(
      expect.objectContaining({ code: 'Internal', message: expect.stringContaining(found) }),
    );
  });
});

describe('the hash of a declaration', () => {
  const ca = ['offline', 'issuing'];
  const profile = {
    issue: { allow: ['dns:example'], duration: 24 * hour },
    key: { kty: 'EC', curve: 'P-256' },
  } as const;
  const hash = (more: Partial<DeclarationDocument> = {}) => declarationHash(declared(more), profile, ca);

  it('is the same for declarations of the same certificate', () => {
    const names = { dnsNames: ['b.example', 'a.example'] };
    expect(hash(names)).toBe(hash({ dnsNames: ['a.example', 'B.example'] }));
    expect(hash({ usages: ['clientAuth', 'serverAuth'] })).toBe(hash());
    expect(hash({ shape: 'pem' })).toBe(hash());
    expect(hash({ duration: '24h' })).toBe(hash({ duration: '1440m' }));
    expect(hash({ duration: '24h' })).toBe(hash());
    expect(hash({ kty: 'EC' })).toBe(hash());
    expect(hash()).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is another one for another name, subject, usage, duration, key, profile’s default or CA', () => {
    const others = [
      hash({ dnsNames: ['other.example'] }),
      hash({ dnsNames: ['web.svc.example', 'other.example'] }),
      hash({ emails: ['web@svc.example'] }),
      hash({ commonName: 'web.svc.example' }),
      hash({ usages: ['serverAuth'] }),
      hash({ duration: '25h' }),
      hash({ kty: 'RSA' }),
      hash({ kmsKeyId: 'alias/web' }),
      declarationHash(declared(), { ...profile, issue: { allow: ['dns:example'] } }, ca),
      declarationHash(declared(), { issue: profile.issue }, ca),
      declarationHash(declared(), profile, ['offline', 'other']),
    ];
    expect(new Set([hash(), ...others]).size).toBe(others.length + 1);
  });

  it('does not depend on what the profile allows', () => {
    const wider = {
      ...profile,
      issue: { ...profile.issue, allow: ['dns:example', 'ip:10.0.0.0/8'], maxDuration: hour },
    };
    expect(declarationHash(declared(), wider, ca)).toBe(hash());
  });
});

describe('issue.allow', () => {
  const issue = {
    allow: ['dns:svc.example', 'ip:10.0.0.0/8', 'cn:Web server', 'email:example.com'],
    maxDuration: 720 * hour,
  };

  it.each<Partial<DeclarationDocument>>([
    { dnsNames: ['svc.example'] },
    { dnsNames: ['a.b.svc.example', '*.svc.example'] },
    { dnsNames: [], ipAddresses: ['10.255.0.1'] },
    { commonName: 'web.svc.example' },
    { commonName: 'Web server' },
    { subject: 'CN=web.svc.example,O=Example' },
    { duration: '720h' },
    { emails: ['a@example.com'] },
    { commonName: 'WEB.svc.example' },
    { dnsNames: [], ipAddresses: ['10.0.0.7'], commonName: '10.0.0.7' },
    { subject: 'emailAddress=Ops@EXAMPLE.com' },
  ])('accepts %o', (more) => expect(issuanceProblems(declared(more), issue)).toEqual([]));

  it.each<[Partial<DeclarationDocument>, string]>([
    [{ dnsNames: ['example'] }, 'dns:example is outside of issue.allow'],
    [{ dnsNames: ['notsvc.example'] }, 'dns:notsvc.example is outside'],
    [{ dnsNames: ['*.example'] }, 'dns:*.example is outside'],
    [{ ipAddresses: ['11.0.0.1'] }, 'ip:11.0.0.1 is outside'],
    [{ ipAddresses: ['::ffff:10.0.0.1'] }, 'is outside'],
    [{ uris: ['spiffe://svc.example/web'] }, 'uri:spiffe://svc.example/web is outside'],
    [{ emails: ['a@b.example.com'] }, 'is outside'],
    [{ commonName: 'other.example' }, 'issue.allow does not contain cn:other.example'],
    [{ subject: 'CN=Web server,CN=evil.example' }, 'cn:evil.example'],
    [{ subject: `CN=web.svc.example,emailAddress=root@other.example` }, 'the e-mail address in the subject'],
    [{ subject: 'CN=WEB.svc.example+CN=EVIL.svc.example' }, 'cn:EVIL.svc.example'],
    [{ subject: '2.5.4.3=evil.example' }, 'cn:evil.example'],
    [{ commonName: 'web.svc.example\0.evil.example' }, 'the common name'],
    [{ commonName: 'web.svc.example.' }, 'the common name'],
    [{ commonName: 'web server' }, 'cn:web server'],
    [{ subject: 'emailAddress=root\\00@example.com' }, 'the e-mail address in the subject is not valid'],
    [{ subject: 'emailAddress=root@example.com.' }, 'the e-mail address in the subject is not valid'],
    [{ subject: 'emailAddress=root@example.com@other.example' }, 'the e-mail address in the subject is not valid'],
    [{ duration: '721h' }, 'more than issue.maxDuration'],
  ])('refuses %o', (more, problem) => {
    expect(issuanceProblems(declared(more), issue)).toEqual([expect.stringContaining(problem)]);
  });

  it('limits the profile’s own duration too', () => {
    expect(issuanceProblems(declared(), { ...issue, duration: 721 * hour })).toHaveLength(1);
  });

  it('accepts only texts of its own kinds', () => {
    expect(unknownBases(['dns:example', 'cn:x', 'ip:10.0.0.0/8'])).toEqual([]);
    expect(unknownBases(['dns:*.example', 'ip:10.0.0.1', 'cn:', 'dns:'])).toEqual([
      'dns:*.example',
      'ip:10.0.0.1',
      'cn:',
      'dns:',
    ]);
  });
});
