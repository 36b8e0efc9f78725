/** `npm run flow` writes docs/pictures/flow.svg, the picture of the README. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly lines: readonly string[];
  /** `own` is deployed by the stack; `other` is there already. */
  readonly kind: 'own' | 'other';
}

interface Arrow {
  /** A path of SVG, from its start to its head. */
  readonly path: string;
  readonly label?: readonly [x: number, y: number, text: string, anchor?: 'start' | 'middle'];
  readonly dashed?: true;
}

const boxes: readonly Box[] = [
  box(24, 150, 164, 'Schedule', ['EventBridge Scheduler', 'hourly by default']),
  box(236, 150, 150, 'Scan', ['Lambda', 'reads tags only']),
  box(434, 150, 160, 'Queue', ['SQS', 'one message a secret']),
  box(642, 150, 150, 'Renew', ['Lambda', 'up to ten at once']),
  box(642, 318, 150, 'Event bus', ['EventBridge', 'rules, hooks, e-mail']),
  box(434, 318, 160, 'Dead letters', ['after three tries', 'with an alarm']),
  box(24, 24, 164, 'Deployment', ['your declarations:', 'names, profile, key'], 'other'),
  box(886, 24, 222, 'CA', ['step-ca · Infisical', 'or the stack’s own, key in KMS'], 'other'),
  box(886, 150, 222, 'Secrets Manager', ['one pair a version', 'AWSPENDING → AWSCURRENT'], 'other'),
  box(886, 318, 222, 'Your services', ['read AWSCURRENT'], 'other'),
];

const arrows: readonly Arrow[] = [
  { path: 'M188 184H236' },
  { path: 'M386 184H434', label: [410, 174, 'due', 'middle'] },
  { path: 'M594 184H642' },
  { path: 'M514 218V318' },
  { path: 'M717 218V318', label: [727, 272, '4 announce'] },
  { path: 'M188 58H692V150', label: [440, 48, 'issue what is declared', 'middle'] },
  { path: 'M742 150V58H886', label: [814, 48, '1 ask', 'middle'] },
  { path: 'M792 170H886', label: [839, 161, '2 stage', 'middle'] },
  { path: 'M792 202H886', label: [839, 220, '3 promote', 'middle'] },
  { path: 'M997 218V318', dashed: true },
];

function box(
  x: number,
  y: number,
  width: number,
  title: string,
  lines: readonly string[],
  kind: Box['kind'] = 'own',
): Box {
  return { x, y, width, height: 68, title, lines, kind };
}

/** Returns the picture as SVG. Its background is dark for readers who prefer dark pages. */
export function flowPicture(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1132 410" role="img" aria-labelledby="title">
<title id="title">The schedule starts a scan, which sends what is due to a queue. The renew function asks the CA, stages the new pair in Secrets Manager, promotes it, and publishes an event.</title>
<style>
svg { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
.page { fill: #ffffff; stroke: #d0d7de }
.own { fill: #e6f0ff; stroke: #3a6fc4 }
.other { fill: #f4f4f2; stroke: #8a8f98 }
.title { font-weight: 600; font-size: 15px; fill: #14213a }
text { fill: #424a57 }
.arrow { fill: none; stroke: #57606a; stroke-width: 1.5 }
.head { fill: #57606a }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117; stroke: #30363d }
  .own { fill: #12284c; stroke: #6ea1f0 }
  .other { fill: #1d2229; stroke: #7d8590 }
  .title { fill: #f0f4fa }
  text { fill: #b8c0cc }
  .arrow { stroke: #9aa4b2 }
  .head { fill: #9aa4b2 }
}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8Z"/></marker></defs>
<rect class="page" x="0.5" y="0.5" width="1131" height="409" rx="10"/>
${[...arrows.map(drawArrow), ...boxes.map(drawBox)].join('\n')}
</svg>
`;
}

function drawBox({ x, y, width, height, title, lines, kind }: Box): string {
  const middle = x + width / 2;
  const first = y + height / 2 - 9 * lines.length + 6;
  const words = lines.map((line, index) => text(middle, first + 18 * (index + 1), line, 'middle'));
  const head = `<text class="title" x="${middle}" y="${first}" text-anchor="middle">${title}</text>`;
  return [
    `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6" stroke-width="1.5"/>`,
    head,
    ...words,
  ].join('\n');
}

function drawArrow({ path, label, dashed }: Arrow): string {
  const dashes = dashed ? ' stroke-dasharray="5 4"' : '';
  const line = `<path class="arrow" d="${path}"${dashes} marker-end="url(#head)"/>`;
  if (!label) return line;
  const [x, y, words, anchor = 'start'] = label;
  return `${line}\n${text(x, y, words, anchor)}`;
}

const text = (x: number, y: number, words: string, anchor: 'start' | 'middle'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

const file = fileURLToPath(new URL('../docs/pictures/flow.svg', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, flowPicture());
