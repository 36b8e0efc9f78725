/** The tags of a secret that mean something to cert-renewer. */
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
  declared: 'cert-renewer:declared',
  issued: 'cert-renewer:issued',
  endpoints: 'cert-renewer:endpoints',
} as const;

/** Of a principal of IAM, not of a secret: with the value `true` it may send dead letters back to the renewal queue. */
export const redriveTag = 'cert-renewer:redrive';

/** What the tag `issued` says of a version that somebody else has written over an issued one, until it is seen to be as declared. */
export const foreignIssue = '-';

/** Those that cert-renewer writes, and the only ones that its role may change. */
export const statusTags = [tags.versionId, tags.notBefore, tags.notAfter, tags.failure, tags.issued] as const;

/** Those of them that this secret may get: only what is declared is issued. */
export function statusTagsOf(secretTags: ReadonlyMap<string, string>): readonly string[] {
  return secretTags.has(tags.declared) ? statusTags : statusTags.filter((tag) => tag !== tags.issued);
}

/** AWS's limits: tags of one secret, characters of a tag's value. */
export const mostTags = 50;
export const tagValueLimit = 256;

/** How many of a secret's tags are not cert-renewer's to write. */
export function foreignTags(secretTags: ReadonlyMap<string, string>): number {
  let own = 0;
  for (const tag of statusTags) if (secretTags.has(tag)) own += 1;
  return secretTags.size - own;
}

/**
 * A staging label that says of a version: it was told that the secret has no room for status tags. A label, because that is
 * the one note that such a secret can take.
 */
export const noRoomLabel = 'cert-renewer-no-room';
