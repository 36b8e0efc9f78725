/** schemas/*.schema.json: up to date, and with the same decisions as the function that validates. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueCodes, skipCodes } from '../../lambdas/domain/decision.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { answerJsonSchema, requestJsonSchema } from '../../lambdas/policy/json-schema.ts';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';
import { checkAnswer, isRequest } from '../support/answer.ts';

it.each([
  ['renew-request', requestJsonSchema],
  ['renew-answer', answerJsonSchema],
])('schemas/%s.schema.json is up to date (npm run schema)', (name, make) => {
  const file = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(make())));
});

function isParsed(request: unknown): boolean {
  try {
    parseOnDemandRequest(request);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(RenewalError);
    return false;
  }
}

describe('the schema of a request', () => {
  const optional = <T>(...values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
  const field = {
    secretId: fc.constantFrom<unknown>('web/tls', '', 7, undefined),
    mode: optional('rekey', 'renew', 'reissue'),
    expiresIn: optional('8h', '8h30m', '33%', '33pct', '99.9%', '-8h', '8', 'soon', '1d'),
    rekeyPeriod: optional('16h', '.5h', '33%'),
    kty: optional('EC', 'OKP', 'RSA', 'ec', 'oct'),
    curve: optional('P-256', 'P-384', 'P-521', 'Ed25519', 'P-224'),
    size: optional<unknown>(2048, 3072, 8192, 1024, 8193, 2048.5, '2048'),
    privateKey: optional<unknown>(
      { secretId: 's' },
      { kmsKeyId: 'k' },
      { secretId: 's', kmsKeyId: 'k' },
      {},
      'PEM',
      null,
    ),
    out: optional<unknown>({ secretId: 's' }, { secretId: '' }, { name: 's' }),
    force: optional<unknown>(true, false, 'yes'),
    dryRun: optional<unknown>(true, 1),
    url: fc.option(fc.constant('https://ca.example'), { nil: undefined, freq: 20 }),
  };
  const withoutGaps = (record: object) =>
    Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

  it('accepts and refuses the same as the function, for any mix of good and bad fields', () => {
    const seen = { accepted: 0, refused: 0 };
    const few = fc.shuffledSubarray(
      Object.keys(field).filter((name) => name !== 'secretId'),
      { maxLength: 3 },
    );
    const requests = fc.tuple(fc.record(field), few).map(([record, chosen]) => {
      return withoutGaps(
        Object.fromEntries(Object.entries(record).filter(([name]) => name === 'secretId' || chosen.includes(name))),
      );
    });
    fc.assert(
      fc.property(requests, (request) => {
        const accepted = isParsed(request);
        seen[accepted ? 'accepted' : 'refused']++;
        expect(isRequest(request)).toBe(accepted);
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(200);
  });

  it.each([undefined, null, [], 'web/tls', 7])('refuses %j, as the function does', (request) => {
    expect(isParsed(request)).toBe(false);
    expect(isRequest(request)).toBe(false);
  });

  /** Rules that a pattern can't express. The function has the final decision. */
  it.each(['0s', '0%', '100%', '999999999h'])('leaves expiresIn %s to the function', (expiresIn) => {
    expect(isParsed({ secretId: 's', expiresIn })).toBe(false);
  });

  it('describes every field', () => {
    const { properties } = requestJsonSchema();
    for (const [name, node] of Object.entries(properties as Record<string, { description?: string }>)) {
      expect(node.description, name).toMatch(/\.$/);
    }
  });
});

describe('the schema of an answer', () => {
  const answer = {
    outcome: 'rekeyed',
    reason: { code: 'Requested', message: 'Requested on demand.' },
    warnings: [],
    secretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:web/tls-AbCdEf',
    versionId: 'cert-renewer-0',
    previousVersionId: null,
    profile: 'internal',
    subject: 'CN=web.example',
    sans: ['dns:web.example'],
    serialNumber: '0a',
    previousSerialNumber: null,
    notBefore: '2026-11-22T08:00:00Z',
    notAfter: '2026-11-23T08:00:00Z',
    renewAt: '2026-11-23T00:00:00Z',
    keyAlgorithm: 'EC P-256',
    fingerprintSha256: 'ab'.repeat(32),
  };

  it('accepts one, and one with out', () => {
    checkAnswer(answer);
    checkAnswer({ ...answer, out: { secretArn: 'arn', versionId: 'cert-renewer-1' } });
    for (const code of [...dueCodes, ...skipCodes]) checkAnswer({ ...answer, reason: { code, message: '' } });
  });

  it.each([
    ['a field less', { versionId: undefined }],
    ['a field more', { privateKey: 'x' }],
    ['a time with milliseconds', { notAfter: '2026-11-23T08:00:00.000Z' }],
    ['a serial number in capitals', { serialNumber: '0A' }],
    ['a serial number of half a byte', { serialNumber: 'a' }],
    ['a reason that is none', { reason: { code: 'Because', message: '' } }],
    ['an outcome that is none', { outcome: 'done' }],
    ['a SAN without its kind', { sans: ['web.example'] }],
    ['a fingerprint with colons', { fingerprintSha256: 'AB:CD' }],
  ])('refuses %s', (_, spoilt) => {
    expect(() => checkAnswer(JSON.parse(JSON.stringify({ ...answer, ...spoilt })))).toThrow(/its schema/);
  });
});
