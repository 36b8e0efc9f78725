/** Which key the next certificate is to have: the same, a new one of some kind, or one that the request has brought. Pure. */
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

/** What a key is planned by. */
export interface KeyInput {
  readonly leaf: Certificate;
  readonly content: Pick<SecretContent, 'key' | 'shape'>;
  readonly provider: { readonly can: CaCapabilities };
}

const sameKeyAgain: PlannedKey = { key: { kind: 'same' }, warnings: [] };

/**
 * Which key the certificate is to have. Throws InvalidRequest or InvalidTag where a rekey was asked for by name and can't be,
 * UnsupportedSecret for a kind of key that can't be renewed, and WeakKey.
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
      'The certificate holds a kind of key that cannot be renewed here: expected EC P-256, P-384, P-521, Ed25519 or RSA.',
    );
  }
  const isWeak = keySpecFor(present, undefined).upgraded;
  if (settings.mode === 'renew' && !isWeak) return sameKeyAgain;
  const { spec, upgraded } = keySpecFor(present, settings.key);
  refuseLargeKey(spec);
  return { key: { kind: 'new', spec }, warnings: upgraded ? [keyUpgraded(present, spec)] : [] };
}

/** What a key is planned by, where a certificate is declared and none or another one may be there. */
export interface DeclaredKeyInput {
  readonly leaf?: Certificate | undefined;
  /** Of the certificate that is there, where it may be kept; undefined where there is none, and where the CA holds it. */
  readonly key?: Signer | undefined;
}

const usualKey: KeySpec = { kty: 'EC', curve: 'P-256' };

/**
 * Which key a declared certificate is to have: the one that is given or in KMS, else a new one, unless the mode is renew and the
 * present one will do. Throws WeakKey, InvalidTag, InvalidRequest for what concerns a request, and UnsupportedSecret.
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

/** A request that says renew itself was refused before anything was read (policy/request.ts). */
function refuseNewKeyOnRenew({ modeSource, keySource }: Settings, givenKey: Signer | undefined): void {
  if (!givenKey && keySource !== 'request') return;
  throw new RenewalError(
    'InvalidRequest',
    `The mode is renew by the ${modeSource}, which keeps the key: add "mode": "rekey" to the request to have another one.`,
    { concerns: 'request' },
  );
}

function refuseLargeKey(spec: KeySpec): void {
  if (spec.kty !== 'RSA' || spec.size <= rsaSizes.most) return;
  throw new RenewalError(
    'UnsupportedSecret',
    `The present key is ${formatKeySpec(spec)}, and no RSA key above ${rsaSizes.most} bits is made: name another kind (tags ${tags.kty}, ${tags.size}), or use the mode renew.`,
  );
}

/** Whatever is wrong with a given key concerns the request. */
function planGivenKey(subject: KeyInput, givenKey: Signer): PlannedKey {
  try {
    checkGivenKey(givenKey);
    refuseGivenKey(subject, givenKey);
  } catch (error) {
    throw ofRequest(error);
  }
  return { key: { kind: 'given', signer: givenKey }, warnings: [] };
}

/** A key in a secret may go to KMS; one in KMS only to another in KMS, and only where the CA can do that. */
function refuseGivenKey(subject: KeyInput, givenKey: Signer): void {
  if (sameKey(givenKey, subject.leaf)) {
    throw new RenewalError('WeakKey', 'The given key is the one that the certificate has: a rekey needs another one.');
  }
  const { content, leaf, provider } = subject;
  const keeps = keepsItsKey(subject);
  const kmsToKms = content.key.kind === 'kms' && givenKey.kmsKeyArn !== undefined && !leaf.isCa;
  if (keeps !== undefined && !(kmsToKms && provider.can.rekeysInKms)) {
    refuseRekey('request', kmsToKms ? `${keeps}, and step-ca's rekey needs TLS with the old key` : keeps);
  }
  if (givenKey.kmsKeyArn !== undefined && !shapesWithKms.has(content.shape)) {
    throw new RenewalError(
      'InvalidRequest',
      'The secret has no place for the name of a key in KMS: only the JSON shapes with a certificate field have one.',
    );
  }
}

const shapesWithKms: ReadonlySet<string> = new Set(['json-camel', 'json-snake', 'json-tls']);

/** Why this certificate's key stays; undefined if it may change. */
function keepsItsKey({ content, leaf }: KeyInput): string | undefined {
  if (leaf.isCa) return 'It is a CA certificate, and a CA keeps its key so that what it issued stays valid';
  if (content.key.kind === 'kms') return staysInKms;
  if (content.key.kind === 'none') return 'Its key is held by the CA';
  return undefined;
}

const staysInKms = 'Its key is in KMS and never leaves it';

/** For a key that stays. Throws InvalidTag, and InvalidRequest for what concerns a request. */
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
    message: `The present key, ${formatKeySpec(present)}, is too weak: the new one is ${formatKeySpec(spec)}.`,
  };
}
