/**
 * The mapping of docs/coming-from-step.md, row by row, and every example of the page of `step ca rekey`: the replacement here,
 * and its effect. The flags and examples are read from the page, so all of them are tested. The rows are in step/.
 */
import { describe, expect, it } from 'vitest';
import { describeWith, type Local } from '../support/local.ts';
import { renewerOf } from '../support/renewer.ts';
import { examples, flags } from '../support/step-page.ts';
import * as deployment from './step/deployment.ts';
import * as how from './step/how.ts';
import * as pair from './step/pair.ts';
import type { Row, World } from './step/row.ts';
import * as when from './step/when.ts';

/** Rows by flag. Keys without `--` are not flags of step. */
const mapping: Readonly<Record<string, readonly Row[]>> = {
  '<crt-file> <key-file>': pair.inPlace,
  '--out-cert': pair.out,
  '--out-key': pair.outTogether,
  '--private-key': pair.privateKey,
  '--expires-in': when.expiresIn,
  '--daemon': when.daemon,
  '--rekey-period': when.every16h,
  '--kty': how.kty,
  '--curve': how.curve,
  '--crv': how.crv,
  '--size': how.size,
  '--force': how.force,
  '--ca-url': how.caUrl,
  '--root': how.root,
  '--offline': deployment.offline,
  '--ca-config': deployment.caConfig,
  '--password-file': how.password,
  '--exec': deployment.exec,
  '--pid': deployment.signal,
  '--pid-file': deployment.signal,
  '--signal': deployment.signal,
  mode: how.mode,
  dryRun: how.dryRun,
};

/** Rows by the first words of the page's sentence. A longer key comes before a shorter one. */
const byExample: readonly [string, readonly Row[]][] = [
  ['Rekey a certificate without overwriting', pair.out],
  ['Rekey a certificate forcing the overwrite', how.force],
  ['Rekey a certificate providing the `--ca-url` and `--root`', how.caUrl],
  ['Rekey a certificate only if it expires', when.expiresIn],
  ['Rekey the certificate before 2/3', when.daemon],
  ['Rekey the certificate before 8 hours and 30m', when.before8h30m],
  ['Rekey the certificate every 16h', when.every16h],
  ['Rekey the certificate and reload nginx', deployment.exec],
  ['Rekey the certificate and convert it to DER', deployment.execToDer],
  ['Rekey a certificate using the offline mode', deployment.offline],
  ['Rekey the certificate and write it to specified files', pair.outTogether],
  ['Rekey the certificate using a given private key', pair.privateKey],
  ['Rekey a certificate', pair.inPlace],
];

const rowsOf = (title: string): readonly Row[] => byExample.find(([start]) => title.startsWith(start))?.[1] ?? [];

describe('the page of step ca rekey', () => {
  it('has 20 flags and 13 examples, each with its rows here', () => {
    expect(flags).toHaveLength(20);
    expect(examples).toHaveLength(13);
    expect(flags.filter((flag) => !Object.hasOwn(mapping, flag))).toEqual([]);
    expect(examples.filter(({ title }) => rowsOf(title).length === 0)).toEqual([]);
    expect(new Set(examples.map(({ title }) => rowsOf(title))).size).toBe(13);
  });
});

describeWith(['stack', 'step-ca'], 'step ca rekey', (local) => {
  const inherited: Local = Object.create(local); // keeps the getters as getters
  const world: World = Object.assign(inherited, renewerOf(local));

  // A row that several flags and examples share runs once, under the first of them.
  const seen = new Set<Row>();
  const sections: [string, readonly Row[]][] = [
    ...examples.map(({ title, command }): [string, readonly Row[]] => [`${title}: ${command}`, rowsOf(title)]),
    ...Object.entries(mapping),
  ];
  for (const [name, rows] of sections) {
    const fresh = rows.filter((row) => !seen.has(row));
    if (fresh.length === 0) continue;
    describe(name, () => {
      for (const { here, see } of fresh) it(here, () => see(world));
    });
    for (const row of fresh) seen.add(row);
  }
});
