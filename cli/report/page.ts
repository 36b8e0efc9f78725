/** The inventory as one self-contained HTML file. It sends no request and runs only its own script. */
import { createHash } from 'node:crypto';
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import { escapeHtml, scriptJson, visible } from '../../lambdas/inventory/html.ts';
import { byUrgency, type InventoryRow, inventoryStates, severity, statesOf } from '../../lambdas/inventory/row.ts';
import { stateText } from '../../lambdas/inventory/words.ts';
import { pageParts } from '../files/page-parts.ts';

export interface PageTerms {
  readonly stackName: string;
  readonly now: Instant;
}

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Builds the page. Its Content-Security-Policy (level 3) allows only this script and this style, by their hashes. */
export function reportPage(rows: readonly InventoryRow[], { stackName, now }: PageTerms): string {
  const { style, script } = pageParts();
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
  const data = {
    at: now,
    states: inventoryStates,
    rows: [...rows].sort(byUrgency).map((row, rank) => shown(row, rank, now)),
  };
  const title = `Certificates of ${escapeHtml(stackName)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="soft">From the tags of the secrets at ${formatInstant(now)}. No secret was read.</p>
</header>
<main>
${body}
</main>
<noscript><p>This page needs JavaScript, which is switched off. The page contains all its scripts.</p></noscript>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** Instants are milliseconds, or null if the tags don't contain them or there is no certificate yet. */
function shown(row: InventoryRow, rank: number, now: Instant) {
  const { state, notAfter = null, renewAt = null } = row;
  const [name, profile] = [visible(row.name), visible(row.profile)];
  return {
    rank,
    name,
    profile,
    state,
    states: statesOf(row),
    severity: severity(row),
    notAfter,
    renewAt,
    noTime: row.wanting === 'missing' ? 'none yet' : 'not known',
    text: stateText(row, now),
    reason: row.reason.message,
  };
}

const heading = (by: string, text: string): string =>
  `<th scope="col" data-by="${by}"><button type="button">${text}<span aria-hidden="true"></span></button></th>`;

const body = `<section aria-labelledby="timeline-heading">
<h2 id="timeline-heading">Timeline</h2>
<p><span class="key"><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="renewal" width="1" height="1"/></svg></span>to be renewed
<span class="key"><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="expiry" width="1" height="1"/></svg></span>expire without renewal</p>
<div id="chart"></div>
<details>
<summary>As a table</summary>
<table>
<thead><tr><th scope="col">From</th><th scope="col">To be renewed</th><th scope="col">Expire</th></tr></thead>
<tbody id="numbers"></tbody>
</table>
</details>
</section>
<section aria-labelledby="certificates-heading">
<h2 id="certificates-heading">Certificates</h2>
<ul id="states" aria-label="By state"></ul>
<div class="filters">
<div><label for="search">Name contains</label><input id="search" type="search" autocomplete="off" spellcheck="false"></div>
<div><label for="profile">Profile</label><select id="profile"><option value="">all</option></select></div>
<p id="found" role="status"></p>
</div>
<div class="scroll" role="region" aria-label="Table of certificates" tabindex="0">
<table>
<caption class="visually-hidden">Certificates; buttons in the table head sort them</caption>
<thead><tr>
${heading('name', 'Name')}
${heading('profile', 'Profile')}
${heading('state', 'State')}
${heading('expires', 'Expires')}
${heading('renews', 'Renews')}
</tr></thead>
<tbody id="rows"></tbody>
</table>
</div>
<nav class="pager" aria-label="Pages of the table">
<button type="button" id="previous">Previous</button>
<span id="page"></span>
<button type="button" id="next">Next</button>
</nav>
</section>`;
