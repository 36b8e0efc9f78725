/** The CDK as a process of its own: the real one, and a program that only looks at how it is started and ended. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CdkCommand, cdkOf } from '../../cli/cdk.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { run } from '../../testkit/tools/process.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';

const config = join(projectRoot, 'examples/declared.json');
const edges = { node: process.execPath, env: process.env, isTerminal: false, atExit: () => () => undefined };

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('cdk');
});
afterAll(() => folder.remove());

const commandOf = (words: readonly string[], more: Partial<CdkCommand> = {}): CdkCommand => ({
  ...{ words, config, stdout: 'returned', target: { stackName: 'CertRenewer', aws: {} } },
  interrupted: new AbortController().signal,
  ...more,
});

/** In a folder whose cdk.json belongs to another app. */
async function inForeignFolder<T>(use: () => Promise<T>): Promise<T> {
  const foreign = join(folder.path, 'an app of its own');
  await mkdir(foreign, { recursive: true });
  const context = { '@aws-cdk/aws-iam:minimizePolicies': false, stackName: 'Foreign' };
  await writeFile(join(foreign, 'cdk.json'), JSON.stringify({ app: 'exit 1', output: 'foreign.out', context }));
  process.chdir(foreign);
  try {
    return await use();
  } finally {
    process.chdir(projectRoot);
    expect(existsSync(join(foreign, 'foreign.out'))).toBe(false);
  }
}

it('gives the template of `npx cdk synth` in a clone, in any folder', { timeout: 180_000 }, async () => {
  const cdk = join(projectRoot, 'node_modules/aws-cdk/bin/cdk');
  const words = ['synth', '--json', '-c', `config=${config}`, '--output', join(folder.path, 'clone.out')];
  const inClone = await run(process.execPath, [cdk, ...words, '--no-notices'], { cwd: projectRoot, timeout: 120_000 });
  expect(inClone.code, inClone.output).toBe(0);
  const { code, text } = await inForeignFolder(() => cdkOf(edges).run(commandOf(['synth', '--json'])));
  expect(code).toBe(0);
  expect(text).toBe(inClone.stdout);
});

/** A stand-in for node: it notes how it was started, and starts a process of its own, as the CDK does. */
async function standIn(): Promise<{ node: string; notes: string }> {
  const [node, notes] = [join(folder.path, 'a node'), join(folder.path, 'notes')];
  const lines = ['#!/bin/sh', 'sleep 60 &', `echo "$PWD $! $AWS_REGION $*" > '${notes}.new'`];
  await writeFile(node, [...lines, `mv '${notes}.new' '${notes}'`, 'wait', ''].join('\n'), { mode: 0o755 });
  return { node, notes };
}

it('Ctrl-C ends the CDK and what it has started, and its folder goes', async () => {
  const { node, notes } = await standIn();
  const interrupt = new AbortController();
  const target = { stackName: 'Staging', aws: { region: 'eu-central-1', profile: 'dev' } };
  const running = cdkOf({ ...edges, node }).run(commandOf(['deploy'], { target, interrupted: interrupt.signal }));
  while (!existsSync(notes)) await sleep(20);
  const [cwd = '', sleeper = '', region, ...args] = (await readFile(notes, 'utf8')).split(' ');
  expect(existsSync(cwd)).toBe(true);
  expect(region).toBe('eu-central-1');
  const line = args.join(' ');
  for (const word of [`-c config=${config} -c stackName=Staging`, '--profile dev', `--output ${cwd}/cdk.out`]) {
    expect(line).toContain(word);
  }
  expect(line).toMatch(/--app "[^"]*a node" "--import" "file:[^"]+" "[^"]+cdk\/app\.ts"/);
  interrupt.abort();
  expect(await running).toEqual({ code: 143, outputs: {}, text: '' });
  expect(existsSync(cwd)).toBe(false);
  // Gone, or a zombie that init has not reaped yet.
  expect((await run('ps', ['-o', 'stat=', '-p', sleeper])).stdout.trim()).not.toMatch(/^[^Z]/);
});
