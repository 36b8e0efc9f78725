/**
 * The tarball of `npm pack`, installed outside of the repository in three ways: without an app, by the README's steps; into an app of
 * `cdk init` (CommonJS, the highest peers); into an app of ES modules (the lowest peers, Node 20).
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, emulatorPython, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { checked, install, nodeVersion, pack, share } from '../../testkit/package/installed.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { run } from '../../testkit/tools/process.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';
import { projectFile } from '../supply-chain/lock-file.ts';
import { describeFound } from '../support/local.ts';
import { findProgram } from '../support/programs.ts';
import { readmeApp, readmeSteps } from '../support/readme.ts';

const { peerDependencies, devDependencies } = projectFile;
const peers = Object.keys(peerDependencies);
/** The lowest version of each range. */
const lowest = peers.map((name) => `${name}@${peerDependencies[name]?.replace('^', '')}`);
const compilers = ['typescript', '@types/node'];
const exactly = (names: readonly string[]) => names.map((name) => `${name}@${devDependencies[name]}`);
const mostBytes = 3_000_000;

const tools = [await emulatorPython(), await findProgram('openssl', ['version'], 'install openssl.')];

describeFound(tools, 'the package, far away', () => {
  let temporary: TemporaryFolder;
  let tarball: string;
  /** A folder with the package, its highest peers, and nothing else. */
  let installed: string;
  let emulator: Emulator;
  /** A folder for the PATH. */
  let node20: string;
  const node24 = join(projectRoot, 'node_modules', 'node', 'bin');
  let programs: string;

  beforeAll(async () => {
    temporary = await temporaryFolder('far away'); // with a space, as in paths of some users
    const folder = (name: string) => mkdir(join(temporary.path, name)).then(() => join(temporary.path, name));
    [installed, programs] = [await folder('installed'), await folder('programs')];
    await symlink(join(projectRoot, 'testkit', 'package', 'aws.mjs'), join(programs, 'aws'));
    tarball = await pack(temporary.path);
    [node20, emulator] = await Promise.all([nodeVersion('20.20.2'), startEmulator()]);
    await share(installed, peers);
    await install(installed, [tarball, ...exactly(peers)]);
  }, 600_000);
  afterAll(async () => {
    await emulator?.stop();
    await temporary?.remove();
  });

  /** Returns an environment without the repository's programs in the PATH and without files of the user. */
  const envWith = (node: string): NodeJS.ProcessEnv => ({
    PATH: [node, programs, dirname(process.execPath), process.env['PATH']]
      .filter((each) => each !== undefined)
      .join(delimiter)
      .split(delimiter)
      .filter((each) => !each.startsWith(join(projectRoot, 'node_modules', '.bin')))
      .join(delimiter),
    HOME: temporary.path,
    NO_COLOR: '1',
    CDK_DISABLE_VERSION_CHECK: '1',
    ...emulator.env,
  });
  const shell = (cwd: string, commands: readonly string[], node = node24) =>
    checked('bash', ['-euo', 'pipefail', '-c', commands.join('\n')], { cwd, env: envWith(node), timeout: 500_000 });
  const step = (wanted: number) => readmeSteps().find(({ step: number }) => number === wanted)?.commands ?? [];
  const namesIn = async (file: string) => new X509Certificate(await readFile(file)).subjectAltName;

  it('is small, has no sources, no tests and no script for the installation', async () => {
    expect((await stat(tarball)).size).toBeLessThan(mostBytes);
    const folder = join(installed, 'node_modules', 'cert-renewer');
    const files = await readdir(folder, { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'cert-renewer.schema.json', 'dist/NOTICES.txt']),
    );
    expect(files.filter((file) => /(?<!\.d)\.ts$|\.test\.|\.map$|^test/.test(file))).toEqual([]);
    const { scripts, dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    expect(Object.keys(scripts).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    expect(dependencies).toBeUndefined();
  });

  it('has exports and declarations that publint and arethetypeswrong find nothing against', async () => {
    const judge = (...path: string[]) => join(projectRoot, 'node_modules', ...path);
    const options = { cwd: temporary.path };
    await checked(process.execPath, [judge('publint', 'src', 'cli.js'), '--strict', tarball], options);
    const types = judge('@arethetypeswrong', 'cli', 'dist', 'index.js');
    expect((await checked(process.execPath, [types, tarball], options)).stdout).toContain('No problems found');
  });

  it('init writes the schema beside a configuration where the package is not installed', async () => {
    const elsewhere = join(temporary.path, 'elsewhere');
    await mkdir(elsewhere);
    const program = join(installed, 'node_modules', '.bin', 'cert-renewer');
    await shell(elsewhere, [`${JSON.stringify(program)} init --ca own --domain svc.example`], node20);
    expect(await readFile(join(elsewhere, 'cert-renewer.schema.json'), 'utf8')).toBe(
      await readFile(join(projectRoot, 'cert-renewer.schema.json'), 'utf8'),
    );
  });

  it('refuses to deploy a changed function, with a message and no stack trace', async () => {
    const dist = join(installed, 'node_modules', 'cert-renewer', 'dist');
    const manifest = JSON.parse(await readFile(join(dist, 'lambdas', 'manifest.json'), 'utf8'));
    const file = join(dist, 'lambdas', `${manifest.scan['scan.mjs']}.mjs`);
    const contents = await readFile(file);
    await writeFile(file, Buffer.concat([contents, Buffer.from('//')]));
    try {
      const env = {
        ...{ CDK_OUTDIR: join(temporary.path, 'damaged.out') },
        CDK_CONTEXT_JSON: JSON.stringify({ config: join(projectRoot, 'examples', 'declared.json') }),
      };
      const { code, output } = await run(process.execPath, [join(dist, 'app.js')], { cwd: installed, env });
      expect({ code, output: output.trim() }).toEqual({
        code: 1,
        output: `The installed package cert-renewer is damaged: ${file} has been changed. Install it again (npm install cert-renewer).`,
      });
    } finally {
      await writeFile(file, contents);
    }
  });

  it('does what the README’s quick start says, step by step', async () => {
    await shell(installed, step(1));
    await shell(installed, step(2));
    expect((await shell(installed, step(3))).stdout).toContain('web.crt: OK');
    const first = await readFile(join(installed, 'web.crt'), 'utf8');
    expect(await namesIn(join(installed, 'web.crt'))).toBe('DNS:web.svc.example');
    await shell(installed, step(4));
    expect((await shell(installed, step(3))).stdout).toContain('web.crt: OK');
    expect(await namesIn(join(installed, 'web.crt'))).toBe('DNS:web.svc.example, DNS:shop.svc.example');
    expect(await readFile(join(installed, 'web.crt'), 'utf8')).not.toBe(first);
    const { stdout, output } = await shell(installed, step(5));
    expect(stdout).toMatch(/^web\/tls +own .* ok/m);
    expect(output).not.toContain('Warning');
  }, 500_000);

  it('is used by an app as cdk init makes it: type check, deployment, issue, renewal, status on Node 20 and 24', async () => {
    const app = join(temporary.path, 'hello');
    await mkdir(app);
    await shell(app, [
      `${JSON.stringify(join(installed, 'node_modules', '.bin', 'cdk'))} init app --language typescript --generate-only`,
    ]);
    // Without its test runner, because the README's app has no tests.
    const manifest = JSON.parse(await readFile(join(app, 'package.json'), 'utf8'));
    expect(manifest.type).toBeUndefined();
    const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    await writeFile(join(app, 'package.json'), JSON.stringify({ ...manifest, dependencies, devDependencies: {} }));
    const settings = await readFile(join(app, 'tsconfig.json'), 'utf8');
    await writeFile(join(app, 'tsconfig.json'), settings.replace(/"jest",\s*/, ''));
    await shell(app, ['rm -r test lib jest.config.js']);
    await writeFile(join(app, 'bin', 'hello.ts'), readmeApp());
    const programs = [...compilers, 'tsx']; // cdk.json has it run tsc first, and then tsx
    await share(app, [...peers, ...programs]);
    await install(app, exactly(programs));
    // The CDK's own check of the template, for which app.test.ts has a test, takes longer than the rest.
    await shell(app, ['CDK_VALIDATION=false npx cdk deploy --require-approval never --no-notices']);

    // What npx would start. The quick start uses npx.
    const cert = (words: string, node?: string) =>
      shell(app, [`node_modules/.bin/cert-renewer ${words} --stack Certificates`], node);
    const [row] = (await cert('status --json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const name: string = row.name;
    const read = async () => {
      await cert(`export ${name} --out-cert web.crt --out-key web.key --force`);
      return new X509Certificate(await readFile(join(app, 'web.crt')));
    };
    const before = await read();
    expect(before.subjectAltName).toBe('DNS:web.svc.example');
    await cert(`renew ${name} --force`);
    const after = await read();
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.publicKey.equals(before.publicKey)).toBe(false);
    const { stdout, output } = await cert('status', node20); // on Node 24 in the quick start
    expect(stdout).toMatch(new RegExp(`^${name} +own .* ok`, 'm'));
    expect(output).not.toContain('Warning');
    await cert('report --html page.html');
    expect(await readFile(join(app, 'page.html'), 'utf8')).toContain(name);
    expect((await shell(app, ['node --version'], node20)).stdout).toMatch(/^v20\./);
  }, 500_000);

  it('is used by an app of ES modules, with the lowest peers, on Node 20', async () => {
    const app = join(temporary.path, 'modules');
    await mkdir(app);
    await writeFile(join(app, 'package.json'), JSON.stringify({ type: 'module' }));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      skipLibCheck: true,
      types: ['node'],
    };
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    await writeFile(join(app, 'app.ts'), readmeApp());
    await share(app, compilers);
    await install(app, [tarball, ...lowest, ...exactly(compilers)]);
    await shell(app, ['npx tsc', 'npx cdk synth --quiet --no-notices --app "node app.js"'], node20);
    const template = JSON.parse(await readFile(join(app, 'cdk.out', 'Certificates.template.json'), 'utf8'));
    const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
    expect(types).toContain('Custom::CertRenewerCertificates');
    expect(Object.keys(template.Outputs)).toContain('RenewFunctionName');
  }, 500_000);
});
