/**
 * The app of `assemble` in stack.ts: `node several-stacks.ts <configurations as JSON>`. It has a stack for each configuration. All have one
 * name, because each is for an account of its own. An id with a slash, `before/schedule`, is another version of the stack `schedule`, with
 * the same names, in an assembly of its own. A stack that issues certificates has a second stack `<id>-reader` (reader-stack.ts).
 */
import { mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { readConfigFile } from '../../cdk/config/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { ReaderStack } from './reader-stack.ts';

const configs: Readonly<Record<string, string>> = JSON.parse(process.argv[2] ?? '{}');
const stacks = Object.entries(configs).map(([name, file]) => {
  const [id = name, version = ''] = name.split('/').reverse();
  return { id, version, file };
});
// The last versions come last, and stay where they are.
for (const version of [...new Set(stacks.map((stack) => stack.version))].sort().reverse()) {
  const app = new App({ autoSynth: false });
  for (const { id, file } of stacks.filter((stack) => stack.version === version)) {
    const config = readConfigFile(file);
    const { renewer } = new CertRenewerStack(app, id, { config, stackName: 'CertRenewer' });
    const [issuing] = Object.entries(config.profiles).flatMap(([profile, { issue }]) => (issue ? [profile] : []));
    if (issuing !== undefined) new ReaderStack(app, `${id}-reader`, { renewer, profile: issuing, stackName: 'Reader' });
  }
  app.synth();
  if (version !== '') moveTo(`${app.outdir}-${version}`, app.outdir);
}

/** Moves the assembly, with links to the code. So all assemblies share one copy of each function, which has 150 files. */
function moveTo(folder: string, outdir: string): void {
  mkdirSync(folder);
  for (const entry of readdirSync(outdir, { withFileTypes: true })) {
    const [from, to] = [join(outdir, entry.name), join(folder, entry.name)];
    if (entry.isFile()) renameSync(from, to);
    else symlinkSync(from, to);
  }
}
