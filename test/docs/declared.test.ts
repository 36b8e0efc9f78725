/** Checks docs/declared.md and docs/coming-from-cert-manager.md: the examples are valid, and every field has a row. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { warningCodes } from '../../lambdas/domain/decision.ts';
import { declaredShapes, declaredUsages } from '../../lambdas/domain/declaration.ts';
import { errorCodes } from '../../lambdas/domain/errors.ts';
import {
  certificateFields,
  certificatesSchema,
  documentOf,
  entryProblems,
} from '../../lambdas/policy/certificate-entry.ts';
import { declarationSchema, readDeclaration } from '../../lambdas/policy/declaration.ts';
import { issuanceProblems, unknownBases } from '../../lambdas/policy/issuance.ts';
import { issuanceFields } from '../../lambdas/policy/vocabulary.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';

const textOf = (page: string) => readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
const pages = ['declared.md', 'coming-from-cert-manager.md'] as const;
const examplesIn = (page: string) =>
  [...textOf(page).matchAll(/^```json configuration\n([\s\S]*?)^```$/gm)].map(([, json = '']) => JSON.parse(json));

/** Returns the names in backquotes in the first column of a section's tables. */
function rowsOf(page: string, heading: string): string[] {
  const section = textOf(page).split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const cells = section.split('\n').map((line) => (line.startsWith('|') ? (line.split('|')[1] ?? '') : ''));
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

describe.each(pages)('docs/%s', (page) => {
  it('has examples that may be issued', () => {
    expect(examplesIn(page).length).toBeGreaterThan(0);
    for (const { certificates, profiles } of examplesIn(page)) {
      for (const [name, entry] of Object.entries(certificatesSchema.parse(certificates))) {
        expect(entryProblems(name, entry)).toEqual([]);
        const { declaration } = readDeclaration(declarationSchema.parse(documentOf(name, entry)));
        const { issue } = parseProfile(entry.profile, JSON.stringify({ ...profiles[entry.profile] }));
        if (issue === undefined) throw new Error(`${entry.profile} issues nothing`);
        expect(unknownBases(issue.allow)).toEqual([]);
        expect(issuanceProblems(declaration, issue)).toEqual([]);
      }
    }
  });
});

describe('docs/declared.md', () => {
  const page = 'declared.md';

  it('has a row for every field', () => {
    expect(rowsOf(page, 'The fields').sort()).toEqual(Object.keys(certificateFields).sort());
    const ofIssue = Object.keys(issuanceFields).map((field) => `issue.${field}`);
    expect(rowsOf(page, 'Names').sort()).toEqual(ofIssue.sort());
  });

  it('has every usage and every shape', () => {
    const usages = /\n\| `usages` \|(.*)\n/.exec(textOf(page))?.[1];
    for (const usage of declaredUsages) expect(usages).toContain(`\`${usage}\``);
    const shapes = rowsOf(page, 'The secret').filter((name) => (declaredShapes as readonly string[]).includes(name));
    expect(shapes.sort()).toEqual([...declaredShapes].sort());
  });

  it('names errors and warnings that there are', () => {
    const known: readonly string[] = [...Object.keys(errorCodes), ...warningCodes];
    const named = rowsOf(page, 'When it is not there');
    expect(named.length).toBeGreaterThan(8);
    for (const code of named) expect(known).toContain(code);
  });
});

describe('docs/coming-from-cert-manager.md', () => {
  const page = 'coming-from-cert-manager.md';

  /** The fields of cert-manager.io/v1 in version 1.21. */
  const spec =
    'additionalOutputFormats commonName dnsNames duration emailAddresses encodeUsagesInRequest ipAddresses isCA issuerRef keystores literalSubject nameConstraints otherNames privateKey renewBefore renewBeforePercentage renewal revisionHistoryLimit secretName secretTemplate signatureAlgorithm subject uris usages';
  const status =
    'conditions failedIssuanceAttempts lastFailureTime nextPrivateKeySecretName notAfter notBefore observedGeneration renewalTime revision';
  const issuers = 'acme ca selfSigned vault venafi';

  it.each([
    ['Certificate: spec', spec],
    ['Certificate: status', status],
    ['Issuers', issuers],
  ])('%s: has a row for every field', (heading, fields) => {
    expect(rowsOf(page, heading)).toEqual(expect.arrayContaining(fields.split(' ')));
  });

  it('says of our fields only what there is', () => {
    const [, ours = ''] = /\n\| – \|(.*)\n/.exec(textOf(page)) ?? [];
    const named = [...ours.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(3);
    for (const name of named) expect(Object.keys(certificateFields)).toContain(name);
  });
});
