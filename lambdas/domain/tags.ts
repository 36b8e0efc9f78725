/** The tags of contract section 1. A tag key that is not in this table is none of ours. */
export const tagPrefix = 'cert-renewer:';

export const tags = {
  profile: 'cert-renewer:profile',
  mode: 'cert-renewer:mode',
  expiresIn: 'cert-renewer:expires-in',
  rekeyPeriod: 'cert-renewer:rekey-period',
  kty: 'cert-renewer:kty',
  curve: 'cert-renewer:curve',
  size: 'cert-renewer:size',
  paused: 'cert-renewer:paused',
  versionId: 'cert-renewer:version-id',
  notBefore: 'cert-renewer:not-before',
  notAfter: 'cert-renewer:not-after',
  failure: 'cert-renewer:failure',
} as const;

/** Those that cert-renewer writes, and the only ones that its role may change. */
export const statusTags = [tags.versionId, tags.notBefore, tags.notAfter, tags.failure] as const;

/** Every version that cert-renewer writes has an id that starts so. */
export const versionIdPrefix = 'cert-renewer-';
