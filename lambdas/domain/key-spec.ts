/**
 * The types of keys, in the terms of JWK (RFC 7518, RFC 8037), as `step` has them. x509/algorithms.ts has their names in KMS, their
 * OIDs and digests.
 */
export const ecCurves = ['P-256', 'P-384', 'P-521'] as const;
export type EcCurve = (typeof ecCurves)[number];

export type KeySpec =
  | { readonly kty: 'EC'; readonly curve: EcCurve }
  | { readonly kty: 'OKP'; readonly curve: 'Ed25519' }
  | { readonly kty: 'RSA'; readonly size: number };

/**
 * Bits of RSA keys. Fewer than 2048 bits are never issued or accepted. More than 8192 bits add nothing, and signing takes seconds.
 */
export const rsaSizes = { least: 2048, most: 8192 } as const;

/** Formats as `EC P-256`, `OKP Ed25519` or `RSA 2048`. */
export function formatKeySpec(spec: KeySpec): string {
  return spec.kty === 'RSA' ? `RSA ${spec.size}` : `${spec.kty} ${spec.curve}`;
}

export function sameKeySpec(a: KeySpec, b: KeySpec): boolean {
  return formatKeySpec(a) === formatKeySpec(b);
}
