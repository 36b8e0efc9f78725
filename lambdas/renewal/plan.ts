/** Step 3: what exactly is to be done, before a key is made or a CA is called. Pure. */
import type { Warning } from '../domain/decision.ts';
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import { formatKeySpec, type KeySpec } from '../domain/key-spec.ts';
import type { Mode } from '../domain/profile.ts';
import type { GivenKey } from '../domain/request.ts';
import type { SettingSource, Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { keySpecFor } from '../keys/spec.ts';
import type { Subject } from './gather.ts';

export interface Plan {
  readonly operation: Mode;
  /** Of the key to make; undefined for renew, and where the key is given. */
  readonly keySpec: KeySpec | undefined;
  readonly givenKey: GivenKey | undefined;
  readonly warnings: readonly Warning[];
}

/** Throws InvalidRequest or InvalidTag where a rekey was asked for by name and can't be. */
export function planRenewal(subject: Subject, settings: Settings, givenKey: GivenKey | undefined): Plan {
  const keeps = keepsItsKey(subject);
  if (keeps) {
    if (settings.mode === 'rekey') refuseRekey(settings.modeSource, keeps);
    if (givenKey) refuseRekey('request', keeps);
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
  if (givenKey) return { operation: 'rekey', keySpec: undefined, givenKey, warnings: [] };
  return {
    operation: 'rekey',
    keySpec: spec,
    givenKey: undefined,
    warnings: upgraded ? [keyUpgraded(present, spec)] : [],
  };
}

/** Why this certificate's key stays; undefined if it may change. */
function keepsItsKey({ content, leaf }: Subject): string | undefined {
  if (leaf.isCa) return 'It is a CA certificate, and a CA keeps its key so that what it issued stays valid';
  if (content.key.kind === 'kms') return 'Its key is in KMS and never leaves it';
  if (content.key.kind === 'none') return 'Its key is held by the CA';
  return undefined;
}

function refuseRekey(source: SettingSource, why: string): void {
  if (source !== 'request' && source !== 'tag') return;
  const code: ErrorCode = source === 'request' ? 'InvalidRequest' : 'InvalidTag';
  const where = source === 'request' ? 'The request asks for a new key' : `The tag ${tags.mode} is rekey`;
  throw new RenewalError(code, `${where}. ${why}: only renew is possible.`);
}

function keyUpgraded(present: KeySpec, spec: KeySpec): Warning {
  return {
    code: 'KeyUpgraded',
    message: `The present key, ${formatKeySpec(present)}, is too weak: the new one is ${formatKeySpec(spec)}.`,
  };
}
