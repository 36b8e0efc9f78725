/** The parts of the page above the table, as HTML: what is wrong, why, and what comes. They need no script to be read. */
import { count } from '../../lambdas/domain/count.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { type CauseGroup, causeGroups, stateCounts } from '../../lambdas/inventory/cause.ts';
import { escapeHtml } from '../../lambdas/inventory/html.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { inventoryStates, isProblem, states } from '../../lambdas/inventory/states.ts';
import {
  type Bin,
  type Coming,
  comingCounts,
  type Horizon,
  horizons,
  type NextKind,
  timeline,
} from '../../lambdas/inventory/timeline.ts';
import { sentence } from '../../lambdas/inventory/words.ts';

export const numeral = (number: number): string => number.toLocaleString('en-US');

/** A button that filters the table. The script finds it by `data-filter`, and sets `aria-pressed`. */
function filterButton(filter: 'state' | 'cause' | 'comes', value: string, content: string, classes = ''): string {
  return `<button type="button" class="${classes}" data-filter="${filter}" value="${escapeHtml(value)}" aria-pressed="false">${content}</button>`;
}

/** Returns what needs a person: each state that is a problem with its count, then the others. */
export function headline(rows: readonly InventoryRow[]): string {
  const counts = [...stateCounts(rows)];
  const chips = (wanted: boolean): string[] =>
    counts.flatMap(([state, number]) => {
      if (isProblem(state) !== wanted) return [];
      const text = `<b>${numeral(number)}</b> ${state}`;
      return [`<li>${filterButton('state', state, text, `chip ${states[state].tone}`)}</li>`];
    });
  const [problems, others] = [chips(true), chips(false)];
  const list = (name: string, items: readonly string[], classes: string): string =>
    items.length > 0 ? `<ul class="chips ${classes}" aria-label="${name}">\n${items.join('\n')}\n</ul>` : '';
  return `<section class="headline" aria-labelledby="headline">
${verdict(rows)}
${list('Problems, by state', problems, 'large')}
${list('All other certificates, by state', others, 'small')}
</section>`;
}

function verdict(rows: readonly InventoryRow[]): string {
  const wrong = rows.filter(({ state }) => isProblem(state)).length;
  if (rows.length === 0) {
    const enrol = `<a href="${docs('operations.md', 'the-first-certificate')}">How to enrol one</a>`;
    return `<h2 id="headline">There is no certificate</h2>\n<p>No secret is enrolled here. ${enrol}</p>`;
  }
  if (wrong > 0) {
    const need = wrong === 1 ? 'needs' : 'need';
    const all = rows.length === 1 ? '1 certificate' : `${numeral(rows.length)} certificates`;
    return `<h2 id="headline">${numeral(wrong)} of ${all} ${need} you</h2>`;
  }
  const problems = inventoryStates.filter(isProblem);
  const listed = `${problems.slice(0, -1).join(', ')} or ${problems.at(-1)}`;
  const of = rows.length === 1 ? 'The one certificate is not' : `None of ${numeral(rows.length)} certificates is`;
  return `<h2 id="headline" class="calm">Nothing needs you.</h2>\n<p class="soft">${of} ${listed}.</p>`;
}

/** So many causes are shown at once. The rest is one click away, because the table below should not be far. */
const causesShown = 5;

/** Returns the causes of the problems, the largest first. Empty without problems. */
export function causes(rows: readonly InventoryRow[]): string {
  const items = causeGroups(rows).map(causeItem);
  if (items.length === 0) return '';
  // A single one more takes no more room than the line that would hide it.
  const cut = items.length === causesShown + 1 ? items.length : causesShown;
  const [first, rest] = [items.slice(0, cut), items.slice(cut)];
  const list = (some: readonly string[]): string => `<ul class="causes">\n${some.join('\n')}\n</ul>`;
  const more = `<details>\n<summary>${count(rest.length, 'more cause')}</summary>\n${list(rest)}\n</details>`;
  return `<section aria-labelledby="causes-heading">
<h2 id="causes-heading">By cause</h2>
${list(first)}
${rest.length > 0 ? more : ''}
</section>`;
}

function causeItem({ cause, rows }: CauseGroup): string {
  const { code, means, fix, link } = cause;
  const of = [...stateCounts(rows)].map(([state, number]) => `${numeral(number)} ${state}`).join(', ');
  const text = `<b>${numeral(rows.length)}</b> × ${code}`;
  return `<li>
${filterButton('cause', code, text, 'chip problem')}
<div>
<p><strong>${escapeHtml(sentence(means))}</strong> <span class="soft">${of}</span></p>
<p>${escapeHtml(fix)} <a href="${escapeHtml(link)}">More<span class="visually-hidden"> about ${code}</span></a></p>
</div>
</li>`;
}

const kinds: Readonly<Record<NextKind, { readonly head: string; readonly one: string; readonly many: string }>> = {
  renews: { head: 'Renewed by the schedule', one: 'is renewed by the schedule', many: 'are renewed by the schedule' },
  expires: { head: 'Expire if nothing is done', one: 'expires if nothing is done', many: 'expire if nothing is done' },
};
const kindNames = Object.keys(kinds) as readonly NextKind[];

/** The filters by what comes, with words for a list. */
export const comingTitles: Readonly<Record<Coming, string>> = {
  'renews-24h': 'renewed in 24 hours',
  'expires-24h': 'expire in 24 hours',
  'renews-7d': 'renewed in 7 days',
  'expires-7d': 'expire in 7 days',
};

/** Returns what comes, as a table: the counts for the next day and week, then the timeline. Empty if there is nothing to show. */
export function coming(rows: readonly InventoryRow[], now: Instant): string {
  const bins = timeline(rows, now);
  if (bins.length === 0) return '';
  const counts = comingCounts(rows, now);
  const line = (classes: string, label: string, cells: readonly string[]): string =>
    `<tr class="${classes}"><th scope="row">${escapeHtml(label)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  const sums = (Object.keys(horizons) as Horizon[]).map((horizon) => {
    const cells = kindNames.map((kind) => sum(`${kind}-${horizon}`, kind, horizon, counts));
    return line('sum', horizons[horizon].title, cells);
  });
  const most = Math.max(...bins.flatMap((bin) => kindNames.map((kind) => bin[kind])));
  const bars = bins.map((bin) =>
    line(
      'bin',
      bin.label,
      kindNames.map((kind) => bar(bin, kind, most)),
    ),
  );
  const head = kindNames.map((kind) => `<th scope="col">${kinds[kind].head}</th>`).join('');
  const untimed = rows.length - bins.reduce((total, { renews, expires }) => total + renews + expires, 0);
  const rest =
    untimed > 0
      ? ` ${count(untimed, 'more certificate')} ${untimed === 1 ? 'does' : 'do'} not count: the time is not known, or another stack or service has the secret.`
      : '';
  return `<section aria-labelledby="coming-heading">
<h2 id="coming-heading">What comes</h2>
<table class="timeline" aria-labelledby="coming-heading">
<thead><tr><th scope="col"><span class="visually-hidden">When</span></th>${head}</tr></thead>
<tbody>
${sums.join('\n')}
</tbody>
<tbody>
${bars.join('\n')}
</tbody>
</table>
<p class="soft note">Each certificate counts once: at its renewal, or at its expiry if the schedule does not renew it.${rest}</p>
</section>`;
}

function sum(coming: Coming, kind: NextKind, horizon: Horizon, counts: Readonly<Record<Coming, number>>): string {
  const number = counts[coming];
  if (number === 0) return '<span class="soft">0</span>';
  const words = number === 1 ? kinds[kind].one : kinds[kind].many;
  const spoken = ` ${words} in the ${horizons[horizon].title.toLowerCase()}`;
  const text = `<b>${numeral(number)}</b><span class="visually-hidden">${spoken}</span>`;
  return filterButton('comes', coming, text, `chip ${kind}`);
}

/** Returns a number and its bar. Attributes of SVG set the length, as the policy of the page allows no style attribute. */
function bar(bin: Bin, kind: NextKind, most: number): string {
  const number = bin[kind];
  if (number === 0) return '<span class="soft">0</span>';
  const tone = kind === 'expires' && bin.label === 'past' ? 'past' : kind;
  // The bar of a single one among thousands stays visible.
  const length = Math.max(1, Math.round((number / most) * 1000) / 10);
  return `<span>${numeral(number)}</span><svg class="${tone}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${length}" height="10"/></svg>`;
}
