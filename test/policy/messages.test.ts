/** Every message for users, word for word: what was found, what is allowed and what to do. */
import { describe, expect, it } from 'vitest';
import {
  parseAskCaRequest,
  parseOnDemandRequest,
  parseQueueMessage,
  parseRotationRequest,
  parseScanRequest,
  parseShowRequest,
} from '../../lambdas/policy/request.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { explainIssues, formatPath } from '../../lambdas/policy/vocabulary.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';

const longString = 'x'.repeat(3000);
const oneName = 'expected a name, id or ARN on one line, and not a key or a token';

/** Refusals of a schema: the text between "is not valid: " and ". See docs/invoke.md.". */
const refusedBySchema: [string, unknown, string][] = [
  [
    'days',
    { secretId: 's', expiresIn: '30d' },
    '$.expiresIn: found "30d", expected a duration above zero such as 8h30m, or a percentage of the validity such as 33%; d is not a unit, write 720h',
  ],
  ['null', null, '$: found null, expected an object'],
  ['nothing', undefined, '$: missing; expected an object'],
  ['an array', [], '$: found an array, expected an object'],
  ['a short string', 'x', '$: found "x", expected an object'],
  ['a number', 5, '$: found 5, expected an object'],
  ['no secretId', {}, '$.secretId: missing; expected a string'],
  ['an empty secretId', { secretId: '' }, '$.secretId: found an empty string, expected at least 1 character'],
  ['a number as secretId', { secretId: 5 }, '$.secretId: found 5, expected a string'],
  ['a long secretId', { secretId: longString }, '$.secretId: found a string, expected at most 2048 characters'],
  ['a line end in secretId', { secretId: 'a\nb' }, `$.secretId: found a string, ${oneName}`],
  ['a null in secretId', { secretId: 'a\0b' }, `$.secretId: found a string, ${oneName}`],
  [
    'a key as secretId',
    { secretId: `-----BEGIN PRIVATE KEY-----${'A'.repeat(64)}` },
    `$.secretId: found a string, ${oneName}`,
  ],
  ['a key in out', { out: { secretId: '-----BEGIN PRIVATE KEY-----' } }, `$.out.secretId: found a string, ${oneName}`],
  ['another mode', { mode: 'replace' }, '$.mode: found "replace", expected one of "rekey", "renew"'],
  ['an empty mode', { mode: '' }, '$.mode: found an empty string, expected one of "rekey", "renew"'],
  ['21 characters', { mode: 'm'.repeat(21) }, '$.mode: found a string, expected one of "rekey", "renew"'],
  ['20 characters', { mode: 'm'.repeat(20) }, `$.mode: found "${'m'.repeat(20)}", expected one of "rekey", "renew"`],
  ['a line end', { mode: 'a\nb' }, '$.mode: found a string, expected one of "rekey", "renew"'],
  ['a sign first', { mode: '{a' }, '$.mode: found a string, expected one of "rekey", "renew"'],
  ['an array as mode', { mode: ['a'] }, '$.mode: found an array, expected one of "rekey", "renew"'],
  ['a fraction as size', { size: 2048.5 }, '$.size: found 2048.5, expected a whole number'],
  ['a string as size', { size: '2048' }, '$.size: found "2048", expected a number'],
  ['a small size', { size: 1024 }, '$.size: found 1024, expected at least 2048'],
  ['a large size', { size: 16384 }, '$.size: found 16384, expected at most 8192'],
  ['a string as force', { force: 'yes' }, '$.force: found "yes", expected a boolean'],
  ['null as force', { force: null }, '$.force: found null, expected a boolean'],
  ['a field too many', { one: 1 }, '$: unknown field "one"'],
  ['two fields too many', { one: 1, two: 2 }, '$: unknown fields "one", "two"'],
  ['six too many', { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 }, '$: unknown fields "a", "b", "c", "d", "e"'],
  ['an empty out', { out: {} }, '$.out.secretId: missing; expected a string'],
  ['a boolean in out', { out: { secretId: true } }, '$.out.secretId: found true, expected a string'],
  [
    'both keys',
    { privateKey: { secretId: 'a', kmsKeyId: 'b' } },
    '$.privateKey: found an object, expected { "secretId": … } or { "kmsKeyId": … }',
  ],
  [
    'no unit',
    { expiresIn: '8' },
    '$.expiresIn: found "8", expected a duration above zero such as 8h30m, or a percentage of the validity such as 33%',
  ],
  [
    'a percentage as period',
    { rekeyPeriod: '33%' },
    '$.rekeyPeriod: found "33%", expected a duration above zero such as 8h30m, 1.5h or 300ms',
  ],
  [
    'six problems, of which five are reported',
    { mode: 1, kty: 2, curve: 3, size: 'a', out: 4, force: 1 },
    '$.mode: found 1, expected one of "rekey", "renew"; $.kty: found 2, expected one of "EC", "OKP", "RSA"; ' +
      '$.curve: found 3, expected one of "P-256", "P-384", "P-521", "Ed25519"; $.size: found "a", expected a number; ' +
      '$.out: found 4, expected an object',
  ],
];

const keepOne =
  'are both set: the first counts back from the end of the validity, the second from its start. Keep one.';

/** Refusals that no schema expresses: fields that exclude each other. In the terms of each place. */
const refusedTogether: [string, Record<string, unknown>, (name: (field: string) => string) => string][] = [
  [
    'window and period',
    { expiresIn: '8h', rekeyPeriod: '16h' },
    (name) => `${name('expiresIn')} and ${name('rekeyPeriod')} ${keepOne}`,
  ],
  [
    'an empty window',
    { expiresIn: '0s' },
    (name) =>
      `${name('expiresIn')} is "0s": expected a duration above zero such as 8h30m, or a percentage of the validity between 0 and 100 such as 33% (33pct in a tag).`,
  ],
  [
    'an empty period',
    { rekeyPeriod: '0s' },
    (name) => `${name('rekeyPeriod')} is "0s": expected a duration above zero such as 8h30m, 1.5h or 300ms.`,
  ],
  [
    'a curve alone',
    { curve: 'P-256' },
    (name) => `${name('curve')} is set without ${name('kty')}: set the type of key too (EC, OKP or RSA).`,
  ],
  [
    'a size alone',
    { size: 2048 },
    (name) => `${name('size')} is set without ${name('kty')}: set the type of key too (EC, OKP or RSA).`,
  ],
  [
    'EC with a size',
    { kty: 'EC', size: 2048 },
    (name) => `${name('size')} is for RSA only, but ${name('kty')} is EC: remove it, or set ${name('curve')} instead.`,
  ],
  [
    'RSA with a curve',
    { kty: 'RSA', curve: 'P-256' },
    (name) =>
      `${name('curve')} is for EC and OKP only, but ${name('kty')} is RSA: remove it, or set ${name('size')} instead.`,
  ],
  [
    'OKP P-256',
    { kty: 'OKP', curve: 'P-256' },
    (name) => `${name('curve')} is P-256, but ${name('kty')} is OKP: expected Ed25519, or ${name('kty')} EC.`,
  ],
  [
    'EC Ed25519',
    { kty: 'EC', curve: 'Ed25519' },
    (name) =>
      `${name('curve')} is Ed25519, but ${name('kty')} is EC: expected P-256, P-384 or P-521, or ${name('kty')} OKP.`,
  ],
];

const error = (code: string, message: string) => expect.objectContaining({ code, message });
const seeDocs = (what: string, found: string) =>
  error('InvalidRequest', `${what} is not valid: ${found}. See docs/invoke.md.`);

describe('a request', () => {
  it.each(refusedBySchema)('%s', (_, body, found) => {
    const isWhole = typeof body !== 'object' || body === null || Array.isArray(body) || found.includes('secretId: ');
    const input = isWhole && !found.includes('out') ? body : { secretId: 's', ...(body as object) };
    expect(() => parseOnDemandRequest(input)).toThrowError(seeDocs('The request', found));
  });

  it.each(refusedTogether)('%s', (_, fields, message) => {
    const input = { secretId: 's', ...fields };
    expect(() => parseOnDemandRequest(input)).toThrowError(
      error(
        'InvalidRequest',
        message((field) => `$.${field}`),
      ),
    );
  });

  const givenKey = '$.privateKey has a fixed type of key: remove $.kty, $.curve and $.size, or remove $.privateKey.';
  const sameKey =
    '$.mode is renew, which keeps the key: remove $.kty, $.curve, $.size and $.privateKey, or set $.mode to rekey.';
  it.each<[object, string]>([
    [{ kty: 'EC', privateKey: { secretId: 'k' } }, givenKey],
    [{ mode: 'renew', kty: 'EC' }, sameKey],
    [{ mode: 'renew', privateKey: { kmsKeyId: 'k' } }, sameKey],
  ])('%o', (fields, message) => {
    expect(() => parseOnDemandRequest({ secretId: 's', ...fields })).toThrowError(error('InvalidRequest', message));
  });

  it('that is complete', () => {
    const input = {
      secretId: 's',
      mode: 'rekey',
      expiresIn: '8h',
      privateKey: { kmsKeyId: 'k' },
      out: { secretId: 'o' },
      force: true,
      dryRun: true,
    };
    expect(parseOnDemandRequest(input)).toEqual({
      secretId: 's',
      mode: 'rekey',
      timing: { kind: 'expiresIn', window: { kind: 'duration', milliseconds: 28_800_000, text: '8h' } },
      privateKey: { kmsKeyId: 'k' },
      out: { secretId: 'o' },
      force: true,
      dryRun: true,
    });
    expect(parseOnDemandRequest({ secretId: 's' })).toEqual({ secretId: 's', force: false, dryRun: false });
  });
});

describe('the other inputs', () => {
  const none = {
    enqueued: 0,
    notDue: 0,
    paused: 0,
    backingOff: 0,
    waiting: 0,
    invalid: 0,
    unknown: 0,
    overdue: 0,
    profiles: {},
  };
  const continuation = { from: 'token', part: 2, started: 1, sums: none };

  it.each<[unknown, object]>([
    [undefined, { force: false, dryRun: false }],
    [null, { force: false, dryRun: false }],
    [{ profile: 'p' }, { profile: 'p', force: false, dryRun: false }],
    [{ secretIds: ['a'] }, { secretIds: ['a'], force: false, dryRun: false }],
    [
      { profile: 'p', secretIds: ['a'], force: true, dryRun: true },
      { profile: 'p', secretIds: ['a'], force: true, dryRun: true },
    ],
    [{ continuation }, { continuation, force: false, dryRun: false }],
  ])('a scan of %o', (input, request) => expect(parseScanRequest(input)).toStrictEqual(request));

  it.each<[unknown, string]>([
    [{ secretIds: [] }, '$.secretIds: found an array, expected at least 1 entry'],
    [{ secretIds: [''] }, '$.secretIds[0]: found an empty string, expected at least 1 character'],
    [{ secretIds: Array(5001).fill('a') }, '$.secretIds: found an array, expected at most 5000 entries'],
    [{ x: 1 }, '$: unknown field "x"'],
  ])('a scan of %o is refused', (input, found) => {
    expect(() => parseScanRequest(input)).toThrowError(seeDocs('The scan request', found));
  });

  it('a question to the CA of a profile', () => {
    for (const askCa of ['internal', 'authority:issuing']) expect(parseAskCaRequest({ askCa })).toBe(askCa);
    expect(() => parseAskCaRequest({})).toThrowError(seeDocs('The request', '$.askCa: missing; expected a string'));
  });

  it('a question about a secret', () => {
    expect(parseShowRequest({ show: 'web/tls' })).toBe('web/tls');
    expect(() => parseShowRequest({ show: 1 })).toThrowError(
      seeDocs('The request', '$.show: found 1, expected a string'),
    );
    expect(() => parseShowRequest({ show: 'a', secretId: 'a' })).toThrowError(
      seeDocs('The request', '$: unknown field "secretId"'),
    );
    expect(() => parseShowRequest({ show: 'a\nb' })).toThrowError(expect.objectContaining({ code: 'InvalidRequest' }));
  });

  it('a queue message', () => {
    expect(parseQueueMessage('{"secretArn":"a","versionId":"v"}')).toStrictEqual({ secretArn: 'a', versionId: 'v' });
    expect(parseQueueMessage('{"secretArn":"a","versionId":"v","force":false}')).toStrictEqual({
      secretArn: 'a',
      versionId: 'v',
      force: false,
    });
    expect(() => parseQueueMessage('{')).toThrowError(
      expect.objectContaining({
        code: 'InvalidRequest',
        message: 'The queue message is not JSON: expected a message of the scan function.',
        cause: expect.any(SyntaxError),
      }),
    );
    expect(() => parseQueueMessage('{"secretArn":"a","versionId":""}')).toThrowError(
      seeDocs('The queue message', '$.versionId: found an empty string, expected at least 1 character'),
    );
  });

  it('a step of rotation', () => {
    const event = { Step: 'finish_secret', SecretId: 'a', ClientRequestToken: 't'.repeat(64) };
    expect(parseRotationRequest(event)).toEqual({ step: 'finishSecret', secretId: 'a', token: 't'.repeat(64) });
    for (const Step of ['toString', 'CreateSecret']) {
      expect(() => parseRotationRequest({ ...event, Step })).toThrowError(
        error(
          'InvalidRequest',
          'The rotation event names an unknown step: expected createSecret, setSecret, testSecret or finishSecret.',
        ),
      );
    }
    expect(() => parseRotationRequest({ ...event, ClientRequestToken: 't'.repeat(31) })).toThrowError(
      seeDocs('The rotation event', '$.ClientRequestToken: found a string, expected at least 32 characters'),
    );
  });
});

describe('a tag', () => {
  const tagged = (texts: Record<string, unknown>) =>
    readTagSettings(new Map(Object.entries(texts).map(([name, value]) => [`cert-renewer:${name}`, String(value)])));
  const tagNames: Record<string, string> = { expiresIn: 'expires-in', rekeyPeriod: 'rekey-period' };

  it.each(refusedTogether)('%s', (_, fields, message) => {
    const texts = Object.fromEntries(Object.entries(fields).map(([field, value]) => [tagNames[field] ?? field, value]));
    const name = (field: string) => `cert-renewer:${tagNames[field] ?? field}`;
    expect(() => tagged(texts)).toThrowError(error('InvalidTag', message(name)));
  });

  const size = 'expected a whole number from 2048 to 8192';
  it.each<[Record<string, string>, string]>([
    [{ paused: 'yes' }, 'cert-renewer:paused is "yes": expected one of "true", "false"'],
    [{ kty: 'RSA', size: '2048x' }, `cert-renewer:size is "2048x": ${size}`],
    [{ kty: 'RSA', size: 'x2048' }, `cert-renewer:size is "x2048": ${size}`],
    [{ kty: 'RSA', size: '' }, `cert-renewer:size is "": ${size}`],
    [{ kty: 'RSA', size: '1234567' }, `cert-renewer:size is "1234567": ${size}`],
    [{ kty: 'RSA', size: '1024' }, 'cert-renewer:size is "1024": expected at least 2048'],
    [{ kty: '12' }, 'cert-renewer:kty is "12": expected one of "EC", "OKP", "RSA"'],
    [
      { 'rekey-period': '' },
      'cert-renewer:rekey-period is "": expected a duration above zero such as 8h30m, 1.5h or 300ms',
    ],
  ])('%o', (texts, found) => {
    expect(() => tagged(texts)).toThrowError(error('InvalidTag', `The tag ${found}. Correct or remove it.`));
  });

  it('that is valid', () => {
    expect(tagged({})).toStrictEqual({ paused: false });
    expect(tagged({ paused: 'false', mode: 'renew' })).toStrictEqual({ mode: 'renew', paused: false });
    expect(tagged({ paused: 'true', kty: 'RSA', size: '3072' })).toStrictEqual({
      key: { kty: 'RSA', size: 3072 },
      paused: true,
    });
  });
});

describe("a profile's parameter", () => {
  const ca = { type: 'step-ca', url: 'https://ca:9000', root: 'PEM' };
  const read = (document: object) => parseProfile('p', JSON.stringify(document));

  it('that is valid', () => {
    expect(read({ ca })).toStrictEqual({ name: 'p', ca, mode: 'rekey', paused: false });
    expect(read({ ca, mode: 'renew', paused: true, passwordSecretId: 'pw' })).toStrictEqual({
      name: 'p',
      ca,
      mode: 'renew',
      passwordSecretId: 'pw',
      paused: true,
    });
  });

  it.each(refusedTogether)('%s', (_, fields, message) => {
    expect(() => read({ ca, ...fields })).toThrowError(
      error(
        'InvalidRequest',
        message((field) => `profile.${field}`),
      ),
    );
  });

  it('that only a broken deployment can write', () => {
    expect(() => parseProfile('p', '{')).toThrowError(
      expect.objectContaining({
        code: 'Internal',
        message: 'The SSM parameter of profile p is not JSON: deploy the stack again.',
        cause: expect.any(SyntaxError),
      }),
    );
    expect(() => read({ ca: { ...ca, url: 'http://ca' } })).toThrowError(
      error(
        'Internal',
        'The SSM parameter of profile p is not a profile (profile.ca.url: found "http://ca", expected an https:// URL without query): deploy the stack again.',
      ),
    );
    for (const [document, says] of [
      [{}, 'profile.ca: missing; expected an object'],
      [{ ca: null }, 'profile.ca: found null, expected an object'],
      [{ ca: { ...ca, root: 5 } }, 'profile.ca.root: found 5, expected a string'],
      [{ ca: { ...ca, root: '' } }, 'profile.ca.root: found an empty string, expected at least 1 character'],
      [{ ca: { type: 'other' } }, 'profile.ca.type: expected one of "step-ca", "offline", "infisical", "acme"'],
    ] as const) {
      const message = `The SSM parameter of profile p is not a profile (${says}): deploy the stack again.`;
      expect(() => read(document)).toThrowError(error('Internal', message));
    }
  });
});

describe('the path of a problem', () => {
  it.each<[string, PropertyKey[], string]>([
    ['$', [], '$'],
    ['$', ['profiles', 'internal', 'hooks', 3], '$.profiles.internal.hooks[3]'],
    ['$', ['a-b'], '$["a-b"]'],
    ['$', ['1a'], '$["1a"]'],
    ['$', ['a b', 'c'], '$["a b"].c'],
    ['', ['a', 'b'], 'a.b'],
  ])('%s %o', (root, path, text) => expect(formatPath(root, path)).toBe(text));

  it('is followed by the schema’s own message if nothing else is known', () => {
    expect(explainIssues([{ code: 'custom', path: ['a'], message: 'expected b', input: {} }], '$')).toBe(
      '$.a: found an object, expected b',
    );
  });
});
