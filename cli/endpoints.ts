/** The option `--endpoint` of `enrol`, `import` and `declare`. */
import { toRenewalError } from '../lambdas/domain/errors.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import { tags, tagValueLimit } from '../lambdas/domain/tags.ts';
import { endpointInTag, readEndpoints } from '../lambdas/policy/endpoints.ts';
import { UsageError } from './exit.ts';

export const endpointOption = {
  flags: '--endpoint <endpoint>',
  description: 'where the certificate is served: host:port or host:port/servername; up to five times',
  repeats: true,
} as const;

/**
 * Returns the value of the tag. `profile`: its `probe.allow` must contain them. Without it only their form is checked. Throws UsageError
 * where the scan would report InvalidTag.
 */
export function endpointsTag(endpoints: readonly string[], profile?: Profile): string {
  const value = endpoints.map(endpointInTag).join(' ');
  if (value.length > tagValueLimit) {
    throw new UsageError(`--endpoint: expected at most ${tagValueLimit} characters in total, found ${value.length}.`);
  }
  try {
    readEndpoints(value, profile?.probe);
    return value;
  } catch (thrown) {
    const { message } = toRenewalError(thrown);
    throw new UsageError(
      message.replace(`The tag ${tags.endpoints} `, '--endpoint ').replace(/ Correct or remove it\.$/, ''),
    );
  }
}
