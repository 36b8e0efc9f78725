/** Reads the little YAML that a text with PEM needs, to check that a block scalar ends where it ended before. */

/** Indents each line. An empty line stays empty, as in editors. */
export function indent(lines: string, by: string): string {
  return lines
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');
}

const header = /^(\s*)(?:- )?(?:[\w-]+: )?[|>][+-]?\r?$/;
const other = /^\s*(?:#.*|- path: \S+|(?:- )?[\w-]+:(?: .*)?|- ".*"|)\r?$/;

/**
 * Returns the literal block scalars of a YAML text, by their first line. Throws for a line that belongs neither to a scalar
 * nor to the YAML around them.
 */
export function blockScalars(text: string): ReadonlyMap<number, string> {
  const lines = text.split('\n');
  const found = new Map<number, string>();
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [head, outer] = header.exec(line) ?? [];
    if (head === undefined || outer === undefined) {
      if (!other.test(line)) throw new Error(`Line ${at + 1} is no YAML`);
      continue;
    }
    const start = at;
    const [inner = ''] = /^\s*/.exec(lines[at + 1] ?? '') ?? [];
    const scalar: string[] = [];
    while (inner.length > outer.length && at + 1 < lines.length) {
      const next = lines[at + 1] ?? '';
      if (next.trim() !== '' && !next.startsWith(inner)) break;
      scalar.push(next.slice(inner.length));
      at++;
    }
    found.set(start, scalar.join('\n'));
  }
  return found;
}
