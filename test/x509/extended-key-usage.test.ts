import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import { chainEnd, verifyPath } from '../../lambdas/x509/chain.ts';
import { isOfUse, usagesLeft, usagesOf } from '../../lambdas/x509/extended-key-usage.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import * as make from './issue.ts';
import { day, issue, now, party } from './issue.ts';
import { opensslAccepts } from './openssl.ts';

const {
  serverAuth: server,
  clientAuth: client,
  emailProtection: mail,
  codeSigning: code,
  ocspSigning,
  timeStamping,
  microsoftSgc,
  netscapeSgc,
  anyExtendedKeyUsage: any,
} = oids;
const own = '1.3.6.1.4.1.32473.3';

/** undefined: no extension. */
type Usages = readonly string[] | undefined;
const usage = (named: Usages): Extension[] =>
  named === undefined ? [] : [make.extension(oids.extendedKeyUsage, d.sequence(...named.map((each) => d.oid(each))))];
const caExtensions = [make.basicConstraints(true), make.keyUsage(5, 6)];

const [rootCa, leafParty] = [party('Root'), party('leaf')];
const root = issue(rootCa, rootCa, { ca: true, days: 100 });
const names = make.subjectAltName(make.dns('leaf.example'), make.email('jo@leaf.example'));

let parties = 0;

/** Each issuer has its own name, so that openssl can have those of many paths at once. */
function pathOf(leafUsages: Usages, ...issuerUsages: Usages[]) {
  const authorities = issuerUsages.map(() => party(`CA ${parties++}`));
  const issuers = authorities.map((each, i) =>
    issue(authorities[i + 1] ?? rootCa, each, { extensions: [...caExtensions, ...usage(issuerUsages[i])] }),
  );
  const leaf = issue(authorities[0] ?? rootCa, leafParty, {
    extensions: [make.keyUsage(0), names, ...usage(leafUsages)],
  });
  return { leaf, issuers };
}

const shown = (named: Usages) => named?.join(' ') ?? 'no usages';

describe('the usages that a path allows', () => {
  const sets: Usages[] = [
    undefined,
    [any],
    [server],
    [client],
    [server, client],
    [mail],
    [code],
    [microsoftSgc],
    [netscapeSgc, client],
    [any, server],
    [own],
  ];
  const paths = sets.flatMap((leaf) => [
    ...sets.map((issuer) => [leaf, issuer]),
    [leaf, [server], undefined],
    [leaf, undefined, [client]],
    [leaf, [server], [client]],
  ]);
  it.each([
    ['serverAuth', 'sslserver'],
    ['clientAuth', 'sslclient'],
    ['emailProtection', 'smimesign'],
  ])(
    'are the same as openssl’s: %s',
    (name, purpose) => {
      const made = paths.map(([leaf, ...issuers]) => pathOf(leaf, ...issuers));
      const judged = opensslAccepts({
        leaves: made.map(({ leaf }) => leaf),
        issuers: made.flatMap(({ issuers }) => issuers),
        roots: [root],
        args: ['-purpose', purpose],
      });
      const left = made.map(({ leaf, issuers }) => usagesLeft([leaf, ...issuers, root]).includes(name));
      const differing = paths.filter((_, i) => judged[i] !== left[i]).map((path) => path.map(shown).join(' < '));
      expect(differing).toEqual([]);
    },
    60_000,
  );

  it('include the root’s own extension', () => {
    const rootFor = (named: Usages) =>
      issue(rootCa, rootCa, { days: 100, extensions: [...caExtensions, ...usage(named)] });
    const { leaf, issuers } = pathOf([server, client], undefined);
    const judged = sets.map((named) => {
      const roots = [rootFor(named)];
      const of = (purpose: string) => opensslAccepts({ leaves: [leaf], issuers, roots, args: ['-purpose', purpose] });
      return [
        shown(named),
        ...(of('sslserver')[0] ? ['serverAuth'] : []),
        ...(of('sslclient')[0] ? ['clientAuth'] : []),
      ];
    });
    expect(sets.map((named) => [shown(named), ...usagesLeft([leaf, ...issuers, rootFor(named)])])).toEqual(judged);
  }, 60_000);
});

describe('verifyPath', () => {
  const refused = (problem: string) =>
    expect.objectContaining({ ok: false, problem: expect.stringContaining(problem) });
  const taken = expect.objectContaining({ ok: true });
  const table: [what: string, leaf: Usages, issuers: Usages[], verdict: unknown][] = [
    ["a server's leaf under a CA for servers", [server], [[server, client]], taken],
    ["a server's leaf under a CA for clients", [server], [[client]], refused('does not allow serverAuth')],
    ["a server's leaf under a CA for mail", [server], [[mail]], refused('does not allow serverAuth')],
    ["a server's leaf under a CA for anything else", [server], [[any]], refused('does not allow serverAuth')],
    ["a server's leaf under a CA for servers by an old name", [server], [[netscapeSgc]], taken],
    ["a server's leaf, the second CA is not for servers", [server], [undefined, [client]], refused('serverAuth')],
    ["a server's and client's leaf under a CA for servers", [server, client], [[server]], taken],
    ["a server's and client's leaf under a CA for clients", [server, client], [[client]], refused('serverAuth')],
    ["a client's leaf under a CA for servers", [client], [[server]], refused('does not allow clientAuth')],
    ["a client's and mail's leaf under a CA for mail", [client, mail], [[mail]], refused('does not allow clientAuth')],
    ['a leaf for mail under a CA for servers', [mail], [[server]], refused('does not allow emailProtection')],
    ['a leaf for anything under a CA for servers', undefined, [[server]], taken],
    ['a leaf for anything under a CA for code', undefined, [[code]], refused('does not allow serverAuth, clientAuth')],
    ['a leaf for anything under a CA for servers under one for clients', undefined, [[server], [client]], refused('')],
    ['any usage under a CA for servers', [any], [[server]], taken],
    ['no usage at all under a CA for servers', [], [[server]], taken],
    ['signatures of code under a CA for servers', [code], [[server]], taken],
    ['answers of OCSP under a CA for servers', [ocspSigning], [[server, client]], taken],
    ['time stamps under a CA for servers', [timeStamping], [[server]], taken],
    ['a usage of its own under a CA for servers', [own], [[server]], refused('does not allow 1.3.6.1.4.1.32473.3')],
    ['a usage of its own under a CA for any', [own], [[any]], taken],
    ['a usage of its own beside serverAuth under a CA for servers', [own, server], [[server]], taken],
  ];
  it.each(table)('%s', (_, leafUsages, issuerUsages, verdict) => {
    const { leaf, issuers } = pathOf(leafUsages, ...issuerUsages);
    expect(verifyPath(leaf, issuers, [root], now)).toEqual(verdict);
  });

  it('a CA certificate without usages may issue certificates, with any usages of its issuer', () => {
    const [parent, sub] = [party('Parent'), party('Sub')];
    const issuer = issue(rootCa, parent, { extensions: [...caExtensions, ...usage([code])] });
    expect(verifyPath(issue(parent, sub, { ca: true }), [issuer], [root], now)).toEqual(taken);
  });

  describe('takes of two paths', () => {
    const ca = party('CA');
    const by = (days: number, named: Usages) =>
      issue(rootCa, ca, { days, extensions: [...caExtensions, ...usage(named)] });
    const leafFor = (named: Usages) => issue(ca, leafParty, { days: 70, extensions: [names, ...usage(named)] });
    const [forServers, forAll] = [by(60, [server]), by(50, [server, client])];

    it.each([
      ['first', [forAll, forServers]],
      ['last', [forServers, forAll]],
    ])('the one that keeps all usages, even if it ends earlier, in the %s place', (_, pool) => {
      const leaf = leafFor([server, client]);
      expect(verifyPath(leaf, pool, [root], now)).toMatchObject({ path: [leaf, forAll, root], end: forAll.notAfter });
    });

    it('the one that ends later, if both keep all', () => {
      const leaf = leafFor([server]);
      expect(verifyPath(leaf, [forAll, forServers], [root], now)).toMatchObject({ path: [leaf, forServers, root] });
    });

    it('the only one that has not ended', () => {
      const ended = by(-1, [server, client]);
      const leaf = leafFor([server, client]);
      expect(verifyPath(leaf, [ended, forServers], [root], now)).toMatchObject({ path: [leaf, forServers, root] });
    });
  });
});

it('chainEnd is the end of the path that is used, but not of one that ended before the leaf began', () => {
  const ca = party('CA');
  const by = (notAfter: number, named: Usages) =>
    issue(rootCa, ca, {
      notBefore: d.time(now - 9 * day),
      notAfter: d.time(notAfter),
      extensions: [...caExtensions, ...usage(named)],
    });
  const leaf = issue(ca, leafParty, { days: 70, extensions: usage([server, client]) });
  const forServers = by(now + 60 * day, [server]);
  const endOf = (better: Certificate) => chainEnd(leaf, [better, forServers], [root]).end;
  expect(endOf(by(now + 50 * day, undefined))).toBe(now + 50 * day);
  expect(endOf(by(now - day / 2, undefined))).toBe(now - day / 2);
  expect(endOf(by(leaf.notBefore - 1000, undefined))).toBe(forServers.notAfter);
});

describe('the usages of a leaf', () => {
  const withNames = (usages: Usages, subject: Uint8Array, ...values: Uint8Array[]) =>
    issue(
      rootCa,
      { ...leafParty, name: subject },
      {
        extensions: [...(values.length > 0 ? [make.subjectAltName(...values)] : []), ...usage(usages)],
      },
    );
  const plain = make.commonNameOnly('leaf');
  const addressed = d.sequence(
    d.setOf(make.attribute('2.5.4.10', d.utf8String('Example'))),
    d.setOf(make.attribute(oids.emailAddress, make.text('ia5String', make.ascii('jo@leaf.example')))),
  );
  const host = make.dns('leaf.example');
  it.each<[string, Certificate, string[]]>([
    ['servers and clients, where it names nothing', withNames(undefined, plain, host), ['serverAuth', 'clientAuth']],
    ['without any other name too', withNames(undefined, plain), ['serverAuth', 'clientAuth']],
    [
      'mail too, where it has an address',
      withNames(undefined, plain, host, make.email('jo@leaf.example')),
      ['serverAuth', 'clientAuth', 'emailProtection'],
    ],
    [
      'mail too, where its subject has one among others',
      withNames(undefined, addressed, host),
      ['serverAuth', 'clientAuth', 'emailProtection'],
    ],
    ['what it names alone', withNames([server], addressed, host), ['serverAuth']],
    ['nothing, where it is a CA’s', root, []],
  ])('%s', (_, leaf, expected) => expect(usagesOf(leaf).map(({ name }) => name)).toEqual(expected));

  it.each<[string, Usages, readonly number[], boolean]>([
    ['a server’s that names it', [server, client], [1], false],
    ['a server’s that has it left', [server, client], [0], true],
    ['one that names nothing, and has something left', undefined, [1], true],
    ['one that names nothing, and has nothing left', undefined, [], false],
    ['one of its own kind, with one of two left', [own, '1.3.6.1.4.1.32473.4'], [1], true],
    ['one of its own kind, with nothing left', [own], [], false],
  ])('suffice: %s', (_, named, kept, expected) => {
    const leaf = withNames(named, plain, host);
    const usages = usagesOf(leaf);
    const left = usages.filter((_, i) => kept.includes(i));
    expect(isOfUse(leaf, usages, left)).toBe(expected);
  });

  it('are empty without a certificate', () => expect(usagesLeft([])).toEqual([]));
});
