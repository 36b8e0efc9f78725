/** The known name that a misspelt one probably means, for messages. */

/** More edits than this are another word. */
const mostEdits = 3;

/**
 * Returns the number of edits between two words: letters that are added, left out, replaced, or swapped with their neighbour. A
 * difference in case alone is none.
 */
export function editDistance(from: string, to: string): number {
  const [left, right] = [from.toLowerCase(), to.toLowerCase()];
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      const isSwapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const swapped = isSwapped ? (beforeLast[j - 2] ?? mostEdits) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last.at(-1) ?? 0;
}

/** Returns the nearest of the known words. Undefined if more than a third of the letters of every one would differ. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 200) return undefined;
  let best: { readonly text: string; readonly edits: number } | undefined;
  for (const text of known) {
    if (Math.abs(text.length - word.length) > mostEdits) continue;
    const edits = editDistance(word, text);
    const most = Math.min(mostEdits, Math.floor(Math.max(text.length, word.length) / 3));
    if (edits <= most && edits < (best?.edits ?? mostEdits + 1)) best = { text, edits };
  }
  return best?.text;
}

/** Returns ` (did you mean expiresIn?)`, or an empty text if no known word is near. */
export function suggestion(word: string, known: Iterable<string>): string {
  const found = nearest(word, known);
  return found === undefined ? '' : ` (did you mean ${found}?)`;
}

/** Names to list in a message. A configuration may have 150 profiles. */
const mostListed = 20;

/** Returns the names for a message: `a, b, c`, and the number of those that are left out. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const more = names.length - mostListed;
  return more > 0 ? `${names.slice(0, mostListed).join(', ')} and ${more} more` : names.join(', ');
}
