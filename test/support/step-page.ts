/** Reads the reference page of `step ca rekey`: its arguments and flags, and its examples. */
import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../golden/step/step-ca-rekey.md', import.meta.url), 'utf8');

function section(title: string): string {
  const [, after = ''] = page.split(`\n## ${title}\n`);
  return after.split('\n## ')[0] ?? '';
}

/** `--out-cert`, `--crv` …, in the page's order, each once. */
export const flags: readonly string[] = [
  ...new Set(
    section('Options')
      .split('\n')
      .filter((line) => line.startsWith('**-'))
      .flatMap((line) => [...line.matchAll(/\*\*(--[a-z-]+)\*\*/g)].map(([, flag = '']) => flag)),
  ),
];

export interface Example {
  /** The sentence above it, without its colon. */
  readonly title: string;
  /** The command after the prompt, on one line. */
  readonly command: string;
}

export const examples: readonly Example[] = [
  ...section('Examples').matchAll(
    /(?:^|\n)([A-Z](?:(?!```)[\s\S])+?):\n```shell\n\$ ([\s\S]+?)\n(?:Would[^\n]*\n)?```/g,
  ),
].map(([, title = '', command = '']) => ({
  title: title.replace(/\s+/g, ' '),
  command: command.replace(/\s*\\\n\s*/g, ' '),
}));
