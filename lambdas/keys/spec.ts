/** Of what kind the next key is. */
import { type KeySpec, rsaSizes } from '../domain/key-spec.ts';
import { samePublicKey } from '../x509/public-key.ts';

export interface NextKeySpec {
  readonly spec: KeySpec;
  /** The present key is too weak to be followed by one like it: warning KeyUpgraded. */
  readonly upgraded: boolean;
}

/** The kind that was asked for, else the present one's; RSA under 2048 bits is followed by RSA 2048. */
export function keySpecFor(present: KeySpec, wanted: KeySpec | undefined): NextKeySpec {
  if (wanted !== undefined) return { spec: wanted, upgraded: false };
  if (present.kty !== 'RSA' || present.size >= rsaSizes.least) return { spec: present, upgraded: false };
  return { spec: { kty: 'RSA', size: rsaSizes.least }, upgraded: true };
}

/** Whether two things hold the same public key, however each encodes it. That a file says so proves nothing: possession.ts. */
export function sameKey(a: { readonly spki: Uint8Array }, b: { readonly spki: Uint8Array }): boolean {
  return samePublicKey(a.spki, b.spki);
}
