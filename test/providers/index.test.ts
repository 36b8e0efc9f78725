import { expect, test } from 'vitest';
import type { CaReference } from '../../lambdas/domain/profile.ts';
import { capabilitiesOf, needsOf, openCa, rootOf } from '../../lambdas/providers/index.ts';
import { kinds } from '../../lambdas/providers/kinds.ts';
import { pem } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { hierarchy, rootPem } from '../../testkit/fakes/tls-server.ts';

const stepCa = { type: 'step-ca', url: 'https://ca.example', root: rootPem };
const infisical = { type: 'infisical', url: 'https://eu.infisical.com', caId: 'id', authSecretId: 'auth' };
const offline = { type: 'offline', authority: 'issuing' };
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
  expect(kinds.map(({ type }) => type).sort()).toEqual(['authority', 'infisical', 'offline', 'step-ca']);
});

test.each<CaReference>([{ type: 'other' }, { type: 'step-ca' }, { ...offline, more: 1 }, { ...infisical, caId: '' }])(
  'a parameter that no deployment writes is Internal: %j',
  async (ca) => {
    await expect(openCa(ca)).rejects.toMatchObject({ code: 'Internal', message: expect.stringMatching(/deploy/) });
  },
);

test('the worker’s permissions for a CA: its secrets, its keys, the authority that signs', () => {
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
});

test('the root of the configuration, if there is one', () => {
  const cas: CaReference[] = [stepCa, infisical, { ...infisical, root: 'root.crt' }, offline, authority];
  expect(cas.map(rootOf)).toEqual([rootPem, undefined, 'root.crt', undefined, undefined]);
});
