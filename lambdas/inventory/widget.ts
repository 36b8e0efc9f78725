/**
 * The inventory as HTML for a custom widget of CloudWatch: the most urgent first, in pages, filtered by profile, state and name.
 * CloudWatch removes scripts and most attributes from a widget's answer. A `cwdb-action` invokes the function again with the fields
 * of the form. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html
 */
import { count } from '../domain/count.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { escapeHtml } from './html.ts';
import { byUrgency, type InventoryRow, type InventoryState, inventoryStates, severity, statesOf } from './row.ts';
import { relative, stateText, timeText } from './words.ts';

export interface WidgetRequest {
  /** Empty: all profiles. */
  readonly profile: string;
  readonly state: InventoryState | '';
  /** Part of a name, case-insensitive. */
  readonly search: string;
  /** Starts at 0. */
  readonly page: number;
}

const pageSize = 50;
const longestField = 256;

/** Reads CloudWatch's event, and ignores invalid fields. Never throws. */
export function widgetRequest(event: unknown): WidgetRequest {
  const params = object(event);
  const context = object(params['widgetContext']);
  const form = object(object(context['forms'])['all']);
  // The user's choice in the form overrides the widget's parameters.
  const field = (name: string): string => text(form[name]) ?? text(params[name]) ?? '';
  const page = params['page'];
  return {
    profile: field('profile'),
    state: inventoryStates.find((state) => state === field('state')) ?? '',
    search: field('search'),
    page: typeof page === 'number' && Number.isSafeInteger(page) && page > 0 ? page : 0,
  };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, longestField) : undefined;
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
| search | with this part in their name |

\`\`\` yaml
state: overdue
\`\`\``;

export interface WidgetTerms {
  readonly now: Instant;
  /** ARN of the widget's function. */
  readonly endpoint: string;
}

const style = `<style>
.cr td,.cr th{padding:2px 12px 2px 0;text-align:left;white-space:nowrap}
.cr .overdue,.cr .failing{color:#d13212;font-weight:bold}
.cr .missing,.cr .changed,.cr .due{color:#b7500b}.cr .ok{color:#1d8102}.cr .unknown,.cr .paused{color:#687078}
</style>`;

export function widgetHtml(all: readonly InventoryRow[], request: WidgetRequest, terms: WidgetTerms): string {
  const wanted = all.filter((row) => matches(row, request)).sort(byUrgency);
  const pages = Math.max(1, Math.ceil(wanted.length / pageSize));
  const page = Math.min(request.page, pages - 1);
  const shown = wanted.slice(page * pageSize, (page + 1) * pageSize);
  return [
    style,
    '<div class="cr">',
    form(all, request, terms),
    `<p>${summary(all)}</p>`,
    shown.length === 0 ? '<p>No certificate matches.</p>' : table(shown, terms.now),
    `<p>${count(wanted.length, 'certificate')}, page ${page + 1} of ${pages} `,
    page > 0 ? button('Previous', { page: page - 1 }, terms) : '',
    page < pages - 1 ? button('Next', { page: page + 1 }, terms) : '',
    '</p></div>',
  ].join('\n');
}

function matches(row: InventoryRow, { profile, state, search }: WidgetRequest): boolean {
  if (profile !== '' && row.profile !== profile) return false;
  if (state !== '' && !statesOf(row).includes(state)) return false;
  return search === '' || row.name.toLowerCase().includes(search.toLowerCase());
}

function summary(rows: readonly InventoryRow[]): string {
  const counts = inventoryStates.flatMap((state) => {
    const number = rows.filter((row) => row.state === state).length;
    return number > 0 ? [`<span class="${state}">${number} ${state}</span>`] : [];
  });
  return counts.length > 0 ? counts.join(', ') : 'No secret is enrolled.';
}

function form(rows: readonly InventoryRow[], { profile, state, search }: WidgetRequest, terms: WidgetTerms): string {
  const profiles = [...new Set(rows.map((row) => row.profile))].sort();
  return `<form><label>Profile ${select('profile', profiles, profile)}</label>
<label>State ${select('state', inventoryStates, state)}</label>
<label>Name <input name="search" value="${escapeHtml(search)}"></label>
${button('Show', { page: 0 }, terms)}</form>`;
}

function select(name: string, options: readonly string[], chosen: string): string {
  const all = ['', ...options].map((option) => {
    const selected = option === chosen ? ' selected' : '';
    return `<option value="${escapeHtml(option)}"${selected}>${option === '' ? 'all' : escapeHtml(option)}</option>`;
  });
  return `<select name="${name}">${all.join('')}</select>`;
}

/** Returns a button. CloudWatch binds the action to the element before it. */
function button(label: string, params: { readonly page: number }, { endpoint }: WidgetTerms): string {
  const action = `<cwdb-action action="call" endpoint="${escapeHtml(endpoint)}">${escapeHtml(JSON.stringify(params))}</cwdb-action>`;
  return `<a class="btn">${label}</a>${action}`;
}

function table(rows: readonly InventoryRow[], now: Instant): string {
  const head = ['Name', 'Profile', 'State', 'Expires', 'Renews'].map((title) => `<th>${title}</th>`).join('');
  const body = rows.map((row) => {
    const state = `<td class="${severity(row)}">${escapeHtml(stateText(row, now))}</td>`;
    const cells = [row.name, row.profile].map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    return `<tr>${cells}${state}${time(row, row.notAfter, now)}${time(row, row.renewAt, now)}</tr>`;
  });
  return `<table><tr>${head}</tr>\n${body.join('\n')}\n</table>`;
}

function time(row: InventoryRow, instant: Instant | undefined, now: Instant): string {
  const text = timeText(row, instant, (at) => relative(at, now));
  return instant === undefined ? `<td>${text}</td>` : `<td title="${formatInstant(instant)}">${text}</td>`;
}
