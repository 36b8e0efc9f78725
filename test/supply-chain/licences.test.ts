/** Licences of others' code, as SPDX expressions. Read a new one before you add it. */
import { expect, it } from 'vitest';
import { productionPaths } from '../../testkit/tools/production.ts';
import { type Located, lockedPackages } from './lock-file.ts';

/** Permissive: what is deployed may be distributed under Apache-2.0. */
const inProduction = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  '(MIT OR GPL-3.0-or-later)', // used under MIT
];
/** Licences of tools, which are not distributed. */
const inDevelopment = [
  ...inProduction,
  'BSD-2-Clause',
  'CC-BY-4.0', // data on browsers
  'MIT OR Apache-2.0',
  'MPL-2.0', // lightningcss, unchanged
];

/** Too old for the field `license`: their package.json has `licenses: [{ type: "MIT" }]`. */
const undeclared = [
  'compute-gcd@1.2.1',
  'compute-lcm@1.1.2',
  'validate.io-function@1.0.2',
  'validate.io-integer@1.0.5',
  'validate.io-integer-array@1.0.0',
  'validate.io-number@1.0.3',
];

function problemOf({ name, version, license, dev }: Pick<Located, 'name' | 'version' | 'license' | 'dev'>) {
  if (license === undefined) {
    if (dev && undeclared.includes(`${name}@${version}`)) return undefined;
    return `${name}@${version} declares no licence: read its package, and take another one or name it in \`undeclared\``;
  }
  if ((dev ? inDevelopment : inProduction).includes(license)) return undefined;
  return `${name}@${version} is under ${license}, which ${dev ? 'no tool' : 'nothing in production'} was so far: read the licence, and take another package or name it in test/supply-chain/licences.test.ts`;
}

it('each package is under a licence of the list', () => {
  const production = productionPaths();
  const all = lockedPackages.map((each) => ({ ...each, dev: !production.has(each.path) }));
  expect(all.map(problemOf).filter((problem) => problem !== undefined)).toEqual([]);
});

it('the list has no unused licence or package', () => {
  const used = new Set(lockedPackages.map(({ license }) => license));
  expect(inDevelopment.filter((license) => !used.has(license))).toEqual([]);
  const named = new Set(lockedPackages.map(({ name, version }) => `${name}@${version}`));
  expect(undeclared.filter((each) => !named.has(each))).toEqual([]);
});

it.each([
  [{ license: 'GPL-3.0-only' }, /GPL-3.0-only, which nothing in production was/],
  [{ license: 'MPL-2.0' }, /MPL-2.0, which nothing in production was/],
  [{ license: 'AGPL-3.0-or-later', dev: true }, /which no tool was/],
  [{}, /declares no licence/],
  [{ dev: true }, /declares no licence/],
])('a new one is reported: %j', (more, expected) => {
  expect(problemOf({ name: 'new', version: '1.0.0', ...more })).toMatch(expected);
});
