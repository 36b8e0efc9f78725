/** cfn-lint, AWS's linter of templates. One process lints all templates, because the start takes a second. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../../testkit/tools/process.ts';
import type { Assembly, TemplateBody } from './assembly.ts';
import { isOutline, thinned } from './thinned.ts';

/** Lints for this Region only. It lacks the resource types that only some Regions have. */
const regions = ['eu-central-1'];

/** Rules that are switched off, each with its reason. */
export const ignored: Readonly<Record<string, string>> = {
  W3005: 'the CDK has a resource wait for a role and its policies, and for the role that is a second time',
};

export interface Lint {
  readonly assembly: string;
  readonly file: string;
  /** E3012, W2001, … */
  readonly rule: string;
  /** Path in the template, then the message. */
  readonly text: string;
}

interface Match {
  readonly Filename: string;
  readonly Level: string;
  readonly Message: string;
  readonly Rule: { readonly Id: string };
  readonly Location: { readonly Path: readonly (string | number)[] | null };
}

/**
 * Returns cfn-lint's errors and warnings. Templates in `whole` are linted as they are. Templates in `thin` are thinned first
 * (thinned.ts). Writes the files into `folder`.
 * @throws Error when cfn-lint itself fails.
 */
export async function lint(
  python: string,
  folder: string,
  whole: readonly Assembly[],
  thin: readonly Assembly[] = [],
): Promise<Lint[]> {
  const files = new Map<string, { readonly assembly: string; readonly file: string; readonly body: TemplateBody }>();
  const write = async (assembly: Assembly, bodyOf: (template: TemplateBody) => TemplateBody) => {
    const into = join(folder, `${files.size}`);
    await mkdir(into);
    for (const template of assembly.templates) {
      const path = join(into, basename(template.file));
      const body = bodyOf(template.body);
      files.set(path, { assembly: assembly.name, file: template.file, body });
      await writeFile(path, JSON.stringify(body, null, 1));
    }
  };
  for (const assembly of whole) await write(assembly, (body) => body);
  const judged = new Set<string>();
  for (const { body } of whole.flatMap(({ templates }) => templates)) thinned(body, judged);
  for (const assembly of thin) await write(assembly, (body) => thinned(body, judged));
  const matches = await ask(python, folder, [...files.keys()]);
  const ofOutline = ({ Filename, Location: { Path } }: Match) =>
    Path?.[0] === 'Resources' && isOutline(files.get(Filename)?.body.Resources[String(Path[1])]);
  const told = matches.filter((match) => !ofOutline(match));
  return told.map(({ Filename, Rule, Message, Location }) => ({
    assembly: files.get(Filename)?.assembly ?? '',
    file: files.get(Filename)?.file ?? Filename,
    rule: Rule.Id,
    text: `${(Location.Path ?? []).join('.')}: ${Message}`,
  }));
}

async function ask(python: string, cwd: string, files: readonly string[]): Promise<Match[]> {
  // The entry script names the folder that it was installed in, and that folder has been renamed since.
  // Python would look for garbage hundreds of times, which takes an eighth of the time, and find little.
  const program = ['-c', 'import gc; gc.set_threshold(200_000); from cfnlint.runner import main; main()'];
  const rules = ['--format', 'json', '--ignore-checks', ...Object.keys(ignored), '--regions', ...regions];
  const { code, stdout, output } = await run(python, [...program, ...rules, '--template', ...files], { cwd });
  // The exit code is a sum: 2 (errors), 4 (warnings), 8 (informational). 1 is a failure of cfn-lint itself.
  if (code === null || code % 2 !== 0) throw new Error(`cfn-lint ended with ${code}: ${output.slice(-2_000)}`);
  return JSON.parse(stdout);
}
