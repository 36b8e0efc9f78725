/**
 * `npm run fuzz:api [-- --examples 1000]` runs schemathesis against the CA API of a deployed stack. schemathesis knows only
 * docs/ca-api.openapi.json. It fails at a 5xx and at any answer that the document does not describe. `--examples` is the largest
 * number of requests that it generates for each operation and phase.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { pemHierarchy } from '../testkit/cas/hierarchy.ts';
import { newToken } from '../testkit/local-aws/ca-api.ts';
import { client } from '../testkit/local-aws/client.ts';
import { type Emulator, startEmulator } from '../testkit/local-aws/ministack.ts';
import { bootstrap, deploy } from '../testkit/local-aws/stack.ts';
import { projectRoot } from '../testkit/tools/cache.ts';
import { pythonWith } from '../testkit/tools/python.ts';
import { required } from '../testkit/tools/tool.ts';

const { argv } = process;
const examples = argv.includes('--examples') ? Number(argv[argv.indexOf('--examples') + 1]) : 1000;

const python = required(
  await pythonWith({ name: 'schemathesis', requirements: 'requirements-schemathesis.txt', what: 'schemathesis' }),
);
const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-fuzz-'));
const aws = await startEmulator();
try {
  process.exitCode = await fuzz(aws);
} finally {
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Deploys the stack, runs schemathesis, and returns its exit code. */
async function fuzz(emulator: Emulator): Promise<number> {
  const { token, entry } = newToken(['root', 'issuing']);
  await prepare(emulator, entry);
  const config = join(folder, 'cert-renewer.json');
  const authorities = { root: { secretId: 'root' }, issuing: { secretId: 'issuing', parent: 'root' } };
  const caApi = { auth: 'bearer', tokenSecretId: 'tokens' };
  const profiles = { leaves: { ca: { type: 'offline', authority: 'issuing' } } };
  await writeFile(config, JSON.stringify({ schedule: 'rate(1 day)', profiles, authorities, caApi }));
  await bootstrap(emulator);
  const { CaApiUrl = '' } = await deploy(emulator, { config });
  const { host } = new URL(CaApiUrl);
  const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
  const args = [
    ...['-m', 'schemathesis.cli', 'run', await knownAuthorities()],
    ...['--url', emulator.endpoint, '-H', `Host: ${host}`, '-H', `Authorization: Bearer ${token}`],
    ...['--checks', checks, '--max-examples', String(examples), '--continue-on-failure'],
  ];
  const child = spawn(python, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  return Number(code ?? 1);
}

/** Writes the document with the names of the authorities in it, so that most requests do not end as a 404. Returns its path. */
async function knownAuthorities(): Promise<string> {
  const document = JSON.parse(await readFile(join(projectRoot, 'docs', 'ca-api.openapi.json'), 'utf8'));
  document.components.parameters.caId.schema = { type: 'string', enum: ['root', 'issuing', 'nobody'] };
  const path = join(folder, 'ca-api.openapi.json');
  await writeFile(path, JSON.stringify(document));
  return path;
}

async function prepare(emulator: Emulator, entry: object): Promise<void> {
  const { root, intermediate } = pemHierarchy({ name: 'Fuzz' });
  const secrets = client(SecretsManagerClient, emulator);
  const values = {
    root: { certificate: root.certificatePem, privateKey: root.keyPem },
    issuing: {
      certificate: intermediate.certificatePem,
      privateKey: intermediate.keyPem,
      certificateChain: root.certificatePem,
    },
    tokens: [entry],
  };
  for (const [Name, value] of Object.entries(values)) {
    await secrets.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value) }));
  }
}
