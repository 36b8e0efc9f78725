/** The issuers above an imported authority, from its secret: the path that leads to a root. */
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadAuthority } from '../../lambdas/authority/load.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  keyUsage,
  makeKey,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { Faults } from '../../testkit/fakes/faults.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { pairValue } from '../renewal/world.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { day, start, year } from './world.ts';

interface Ca {
  readonly name: string;
  readonly key: KeyObject;
}

const ca = (name: string): Ca => ({ name, key: makeKey('P-256') });

/** `years`: the validity. */
function issue({ name, key }: Ca, issuer: Ca, years: number, pathLength?: number): Uint8Array {
  return signCertificate(
    {
      subject: commonNameOnly(name),
      spki: spkiOf(key),
      notBefore: start - day,
      notAfter: start + years * year,
      extensions: [
        keyUsage('keyCertSign', 'cRLSign'),
        basicConstraints(true, pathLength),
        subjectKeyIdentifier(spkiOf(key)),
        authorityKeyIdentifier(spkiOf(issuer.key)),
      ],
    },
    { subject: commonNameOnly(issuer.name), key: issuer.key },
  );
}

async function loaded(certificate: Uint8Array, chain: readonly Uint8Array[], key: KeyObject) {
  const faults = new Faults();
  const store = new FakeStore({ clock: new FakeClock(start), faults });
  const secretId = store.add({ name: 'pki/legacy', value: pairValue(certificate, chain, key), versionId: 'v1' });
  const authorities = new FakeAuthorities(authority('legacy', { secretId }));
  return loadAuthority({ authorities, store, vault: new FakeKeyVault(faults) }, 'legacy');
}

const [root, old, middle, issuing] = [ca('Root'), ca('Old Root'), ca('Middle'), ca('Issuing')];
const own = issue(issuing, middle, 2);
const ownRoot = issue(root, root, 10);

describe('of two candidates, the one that leads to a root', () => {
  it('for an intermediate that another CA certified too, and for longer', async () => {
    const [cross, path] = [issue(middle, old, 9), issue(middle, root, 5)];
    for (const chain of [
      [cross, path, ownRoot],
      [ownRoot, path, cross],
    ]) {
      const { issuers, root: top, end } = await loaded(own, chain, issuing.key);
      expect(issuers.map(({ der }) => der)).toEqual([path, ownRoot]);
      expect(top.der).toEqual(ownRoot);
      expect(end).toBe(start + 2 * year);
    }
  });

  it('for a root that an older one certified', async () => {
    const cross = issue(root, old, 20);
    const path = issue(middle, root, 5);
    const { issuers } = await loaded(own, [path, cross, ownRoot], issuing.key);
    expect(issuers.map(({ der }) => der)).toEqual([path, ownRoot]);
  });

  it('of two that lead to a root, the one that ends last', async () => {
    const [short, long] = [issue(middle, root, 1), issue(middle, root, 5)];
    const { issuers } = await loaded(own, [short, long, ownRoot], issuing.key);
    expect(issuers.map(({ der }) => der)).toEqual([long, ownRoot]);
  });

  it('not one whose path length forbids it', async () => {
    const other = ca('Middle Two');
    const forbidden = [issue(middle, other, 9, 0), issue(other, root, 9, 0)];
    const path = issue(middle, root, 5, 0);
    const { issuers } = await loaded(own, [...forbidden, path, ownRoot], issuing.key);
    expect(issuers.map(({ der }) => der)).toEqual([path, ownRoot]);
  });
});

describe('without a root in the secret', () => {
  it('as far up as possible', async () => {
    const [upper, path] = [ca('Upper'), issue(middle, root, 5)];
    expect((await loaded(own, [path], issuing.key)).issuers.map(({ der }) => der)).toEqual([path]);
    const two = [issue(middle, upper, 5), issue(upper, root, 6)];
    const { issuers, root: top } = await loaded(own, [...two].reverse(), issuing.key);
    expect(issuers.map(({ der }) => der)).toEqual(two);
    expect(top.der).toEqual(two[1]);
  });

  it('from a circle to its issuer, and without issuers to itself', async () => {
    const circle = [issue(middle, old, 5), issue(old, middle, 5)];
    const { issuers } = await loaded(own, circle, issuing.key);
    expect(issuers.map(({ der }) => der)).toEqual([circle[0]]);
    const alone = await loaded(own, [issue(old, root, 5)], issuing.key);
    expect(alone.issuers).toEqual([]);
    expect(alone.root.der).toEqual(parseCertificate(own).der);
  });
});

it('a hostile pool is given up', async () => {
  const names = Array.from({ length: 30 }, (_, n) => ({ name: 'Middle', key: middle.key, n }));
  const pool = names.map((each, n) => issue(each, { name: 'Middle', key: middle.key }, 3 + n));
  const started = cpuTime();
  await loaded(own, pool.slice(0, 30), issuing.key);
  expect(cpuTime() - started).toBeLessThan(5_000);
});
