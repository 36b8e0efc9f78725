/** The commands of docs/operations.md: which there are, and which test runs each of them. */
import { commandsOf } from './readme.ts';
import { textOf } from './sources.ts';

export interface RunbookBlock {
  /** The title of the section. */
  readonly section: string;
  /** The commands, each on one line, without comments. */
  readonly commands: readonly string[];
}

export interface RunbookCommand {
  readonly section: string;
  /** The words behind `npx cert-renewer`, up to a pipe or a comment. */
  readonly words: readonly string[];
}

/** Returns every fenced block of the page, in its order. */
export function runbookBlocks(page: string = textOf('docs/operations.md')): readonly RunbookBlock[] {
  return page.split(/^##+ /m).flatMap((text) => {
    const [section = ''] = text.split('\n');
    return [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => {
      return { section, commands: commandsOf(block) };
    });
  });
}

/** Returns the calls of cert-renewer. */
export function runbookCommands(blocks: readonly RunbookBlock[] = runbookBlocks()): readonly RunbookCommand[] {
  return blocks.flatMap(({ section, commands }) =>
    commands.flatMap((command) => {
      const [, words] = /(?:^|\$\()npx cert-renewer ([^|)]+)/.exec(command) ?? [];
      return words === undefined ? [] : [{ section, words: words.trim().split(/\s+/) }];
    }),
  );
}

/** A test of test/e2e that runs a block as the page has it. Or, where none can, the reason and what takes its place. */
export type Trial = 'outage.test.ts' | 'runbook-typed.test.ts' | { readonly not: string };

interface Rule {
  readonly section: string;
  /** The start of the block's first command. Default: all blocks of the section. */
  readonly first?: string;
  readonly trial: Trial;
}

/** The first rule that fits a block counts. A block without a rule fails test/docs/operations.test.ts. */
const rules: readonly Rule[] = [
  ...[
    ...['Alarms', 'Failed', 'Overdue', 'DeadLetters', 'ScanDeadLetters', 'NoticeDeadLetters', 'HookFailed', 'NoScan'],
    ...['Declared certificates', "The key of the CA's intermediate"],
  ].map((section): Rule => ({ section, trial: 'outage.test.ts' })),
  ...['HookDeadLetters', 'The first certificate', 'Rolling back', 'The key of one certificate'].map(
    (section): Rule => ({ section, trial: 'runbook-typed.test.ts' }),
  ),
  {
    section: 'NotServed',
    trial: { not: 'It needs a server that reloads late. test/e2e/served.test.ts has one, and probes it.' },
  },
  { section: 'NoProbe', trial: { not: 'test/e2e/served.test.ts types the command for one certificate.' } },
  {
    section: 'Logs',
    trial: {
      not: 'The local AWS finds no fields in JSON lines, and has no `in`. test/docs/operations.test.ts compares the fields with the lines.',
    },
  },
  {
    section: 'Uninstalling',
    first: 'npx cert-renewer destroy',
    trial: {
      not: 'It runs the CDK with the user’s configuration. test/cli/deploy.test.ts has its call; outage.test.ts deletes a stack with the same call.',
    },
  },
  { section: 'Uninstalling', trial: 'runbook-typed.test.ts' },
];

/** Returns who tries the block; undefined if nobody does. */
export function trialOf({ section, commands: [command = ''] }: RunbookBlock): Trial | undefined {
  return rules.find((rule) => rule.section === section && command.startsWith(rule.first ?? ''))?.trial;
}

/** Returns the rules that fit no block. */
export const unusedRules = (blocks: readonly RunbookBlock[]): readonly Rule[] =>
  rules.filter(({ section, first = '' }) => {
    return !blocks.some((block) => block.section === section && (block.commands[0] ?? '').startsWith(first));
  });

/** Returns the blocks that a test has to run. */
export const blocksOf = (test: Extract<Trial, string>): readonly RunbookBlock[] =>
  runbookBlocks().filter((block) => trialOf(block) === test);
