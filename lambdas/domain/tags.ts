/** The tags of a secret that cert-renewer reads or writes. */
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
  fingerprint: 'cert-renewer:fingerprint',
  served: 'cert-renewer:served',
  order: 'cert-renewer:order',
  renewAt: 'cert-renewer:renew-at',
} as const;

/**
 * A tag of an IAM principal, not of a secret. With the value `true` the principal may redrive dead letters to the renewal queue.
 */
export const redriveTag = 'cert-renewer:redrive';

/**
 * Value of the tag `issued` for another writer's version instead of an issued one. It stays until a worker finds it to be as
 * declared.
 */
export const foreignIssue = '-';

/** Status tags of certificates whose CA answers later. */
export const orderTags = [tags.order, tags.renewAt] as const;

/** Status tags that are left out if the secret has no room for them. */
export const optionalTags = [...orderTags, tags.served] as const;
export type OptionalTag = (typeof optionalTags)[number];

/** Status tags of a certificate with endpoints. */
export const servingTags = [tags.fingerprint, tags.served] as const;

/** The status tags: cert-renewer writes them, and its role may change no others. */
export const statusTags = [
  tags.versionId,
  tags.notBefore,
  tags.notAfter,
  tags.failure,
  tags.issued,
  tags.fingerprint,
  ...optionalTags,
] as const;

const neededTags: readonly string[] = statusTags.filter((tag) => !optionalTags.some((optional) => optional === tag));

/**
 * Returns the status tags that this secret needs room for. Only a declared certificate gets the tag `issued`, and only one with endpoints
 * the tag `fingerprint`.
 */
export function statusTagsOf(secretTags: ReadonlyMap<string, string>): readonly string[] {
  return neededTags.filter(
    (tag) =>
      (tag !== tags.issued || secretTags.has(tags.declared)) &&
      (tag !== tags.fingerprint || secretTags.has(tags.endpoints)),
  );
}

/** Returns whether there is room for an optional tag beside the needed tags and the other optional ones that are there. */
export function hasRoomFor(secretTags: ReadonlyMap<string, string>, tag: OptionalTag): boolean {
  const others = optionalTags.filter((other) => other !== tag && secretTags.has(other)).length;
  return foreignTags(secretTags) + statusTagsOf(secretTags).length + others + 1 <= mostTags;
}

/** AWS's limits: the number of tags of a secret, and the characters of a tag's value. */
export const mostTags = 50;
export const tagValueLimit = 256;

/** Returns the number of a secret's tags that are not status tags. */
export function foreignTags(secretTags: ReadonlyMap<string, string>): number {
  let own = 0;
  for (const tag of statusTags) if (secretTags.has(tag)) own += 1;
  return secretTags.size - own;
}

/**
 * A staging label: the failure "no room for status tags" was reported for this version. It is a label because such a secret can
 * take no tag.
 */
export const noRoomLabel = 'cert-renewer-no-room';

/** A staging label: the version holds an order that a CA has not finished, and its key (renewal/orders/). */
export const orderLabel = 'cert-renewer-order';
