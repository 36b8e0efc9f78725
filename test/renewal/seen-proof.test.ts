/** Unit tests of the proof before the promotion: limits and messages. */
import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { parseAnswer, verifyIssued } from '../../lambdas/renewal/steps/5-verify.ts';
import { parseCertificate, parseIssuer } from '../../lambdas/x509/certificate.ts';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import { commonNameOnly, extension, octets, spkiOf } from '../../testkit/certificates/index.ts';
import { freshDates, hour, newKey, pairOf, start, World } from './world.ts';

const day = 24 * hour;
const rejected = (message: unknown) => ({ name: 'CertificateRejected', message });
const saying = (text: string) => rejected(expect.stringContaining(text));

/** A certificate in use, and a CA's answer for the same key. */
function scene(world: World, before: { notBefore: number; notAfter: number } = freshDates) {
  const key = newKey();
  const make = (dates: { notBefore: number; notAfter: number }, name = 'leaf.example') =>
    parseCertificate(world.ca.issueLeaf({ key, subject: commonNameOnly(name), ...dates }).leaf);
  const leaf = make(before);
  const chain = [parseIssuer(world.ca.hierarchy.intermediate)];
  const roots = [parseIssuer(world.ca.hierarchy.root)];
  interface Terms {
    readonly orEqual?: boolean;
    readonly spki?: Uint8Array;
    readonly pool?: readonly Certificate[];
    readonly roots?: readonly Certificate[];
  }
  const judge = (after: Certificate, more: Terms = {}) =>
    verifyIssued(
      { leaf: after, pool: more.pool ?? chain },
      {
        wanted: {
          content: { kind: 'as it is', leaf, chain },
          key: { kind: 'same' },
          end: { laterThan: leaf.notAfter, orEqual: more.orEqual ?? false },
        },
        spki: more.spki ?? spkiOf(key),
        roots: more.roots ?? roots,
      },
      start,
    );
  return { key, leaf, make, judge };
}

describe('the start of a new certificate', () => {
  it('may be a minute ahead, and is waited for', () => {
    const { make, judge } = scene(new World());
    const found = judge(make({ notBefore: start + 60_000, notAfter: start + 30 * hour }));
    expect(found).toMatchObject({ validFrom: start + 60_000, end: start + 30 * hour, warnings: [] });
  });

  it('is now if the certificate is valid already', () => {
    const { make, judge } = scene(new World());
    expect(judge(make({ notBefore: start - hour, notAfter: start + 30 * hour })).validFrom).toBe(start);
  });

  it('must not be later, and the message has both times', () => {
    const { make, judge } = scene(new World());
    const after = make({ notBefore: start + 61_000, notAfter: start + 30 * hour });
    expect(() => judge(after)).toThrow(
      expect.objectContaining(
        saying('notBefore: 2026-11-22T12:01:01Z is more than a minute later than now, 2026-11-22T12:00:00Z'),
      ),
    );
  });
});

describe('the validity of a new certificate', () => {
  const lasting = (length: number) => ({ notBefore: start, notAfter: start + length });

  it.each([
    ['ten times as long, and longer than 825 days', 90 * day, 900 * day],
    ['825 days, however short the old one was', hour, 825 * day],
  ])('is accepted: %s', (_, was, came) => {
    const { make, judge } = scene(new World(), { notBefore: start - hour, notAfter: start - hour + was });
    expect(judge(make(lasting(came))).end).toBe(start + came);
  });

  it('is refused above both 825 days and ten times the old one, in days', () => {
    const { make, judge } = scene(new World(), { notBefore: start - hour, notAfter: start - hour + 36 * hour });
    expect(() => judge(make(lasting(825 * day + 1000)))).toThrow(
      expect.objectContaining(saying('validity: 826 days, but it was 2')),
    );
  });
});

describe('the end of a new certificate', () => {
  const same = { notBefore: start, notAfter: freshDates.notAfter };

  it('must be later', () => {
    const { make, judge } = scene(new World());
    const text =
      'notAfter: the new end 2026-11-23T11:00:00Z is not later than the present one, 2026-11-23T11:00:00Z. Check';
    expect(() => judge(make(same))).toThrow(expect.objectContaining(saying(text)));
  });

  it('may be the same with force, with a warning', () => {
    const { make, judge } = scene(new World());
    expect(judge(make(same), { orEqual: true }).warnings).toEqual([
      {
        code: 'NotExtended',
        message: 'Forced: the new end 2026-11-23T11:00:00Z is not later than the present one, 2026-11-23T11:00:00Z.',
      },
    ]);
  });

  it('must not be earlier, even with force', () => {
    const { make, judge } = scene(new World());
    const after = make({ ...same, notAfter: same.notAfter - 1000 });
    expect(() => judge(after, { orEqual: true })).toThrow(expect.objectContaining(saying('notAfter: ')));
  });
});

describe('a refusal', () => {
  it('has one sentence for a chain that leads to no root', () => {
    const { make, judge } = scene(new World());
    const after = make({ notBefore: start, notAfter: start + 30 * hour });
    const path = verifyPath(after, [], [], start);
    const problem = path.ok ? '' : path.problem.replace(/\.$/, '');
    expect(() => judge(after, { pool: [], roots: [] })).toThrow(
      expect.objectContaining(saying(`the secret was not changed: chain: ${problem}. Check`)),
    );
  });

  it.each([4, 5, 6, 7])('counts what it leaves out: of %d problems', (count) => {
    const { make, judge } = scene(new World());
    const after = make({ notBefore: start, notAfter: start + 30 * hour });
    const odd = Array.from({ length: count }, (_, n) => extension(`1.2.3.4.${n}`, octets(Uint8Array.of(n))));
    const message = (() => {
      try {
        judge({ ...after, extensions: [...after.extensions, ...odd] });
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return '';
    })();
    const more = /; and (\d+) more\. Check/.exec(message)?.[1];
    expect(more).toBe(count > 5 ? String(count - 5) : undefined);
  });

  it('names the key', () => {
    const { make, judge } = scene(new World());
    const after = make({ notBefore: start, notAfter: start + 30 * hour });
    expect(() => judge(after, { spki: spkiOf(newKey()) })).toThrow(
      expect.objectContaining(saying('so the secret was not changed: public key: not the requested one. Check')),
    );
  });

  it('lists five problems, with semicolons between, and counts the others', () => {
    const world = new World();
    const { make, judge } = scene(world);
    const usual = make({ notBefore: start, notAfter: start + 30 * hour });
    const evil = make({ notBefore: start + 2 * hour, notAfter: start + 3000 * day }, 'evil.example');
    const problems = (after: Certificate, spki: Uint8Array) => {
      try {
        judge(after, { spki });
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return '';
    };
    const all = problems({ ...evil, extensions: [] }, spkiOf(newKey()));
    const listed = all.replace(/^.*?the secret was not changed: /, '').replace(/; and \d+ more\. .*$/, '');
    expect(listed.split('; ')).toHaveLength(5);
    expect(all).toMatch(/; and [1-9] more\. Check the CA's templates and policies\.$/);
    const few = problems(usual, spkiOf(newKey()));
    expect(few).not.toContain('more.');
  });
});

describe('a CA’s own certificate', () => {
  it('may have any validity that its issuer allows', () => {
    const world = new World();
    const { leaf, make, judge } = scene(world, { notBefore: start - hour, notAfter: start + hour });
    Object.assign(leaf, { isCa: true });
    const message = (() => {
      try {
        judge(make({ notBefore: start, notAfter: start + 900 * day }));
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return '';
    })();
    expect(message).not.toContain('validity');
  });
});

describe('a CA’s answer', () => {
  const answer = (count: number) => {
    const world = new World();
    const { leaf } = pairOf(world.store.value(world.enrol()));
    return [leaf.der, ...Array.from({ length: count - 1 }, () => world.ca.hierarchy.intermediate)];
  };

  it('may have fifty certificates', () => {
    expect(parseAnswer(answer(50)).pool).toHaveLength(49);
  });

  it.each<[string, readonly Uint8Array[], string]>([
    ['fifty-one', answer(51), 'chain: 51 certificates, but at most 50 are allowed'],
    ['none', [], 'chain: it is empty'],
    [
      'no certificate',
      [Uint8Array.of(0x30, 0x03, 1, 2, 3)],
      "The CA's answer contains something that is not a certificate: ",
    ],
  ])('is refused if it is %s', (_, certificates, text) => {
    expect(() => parseAnswer(certificates)).toThrow(expect.objectContaining(saying(text)));
  });

  it('keeps the reason why a certificate could not be read', () => {
    expect(() => parseAnswer([Uint8Array.of(0x30, 0x03, 1, 2, 3)])).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'InvalidCertificate' }) }),
    );
  });
});
