import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { afterAll, describe, expect, it } from 'vitest';
import { build, bundle } from '../../cdk/functions/bundle.ts';
import { newApp } from './fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The environment of each function, as the deployment sets it. */
const environment = {
  AWS_REGION: 'us-east-1',
  PROFILE_PREFIX: '/p/',
  EVENT_BUS_NAME: 'b',
  QUEUE_URL: 'https://q',
  SCHEDULE: 'cron(0 8 * * ? *)',
  SCHEDULE_TIMEZONE: 'Europe/Berlin',
  CONFIG_HASH: 'x',
  AUTHORITY_PREFIX: '/a/',
  AUTHORITIES: '["root"]',
  CA_API_AUTH: 'iam',
  PROFILE: 'web',
  HOOK: 'exec',
  DOCUMENT_NAME: 'd',
  FUNCTION_ARN: 'f',
  TARGET_KEY: 'Role',
  TARGET_VALUE: 'web',
  CERTIFICATES: '{}',
  SERVICES: '{}',
  QUEUES: '{}',
  RENEW_FUNCTION_ARN: 'r',
  DOCUMENT_PREFIX: 'p',
  TOPIC_ARN: 't',
  STACK_NAME: 'CertRenewer',
};

/** Loads a bundle with nothing beside it, and returns the type of its export `handler`. */
function loadAlone(name: string, outdir: string): string {
  const alone = join(folder, `${name}-alone`);
  cpSync(outdir, alone, { recursive: true, filter: (file) => !file.endsWith('.map') });
  const script = `import(${JSON.stringify(join(alone, `${name}.mjs`))}).then(({ handler }) => console.log(typeof handler))`;
  const env = { PATH: process.env['PATH'], ...environment };
  return execFileSync(process.execPath, ['-e', script], { cwd: alone, env, encoding: 'utf8' }).trim();
}

describe.each(['scan', 'renew'])('the bundle of %s', (name) => {
  const outdir = join(folder, name);
  bundle(`${name}.ts`, outdir);
  const files = readdirSync(outdir);
  const code = files.filter((file) => file.endsWith('.mjs'));
  const text = code.map((file) => readFileSync(join(outdir, file), 'utf8')).join('\n');

  it('is split, with a source map for each part, without a link to it', () => {
    expect(code.length).toBeGreaterThan(3);
    expect(files.filter((file) => file.endsWith('.mjs.map')).sort()).toEqual(code.map((file) => `${file}.map`).sort());
    expect(text.includes('sourceMappingURL')).toBe(false);
  });

  it('has no part that nothing imports', () => {
    const named = code.filter((file) => file === `${name}.mjs` || text.includes(`"./${file}"`));
    expect(named).toEqual(code);
  });

  it('needs no require(), which an ES module does not have', () => {
    expect(text.includes('Dynamic require of')).toBe(false);
  });

  it('loads with nothing beside it, and exports a handler', () => {
    expect(loadAlone(name, outdir)).toBe('function');
  });

  it('has the same hash when it is built again, so an unchanged one is not deployed', () => {
    const again = join(folder, 'elsewhere', name);
    mkdirSync(again, { recursive: true });
    for (const [file, contents] of build(`${name}.ts`)) writeFileSync(join(again, file), contents);
    expect(assetHash(again)).toBe(assetHash(outdir));
  });

  it('is made of what the cache of bundles hashes: lambdas/ and installed packages', () => {
    const maps = files.filter((file) => file.endsWith('.map')).map((file) => readFileSync(join(outdir, file), 'utf8'));
    const sources = maps.flatMap((map): string[] => JSON.parse(map).sources);
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((source) => !/^\.\.\/\.\.\/(lambdas|node_modules)\//.test(source))).toEqual([]);
  });
});

it.each([
  'ca-api',
  'create-authority',
  'start-first-scan',
  'declare-certificates',
  'send-notice',
  'run-command',
  'invoke-function',
  'import-certificate',
  'replace-tasks',
  'report-hook-failure',
  'probe',
])('the bundle of %s loads with nothing beside it, and needs no require()', (name) => {
  const outdir = join(folder, name);
  bundle(`${name}.ts`, outdir);
  expect(loadAlone(name, outdir)).toBe('function');
  const code = readdirSync(outdir).filter((file) => file.endsWith('.mjs'));
  expect(code.map((file) => readFileSync(join(outdir, file), 'utf8')).join('\n')).not.toContain('Dynamic require of');
});

it('a hook’s function has no code of the renewal', () => {
  const outdir = join(folder, 'run-command');
  bundle('run-command.ts', outdir);
  const entry = readFileSync(join(outdir, 'run-command.mjs'), 'utf8');
  for (const other of ['UpdateSecretVersionStage', 'AWSPENDING', 'GetPublicKey']) expect(entry).not.toContain(other);
});

it.each(['scan', 'renew', 'run-command', 'import-certificate', 'send-notice'])(
  '%s has no code of the probe',
  (name) => {
    const maps = [...built(name)]
      .filter(([file]) => file.endsWith('.map'))
      .map(([, contents]) => Buffer.from(contents));
    const sources = maps.flatMap((map): string[] => JSON.parse(map.toString()).sources);
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter((source) => /lambdas\/(probes\/|net\/tls-handshake)/.test(source))).toEqual([]);
  },
);

it('the probe has no code of the renewal, and loads what only some chains need later', () => {
  const files = built('probe');
  const sourcesOf = (names: Iterable<string>) =>
    [...names].flatMap(
      (name): string[] => JSON.parse(Buffer.from(files.get(`${name}.map`) ?? '{}').toString()).sources,
    );
  const all = sourcesOf([...files.keys()].filter((file) => file.endsWith('.mjs')));
  expect(all.filter((source) => source.includes('lambdas/renewal/'))).toEqual([]);
  const started = sourcesOf(loadedAtStart(files, 'probe.mjs'));
  expect(started.some((source) => source.endsWith('lambdas/net/tls-handshake.ts'))).toBe(true);
  expect(started.filter((source) => source.endsWith('lambdas/probes/anchors.ts'))).toEqual([]);
});

/** Returns the files of a bundle by their names. */
function built(name: string): ReadonlyMap<string, Uint8Array> {
  const outdir = join(folder, name);
  bundle(`${name}.ts`, outdir);
  return new Map(readdirSync(outdir).map((file) => [file, readFileSync(join(outdir, file))]));
}

describe('@peculiar/x509', () => {
  const partsWithIt = (name: string) =>
    [...built(name)]
      .filter(([file, contents]) => file.endsWith('.map') && Buffer.from(contents).includes('/@peculiar/x509/'))
      .map(([file]) => file);

  it('is in no hook', () => {
    expect(partsWithIt('import-certificate')).toEqual([]);
  });

  it.each(['scan', 'renew', 'ca-api', 'declare-certificates'])(
    'is a separate part of %s, which no start loads',
    (name) => {
      const parts = partsWithIt(name).map((file) => file.replace('.map', ''));
      expect(parts).toEqual([expect.stringMatching(/^peculiar-\w+\.mjs$/)]);
      const started = loadedAtStart(built(name), `${name}.mjs`);
      expect(started.size).toBeGreaterThan(1);
      expect(parts.filter((part) => started.has(part))).toEqual([]);
    },
  );

  it('is a separate part of the function that makes the first certificate, and works there', () => {
    const [part, ...more] = partsWithIt('create-authority');
    expect(part).toMatch(/^peculiar-\w+\.mjs\.map$/);
    expect(more).toEqual([]);
    const outdir = join(folder, 'peculiar');
    bundle('create-authority.ts', outdir);
    const spki = Buffer.from(`302a300506032b6570032100${'07'.repeat(32)}`, 'hex');
    const script = `import(${JSON.stringify(join(outdir, part?.replace('.map', '') ?? ''))})
      .then(({ writeNamedRequest }) =>
        writeNamedRequest(Buffer.from('${spki.toString('hex')}', 'hex'), { subject: Uint8Array.of(0x30, 0), names: [] }))
      .then((info) => console.log(Buffer.from(info).toString('hex')))`;
    const found = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim();
    expect(found).toBe(`30330201003000${spki.toString('hex')}a000`);
  });
});

describe('the code for declarations', () => {
  it.each(['scan', 'renew', 'run-command', 'import-certificate', 'replace-tasks'])(
    'is not loaded by a start of %s',
    (name) => {
      const files = built(name);
      const maps = [...loadedAtStart(files, `${name}.mjs`)].map((file) => Buffer.from(files.get(`${file}.map`) ?? ''));
      const sources = maps.flatMap((map): string[] => JSON.parse(map.toString()).sources);
      expect(sources.length).toBeGreaterThan(10);
      expect(
        sources.filter((source) => /lambdas\/(policy\/(declaration|issuance)|x509\/declared-names)\.ts$/.test(source)),
      ).toEqual([]);
    },
  );
});

/** Returns the entry's own file and its static imports, without import(). */
function loadedAtStart(files: ReadonlyMap<string, Uint8Array>, entry: string): ReadonlySet<string> {
  const loaded = new Set([entry]);
  for (const name of loaded) {
    const text = Buffer.from(files.get(name) ?? '').toString();
    for (const [, file = ''] of text.matchAll(/(?:from|import)\s*"\.\/([\w-]+\.mjs)"/g)) loaded.add(file);
  }
  return loaded;
}

function assetHash(outdir: string): string {
  const stack = new Stack(newApp(), 'S');
  const code = Code.fromAsset(outdir, { exclude: ['*.map'] });
  new LambdaFunction(stack, 'F', { code, handler: 'x.y', runtime: Runtime.NODEJS_24_X });
  const [asset] = stack.node.findAll().flatMap((found) => ('assetHash' in found ? [String(found.assetHash)] : []));
  return asset ?? '';
}
