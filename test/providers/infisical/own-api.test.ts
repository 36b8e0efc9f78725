/**
 * cert-renewer as a client of cert-renewer: a stack with a profile of type infisical renews a CA certificate whose key another
 * stack holds, through the whole use case and that stack's HTTP API. Keys, signatures, TLS and HTTP are real.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { answer } from '../../../lambdas/authority/http/api.ts';
import { tags } from '../../../lambdas/domain/tags.ts';
import type { Infisical } from '../../../lambdas/providers/infisical/index.ts';
import { renewOnDemand } from '../../../lambdas/renewal/entry/on-demand.ts';
import { commonNameOnly, makeLeaf, pem } from '../../../testkit/certificates/index.ts';
import { providerFor } from '../../../testkit/fakes/asking.ts';
import { rootPem, tlsServer } from '../../../testkit/fakes/tls-server.ts';
import { newPath, oldPath, type Scene, scene, tokens } from '../../authority/http/scene.ts';
import { certificatesIn, year } from '../../authority/world.ts';
import { hour, newKey, pairValue, start, World } from '../../renewal/world.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** The API as API Gateway would call it. */
async function served(api: Scene): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = [];
  const server = await tlsServer(async (request: IncomingMessage, response: ServerResponse) => {
    const { url: path = '', method = '', headers } = request;
    paths.push(path);
    const { status, body } = await answer(api, {
      id: `request-${paths.length}`,
      method,
      path,
      isRouted: true,
      authorization: headers.authorization,
      body: Buffer.concat(await request.toArray()),
    });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  open.push(server);
  return { url: server.url.origin, paths };
}

class Client extends World {
  override readonly providerFor: World['providerFor'] = ({ ca }) => providerFor(ca, this);

  constructor(url: string, more: Partial<Infisical> = {}) {
    const ca = {
      type: 'infisical',
      url,
      caId: 'issuing',
      authSecretId: 'infisical/auth',
      root: rootPem,
      ...more,
    } as const;
    super({ name: 'infisical', ca, mode: 'rekey', paused: false });
    this.store.add({ name: 'infisical/auth', value: JSON.stringify({ token: tokens.issuing }) });
  }

  /** The CA certificate with its chain. The other stack has the key. */
  enrolCa({ stack }: Scene, fields: Record<string, string> = {}): string {
    const certificate = pem(stack.certificateOf('issuing').der);
    const value = JSON.stringify({ certificate, certificateChain: pem(stack.certificateOf('root').der), ...fields });
    return this.store.add({ name: 'pki/copy', value, versionId: 'v1', tags: { [tags.profile]: 'infisical' } });
  }

  renew(force = false): Promise<unknown> {
    return renewOnDemand(this, { secretId: 'pki/copy', ...(force && { force }) });
  }
}

async function both(more: ConstructorParameters<typeof Client>[1] = {}) {
  const api = await scene();
  const { url, paths } = await served(api);
  const root = rootPem + pem(api.stack.certificateOf('root').der);
  const client = new Client(url, { root, ...more });
  client.enrolCa(api);
  return { api, client, paths };
}

test.each([
  ['the new path', undefined, newPath],
  ['the old path', '/api/v1/pki/ca/{caId}/renew', oldPath],
])('by %s: both stacks hold the same new certificate, and no key has moved', async (_, apiPath, path) => {
  const { api, client, paths } = await both(apiPath === undefined ? {} : { apiPath });
  const before = api.stack.certificateOf('issuing');
  expect(await client.renew()).toMatchObject({ outcome: 'renewed', profile: 'infisical', previousVersionId: 'v1' });
  expect(paths).toEqual([path('issuing')]);
  const ours = certificatesIn(client.store.value('pki/copy'));
  const theirs = api.stack.certificateOf('issuing');
  expect(ours.leaf).toEqual(theirs);
  expect(theirs.serialNumber).not.toBe(before.serialNumber);
  expect(theirs.notAfter).toBe(start + (before.notAfter - before.notBefore));
  expect(ours.chain).toEqual([api.stack.certificateOf('root')]);
  expect(ours.key).toBeUndefined();
  const { text } = client.store.value('pki/copy') as { text: string };
  expect(Object.keys(JSON.parse(text))).toEqual(['certificate', 'certificateChain']);
  expect(client.publisher.events.map(({ type }) => type)).toEqual(['Certificate Renewed']);
});

test('old leaves verify under it', async () => {
  const { api, client } = await both();
  const { leaf } = api.stack.enrolLeaf();
  await client.renew();
  const { isSignedBy } = await import('../../../lambdas/x509/signature.ts');
  expect(isSignedBy(leaf, certificatesIn(client.store.value('pki/copy')).leaf)).toBe(true);
});

describe('a refusal of the other stack', () => {
  const version = (client: Client) => client.versionOf('pki/copy');

  test.each<[string, (scene: Scene, client: Client) => unknown, RegExp, ConstructorParameters<typeof Client>[1]?]>([
    ['400, disabled', ({ stack }) => disable(stack, 'issuing'), /400: .*disabled/],
    ['400, beyond the parent', ({ stack }) => stack.clock.advance(8 * year), /400: .*beyond the end of the parent/],
    ['401', (_, { store }) => store.write('infisical/auth', JSON.stringify({ token: tokens.unknown })), /401: .*token/],
    ['403', () => undefined, /403: .*may not renew/, { caId: 'root' }],
    ['404', () => undefined, /404: .*no certificate authority/, { caId: 'other' }],
  ])('%s is CaRejected, and nothing is written', async (_, prepare, message, more) => {
    const { api, client } = await both(more);
    await prepare(api, client);
    if (api.stack.clock.now() !== start) client.clock.set(api.stack.clock.now());
    await expect(client.renew()).rejects.toMatchObject({
      code: 'CaRejected',
      message: expect.stringMatching(message),
    });
    expect(version(client)).toBe('v1');
  });

  test('500 is CaUnavailable', async () => {
    const { api, client } = await both();
    api.stack.vault.faults.failBefore('sign', new Error('down'), { times: 9 });
    await expect(client.renew()).rejects.toMatchObject({ code: 'CaUnavailable', retryable: true });
    expect(version(client)).toBe('v1');
  });
});

function disable(stack: Scene['stack'], name: string): void {
  const present = stack.authorities.all.get(name);
  if (present) stack.authorities.set({ ...present, disabled: true });
}

describe('the secret', () => {
  test('can’t be rekeyed', async () => {
    const { client, paths } = await both();
    const request = { secretId: 'pki/copy', mode: 'rekey' };
    await expect(renewOnDemand(client, request)).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(paths).toEqual([]);
  });

  test('with a leaf sends no request', async () => {
    const { api, client, paths } = await both();
    const key = newKey();
    const issuer = {
      intermediateKey: api.stack.keyOf('issuing'),
      intermediateName: api.stack.certificateOf('issuing').subject,
    };
    const dates = { notBefore: start - hour, notAfter: start + hour };
    const leaf = makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates }, issuer);
    const chain = [api.stack.certificateOf('issuing').der, api.stack.certificateOf('root').der];
    client.store.write('pki/copy', pairValue(leaf, chain, key));
    await expect(client.renew()).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(paths).toEqual([]);
  });

  test("of another CA is not replaced by this one's certificate", async () => {
    const { client } = await both();
    const other = await scene();
    const certificateChain = pem(other.stack.certificateOf('root').der);
    const certificate = pem(other.stack.certificateOf('issuing').der);
    client.store.write('pki/copy', JSON.stringify({ certificate, certificateChain }), 'v2');
    await expect(client.renew()).rejects.toMatchObject({ code: 'CertificateRejected' });
    expect(client.versionOf('pki/copy')).toBe('v2');
  });
});
