/**
 * `npm run sbom [-- <file>]`: the bill of materials of what runs in production, as CycloneDX JSON by npm's own `npm sbom`,
 * from the lock file alone. Default: dist/sbom.cdx.json, in an ignored folder.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { projectRoot } from '../testkit/tools/cache.ts';
import { run } from '../testkit/tools/process.ts';

const file = resolve(projectRoot, process.argv[2] ?? 'dist/sbom.cdx.json');
// Not `--omit dev`: npm 11 then also leaves out what production and development share.
const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
const { code, stdout, output } = await run('npm', args, { cwd: projectRoot });
if (code !== 0) throw new Error(`npm sbom failed; it needs npm 10 or later:\n${output.trimEnd()}`);

interface Component {
  readonly 'bom-ref': string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

const bill = JSON.parse(stdout);
const isDevelopment = ({ properties = [] }: Component): boolean =>
  properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
const components: Component[] = bill.components.filter((each: Component) => !isDevelopment(each));
const project: Component = bill.metadata.component;
const kept = new Set([project, ...components].map((each) => each['bom-ref']));
const dependencies = bill.dependencies
  .filter(({ ref }: { ref: string }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }: { ref: string; dependsOn?: string[] }) => ({
    ref,
    dependsOn: dependsOn.filter((each) => kept.has(each)),
  }));
// npm takes the name of the folder for that of the project.
const metadata = { ...bill.metadata, component: { ...project, name: project['bom-ref'].replace(/@[^@]*$/, '') } };
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ ...bill, metadata, components, dependencies }, null, 2)}\n`);
process.stdout.write(`${components.length} packages: ${relative(process.cwd(), file)}\n`);
