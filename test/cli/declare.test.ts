import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { offline } from '../deployment/world.ts';
import { World } from '../renewal/world.ts';
import { records, type StageOptions, stage } from './stage.ts';

const issued = {
  ...{ outcome: 'issued', reason: { code: 'Missing', message: 'x' }, warnings: [], keyAlgorithm: 'EC P-256' },
  ...{ notAfter: '2026-12-22T08:00:00Z', versionId: 'v2', serialNumber: '01' },
};

/** The fake renew function marks the secret as issued. */
function declaring(options: Partial<StageOptions> = {}) {
  const world = new World(offline, { ...offline, name: 'closed', issue: { allow: ['dns:else.example'] } });
  const invoke = (_: string, { secretId }: Record<string, unknown>) => {
    const { [tags.declared]: hash = '' } = world.store.tagsOf(String(secretId));
    world.store.setTags(String(secretId), { [tags.issued]: hash, [tags.notAfter]: issued.notAfter });
    return issued;
  };
  return stage({ world, invoke, ...options });
}

const words = 'declare web/tls --profile offline --dns web.svc.example'.split(' ');
const tagsOf = (staged: ReturnType<typeof declaring>, name = 'web/tls') => staged.world.store.tagsOf(name);
const document = ({ declarations }: ReturnType<typeof declaring>, name = 'web/tls') =>
  JSON.parse(declarations.documents.get(name) ?? 'null');

describe('declare', () => {
  it('creates the secret, declares it, has the certificate issued, and shows it', async () => {
    const staged = declaring();
    const { code, stdout } = await staged.cli(...words);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'web/tls: declared, and issued: EC P-256, the first, until 2026-12-22T08:00:00Z\n',
    });
    expect(document(staged)).toEqual({ secretName: 'web/tls', profile: 'offline', dnsNames: ['web.svc.example'] });
    expect(staged.world.store.value('web/tls')).toEqual({ kind: 'string', text: '{}' });
    expect(staged.requests.map(({ functionName, request }) => [functionName, Object.keys(request)])).toEqual([
      ['renew', ['secretId']],
    ]);
  });

  it('changes and issues nothing the second time', async () => {
    const staged = declaring();
    await staged.cli(...words);
    const { code, stdout } = await staged.cli(...words);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'web/tls: unchanged; its certificate is valid until 2026-12-22T08:00:00Z\n',
    });
    expect(staged.requests).toHaveLength(1);
  });

  it('takes every option; an option omitted the next time is the default again, and a pause stays', async () => {
    const staged = declaring();
    const all =
      '--dns a.svc.example --common-name a.svc.example --usage serverAuth --duration 24h --mode rekey --expires-in 33% --kty RSA --size 3072 --paused --shape tls --encryption-key alias/web --endpoint a:443 --endpoint b:443';
    const { stdout } = await staged.cli(...words, ...all.split(' '));
    expect(stdout).toBe('web/tls: declared, but paused: cert-renewer resume web/tls has it issued\n');
    expect(document(staged)).toEqual({
      ...{ secretName: 'web/tls', profile: 'offline', dnsNames: ['web.svc.example', 'a.svc.example'] },
      ...{ commonName: 'a.svc.example', usages: ['serverAuth'], duration: '24h', kty: 'RSA', size: 3072, shape: 'tls' },
    });
    const { [tags.declared]: first, ...found } = tagsOf(staged);
    expect(found).toEqual({
      ...{ [tags.profile]: 'offline', [tags.mode]: 'rekey', [tags.expiresIn]: '33pct', [tags.kty]: 'RSA' },
      ...{ [tags.size]: '3072', [tags.paused]: 'true', [tags.endpoints]: 'a:443 b:443' },
    });
    await staged.cli(...words);
    const { [tags.declared]: second, [tags.issued]: _, [tags.notAfter]: __, ...left } = tagsOf(staged);
    expect(left).toEqual({ [tags.profile]: 'offline', [tags.paused]: 'true' });
    expect(second).not.toBe(first);
  });

  it('takes other kinds of names, and a key in KMS', async () => {
    const staged = declaring();
    const world = '--ip 10.0.0.7 --email a@svc.example --uri spiffe://svc.example/a --kms-key-id alias/web';
    const { code, stdout } = await staged.cli('declare', 'web/tls', '--profile', 'offline', ...world.split(' '));
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(/IssuanceNotAllowed: .*ip:10\.0\.0\.7/),
    });
    expect(document(staged)).toBeNull();
  });

  it('does not wait with --no-wait', async () => {
    const staged = declaring();
    const { stdout } = await staged.cli(...words, '--no-wait');
    expect(stdout).toBe('web/tls: declared; cert-renewer status web/tls shows when it is issued\n');
    expect(staged.requests).toHaveLength(1);
  });

  it('prints JSON', async () => {
    const [record] = records((await declaring().cli(...words, '--json')).stdout);
    expect(record).toMatchObject({
      name: 'web/tls',
      profile: 'offline',
      changed: true,
      outcome: 'issued',
      versionId: 'v2',
    });
  });

  it.each([
    ['declare web/tls', /--profile is missing/],
    ['declare web/tls --profile offline', /no name: give --dns, --ip, --email or --uri/],
    ['declare web/tls --profile offline --dns -', /^Usage: --dns: /],
    ['declare a:b --profile offline --dns a.svc.example', /a secret's name/],
    [`${words.join(' ')} --expires-in soon`, /^Usage: --expires-in: .*soon/],
    [`${words.join(' ')} --expires-in 1h --rekey-period 1h`, /both set/],
    [`${words.join(' ')} --size many`, /--size/],
    [`${words.join(' ')} --endpoint a`, /--endpoint: expected host:port/],
    [`${words.join(' ')} --usage everything`, /argument 'everything' is invalid/],
    [`${words.join(' ')} --kms-key-id alias/web --shape pem`, /--shape: pem can't hold/],
  ])('refuses %s and does nothing', async (line, message) => {
    const staged = declaring();
    const { code, stderr } = await staged.cli(...line.split(' '));
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(staged.world.store.faults.calls).toEqual([]);
  });

  it.each([
    [
      [...words.slice(0, 3), 'nowhere', ...words.slice(4)],
      2,
      /^UnknownProfile: The stack CertRenewer has no profile nowhere/,
    ],
    [[...words.slice(0, 3), 'closed', ...words.slice(4)], 1, /failed: IssuanceNotAllowed: .*outside of issue\.allow/],
  ])('reports what may not be issued: %j', async (line, code, message) => {
    const ended = await declaring().cli(...line);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).toMatch(message);
  });

  it('reports a denied call at once, retries a temporary failure, and reports a permanent one', async () => {
    const denied = declaring();
    denied.world.store.faults.failBefore('create', new RenewalError('AccessDenied', 'You may not.'));
    expect((await denied.cli(...words)).stdout).toBe('web/tls: failed: AccessDenied: You may not.\n');
    const failures = [new FunctionFailure('CaUnavailable', 'Away.'), new FunctionFailure('CaRejected', 'No.')];
    const refused = declaring({
      invoke: () => {
        throw failures.shift();
      },
    });
    expect((await refused.cli(...words)).stdout).toBe('web/tls: failed: CaRejected: No.\n');
    expect(refused.requests).toHaveLength(2);
    expect(tagsOf(refused)[tags.declared]).toBeDefined(); // the schedule tries again
  });

  it('fails in a stack that issues nothing', async () => {
    const declarations = async () => {
      throw new RenewalError('NotDeclared', 'The stack issues nothing.');
    };
    const { code, stdout } = await declaring({ session: { declarations } }).cli(...words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'web/tls: failed: NotDeclared: The stack issues nothing.\n' });
  });

  it('refuses the secret of an authority of the stack', async () => {
    const staged = declaring();
    staged.world.store.add({ name: 'web/tls', value: '{}', tags: { [tags.profile]: 'offline', [tags.declared]: 'x' } });
    const deployment = await staged.session.deployment();
    const authority = { name: 'issuing', secretId: 'web/tls' } as never;
    const authorities = { names: ['issuing'], find: async () => authority };
    const other = declaring({
      world: staged.world,
      session: { deployment: async () => ({ ...deployment, authorities }) },
    });
    expect((await other.cli(...words)).stdout).toMatch(/InvalidRequest: .*an authority of this stack/);
  });
});

describe('undeclare', () => {
  it('removes the declaration and nothing else; a missing one is no error', async () => {
    const staged = declaring();
    await staged.cli(...words);
    const before = tagsOf(staged);
    const { code, stdout } = await staged.cli('undeclare', 'web/tls', 'other');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'web/tls: no longer declared; its certificate is still renewed\nother: was not declared\n',
    });
    expect(document(staged)).toBeNull();
    expect(tagsOf(staged)).toEqual(before);
    expect(records((await staged.cli('undeclare', 'web/tls', '--json')).stdout)).toEqual([
      { name: 'web/tls', changed: false },
    ]);
  });
});
