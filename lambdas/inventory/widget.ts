/**
 * The inventory as HTML for a custom widget of CloudWatch: what is wrong and why, what comes, then the certificates in pages, the most
 * urgent first. CloudWatch removes scripts and most attributes from a widget's answer. A `cwdb-action` invokes the function again with
 * the fields of the form. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html
 */
import { count } from '../domain/count.ts';
import { dueCodes, skipCodes } from '../domain/decision.ts';
import { docs } from '../domain/docs.ts';
import { isErrorCode } from '../domain/errors.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { type CommandTarget, targetOptions } from '../domain/typed-command.ts';
import type { CauseCode } from './advice.ts';
import { causeGroups, causeOf, messageText, nextFor, stateCounts } from './cause.ts';
import { escapeHtml } from './html.ts';
import { byUrgency, type InventoryRow } from './row.ts';
import { type InventoryState, inventoryStates, isProblem, states } from './states.ts';
import { comingCounts, type Horizon, horizons } from './timeline.ts';
import { besideState, relative, sentence, timeText } from './words.ts';

export interface WidgetRequest {
  /** Empty: all profiles. */
  readonly profile: string;
  readonly state: InventoryState | '';
  /** Empty: all, also those without a problem. */
  readonly cause: CauseCode | '';
  /** Part of a name, case-insensitive. */
  readonly search: string;
  /** Starts at 0. */
  readonly page: number;
  /** The theme of the dashboard. */
  readonly theme: 'light' | 'dark';
}

type Filter = Pick<WidgetRequest, 'profile' | 'state' | 'cause' | 'search'>;

const pageSize = 50;
const longestField = 256;

/** Reads CloudWatch's event, and ignores invalid fields. Never throws. */
export function widgetRequest(event: unknown): WidgetRequest {
  const params = object(event);
  const context = object(params['widgetContext']);
  const form = object(object(context['forms'])['all']);
  const { filter, page } = params;
  // A click on a count filters by it alone. Else the user's choice in the form overrides the widget's parameters.
  const field = (name: string): string =>
    (filter === undefined ? (text(form[name]) ?? text(params[name])) : text(object(filter)[name])) ?? '';
  return {
    profile: field('profile'),
    state: inventoryStates.find((state) => state === field('state')) ?? '',
    cause: causeCode(field('cause')),
    search: field('search'),
    page: typeof page === 'number' && Number.isSafeInteger(page) && page > 0 ? page : 0,
    theme: context['theme'] === 'dark' ? 'dark' : 'light',
  };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, longestField) : undefined;
}

const otherCodes: readonly CauseCode[] = [...dueCodes, ...skipCodes, 'NotServed'];

function causeCode(name: string): CauseCode | '' {
  return isErrorCode(name) ? name : (otherCodes.find((code) => code === name) ?? '');
}

/** Returns whether CloudWatch asks for the description of the widget. It does when a user adds the widget to a dashboard. */
export function asksForDescription(event: unknown): boolean {
  return object(event)['describe'] === true;
}

export const widgetDescription = `## The certificates of cert-renewer
The widget shows what the tags of the secrets say. It reads no secret's value. Parameters:

| name | shows only certificates |
|---|---|
| profile | of this profile |
| state | in this state: ${inventoryStates.join(', ')} |
| cause | with this cause, a code such as CaRejected |
| search | with this part in their name |

\`\`\` yaml
state: overdue
\`\`\``;

export interface WidgetTerms {
  readonly now: Instant;
  /** The stack, for the commands. */
  readonly target: CommandTarget;
  /** ARN of the widget's function. */
  readonly endpoint: string;
}

const style = `<style>
.cr{--problem:#b3261e;--coming:#8a5300;--well:#1d6b02;--quiet:#545b64;--line:#d5dbdb}
.cr.dark{--problem:#ff8a80;--coming:#ffb74d;--well:#81c784;--quiet:#aab7b8;--line:#414750;color-scheme:dark}
.cr p{margin:0 0 10px}.cr h3{margin:14px 0 4px;font-size:15px}.cr .big{font-size:20px;font-weight:bold}
.cr .problem{color:var(--problem)}.cr .coming{color:var(--coming)}.cr .well{color:var(--well)}.cr .quiet{color:var(--quiet)}
.cr td,.cr th{padding:3px 14px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
.cr table{border-collapse:collapse}.cr .one{white-space:nowrap}.cr td:first-child,.cr code{overflow-wrap:anywhere}.cr code{font-size:12px}.cr form{margin:14px 0 8px}.cr label{margin-right:12px}
</style>`;

export function widgetHtml(all: readonly InventoryRow[], request: WidgetRequest, terms: WidgetTerms): string {
  const wanted = all.filter((row) => matches(row, request)).sort(byUrgency);
  const pages = Math.max(1, Math.ceil(wanted.length / pageSize));
  const page = Math.min(request.page, pages - 1);
  const shown = wanted.slice(page * pageSize, (page + 1) * pageSize);
  return [
    style,
    `<div class="cr ${request.theme}">`,
    headline(all, terms),
    causes(all, terms),
    coming(all, terms.now),
    form(all, request, terms),
    shown.length === 0 ? '<p>No certificate matches.</p>' : table(shown, terms),
    `<p>${count(wanted.length, 'certificate')}, page ${page + 1} of ${pages} `,
    page > 0 ? button('Previous', { page: page - 1 }, terms) : '',
    page < pages - 1 ? button('Next', { page: page + 1 }, terms) : '',
    `</p><p><a href="${docs('operations.md')}">What to do</a> · <a href="${docs('metrics.md', 'the-dashboard')}">About this list</a></p>`,
    '</div>',
  ].join('\n');
}

function matches(row: InventoryRow, { profile, state, cause, search }: Filter): boolean {
  if (profile !== '' && row.profile !== profile) return false;
  if (state !== '' && row.state !== state) return false;
  if (cause !== '' && causeOf(row)?.code !== cause) return false;
  return search === '' || row.name.toLowerCase().includes(search.toLowerCase());
}

/** Returns the problems, then all other states. A click shows as many certificates as the number says. */
function headline(rows: readonly InventoryRow[], terms: WidgetTerms): string {
  if (rows.length === 0) return '<p class="big">No secret is enrolled.</p>';
  const counts = [...stateCounts(rows)];
  const buttons = (wanted: boolean): string =>
    counts
      .filter(([state]) => isProblem(state) === wanted)
      .map(([state, number]) => {
        const label = `<span class="${states[state].tone}">${number} ${state}</span>`;
        return button(label, { filter: { state } }, terms);
      })
      .join('\n');
  const [problems, others] = [buttons(true), buttons(false)];
  const first = problems === '' ? '<p class="big well">Nothing needs you.</p>' : `<p class="big">${problems}</p>`;
  return `${first}\n<p>${others}</p>`;
}

function causes(rows: readonly InventoryRow[], terms: WidgetTerms): string {
  const lines = causeGroups(rows).map(({ cause: { code, means, fix, link }, rows: { length } }) => {
    const pick = button(`<span class="problem">${length} × ${code}</span>`, { filter: { cause: code } }, terms);
    const more = `<a href="${escapeHtml(link)}">More</a>`;
    return `<tr><th class="one">${pick}</th><td><b>${escapeHtml(sentence(means))}</b> ${escapeHtml(fix)} ${more}</td></tr>`;
  });
  return lines.length === 0 ? '' : `<h3>By cause</h3>\n<table>${lines.join('\n')}</table>`;
}

function coming(rows: readonly InventoryRow[], now: Instant): string {
  if (rows.length === 0) return '';
  const counts = comingCounts(rows, now);
  const lines = (Object.keys(horizons) as Horizon[]).map((horizon) => {
    const [renews, expires] = [counts[`renews-${horizon}`], counts[`expires-${horizon}`]];
    const rest = `${expires} ${expires === 1 ? 'expires' : 'expire'} if nothing is done`;
    return `${horizons[horizon].title}: ${renews} renewed by the schedule, ${expires > 0 ? `<b class="coming">${rest}</b>` : rest}.`;
  });
  return `<h3>What comes</h3>\n<p>${lines.join('<br>')}</p>`;
}

function form(rows: readonly InventoryRow[], request: WidgetRequest, terms: WidgetTerms): string {
  const profiles = [...new Set(rows.map((row) => row.profile))].sort();
  const codes = causeGroups(rows).map(({ cause }) => cause.code);
  return `<form><label>Profile ${select('profile', profiles, request.profile)}</label>
<label>State ${select('state', [...stateCounts(rows).keys()], request.state)}</label>
<label>Cause ${select('cause', codes, request.cause)}</label>
<label>Name <input name="search" value="${escapeHtml(request.search)}"></label>
${button('Show', { page: 0 }, terms)}
${button('Show all', { filter: {} }, terms)}</form>`;
}

/** Returns a list with all options, and the chosen one although no certificate has it now. */
function select(name: string, options: readonly string[], chosen: string): string {
  const all = [...new Set(['', ...options, chosen])].map((option) => {
    const selected = option === chosen ? ' selected' : '';
    return `<option value="${escapeHtml(option)}"${selected}>${option === '' ? 'all' : escapeHtml(option)}</option>`;
  });
  return `<select name="${name}">${all.join('')}</select>`;
}

type Params = { readonly page: number } | { readonly filter: Partial<Filter> };

/** Returns a button. CloudWatch binds the action to the element before it. */
function button(label: string, params: Params, { endpoint }: WidgetTerms): string {
  const action = `<cwdb-action action="call" endpoint="${escapeHtml(endpoint)}">${escapeHtml(JSON.stringify(params))}</cwdb-action>`;
  return `<a class="btn">${label}</a>${action}`;
}

function table(rows: readonly InventoryRow[], { now, target }: WidgetTerms): string {
  const titles = ['Name', 'Profile', 'State', 'Cause', 'Expires', 'Renews', 'Next command'];
  const head = titles.map((title) => `<th>${title}</th>`).join('');
  const body = rows.map((row) => {
    const cells = [row.name, row.profile].map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    const beside = besideState(row);
    const state = `<td><b class="${states[row.state].tone}">${row.state}</b>${beside === '' ? '' : `, ${beside}`}</td>`;
    const next = nextFor(row, targetOptions(target));
    const command = next ? `<code title="To ${escapeHtml(next.to)}">${escapeHtml(next.command)}</code>` : '';
    return `<tr>${cells}${state}<td>${why(row, now)}</td>${time(row, row.notAfter, now)}${time(row, row.renewAt, now)}<td>${command}</td></tr>`;
  });
  return `<table><tr>${head}</tr>\n${body.join('\n')}\n</table>`;
}

function why(row: InventoryRow, now: Instant): string {
  const cause = causeOf(row);
  const message = escapeHtml(messageText(row, now));
  return cause ? `<b title="${escapeHtml(cause.means)}">${cause.code}</b> ${message}` : message;
}

function time(row: InventoryRow, instant: Instant | undefined, now: Instant): string {
  const text = timeText(row, instant, (at) => relative(at, now));
  return instant === undefined ? `<td>${text}</td>` : `<td class="one" title="${formatInstant(instant)}">${text}</td>`;
}
