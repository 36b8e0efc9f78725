/** Finds the mentions in a text by their notation. test/docs/known.ts checks whether they exist. */

export type Kind =
  | 'path' // a file, a folder or a pattern of files
  | 'name' // an identifier, or a member with what it is a member of
  | 'title' // a test, with its file
  | 'link' // of Markdown, within the project
  | 'script' // npm run …
  | 'decision' // decision NNNN
  | 'guarantee' // GN of docs/guarantees.md
  | 'elsewhere'; // a document that a reader of the project does not have

export interface Mention {
  readonly kind: Kind;
  readonly name: string;
  /** The position in the text, from 0. */
  readonly at: number;
  /** The file of the test, for a title. */
  readonly file?: string;
}

/** The file endings that are ours without a folder too. Users also have files such as `ca.json` and `web.crt`. */
const ownEndings = 'ts|mjs|py|md';
const endings = `${ownEndings}|js|json|sh|css|ya?ml|txt|crt|key|p12|csr|gz`;
const segment = '[\\w.{},*-]';
const file = new RegExp(
  `(?<![\\w/@.:$<>{}-])(?:\\.\\./)*(?:${segment}+/)+${segment}*[\\w}*]\\.(?:${endings})\\b(?![\\w(-])|(?<![\\w/@.:$<>{}*-])\\w[\\w.-]*\\.(?:${ownEndings})\\b(?![\\w(-])`,
  'g',
);
/** A folder counts only in backquotes: `lambdas/domain`, `providers/`. */
const folder = /`((?:[\w.-]+\/)+[\w.-]*)`/g;
const title = /`(test\/[\w./-]+\.test\.ts)`(?:: |, )"([^"]+)"/g;
const quoted = /`([A-Za-z_$][\w$]*)(?:\.([A-Za-z_$][\w$]*))?(?:\(\))?`/g;
/** Words with a capital in the middle, which do not occur in plain English. */
const mixedCase = /(?<![\w$./`@:#-])(?:[a-z][a-z0-9]*[A-Z]|[A-Z][a-z0-9]+[A-Z])[\w$]*(?![\w$]|-[\w])/g;
const link = /\]\(([^)\s]+)\)/g;
const script = /\bnpm run (?:-\S+ )*([a-z][a-z:-]*)/g;
const decision = /\b[Dd]ecisions?[ /](\d{4})\b/g;
const guarantee = /\bguarantees\.md(?:#|, )(G\d+)/gi;
const elsewhere = /\bcontract(?:'s|s)?\b(?! test)|\bdesign\.md\b|\bdesign, decision\b|\bissue (?:#?\d+|["'“])/gi;

/** Returns all mentions in a comment or a document. `isPage`: Markdown, where fenced blocks belong to the user. */
export function mentionsIn(text: string, { isPage = false } = {}): readonly Mention[] {
  const prose = isPage ? text.replace(/^```[\s\S]*?^```/gm, blank) : text;
  const words = prose.replace(/https?:\/\/\S+/g, blank).replace(isPage ? link : /$^/g, blank);
  const found: Mention[] = [];
  const add = (kind: Kind, at: number, name: string) => found.push({ kind, at, name });
  for (const { 0: whole, 1: path, 2: name = '', index: at } of words.matchAll(title))
    if (whole) found.push({ kind: 'title', at, name, file: path ?? '' });
  for (const { 0: path, index } of words.matchAll(file)) add('path', index, path);
  for (const { 1: path = '', index } of words.matchAll(folder)) add('path', index, path);
  for (const { 1: name = '', 2: member, index } of words.matchAll(quoted))
    if (!new RegExp(`^(?:${endings})$`).test(member ?? '')) add('name', index, member ? `${name}.${member}` : name);
  for (const { 0: name, index } of words.replace(/`[^`\n]*`/g, blank).matchAll(mixedCase)) add('name', index, name);
  if (isPage)
    for (const { 1: target = '', index } of prose.matchAll(link))
      if (!/^[a-z]+:/.test(target)) add('link', index, target);
  for (const { 1: name = '', index } of text.matchAll(script)) add('script', index, name.replace(/[:-]$/, ''));
  for (const { 1: number = '', index } of prose.matchAll(decision)) add('decision', index, number);
  for (const { 1: name = '', index } of prose.matchAll(guarantee)) add('guarantee', index, name.toUpperCase());
  for (const { 0: words, index } of text.matchAll(elsewhere)) add('elsewhere', index, words);
  return found;
}

/** Returns blanks of the same length, so that later positions stay the same. */
const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
