/** Chooses the kind of the next key. */
import { type KeySpec, rsaSizes } from '../domain/key-spec.ts';
import { samePublicKey } from '../x509/public-key.ts';

export interface NextKeySpec {
  readonly spec: KeySpec;
  /** Whether the current key is too weak, so the next one is stronger: warning KeyUpgraded. */
  readonly upgraded: boolean;
}

/** Returns the requested kind, otherwise that of the current key. RSA under 2048 bits becomes RSA 2048. */
export function keySpecFor(present: KeySpec, wanted: KeySpec | undefined): NextKeySpec {
  if (wanted !== undefined) return { spec: wanted, upgraded: false };
  if (present.kty !== 'RSA' || present.size >= rsaSizes.least) return { spec: present, upgraded: false };
  return { spec: { kty: 'RSA', size: rsaSizes.least }, upgraded: true };
}

/** Whether two public keys are equal, in any encoding. This proves no possession of the private key (possession.ts). */
export function sameKey(a: { readonly spki: Uint8Array }, b: { readonly spki: Uint8Array }): boolean {
  return samePublicKey(a.spki, b.spki);
}
