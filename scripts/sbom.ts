/**
 * `npm run sbom [-- <file>]` writes the bill of materials of the production packages (testkit/tools/production.ts) as CycloneDX
 * JSON, with `npm sbom` and from the lock file alone. The default file is dist/sbom.cdx.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { projectRoot } from '../testkit/tools/cache.ts';
import { run } from '../testkit/tools/process.ts';
import { productionVersions } from '../testkit/tools/production.ts';

const file = resolve(projectRoot, process.argv[2] ?? 'dist/sbom.cdx.json');
const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
const { code, stdout, output } = await run('npm', args, { cwd: projectRoot });
if (code !== 0) throw new Error(`npm sbom failed; it needs npm 10 or later:\n${output.trimEnd()}`);

interface Component {
  readonly 'bom-ref': string;
}

const bill = JSON.parse(stdout);
const production = productionVersions();
const runs = (component: Component): boolean => production.has(component['bom-ref']);
const components: Component[] = bill.components.filter(runs);
const project: Component = bill.metadata.component;
const kept = new Set([project, ...components].map((each) => each['bom-ref']));
const dependencies = bill.dependencies
  .filter(({ ref }: { ref: string }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }: { ref: string; dependsOn?: string[] }) => ({
    ref,
    dependsOn: dependsOn.filter((each) => kept.has(each)),
  }));
// npm uses the name of the folder as the project's name.
const metadata = { ...bill.metadata, component: { ...project, name: project['bom-ref'].replace(/@[^@]*$/, '') } };
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ ...bill, metadata, components, dependencies }, null, 2)}\n`);
process.stdout.write(`${components.length} packages: ${relative(process.cwd(), file)}\n`);
