/** The tables of a page of Markdown. */

export interface Row {
  /** The first name in backquotes of the first cell. */
  readonly name: string;
  readonly cells: readonly string[];
}

/** The text of a section, from its heading (without the #) to the next heading of any level; '' if there is no such heading. */
export function sectionOf(page: string, heading: string): string {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  if (start < 0) return '';
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line));
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join('\n');
}

/** The rows of all tables of a section, without their heads. */
export function rowsOf(page: string, heading: string): readonly Row[] {
  const lines = sectionOf(page, heading).split('\n');
  return lines.flatMap((line, index) => {
    const isHead = lines[index + 1]?.startsWith('|---') ?? false;
    if (!line.startsWith('|') || line.startsWith('|---') || isHead) return [];
    const cells = line
      .replaceAll('\\|', '∣')
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return [{ name: /`([^`]+)`/.exec(cells[0] ?? '')?.[1] ?? '', cells }];
  });
}
