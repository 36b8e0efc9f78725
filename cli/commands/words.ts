/** `__complete`: the words that a completion script offers. Not for people, so the help does not show it. */
import type { Context } from '../command.ts';
import { command } from '../command.ts';

/** Milliseconds. With the start of the program a key press takes about two seconds at most. The script ends it after three. */
const patience = 1_000;
/** A longer list helps no person, and a shell asks before it shows one. */
const most = 1_000;

/** What a word can be: a secret with tags of cert-renewer, any secret, a profile of the stack. */
export const wordKinds = ['names', 'secrets', 'profiles'] as const;
export type WordKind = (typeof wordKinds)[number];

export const completeWords = command({
  name: '__complete',
  summary: 'print words for a completion script',
  description: ['Prints one word a line. It prints nothing if AWS refuses, or does not answer in time.'],
  argument: { name: '<kind>', description: 'names, secrets or profiles', choices: wordKinds },
  options: { prefix: { flags: '--prefix <text>', description: 'only words that begin with this text' } },
  examples: [{ command: 'cert-renewer __complete names --prefix=web', says: 'names of secrets' }],
  needs: [],
  hidden: true,
  leavesCalls: true,
  run: async (context, [kind], { prefix = '' }) => {
    const found: string[] = [];
    const { clock } = context.session;
    const collected = collect(context, kind as WordKind, prefix, found).catch(() => undefined); // the parser checks the kind
    await Promise.race([collected, clock.sleep(patience)]);
    const words = [...new Set(found)].filter((word) => word.startsWith(prefix) && isPlain(word)).sort();
    for (const word of words.slice(0, most)) context.terminal.print(word);
    return 'ok';
  },
});

/** AWS allows no other characters in these names. A shell completes a word within quotes as it is, and would run what it contains. */
const isPlain = (word: string): boolean => /^[\w/+=.@:-]+$/.test(word);

/** Adds words as AWS lists them. So a list that takes too long is offered in part. */
async function collect({ session }: Context, kind: WordKind, prefix: string, found: string[]): Promise<void> {
  if (kind === 'profiles') {
    for (const { type, id } of await session.resources()) {
      const [, name] = /^\/cert-renewer\/[^/]+\/profiles\/([^/]+)$/.exec(id) ?? [];
      if (type === 'AWS::SSM::Parameter' && name !== undefined) found.push(name);
    }
    return;
  }
  const pages = kind === 'names' ? session.secrets.tagged(prefix) : session.secrets.all(prefix);
  for await (const page of pages) {
    found.push(...page.map(({ name }) => name));
    if (found.length >= most) return;
  }
}
