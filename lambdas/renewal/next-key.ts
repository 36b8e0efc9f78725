/** Plans the key of the next certificate: the same key, a new one, or the key of the request. Pure. */
import type { Certificate } from '../domain/certificate.ts';
import type { Warning } from '../domain/decision.ts';
import type { Declaration } from '../domain/declaration.ts';
import { type ErrorCode, ofRequest, RenewalError } from '../domain/errors.ts';
import { formatKeySpec, type KeySpec, rsaSizes, sameKeySpec } from '../domain/key-spec.ts';
import type { CaCapabilities } from '../domain/ports.ts';
import type { SettingSource, Settings } from '../domain/settings.ts';
import type { Signer } from '../domain/signer.ts';
import { tags } from '../domain/tags.ts';
import type { WantedKey } from '../domain/wanted.ts';
import { checkGivenKey } from '../keys/given.ts';
import { keySpecFor, sameKey } from '../keys/spec.ts';
import type { SecretContent } from '../secret/index.ts';

export interface PlannedKey {
  readonly key: WantedKey;
  readonly warnings: readonly Warning[];
}

/** The input for planning the key of a copy. */
export interface KeyInput {
  readonly leaf: Certificate;
  readonly content: Pick<SecretContent, 'key' | 'shape'>;
  readonly provider: { readonly can: CaCapabilities };
}

const sameKeyAgain: PlannedKey = { key: { kind: 'same' }, warnings: [] };

/**
 * Plans the key of a copy. Throws InvalidRequest or InvalidTag if the request or a tag asks for a rekey that is not possible,
 * UnsupportedSecret for a type of key that can't be renewed, and WeakKey.
 */
export function planKey(subject: KeyInput, settings: Settings, givenKey?: Signer): PlannedKey {
  if (settings.mode === 'renew') refuseNewKeyOnRenew(settings, givenKey);
  if (givenKey) return planGivenKey(subject, givenKey);
  const keeps = keepsItsKey(subject);
  if (keeps !== undefined) {
    refuseAnotherKey(settings, keeps);
    return sameKeyAgain;
  }
  const present = subject.leaf.keySpec;
  if (!present) {
    throw new RenewalError(
      'UnsupportedSecret',
      'The certificate has an unsupported type of key: expected EC P-256, P-384, P-521, Ed25519 or RSA.',
    );
  }
  const isWeak = keySpecFor(present, undefined).upgraded;
  if (settings.mode === 'renew' && !isWeak) return sameKeyAgain;
  const { spec, upgraded } = keySpecFor(present, settings.key);
  refuseLargeKey(spec);
  return { key: { kind: 'new', spec }, warnings: upgraded ? [keyUpgraded(present, spec)] : [] };
}

/** The input for planning the key of a declared certificate. The present certificate may be missing or a different one. */
export interface DeclaredKeyInput {
  readonly leaf?: Certificate | undefined;
  /** The present key, if it may be kept. Undefined if there is none, and if the CA holds it. */
  readonly key?: Signer | undefined;
}

const usualKey: KeySpec = { kty: 'EC', curve: 'P-256' };

/**
 * Plans the key of a declared certificate: the given key, or the present key in KMS, else a new one. With mode `renew` it is the
 * present key, if that has the declared type. Throws WeakKey, InvalidTag, InvalidRequest, UnsupportedSecret.
 */
export function planDeclaredKey(
  { leaf, key }: DeclaredKeyInput,
  declaration: Pick<Declaration, 'key'>,
  settings: Settings,
  givenKey?: Signer,
): PlannedKey {
  if (givenKey) {
    checkGivenKey(givenKey);
    if (leaf && key && sameKey(givenKey, leaf)) return sameKeyAgain;
    return { key: { kind: 'given', signer: givenKey }, warnings: [] };
  }
  if (leaf && key?.kmsKeyArn !== undefined) {
    refuseAnotherKey(settings);
    return sameKeyAgain;
  }
  const present = leaf?.keySpec;
  const asked = (settings.keySource === 'request' ? settings.key : undefined) ?? declaration.key ?? settings.key;
  const { spec, upgraded } = keySpecFor(present ?? usualKey, asked);
  const isKept = settings.mode === 'renew' && key !== undefined && present !== undefined && sameKeySpec(present, spec);
  if (isKept) return sameKeyAgain;
  refuseLargeKey(spec);
  return { key: { kind: 'new', spec }, warnings: upgraded && present ? [keyUpgraded(present, spec)] : [] };
}

/** Refuses a new key if a tag or the profile says `renew`. policy/request.ts has refused the same for `renew` in the request. */
function refuseNewKeyOnRenew({ modeSource, keySource }: Settings, givenKey: Signer | undefined): void {
  if (!givenKey && keySource !== 'request') return;
  throw new RenewalError(
    'InvalidRequest',
    `The ${modeSource} sets the mode renew, which keeps the key: add "mode": "rekey" to the request to get another key.`,
    { concerns: 'request' },
  );
}

function refuseLargeKey(spec: KeySpec): void {
  if (spec.kty !== 'RSA' || spec.size <= rsaSizes.most) return;
  throw new RenewalError(
    'UnsupportedSecret',
    `The present key is ${formatKeySpec(spec)}, but new RSA keys have at most ${rsaSizes.most} bits: set another type or size (tags ${tags.kty}, ${tags.size}), or use the mode renew.`,
  );
}

/** Plans a given key. Its errors concern only the request. */
function planGivenKey(subject: KeyInput, givenKey: Signer): PlannedKey {
  try {
    checkGivenKey(givenKey);
    refuseGivenKey(subject, givenKey);
  } catch (error) {
    throw ofRequest(error);
  }
  return { key: { kind: 'given', signer: givenKey }, warnings: [] };
}

/**
 * A key in a secret can be replaced by one in KMS. A key in KMS can only be replaced by another in KMS, if the CA supports that.
 */
function refuseGivenKey(subject: KeyInput, givenKey: Signer): void {
  if (sameKey(givenKey, subject.leaf)) {
    throw new RenewalError(
      'WeakKey',
      'The given key is the present key of the certificate: a rekey needs another key.',
    );
  }
  const { content, leaf, provider } = subject;
  const keeps = keepsItsKey(subject);
  const kmsToKms = content.key.kind === 'kms' && givenKey.kmsKeyArn !== undefined && !leaf.isCa;
  if (keeps !== undefined && !(kmsToKms && provider.can.rekeysInKms)) {
    refuseRekey('request', kmsToKms ? `${keeps}, but step-ca's rekey needs TLS with the old key` : keeps);
  }
  if (givenKey.kmsKeyArn !== undefined && !shapesWithKms.has(content.shape)) {
    throw new RenewalError(
      'InvalidRequest',
      "The secret's shape can't hold the id of a KMS key: expected a JSON shape with a certificate field.",
    );
  }
}

const shapesWithKms: ReadonlySet<string> = new Set(['json-camel', 'json-snake', 'json-tls']);

/** Returns why this certificate's key can't change. Undefined if it can. */
function keepsItsKey({ content, leaf }: KeyInput): string | undefined {
  if (leaf.isCa) return 'A CA certificate keeps its key, so that the certificates it issued stay valid';
  if (content.key.kind === 'kms') return staysInKms;
  if (content.key.kind === 'none') return 'The CA holds its key';
  return undefined;
}

const staysInKms = 'Its key is in KMS and never leaves it';

/** Refuses a rekey for a key that can't change. Throws InvalidTag or InvalidRequest. */
export function refuseAnotherKey({ mode, modeSource, keySource }: Settings, keeps = staysInKms): void {
  if (mode === 'rekey') refuseRekey(modeSource, keeps);
  if (keySource === 'request') refuseRekey('request', keeps);
}

function refuseRekey(source: SettingSource, why: string): void {
  if (source !== 'request' && source !== 'tag') return;
  const code: ErrorCode = source === 'request' ? 'InvalidRequest' : 'InvalidTag';
  const where = source === 'request' ? 'The request asks for a new key' : `The tag ${tags.mode} is rekey`;
  const concerns = source === 'request' ? 'request' : 'certificate';
  throw new RenewalError(code, `${where}. ${why}: only renew is possible.`, { concerns });
}

function keyUpgraded(present: KeySpec, spec: KeySpec): Warning {
  return {
    code: 'KeyUpgraded',
    message: `The present key, ${formatKeySpec(present)}, is too weak: the new key is ${formatKeySpec(spec)}.`,
  };
}
