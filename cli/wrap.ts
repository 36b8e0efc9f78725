/** Wraps text to the width of a terminal. */

/**
 * Returns the lines of a text that begins in column `indent`. A word is never cut: an address or a name that is too long has its own
 * line, from where it can be copied. A command stays together with the program's name. Without a width the text stays one line.
 */
export function wrapped(text: string, width: number | undefined, indent: number): readonly string[] {
  if (width === undefined) return [text];
  const room = Math.max(20, width - indent);
  const lines: string[] = [];
  for (const word of text.split(/(?<!\bcert-renewer) | (?![a-z])/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
