/** The inventory as one self-contained HTML file. It sends no request and runs only its own script. */
import { createHash } from 'node:crypto';
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import { type CommandTarget, shellWord, targetOptions } from '../../lambdas/domain/typed-command.ts';
import { escapeHtml, scriptJson } from '../../lambdas/inventory/html.ts';
import { byUrgency, type InventoryRow } from '../../lambdas/inventory/row.ts';
import { inventoryStates } from '../../lambdas/inventory/states.ts';
import { pageParts } from '../files/page-parts.ts';
import { causes, coming, comingTitles, headline } from './sections.ts';
import { shownRow } from './shown.ts';

export interface PageTerms extends CommandTarget {
  readonly now: Instant;
}

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Builds the page. Its Content-Security-Policy (level 3) allows only this script and this style, by their hashes. */
export function reportPage(rows: readonly InventoryRow[], { now, ...target }: PageTerms): string {
  const options = targetOptions({ ...target, stackName: shellWord(target.stackName) });
  const { style, script } = pageParts();
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
  const data = {
    at: now,
    states: inventoryStates,
    comings: comingTitles,
    rows: [...rows].sort(byUrgency).map((row, rank) => shownRow(row, rank, now, options)),
  };
  const title = `Certificates of ${escapeHtml(target.stackName)}`;
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
<a class="skip" href="#certificates">Skip to the table</a>
<header>
<h1>${title}</h1>
<p class="soft">From the tags of the secrets at <time datetime="${formatInstant(now)}">${formatInstant(now)}</time>. No secret was read.
<span id="age"></span></p>
</header>
<main>
${headline(rows)}
<div class="columns">
${causes(rows)}
${coming(rows, now)}
</div>
${table}
</main>
<noscript><p>The table needs JavaScript, which is switched off. The page contains all its scripts.</p></noscript>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

const heading = (by: string, text: string): string =>
  `<th scope="col" role="columnheader" class="${by}" data-by="${by}"><button type="button">${text}<span aria-hidden="true"></span></button></th>`;

// Cards on a phone are the same table with another style. Browsers drop the roles of such a table, so each element names its role.
const table = `<section aria-labelledby="certificates">
<h2 id="certificates" tabindex="-1">Certificates</h2>
<div class="filters" role="search" aria-label="Filter the certificates">
<div><label for="search">Name contains</label><input id="search" type="search" autocomplete="off" spellcheck="false"></div>
<div><label for="state">State</label><select id="state"><option value="">all</option></select></div>
<div><label for="cause">Cause</label><select id="cause"><option value="">all</option></select></div>
<div><label for="profile">Profile</label><select id="profile"><option value="">all</option></select></div>
<div><label for="comes">What comes</label><select id="comes"><option value="">all</option></select></div>
<div><button type="button" id="clear">Clear</button></div>
<p id="found" role="status"></p>
</div>
<table class="certificates" role="table" aria-labelledby="certificates">
<thead role="rowgroup"><tr role="row">
${heading('name', 'Name')}
${heading('profile', 'Profile')}
${heading('state', 'State')}
${heading('cause', 'Cause')}
${heading('expires', 'Expires')}
${heading('renews', 'Renews')}
<th scope="col" role="columnheader" class="next">Next command</th>
</tr></thead>
<tbody id="rows" role="rowgroup"></tbody>
</table>
<nav class="pager" aria-label="Pages of the table">
<button type="button" id="previous">Previous</button>
<span id="page"></span>
<button type="button" id="next">Next</button>
</nav>
<p id="said" class="visually-hidden" role="status"></p>
</section>`;
