/** The tags that enrol a secret of the app. */
import { CfnResource } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IConstruct } from 'constructs';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { suggestion } from '../../lambdas/domain/nearest.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { endpointInTag, readEndpoints } from '../../lambdas/policy/endpoints.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { ConfigError } from '../config/config-error.ts';
import { isToken } from '../config/token.ts';

/** A secret that `enrol` accepts: an `ISecret` or a `Secret` that this app creates. */
export interface EnrollableSecret extends IConstruct {
  /**
   * The customer key that the secret is encrypted with.
   * @default the key aws/secretsmanager
   */
  readonly encryptionKey?: IKey | undefined;
}

/** The settings of an enrolled secret. `enrol` writes each as a tag. */
export interface EnrolOptions {
  /** Name of a profile of the renewer. */
  readonly profile: string;
  /**
   * `rekey` (new key pair) or `renew` (same key pair).
   * @default the profile's
   */
  readonly mode?: 'renew' | 'rekey';
  /**
   * The renewal window: the certificate is due when no more than this is left. A duration (`8h`) or a percentage of the validity (`33%`).
   * Excludes `rekeyPeriod`.
   * @default the profile's, else a third of the validity
   */
  readonly expiresIn?: string;
  /**
   * A duration (`720h`): the certificate is due when this much has passed since its notBefore. Excludes `expiresIn`.
   * @default the profile's
   */
  readonly rekeyPeriod?: string;
  /**
   * Type of new keys.
   * @default the profile's, else as the current key
   */
  readonly kty?: 'EC' | 'OKP' | 'RSA';
  /**
   * Curve of new keys, with `kty` EC or OKP.
   * @default P-256 with EC, Ed25519 with OKP
   */
  readonly curve?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519';
  /**
   * Size of new keys in bits, with `kty` RSA: 2048 to 8192.
   * @default 2048
   */
  readonly size?: number;
  /**
   * Whether the schedule skips the secret.
   * @default false
   */
  readonly paused?: boolean;
  /**
   * Up to 5 places where the certificate is served: `host:port` or `host:port/servername`. `probe.allow` of the renewer must contain them.
   * @default none: nothing is probed
   */
  readonly endpoints?: readonly string[];
}

/** Returns the tags of these options. Throws ConfigError for an imported secret, an unknown profile or a bad value. */
export function enrolmentTags(
  secret: EnrollableSecret,
  { endpoints = [], ...options }: EnrolOptions,
  profiles: readonly string[],
  probe: { readonly allow: readonly string[] } | undefined,
): Record<string, string> {
  const fail = (path: string, message: string): never => {
    throw new ConfigError(`enrol(${secret.node.path})`, [{ path, message }]);
  };
  if (!profiles.includes(options.profile)) {
    return fail(
      '$.profile',
      `the renewer has no profile of that name${suggestion(options.profile, profiles)}; expected one of ${profiles.join(', ')}`,
    );
  }
  if (!CfnResource.isCfnResource(secret.node.defaultChild)) {
    return fail(
      '$',
      `CloudFormation can't tag an imported secret; tag it where it is created: ${tags.profile}=${options.profile}`,
    );
  }
  const found: Record<string, string> = {};
  for (const [option, value] of Object.entries(options)) {
    const key = option in tags ? tags[option as keyof typeof tags] : fail(`$.${option}`, 'unknown option');
    // The value of a tag can't contain a percent sign.
    if (value !== undefined) found[key] = String(value).replace(/%$/, 'pct');
  }
  if (endpoints.length > 0) found[tags.endpoints] = endpoints.map(endpointInTag).join(' ');
  try {
    readTagSettings(new Map(Object.entries(found)));
    const isKnown = !isToken(endpointsIn(found)) && !isToken(probe?.allow);
    if (endpoints.length > 0 && isKnown) readEndpoints(endpointsIn(found), probe);
  } catch (thrown) {
    return fail('$', thrown instanceof RenewalError ? thrown.message : String(thrown));
  }
  return found;
}

const endpointsIn = (found: Readonly<Record<string, string>>): string => found[tags.endpoints] ?? '';
