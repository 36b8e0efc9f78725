import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../lambdas/authority/create.ts';
import { handleAuthorityEvent, parseAuthorityEvent } from '../../lambdas/authority/custom-resource.ts';
import { respond } from '../../lambdas/aws/cloudformation.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import { describeCertificate } from '../../lambdas/x509/facts.ts';
import { lint } from '../../lambdas/x509/lint.ts';
import { formatName } from '../../lambdas/x509/names.ts';
import { opensslText, opensslVerify } from './openssl.ts';
import { certificatesIn, Stack, start, year } from './world.ts';

const root = { subject: 'CN=Example Root', validity: 10 * year, pathLength: 1 };
const issuing = { subject: 'CN=Example Issuing,O=Example,C=CH', validity: 3 * year, pathLength: 0 };

describe('the first certificate', () => {
  it('of a root is self-signed by KMS, as configured', async () => {
    const stack = new Stack();
    const arn = stack.declare('root', { create: root, spec: { kty: 'EC', curve: 'P-384' } });
    expect(await createAuthority(stack, 'root')).toBe('created');
    const certificate = stack.certificateOf('root');
    expect(describeCertificate(certificate)).toMatchObject({ subject: 'CN=Example Root', keyAlgorithm: 'EC P-384' });
    expect(certificate).toMatchObject({ isCa: true, pathLength: 1, notBefore: start - 60_000 });
    expect(certificate.notAfter - certificate.notBefore).toBe(10 * year);
    expect(lint(certificate, certificate)).toEqual([]);
    expect(opensslVerify(certificate.der, { roots: [certificate.der], now: start })).toMatchObject({ ok: true });
    const text = opensslText(certificate.der);
    expect(text).toMatch(/Key Usage: critical\n\s+Certificate Sign, CRL Sign\n/);
    expect(text).toMatch(/Basic Constraints: critical\n\s+CA:TRUE, pathlen:1\n/);
    const value = stack.store.value(arn);
    expect(value.kind === 'string' && JSON.parse(value.text)).toEqual({
      certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
      kmsKeyId: stack.kmsKeyOf('root'),
      certificateChain: '',
    });
  });

  it('of a root goes into the trust bundle, once and by the call that made it', async () => {
    const stack = new Stack();
    stack.declare('root', { create: root });
    const kept: string[] = [];
    const keepBundle = async ({ subject }: { readonly subject: Uint8Array }) => void kept.push(formatName(subject));
    const world = Object.assign(Object.create(stack), { keepBundle });
    await Promise.all([createAuthority(world, 'root'), createAuthority(world, 'root')]);
    expect(await createAuthority(world, 'root')).toBe('present');
    expect(kept).toEqual(['CN=Example Root']);
  });

  it('of an intermediate is signed by its parent, and does not outlive it', async () => {
    const stack = new Stack();
    stack.declare('root', { create: { ...root, validity: 2 * year } });
    stack.declare('issuing', { create: issuing, parent: 'root' });
    stack.declare('third', { create: { ...issuing, subject: 'CN=Third' }, parent: 'issuing' });
    await createAuthority(stack, 'root');
    await createAuthority(stack, 'issuing');
    const certificate = stack.certificateOf('issuing');
    expect(certificate.notAfter).toBe(stack.certificateOf('root').notAfter);
    expect(describeCertificate(certificate).subject).toBe('CN=Example Issuing,O=Example,C=CH');
    const roots = [stack.certificateOf('root').der];
    expect(opensslVerify(certificate.der, { roots, now: start })).toMatchObject({ ok: true });
    const last = stack.faults.calls.filter(({ method }) => method === 'sign').at(-1);
    expect(last?.args[0]).toBe(stack.kmsKeyOf('root'));
  });

  it('two levels down has its parents in the chain, but not the root', async () => {
    const stack = new Stack();
    stack.declare('root', { create: { ...root, pathLength: 2 } });
    stack.declare('middle', { create: { ...issuing, subject: 'CN=Middle', pathLength: 1 }, parent: 'root' });
    stack.declare('issuing', { create: issuing, parent: 'middle' });
    for (const name of ['root', 'middle', 'issuing']) await createAuthority(stack, name);
    const { leaf, chain } = certificatesIn(stack.store.value('pki/issuing'));
    expect(chain.map(({ der }) => der)).toEqual([stack.certificateOf('middle').der]);
    const verified = { roots: [stack.certificateOf('root').der], chain: chain.map(({ der }) => der), now: start };
    expect(opensslVerify(leaf.der, verified)).toMatchObject({ ok: true });
  });

  it('has the configured name constraints, critical', async () => {
    const stack = new Stack();
    const nameConstraints = {
      permitted: ['dns:example.com', 'ip:10.0.0.0/8', 'ip:fd00::/8', 'email:example.com'],
      excluded: ['dns:secret.example.com', 'uri:.example.org'],
    };
    stack.declare('root', { create: { ...root, nameConstraints } });
    await createAuthority(stack, 'root');
    const text = opensslText(stack.certificateOf('root').der);
    expect(text).toMatch(/Name Constraints: critical/);
    for (const each of ['DNS:example.com', 'IP:10.0.0.0/255.0.0.0', 'email:example.com', 'DNS:secret.example.com']) {
      expect(text).toContain(each);
    }
    expect(text).toContain('URI:.example.org');
  });

  const specs: readonly KeySpec[] = [
    { kty: 'EC', curve: 'P-521' },
    { kty: 'RSA', size: 2048 },
    { kty: 'RSA', size: 4096 },
    { kty: 'OKP', curve: 'Ed25519' },
  ];
  it.each(specs.map((spec) => [formatKeySpec(spec), spec] as const))('can have a key of %s', async (_, spec) => {
    const stack = new Stack();
    stack.declare('root', { create: root, spec });
    await createAuthority(stack, 'root');
    const { der } = stack.certificateOf('root');
    expect(opensslVerify(der, { roots: [der], now: start })).toMatchObject({ ok: true });
  });

  it('is made once: any value of the secret stays', async () => {
    const stack = new Stack();
    const arn = stack.declare('root', { create: root });
    await createAuthority(stack, 'root');
    const before = stack.store.value(arn);
    expect(await createAuthority(stack, 'root')).toBe('present');
    expect(stack.store.value(arn)).toEqual(before);
    stack.store.write(arn, 'something of somebody');
    expect(await createAuthority(stack, 'root')).toBe('present');
  });

  it('is KeyMismatch if CloudFormation has made another key', async () => {
    const stack = new Stack();
    const arn = stack.declare('root', { create: root });
    await createAuthority(stack, 'root');
    const before = stack.store.value(arn);
    const known = await stack.authorities.find('root');
    stack.declare('other', { create: root });
    const kmsKeyArn = stack.kmsKeyOf('other');
    if (known) stack.authorities.set({ ...known, kmsKeyArn });
    await expect(createAuthority(stack, 'root')).rejects.toMatchObject({
      code: 'KeyMismatch',
      message: expect.stringContaining(kmsKeyArn),
    });
    expect(stack.store.value(arn)).toEqual(before);
    // A disabled authority does not sign with any key.
    if (known) stack.authorities.set({ ...known, kmsKeyArn, disabled: true });
    expect(await createAuthority(stack, 'root')).toBe('present');
  });

  it('is made once when CloudFormation asks twice at the same time', async () => {
    const stack = new Stack();
    const arn = stack.declare('root', { create: root });
    const outcomes = await Promise.all([1, 2, 3].map(() => createAuthority(stack, 'root')));
    expect(outcomes.filter((each) => each === 'created')).toHaveLength(1);
    expect(outcomes.filter((each) => each === 'present')).toHaveLength(2);
    expect(stack.store.summary(arn).versions.get('v0')).toEqual(['AWSPREVIOUS']);
  });

  it('is found although the answer of its promotion was lost, or the secret had no value at all', async () => {
    const stack = new Stack();
    stack.declare('root', { create: root });
    stack.faults.loseAnswer('promote', new RenewalError('Throttled', 'lost'));
    expect(await createAuthority(stack, 'root')).toBe('created');
    const known = await stack.authorities.find('root');
    if (known) stack.authorities.set({ ...known, name: 'bare', secretId: stack.store.add({ name: 'pki/bare' }) });
    expect(await createAuthority(stack, 'bare')).toBe('created');
    expect(stack.certificateOf('bare').isCa).toBe(true);
  });

  it('is not made for a disabled authority, or by one', async () => {
    const stack = new Stack();
    stack.declare('root', { create: root, disabled: true });
    stack.declare('issuing', { create: issuing, parent: 'root' });
    expect(await createAuthority(stack, 'root')).toBe('disabled');
    await expect(createAuthority(stack, 'issuing')).rejects.toMatchObject({ code: 'UnsupportedSecret' });
    const known = await stack.authorities.find('root');
    if (known) stack.authorities.set({ ...known, disabled: false });
    await createAuthority(stack, 'root');
    if (known) stack.authorities.set(known);
    await expect(createAuthority(stack, 'issuing')).rejects.toMatchObject({ code: 'CaRejected' });
    expect(stack.faults.count('sign')).toBe(1);
  });

  it('under a parent with pathLen 0 is refused before the parent signs', async () => {
    const stack = new Stack();
    stack.declare('root', { create: { ...root, pathLength: 0 } });
    stack.declare('issuing', { create: issuing, parent: 'root' });
    await createAuthority(stack, 'root');
    const refused = { code: 'CertificateRejected', message: expect.stringMatching(/pathLen 0/) };
    await expect(createAuthority(stack, 'issuing')).rejects.toMatchObject(refused);
    expect(stack.faults.count('sign')).toBe(1);
  });

  it('of an imported authority is never made', async () => {
    const stack = new Stack();
    stack.declare('root');
    await expect(createAuthority(stack, 'root')).rejects.toMatchObject({ code: 'InvalidRequest' });
    stack.declare('odd', { create: { ...root, subject: 'Example Root' } });
    await expect(createAuthority(stack, 'odd')).rejects.toMatchObject({ code: 'InvalidRequest' });
  });
});

const event = (RequestType: 'Create' | 'Update' | 'Delete', Authority = 'root') => ({
  RequestType,
  ResponseURL: 'https://cloudformation.example/answer?signature=hush',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'RootCertificate',
  ResourceType: 'Custom::CertRenewerAuthority',
  ResourceProperties: { ServiceToken: 'arn', Authority },
  ...(RequestType === 'Create' ? {} : { PhysicalResourceId: 'cert-renewer-authority-root' }),
});

describe('the custom resource', () => {
  const late = start + 30_000;

  it('makes a missing certificate at creation and at an update; deletion does nothing', async () => {
    for (const type of ['Create', 'Update'] as const) {
      const stack = new Stack();
      stack.declare('root', { create: root });
      const answer = await handleAuthorityEvent(stack, parseAuthorityEvent(event(type)), late);
      expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'cert-renewer-authority-root' });
      expect(stack.certificateOf('root').isCa).toBe(true);
    }
    const stack = new Stack();
    const before = stack.faults.calls.length;
    const answer = await handleAuthorityEvent(stack, parseAuthorityEvent(event('Delete', 'unknown')), late);
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'cert-renewer-authority-root' });
    expect(stack.faults.calls).toHaveLength(before);
  });

  it('waits for permissions of a new role, which arrive some seconds later', async () => {
    const stack = new Stack();
    stack.declare('root', { create: root });
    stack.vault.faults.failBefore('sign', new RenewalError('KmsDenied', 'not yet'), { times: 2 });
    expect(await handleAuthorityEvent(stack, parseAuthorityEvent(event('Create')), late)).toMatchObject({
      Status: 'SUCCESS',
    });
    expect(stack.clock.sleeps).toEqual([5_000, 5_000]);
  });

  it('fails with code and reason, at once if waiting does not help, else at the deadline', async () => {
    const stack = new Stack();
    stack.declare('root');
    const answer = await handleAuthorityEvent(stack, parseAuthorityEvent(event('Create')), late);
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringMatching(/^InvalidRequest: /) });
    stack.declare('other', { create: root });
    stack.vault.faults.failBefore('signer', new RenewalError('KmsDenied', 'never'), { times: Infinity });
    const denied = await handleAuthorityEvent(stack, parseAuthorityEvent(event('Create', 'other')), late);
    expect(denied).toMatchObject({ Status: 'FAILED', Reason: 'KmsDenied: never' });
    expect(stack.clock.now()).toBe(start + 25_000);
  });

  it('reports a broken event without quoting it', () => {
    const { RequestId: _, ...broken } = event('Create');
    for (const input of [broken, null, 'x', { Records: [] }]) {
      expect(() => parseAuthorityEvent(input)).toThrowError(expect.not.stringMatching(/hush/));
    }
  });
});

describe('the answer to CloudFormation', () => {
  const answer = {
    Status: 'FAILED',
    Reason: 'x'.repeat(9_000),
    PhysicalResourceId: 'p',
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'l',
  } as const;

  async function answered(statuses: readonly number[]) {
    const bodies: { method?: string; type?: string; path?: string; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const { method = '', url = '' } = request;
        bodies.push({ method, path: url, type: request.headers['content-type'] ?? 'none', body });
        response.statusCode = statuses[bodies.length - 1] ?? 200;
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      await respond(`http://127.0.0.1:${port}/path?X-Amz-Signature=hush`, answer);
      return bodies;
    } finally {
      server.close();
    }
  }

  it('is one PUT without a content type, with a body that is short enough', async () => {
    const [call, ...more] = await answered([200]);
    expect(more).toEqual([]);
    expect(call).toMatchObject({ method: 'PUT', path: '/path?X-Amz-Signature=hush', type: '' });
    expect(call?.body.length).toBeLessThan(4_096);
    expect(JSON.parse(call?.body ?? '')).toMatchObject({ Status: 'FAILED', RequestId: 'r', StackId: 's' });
  });

  it('is tried three times; the error then does not contain the signed address', async () => {
    expect(await answered([500, 503, 200])).toHaveLength(3);
    await expect(answered([500, 500, 500])).rejects.toMatchObject({
      code: 'Internal',
      message: expect.not.stringMatching(/hush/),
    });
    await expect(respond('http://127.0.0.1:1/?hush', answer)).rejects.toMatchObject({
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });
});
