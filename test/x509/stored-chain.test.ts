import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { chainToStore, usagesLost } from '../../lambdas/x509/stored-chain.ts';
import { basicConstraints, day, extension, issue, keyUsage, now, party } from './issue.ts';

const [oldRoot, newRoot, interCa, server] = [party('Old Root'), party('New Root'), party('Inter'), party('leaf')];
const root = issue(newRoot, newRoot, { ca: true, days: 1000 });
const inter = issue(newRoot, interCa, { ca: true, days: 300 });
const cross = issue(oldRoot, newRoot, { ca: true, days: 500 });
const leaf = issue(interCa, server, { days: 10 });

describe('the chain that is stored with a leaf', () => {
  it.each<[string, Certificate[], Certificate[], Certificate[], Certificate[], Certificate | undefined]>([
    ['its path without the root', [leaf, inter, root], [inter], [root], [inter], root],
    ['once, though the CA sent it twice', [leaf, inter, root], [inter, inter], [root], [inter], root],
    ['the trusted one, where that is no root', [leaf, inter], [inter], [inter], [inter], undefined],
    ['nothing, where the leaf itself is trusted', [leaf], [], [leaf], [], undefined],
    ['a cross certificate behind it', [leaf, inter, root], [inter, cross], [root], [inter, cross], root],
    ['a cross certificate, whichever came first', [leaf, inter, root], [cross, inter], [root], [inter, cross], root],
    [
      'and no stranger',
      [leaf, inter, root],
      [inter, issue(party('X'), party('Y'), { ca: true })],
      [root],
      [inter],
      root,
    ],
  ])('%s', (_, path, pool, roots, chain, trusted) => {
    expect(chainToStore(path, leaf, pool, roots, now)).toEqual({ chain, root: trusted });
  });
});

describe('the usages that a new path takes away', () => {
  const { serverAuth, clientAuth } = oids;
  const usages = (...named: string[]) =>
    extension(oids.extendedKeyUsage, d.sequence(...named.map((each) => d.oid(each))));
  const caOf = (...named: string[]) =>
    issue(newRoot, interCa, {
      extensions: [basicConstraints(true), keyUsage(5, 6), ...(named.length > 0 ? [usages(...named)] : [])],
    });
  const [both, serverOnly] = [caOf(), caOf(serverAuth)];
  const before = issue(interCa, server, { extensions: [keyUsage(0), usages(serverAuth, clientAuth)], days: 10 });
  const ended = issue(interCa, server, {
    extensions: [keyUsage(0), usages(serverAuth, clientAuth)],
    ...{ notBefore: d.time(now - 9 * day), notAfter: d.time(now - day) },
  });
  const aged = issue(newRoot, interCa, { ca: true, notBefore: d.time(now - 9 * day), days: -0.5 });
  const oldRootNow = issue(newRoot, newRoot, { ca: true, notBefore: d.time(now - 99 * day), days: 1000 });

  it.each<[string, Certificate, Certificate[], Certificate[], string[]]>([
    ['none, if both stay', before, [both], [before, both, root], []],
    ['those that the new one does not allow', before, [both], [before, serverOnly, root], ['clientAuth']],
    ['none that today’s took away already', before, [serverOnly], [before, serverOnly, root], []],
    ['none, if today’s path is unknown', before, [], [before, serverOnly, root], []],
    ['by its path before its end', ended, [aged], [ended, serverOnly, oldRootNow], ['clientAuth']],
  ])('%s', (_, certificate, chain, path, lost) => {
    expect(usagesLost(certificate, chain, path, [oldRootNow, root], now)).toEqual(lost);
  });
});
