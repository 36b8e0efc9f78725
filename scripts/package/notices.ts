/** The licences of the bundled packages, which require that their text is included. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../testkit/tools/cache.ts';

/** A package with code in `dist/`. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Path from the project's root: `node_modules/zod`. */
  readonly path: string;
}

/** Returns the packages of these files, sorted by name. */
export function packagesOf(inputs: readonly string[]): readonly BundledPackage[] {
  const paths = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []));
  const found = [...paths].map((path): BundledPackage => {
    const { name, version, license } = JSON.parse(readFileSync(join(projectRoot, path, 'package.json'), 'utf8'));
    return { name, version, license, path };
  });
  return found.toSorted((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

/** Returns the text of NOTICES.txt. Packages with the same licence text share it. Throws for a package without a licence text. */
export function noticesOf(packages: readonly BundledPackage[]): string {
  const byText = new Map<string, { readonly text: string; readonly names: Set<string> }>();
  for (const each of packages) {
    const text = licenceText(each);
    const key = text.replace(/\s+/g, ' ');
    const section = byText.get(key) ?? { text, names: new Set() };
    byText.set(key, section);
    section.names.add(`${each.name} ${each.version} (${each.license})`);
  }
  const sections = [...byText.values()].map(({ text, names }) => `${[...names].join('\n')}\n\n${text}`);
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  return `The package cert-renewer contains code of the packages below, under their licences.${rule}${sections.join(rule)}\n`;
}

function licenceText({ name, path, license }: BundledPackage): string {
  const folder = join(projectRoot, path);
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i.test(file));
  if (files.length > 0) {
    return files
      .toSorted()
      .map((file) => readFileSync(join(folder, file), 'utf8').trim())
      .join('\n\n');
  }
  if (license === 'Apache-2.0') return readFileSync(join(projectRoot, 'LICENSE'), 'utf8').trim(); // the same text for everyone
  if (license === 'MIT-0') return 'MIT No Attribution: https://spdx.org/licenses/MIT-0.html';
  throw new Error(`${name} (${license}) has no file with its licence. The package must not bundle it without one.`);
}
