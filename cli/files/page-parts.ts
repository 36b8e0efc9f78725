/** What the page of `report` is made of, beside its words: files, so that they are read by people and checked by tools. */
import { readFileSync } from 'node:fs';

const part = (name: string): string => readFileSync(new URL(`report/${name}`, import.meta.url), 'utf8').trim();

export const pageParts = (): { readonly style: string; readonly script: string } => ({
  style: part('page.css'),
  script: part('page.js'),
});
