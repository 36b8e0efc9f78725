/** The tags that enrol a secret, for secrets of the app's own. */
import { CfnResource } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IConstruct } from 'constructs';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { ConfigError } from '../config/config-error.ts';

/** An ISecret or a Secret. */
export interface EnrollableSecret extends IConstruct {
  readonly encryptionKey?: IKey | undefined;
}

/** How `enrol` tags a secret: the tags that a user sets, as typed fields. */
export interface EnrolOptions {
  /** Name of a profile of the renewer. */
  readonly profile: string;
  /** @default the profile's */
  readonly mode?: 'renew' | 'rekey';
  /** A window: `8h`, `33%`. @default the profile's */
  readonly expiresIn?: string;
  /** A duration. Excludes expiresIn. @default the profile's */
  readonly rekeyPeriod?: string;
  /** @default the profile's, else as the present key */
  readonly kty?: 'EC' | 'OKP' | 'RSA';
  readonly curve?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519';
  readonly size?: number;
  /** true: the schedule leaves it alone. */
  readonly paused?: boolean;
}

/** The tags that say so. Throws ConfigError by the rules of the tags. */
export function enrolmentTags(
  secret: EnrollableSecret,
  options: EnrolOptions,
  profiles: readonly string[],
): Record<string, string> {
  const fail = (path: string, message: string): never => {
    throw new ConfigError(`enrol(${secret.node.path})`, [{ path, message }]);
  };
  if (!profiles.includes(options.profile)) {
    return fail('$.profile', `the renewer has no such profile; expected one of ${profiles.join(', ')}`);
  }
  if (!CfnResource.isCfnResource(secret.node.defaultChild)) {
    return fail(
      '$',
      `an imported secret can't be tagged here; tag it where it is made: ${tags.profile}=${options.profile}`,
    );
  }
  const found: Record<string, string> = {};
  for (const [option, value] of Object.entries(options)) {
    const key = option in tags ? tags[option as keyof typeof tags] : fail(`$.${option}`, 'unknown option');
    // A tag's value can't hold a percent sign.
    if (value !== undefined) found[key] = String(value).replace(/%$/, 'pct');
  }
  try {
    readTagSettings(new Map(Object.entries(found)));
  } catch (thrown) {
    return fail('$', thrown instanceof RenewalError ? thrown.message : String(thrown));
  }
  return found;
}
