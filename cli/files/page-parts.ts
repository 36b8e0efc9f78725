/** Style and script of the page of `report`. They are files, so that tools can check them. */
import { readFileSync } from 'node:fs';

const part = (name: string): string => readFileSync(new URL(`report/${name}`, import.meta.url), 'utf8').trim();

export const pageParts = (): { readonly style: string; readonly script: string } => ({
  style: `${part('page.css')}\n${part('table.css')}`,
  script: part('page.js'),
});
