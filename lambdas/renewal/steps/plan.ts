/** Step 3: what exactly is to be done, before a key is made or a CA is called. Pure. */
import type { Warning } from '../../domain/decision.ts';
import { type ErrorCode, ofRequest, RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { formatKeySpec, type KeySpec, rsaSizes } from '../../domain/key-spec.ts';
import type { Mode } from '../../domain/profile.ts';
import type { SettingSource, Settings } from '../../domain/settings.ts';
import type { Signer } from '../../domain/signer.ts';
import { tags } from '../../domain/tags.ts';
import { checkGivenKey } from '../../keys/given.ts';
import { keySpecFor, sameKey } from '../../keys/spec.ts';
import type { Subject } from './gather.ts';

export interface Plan {
  readonly operation: Mode;
  /** Of the key to make; undefined for renew, and where the key is given. */
  readonly keySpec: KeySpec | undefined;
  /** A key that the caller brought, already checked. */
  readonly givenKey: Signer | undefined;
  readonly warnings: readonly Warning[];
  /** The end that the certificate is to have, where one was asked for by name (to the second). */
  readonly notAfter?: Instant;
}

/** What a plan needs to know of the certificate. */
export type Planned = Pick<Subject, 'content' | 'leaf' | 'profile'>;

/** Throws InvalidRequest or InvalidTag where a rekey was asked for by name and can't be, and WeakKey. */
export function planRenewal(subject: Planned, settings: Settings, givenKey: Signer | undefined): Plan {
  if (settings.mode === 'renew') refuseNewKeyOnRenew(settings, givenKey);
  if (givenKey) {
    try {
      return planGivenKey(subject, givenKey);
    } catch (error) {
      throw ofRequest(error);
    }
  }
  const keeps = keepsItsKey(subject);
  if (keeps) {
    if (settings.mode === 'rekey') refuseRekey(settings.modeSource, keeps);
    if (settings.keySource === 'request') refuseRekey('request', keeps);
    return { operation: 'renew', keySpec: undefined, givenKey: undefined, warnings: [] };
  }
  const present = subject.leaf.keySpec;
  if (!present) {
    throw new RenewalError(
      'UnsupportedSecret',
      'The certificate holds a kind of key that cannot be renewed here: expected EC P-256, P-384, P-521, Ed25519 or RSA.',
    );
  }
  const { spec, upgraded } = keySpecFor(present, settings.key);
  const weak = keySpecFor(present, undefined).upgraded;
  if (settings.mode === 'renew' && !weak) {
    return { operation: 'renew', keySpec: undefined, givenKey: undefined, warnings: [] };
  }
  if (spec.kty === 'RSA' && spec.size > rsaSizes.most) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The present key is ${formatKeySpec(spec)}, and no RSA key above ${rsaSizes.most} bits is made: name another kind (tags ${tags.kty}, ${tags.size}), or use the mode renew.`,
    );
  }
  return {
    operation: 'rekey',
    keySpec: spec,
    givenKey: undefined,
    warnings: upgraded ? [keyUpgraded(present, spec)] : [],
  };
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

/** A key in a secret may go to KMS; one in KMS only to another in KMS, and only at an authority of the stack's own. */
function planGivenKey(subject: Planned, givenKey: Signer): Plan {
  checkGivenKey(givenKey);
  if (sameKey(givenKey, subject.leaf)) {
    throw new RenewalError('WeakKey', 'The given key is the one that the certificate has: a rekey needs another one.');
  }
  const { content, leaf, profile } = subject;
  const keeps = keepsItsKey(subject);
  const kmsToKms = content.key.kind === 'kms' && givenKey.kmsKeyArn !== undefined && !leaf.isCa;
  if (keeps && !(kmsToKms && profile.ca.type === 'offline')) {
    refuseRekey('request', kmsToKms ? `${keeps}, and step-ca's rekey needs TLS with the old key` : keeps);
  }
  if (givenKey.kmsKeyArn !== undefined && !shapesWithKms.has(content.shape)) {
    throw new RenewalError(
      'InvalidRequest',
      'The secret has no place for the name of a key in KMS: only the JSON shapes with a certificate field have one.',
    );
  }
  return { operation: 'rekey', keySpec: undefined, givenKey, warnings: [] };
}

const shapesWithKms: ReadonlySet<string> = new Set(['json-camel', 'json-snake', 'json-tls']);

/** Why this certificate's key stays; undefined if it may change. */
function keepsItsKey({ content, leaf }: Planned): string | undefined {
  if (leaf.isCa) return 'It is a CA certificate, and a CA keeps its key so that what it issued stays valid';
  if (content.key.kind === 'kms') return 'Its key is in KMS and never leaves it';
  if (content.key.kind === 'none') return 'Its key is held by the CA';
  return undefined;
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
