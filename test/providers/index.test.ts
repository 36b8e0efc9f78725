import { expect, test } from 'vitest';
import type { CaReference } from '../../lambdas/domain/profile.ts';
import {
  capabilitiesOf,
  defaultUsagesOf,
  needsOf,
  openCa,
  pemFieldsOf,
  refusalsOf,
  rootOf,
} from '../../lambdas/providers/index.ts';
import { kinds } from '../../lambdas/providers/kinds.ts';
import { pem } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { hierarchy, rootPem } from '../../testkit/fakes/tls-server.ts';

const stepCa = { type: 'step-ca', url: 'https://ca.example', root: rootPem };
const infisical = { type: 'infisical', url: 'https://eu.infisical.com', caId: 'id', authSecretId: 'auth' };
const offline = { type: 'offline', authority: 'issuing' };
const acme = {
  type: 'acme',
  acmEndpoint: 'arn:aws:acm:eu-central-1:111122223333:acme-endpoint/1',
  challenge: { type: 'dns-01', zones: { 'example.com': 'Z1', 'example.net': 'Z2', 'example.org': 'Z1' } },
};
const authority = { type: 'authority', authority: 'issuing' };

test('a CA of type step-ca has its provider, with its root', async () => {
  const provider = await providerFor(stepCa);
  expect(pem(...(await provider.roots()))).toBe(pem(hierarchy.root));
});

test.each<CaReference>([offline, authority])(
  'a CA of type $type is Internal if the stack has no authorities, or not that one',
  async (ca) => {
    for (const authorities of [undefined, new FakeAuthorities()]) {
      const provider = await providerFor(ca, { authorities });
      const failure = { code: 'Internal', message: expect.stringMatching(/"issuing"/) };
      await expect(provider.roots()).rejects.toMatchObject(failure);
    }
  },
);

test.each<CaReference>([stepCa, infisical, offline, authority])(
  'a CA of type $type has itself as its type',
  async (ca) => {
    expect(await providerFor(ca)).toMatchObject({ type: ca.type, can: capabilitiesOf(ca) });
  },
);

test('each kind is in the list once', () => {
  expect(kinds.map(({ type }) => type).sort()).toEqual(['acme', 'authority', 'infisical', 'offline', 'step-ca']);
});

test.each<CaReference>([{ type: 'other' }, { type: 'step-ca' }, { ...offline, more: 1 }, { ...infisical, caId: '' }])(
  'a parameter that no deployment writes is Internal: %j',
  async (ca) => {
    await expect(openCa(ca)).rejects.toMatchObject({ code: 'Internal', message: expect.stringMatching(/deploy/) });
  },
);

test('the worker’s permissions for a CA: its secrets, its keys, the authority that signs', () => {
  const bound = { ...acme, accountKeyArn: 'key', eabSecretId: 'eab', challenge: { type: 'none' } };
  const binding = { ...bound, eabSecretId: undefined, eabBinding: 'binding' };
  expect([acme, bound, binding].map(needsOf)).toEqual([
    { secrets: [], signingKeys: [], newKey: 'accountKeyArn', zones: ['Z1', 'Z2'] },
    { secrets: ['eab'], signingKeys: ['key'] },
    { secrets: [], signingKeys: ['key'], bindings: ['binding'] },
  ]);
  expect([stepCa, infisical, offline, authority].map(needsOf)).toEqual([
    { secrets: [], signingKeys: [] },
    { secrets: ['auth'], signingKeys: [] },
    { secrets: [], signingKeys: [], authority: 'issuing' },
    { secrets: [], signingKeys: [] },
  ]);
});

test('a value that is no text is ignored: at synthesis a field may be a token', () => {
  const token = { resolve: () => 'later' };
  expect(needsOf({ ...infisical, authSecretId: token })).toEqual({ secrets: [], signingKeys: [] });
  expect(needsOf({ ...offline, authority: token })).toEqual({ secrets: [], signingKeys: [] });
  expect(rootOf({ ...stepCa, root: token })).toBeUndefined();
  for (const challenge of [
    token,
    { type: 'dns-01', zones: token },
    { type: 'dns-01', zones: { 'example.com': token } },
  ])
    expect(needsOf({ ...acme, challenge, accountKeyArn: token })).toEqual({ secrets: [], signingKeys: [] });
});

test('the fields with roots', () => {
  const roots = { root: 'root.crt', serverRoot: 'tls.crt' };
  const cas: CaReference[] = [stepCa, { ...acme, ...roots }, acme, { ...offline, ...roots }];
  expect(cas.map((ca) => Object.fromEntries(pemFieldsOf(ca)))).toEqual([{ root: rootPem }, roots, {}, {}]);
});

test.each<[CaReference, readonly string[] | undefined]>([
  [acme, ['serverAuth']],
  [stepCa, undefined],
])('the usages by default: %j', (ca, usages) => expect(defaultUsagesOf(ca)).toEqual(usages));

test.each<CaReference>([stepCa, infisical, offline])('a CA of type $type refuses nothing by its kind', (ca) => {
  const { name, duration, key } = refusalsOf(ca);
  const found = [name(ca, 'uri:spiffe://a'), duration(ca), key(ca, { kty: 'OKP', curve: 'Ed25519' })];
  expect(found).toEqual([undefined, undefined, undefined]);
});

test('the root of the configuration, if there is one', () => {
  const cas: CaReference[] = [stepCa, infisical, { ...infisical, root: 'root.crt' }, offline, authority];
  expect(cas.map(rootOf)).toEqual([rootPem, undefined, 'root.crt', undefined, undefined]);
});
