/** Unit tests of the plan for the next key: every refused combination, with its message. */
import { describe, expect, it } from 'vitest';
import type { Settings } from '../../lambdas/domain/settings.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { type KeyInput, planKey } from '../../lambdas/renewal/next-key.ts';
import { freshDates, newKey, pairOf, World } from './world.ts';

const world = new World();
const { leaf, key: present } = pairOf(world.store.value(world.enrol(freshDates)));
const usual: Settings = {
  ...{ mode: 'rekey', modeSource: 'profile', timingSource: 'profile', keySource: 'profile', paused: false },
} as const;
const other = localSigner(newKey());
const inKms: Signer = { ...other, kmsKeyArn: 'arn:aws:kms:us-east-1:1:key/k' };

interface Facts {
  readonly key?: KeyInput['content']['key'];
  readonly shape?: KeyInput['content']['shape'];
  readonly rekeysInKms?: boolean;
  readonly leaf?: Partial<KeyInput['leaf']>;
}
const atHand = { kind: 'private', privateKey: present } as const;
const kms = { kind: 'kms', keyId: 'arn:aws:kms:us-east-1:1:key/old' } as const;
const subject = ({ key = atHand, shape = 'json-camel', rekeysInKms = false, leaf: more }: Facts = {}): KeyInput => ({
  leaf: { ...leaf, ...more },
  content: { key, shape },
  provider: { can: { ...world.ca.can, rekeysInKms } },
});
const refusal = (facts: Facts, settings: Partial<Settings>, given?: Signer) => {
  try {
    planKey(subject(facts), { ...usual, ...settings }, given);
  } catch (error) {
    return error;
  }
  return undefined;
};
const p256 = { kty: 'EC', curve: 'P-256' } as const;

describe('the key is', () => {
  it('a new one of the same kind for rekey, the same for renew', () => {
    expect(planKey(subject(), usual)).toEqual({ key: { kind: 'new', spec: p256 }, warnings: [] });
    expect(planKey(subject(), { ...usual, mode: 'renew' })).toEqual({ key: { kind: 'same' }, warnings: [] });
  });

  it('of the requested kind', () => {
    const spec = { kty: 'RSA', size: 3072 } as const;
    expect(planKey(subject(), { ...usual, key: spec, keySource: 'tag' }).key).toEqual({ kind: 'new', spec });
  });

  it.each<[string, Facts]>([
    ['in KMS', { key: kms }],
    ['held by the CA', { key: { kind: 'none' } }],
    ['a CA’s', { leaf: { isCa: true } }],
  ])('the same if it is %s, although the profile says rekey', (_, facts) => {
    expect(planKey(subject(facts), usual)).toEqual({ key: { kind: 'same' }, warnings: [] });
  });

  it('a stronger one if it is weak, also for renew, with a warning', () => {
    const facts = { leaf: { keySpec: { kty: 'RSA', size: 1024 } } } as const;
    for (const mode of ['rekey', 'renew'] as const) {
      expect(planKey(subject(facts), { ...usual, mode })).toEqual({
        key: { kind: 'new', spec: { kty: 'RSA', size: 2048 } },
        warnings: [
          { code: 'KeyUpgraded', message: 'The present key, RSA 1024, is too weak: the new key is RSA 2048.' },
        ],
      });
    }
  });

  it('the given one', () => {
    expect(planKey(subject(), usual, other)).toEqual({ key: { kind: 'given', signer: other }, warnings: [] });
  });

  it.each(['json-camel', 'json-snake', 'json-tls'] as const)(
    'one in KMS, if the shape %s has a place for it',
    (shape) => {
      expect(planKey(subject({ shape }), usual, inKms).key).toEqual({ kind: 'given', signer: inKms });
    },
  );

  it('another one in KMS, if the CA supports that', () => {
    expect(planKey(subject({ key: kms, rekeysInKms: true }), usual, inKms).key).toMatchObject({ kind: 'given' });
  });

  it('of the largest RSA size, if the present one is', () => {
    const spec = { kty: 'RSA', size: 8192 } as const;
    expect(planKey(subject({ leaf: { keySpec: spec } }), usual).key).toEqual({ kind: 'new', spec });
  });
});

describe('an explicit rekey is refused for a certificate that keeps its key', () => {
  it.each<[string, Facts, string]>([
    [
      'a CA certificate',
      { leaf: { isCa: true } },
      'A CA certificate keeps its key, so that the certificates it issued stay valid',
    ],
    ['a key in KMS', { key: kms }, 'Its key is in KMS and never leaves it'],
    ['a key at the CA', { key: { kind: 'none' } }, 'The CA holds its key'],
  ])('%s', (_, facts, why) => {
    const asked = {
      code: 'InvalidRequest',
      concerns: 'request',
      message: `The request asks for a new key. ${why}: only renew is possible.`,
    };
    expect(refusal(facts, { modeSource: 'request' })).toMatchObject(asked);
    expect(refusal(facts, { mode: 'renew', modeSource: 'tag', keySource: 'profile' })).toBeUndefined();
    expect(refusal(facts, { keySource: 'request' })).toMatchObject(asked);
    expect(refusal(facts, { keySource: 'tag' })).toBeUndefined();
    expect(refusal(facts, { modeSource: 'tag' })).toMatchObject({
      code: 'InvalidTag',
      concerns: 'certificate',
      message: `The tag cert-renewer:mode is rekey. ${why}: only renew is possible.`,
    });
  });
});

describe('a new key is refused in mode renew', () => {
  it.each<[string, Partial<Settings>, Signer | undefined]>([
    ['a kind', { keySource: 'request', key: p256 }, undefined],
    ['a given key', {}, other],
  ])('%s', (_, settings, given) => {
    expect(refusal({}, { ...settings, mode: 'renew', modeSource: 'tag' }, given)).toMatchObject({
      code: 'InvalidRequest',
      concerns: 'request',
      message:
        'The tag sets the mode renew, which keeps the key: add "mode": "rekey" to the request to get another key.',
    });
  });
});

describe('a renewal is refused', () => {
  it('with a key of an unknown kind', () => {
    expect(refusal({ leaf: { keySpec: undefined } }, {})).toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('expected EC P-256, P-384, P-521, Ed25519 or RSA'),
    });
  });

  it('with an RSA key above the largest size, unless the key stays', () => {
    const facts = { leaf: { keySpec: { kty: 'RSA', size: 8193 } } } as const;
    expect(refusal(facts, {})).toMatchObject({
      code: 'UnsupportedSecret',
      message:
        'The present key is RSA 8193, but new RSA keys have at most 8192 bits: set another type or size (tags cert-renewer:kty, cert-renewer:size), or use the mode renew.',
    });
    expect(refusal(facts, { mode: 'renew' })).toBeUndefined();
  });
});

describe('a given key is refused', () => {
  it.each<[string, Facts, Signer, string, string]>([
    [
      'that the certificate has already',
      {},
      localSigner(present),
      'WeakKey',
      'The given key is the present key of the certificate: a rekey needs another key.',
    ],
    ['for a CA certificate', { leaf: { isCa: true } }, other, 'InvalidRequest', 'A CA certificate keeps its key'],
    [
      'in KMS for a CA certificate with one in KMS',
      { leaf: { isCa: true }, key: kms, rekeysInKms: true },
      inKms,
      'InvalidRequest',
      'stay valid: only renew is possible.',
    ],
    [
      'in KMS after one that the CA holds',
      { key: { kind: 'none' }, rekeysInKms: true },
      inKms,
      'InvalidRequest',
      'The CA holds its key: only renew is possible.',
    ],
    [
      'at hand after one in KMS',
      { key: kms, rekeysInKms: true },
      other,
      'InvalidRequest',
      'Its key is in KMS and never leaves it: only renew is possible.',
    ],
    [
      'in KMS after one in KMS at step-ca',
      { key: kms },
      inKms,
      'InvalidRequest',
      "never leaves it, but step-ca's rekey needs TLS with the old key: only renew is possible.",
    ],
    [
      'in KMS where the secret has no place for it',
      { shape: 'pem' },
      inKms,
      'InvalidRequest',
      'expected a JSON shape with a certificate field',
    ],
  ])('%s', (_, facts, given, code, text) => {
    expect(refusal(facts, {}, given)).toMatchObject({
      code,
      concerns: 'request',
      message: expect.stringContaining(text),
    });
  });

  it('at hand is accepted even if the secret has no place for one in KMS', () => {
    expect(refusal({ shape: 'pem' }, {}, other)).toBeUndefined();
  });
});
