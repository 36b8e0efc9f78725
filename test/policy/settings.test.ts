import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { parseOnDemandRequest, parseQueueMessage, parseScanRequest } from '../../lambdas/policy/request.ts';
import { invalidSettingTags, readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';
import { internal } from './scenes.ts';

const tagged = (texts: Record<string, string>) =>
  readTagSettings(new Map(Object.entries(texts).map(([name, value]) => [`cert-renewer:${name}`, value])));

describe('invalidSettingTags', () => {
  it.each([
    ['valid ones', { mode: 'renew', 'expires-in': '8h', kty: 'RSA', size: '4096', paused: 'true' }, []],
    ['days', { 'expires-in': '30d', mode: 'renew' }, ['expires-in']],
    ['two in one group', { 'expires-in': '8h', 'rekey-period': '8h' }, ['expires-in', 'rekey-period']],
    ['a curve of RSA', { kty: 'RSA', curve: 'P-256', 'expires-in': '8h' }, ['kty', 'curve']],
    ['a size without a type', { size: '4096' }, ['size']],
    ['a valid window beside a bad period', { 'expires-in': '8h', 'rekey-period': 'soon' }, ['rekey-period']],
    ['a valid type beside a bad size', { kty: 'RSA', size: '4k' }, ['size']],
    ['a bad type, without which a curve is not valid', { kty: 'DSA', curve: 'P-256' }, ['kty', 'curve']],
    ['several', { mode: 'reissue', paused: 'yes' }, ['mode', 'paused']],
  ])('%s', (_, texts, invalid) => {
    const given = new Map(Object.entries(texts).map(([name, value]) => [`cert-renewer:${name}`, value]));
    const found = invalidSettingTags(given);
    expect(found).toEqual(invalid.map((name) => `cert-renewer:${name}`));
    for (const tag of found) given.delete(tag);
    expect(() => readTagSettings(given)).not.toThrow();
  });
});

/** The same settings in each of the three places: field by field, and their effect. */
const wishes = [
  { name: 'nothing', fields: {}, ok: true },
  { name: 'a window', fields: { expiresIn: '8h30m' }, ok: true },
  { name: 'a percentage', fields: { expiresIn: '33pct' }, ok: true },
  { name: 'a period', fields: { rekeyPeriod: '16h' }, ok: true },
  { name: 'a window and a period', fields: { expiresIn: '8h', rekeyPeriod: '16h' }, ok: false },
  { name: 'a negative window', fields: { expiresIn: '-8h' }, ok: false },
  { name: 'an empty window', fields: { expiresIn: '0s' }, ok: false },
  { name: 'a window without unit', fields: { expiresIn: '8' }, ok: false },
  { name: 'all of the validity', fields: { expiresIn: '100pct' }, ok: false },
  { name: 'a percentage as period', fields: { rekeyPeriod: '33pct' }, ok: false },
  { name: 'EC', fields: { kty: 'EC' }, ok: true, key: { kty: 'EC', curve: 'P-256' } },
  { name: 'EC P-521', fields: { kty: 'EC', curve: 'P-521' }, ok: true, key: { kty: 'EC', curve: 'P-521' } },
  { name: 'OKP', fields: { kty: 'OKP' }, ok: true, key: { kty: 'OKP', curve: 'Ed25519' } },
  { name: 'OKP Ed25519', fields: { kty: 'OKP', curve: 'Ed25519' }, ok: true, key: { kty: 'OKP', curve: 'Ed25519' } },
  { name: 'RSA', fields: { kty: 'RSA' }, ok: true, key: { kty: 'RSA', size: 2048 } },
  { name: 'RSA 8192', fields: { kty: 'RSA', size: 8192 }, ok: true, key: { kty: 'RSA', size: 8192 } },
  { name: 'RSA 1024', fields: { kty: 'RSA', size: 1024 }, ok: false },
  { name: 'RSA 16384', fields: { kty: 'RSA', size: 16384 }, ok: false },
  { name: 'RSA with a curve', fields: { kty: 'RSA', curve: 'P-256' }, ok: false },
  { name: 'EC with a size', fields: { kty: 'EC', size: 2048 }, ok: false },
  { name: 'OKP with a size', fields: { kty: 'OKP', size: 2048 }, ok: false },
  { name: 'OKP P-256', fields: { kty: 'OKP', curve: 'P-256' }, ok: false },
  { name: 'EC Ed25519', fields: { kty: 'EC', curve: 'Ed25519' }, ok: false },
  { name: 'a curve alone', fields: { curve: 'P-256' }, ok: false },
  { name: 'a size alone', fields: { size: 4096 }, ok: false },
  { name: 'lower case', fields: { kty: 'ec' }, ok: false },
  { name: 'P-224', fields: { kty: 'EC', curve: 'P-224' }, ok: false },
  { name: 'an unknown mode', fields: { mode: 'replace' }, ok: false },
  { name: 'renew', fields: { mode: 'renew' }, ok: true },
] as const;

const tagName: Record<string, string> = { expiresIn: 'expires-in', rekeyPeriod: 'rekey-period' };

const places = {
  tag: (fields: Record<string, unknown>) =>
    tagged(
      Object.fromEntries(Object.entries(fields).map(([field, value]) => [tagName[field] ?? field, String(value)])),
    ),
  request: (fields: Record<string, unknown>) => parseOnDemandRequest({ secretId: 's', ...fields }),
  profile: (fields: Record<string, unknown>) =>
    parseProfile('p', JSON.stringify({ ca: { type: 'step-ca', url: 'https://ca:9000', root: 'PEM' }, ...fields })),
};
const codes = { tag: 'InvalidTag', request: 'InvalidRequest', profile: /InvalidRequest|Internal/ };

describe.each(['tag', 'request', 'profile'] as const)('one vocabulary: the %s', (place) => {
  it.each(wishes)('$name', (wish) => {
    const read = () => places[place](wish.fields);
    if (!wish.ok) {
      const code = expect.stringMatching(codes[place]);
      expect(read).toThrowError(
        expect.objectContaining({
          code,
          message: expect.stringMatching(/expected|remove|Keep one|set the type/i),
        }),
      );
      return;
    }
    const settings = read();
    expect(settings.key).toEqual('key' in wish ? wish.key : undefined);
    expect(settings.timing?.kind).toBe(
      'expiresIn' in wish.fields ? 'expiresIn' : 'rekeyPeriod' in wish.fields ? 'rekeyPeriod' : undefined,
    );
  });
});

describe('the tags', () => {
  it('report a problem with their own names', () => {
    expect(() => tagged({ 'expires-in': 'soon' })).toThrowError(/^The tag cert-renewer:expires-in is "soon": expected/);
    expect(() => tagged({ size: 'huge', kty: 'RSA' })).toThrowError(/^The tag cert-renewer:size is "huge": expected/);
    expect(() => tagged({ paused: 'maybe' })).toThrowError(/cert-renewer:paused.*"true"/);
  });

  it('pause', () => {
    expect(tagged({ paused: 'true' }).paused).toBe(true);
    expect(tagged({ paused: 'false' }).paused).toBe(false);
  });

  it('without our prefix are ignored', () => {
    expect(
      readTagSettings(
        new Map([
          ['Role', 'web'],
          ['__proto__', 'x'],
        ]),
      ),
    ).toEqual({ paused: false });
  });
});

describe('priority', () => {
  const profile = parseProfile(
    'p',
    JSON.stringify({
      ca: { type: 'step-ca', url: 'https://ca', root: 'PEM' },
      mode: 'renew',
      expiresIn: '1h',
      kty: 'RSA',
      size: 4096,
    }),
  );

  it('request over tag over profile, for each setting by itself', () => {
    const tag = tagged({ 'rekey-period': '2h', kty: 'EC' });
    expect(resolveSettings(undefined, tagged({}), profile)).toMatchObject({
      mode: 'renew',
      timingSource: 'profile',
      key: { size: 4096 },
      keySource: 'profile',
    });
    expect(resolveSettings(undefined, tag, profile)).toMatchObject({
      timing: { kind: 'rekeyPeriod' },
      timingSource: 'tag',
      key: { kty: 'EC', curve: 'P-256' },
      keySource: 'tag',
    });
    const request = parseOnDemandRequest({ secretId: 's', mode: 'rekey', expiresIn: '50%' });
    expect(resolveSettings(request, tag, profile)).toMatchObject({
      mode: 'rekey',
      modeSource: 'request',
      timing: { kind: 'expiresIn', window: { percent: 50 } },
      timingSource: 'request',
      key: { kty: 'EC' },
    });
  });

  it('a third and the present key by default', () => {
    const settings = resolveSettings(undefined, tagged({}), internal);
    expect(settings).toEqual({
      mode: 'rekey',
      modeSource: 'profile',
      timingSource: 'default',
      keySource: 'default',
      paused: false,
    });
  });
});

describe('an input', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'web'],
    ['an array', []],
    ['no secretId', {}],
    ['an empty secretId', { secretId: '' }],
    ['an unknown field', { secretId: 's', url: 'https://evil' }],
    ['a prototype', JSON.parse('{"secretId":"s","__proto__":{"force":true}}')],
    ['force as text', { secretId: 's', force: 'true' }],
    ['a size as text', { secretId: 's', kty: 'RSA', size: '2048' }],
    ['renew with kty', { secretId: 's', mode: 'renew', kty: 'EC' }],
    ['renew with a key', { secretId: 's', mode: 'renew', privateKey: { secretId: 'k' } }],
    ['a key with kty', { secretId: 's', privateKey: { kmsKeyId: 'k' }, kty: 'EC' }],
    ['two given keys', { secretId: 's', privateKey: { kmsKeyId: 'k', secretId: 's' } }],
  ])('%s is InvalidRequest', (_, input) => {
    expect(() => parseOnDemandRequest(input)).toThrowError(
      expect.objectContaining({ code: 'InvalidRequest', name: 'InvalidRequest' }),
    );
  });

  it('of the schedule is {}', () => {
    expect(parseScanRequest({})).toEqual({ force: false, dryRun: false });
    expect(() => parseScanRequest({ dryrun: true })).toThrowError(/unknown field "dryrun"/);
  });

  it('of the queue has its own fields only', () => {
    expect(parseQueueMessage('{"secretArn":"a","versionId":"v","force":true}')).toEqual({
      secretArn: 'a',
      versionId: 'v',
      force: true,
    });
    for (const body of ['', '{', '[]', '{"secretArn":"a"}', '{"secretArn":"a","versionId":"v","mode":"renew"}']) {
      expect(() => parseQueueMessage(body)).toThrowError(expect.objectContaining({ code: 'InvalidRequest' }));
    }
  });

  it('with a wrong tag lists the tag keys that exist', () => {
    expect(Object.values(tags).every((tag) => tag.startsWith('cert-renewer:'))).toBe(true);
  });
});
