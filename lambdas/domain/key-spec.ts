/**
 * The kinds of key, in JWK's words (RFC 7518, RFC 8037), as `step` takes them. The one table of what they are called
 * elsewhere (KMS, OIDs, digests) is x509/algorithms.ts.
 */
export const ecCurves = ['P-256', 'P-384', 'P-521'] as const;
export type EcCurve = (typeof ecCurves)[number];

export type KeySpec =
  | { readonly kty: 'EC'; readonly curve: EcCurve }
  | { readonly kty: 'OKP'; readonly curve: 'Ed25519' }
  | { readonly kty: 'RSA'; readonly size: number };

/** RSA below 2048 bits is never issued or accepted; above 8192 nothing useful is gained and signing takes seconds. */
export const rsaSizes = { least: 2048, most: 8192 } as const;

/** `EC P-256`, `OKP Ed25519`, `RSA 2048`. */
export function formatKeySpec(spec: KeySpec): string {
  return spec.kty === 'RSA' ? `RSA ${spec.size}` : `${spec.kty} ${spec.curve}`;
}

export function sameKeySpec(a: KeySpec, b: KeySpec): boolean {
  return formatKeySpec(a) === formatKeySpec(b);
}
