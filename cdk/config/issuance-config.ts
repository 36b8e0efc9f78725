/** A profile's `issue`, and what its CA bounds besides, as far as the configuration knows it: the claims and names of an own authority. */
import { formatDuration, parseDuration } from '../../lambdas/domain/duration.ts';
import type { CaConfigClaims } from '../../lambdas/policy/authority.ts';
import { unknownBases } from '../../lambdas/policy/issuance.ts';
import { issues, needsOf } from '../../lambdas/providers/index.ts';
import { constraintBase } from '../../lambdas/x509/extension-values.ts';
import { ancestors, readCaConfig } from './authority-config.ts';
import type { Problem } from './config-error.ts';
import type { AuthorityConfig, ConfigDocument, ProfileConfig } from './config-schema.ts';
import { configPath } from './explain.ts';
import { isToken, isTokenInList } from './token.ts';

type Config = Pick<ConfigDocument, 'profiles' | 'authorities'>;

/** What an own authority issues at most. */
export interface AuthorityLimits {
  readonly name: string;
  /** Of its first certificate, milliseconds; undefined where it was there before, and where only the deployment knows it. */
  readonly validity: number | undefined;
  /** Of its `caConfig`. */
  readonly claims: CaConfigClaims['claims'];
  /** Its own name constraints, and those of its parents. */
  readonly constraints: readonly NamedConstraints[];
}

/** Bases of subtrees, DER of a GeneralName each. */
interface NamedConstraints {
  readonly authority: string;
  readonly permitted: readonly Uint8Array[];
  readonly excluded: readonly Uint8Array[];
}

/** How profiles issue, by name. Undefined for a profile whose CA is no authority of the configuration. */
export function authorityLimits(
  config: Config,
  baseDirectory: string,
): ReadonlyMap<string, AuthorityLimits | undefined> {
  return new Map(
    Object.entries(config.profiles).map(([name, { ca }]) => {
      const authority = isToken(ca) ? undefined : needsOf(ca).authority;
      return [name, authority === undefined ? undefined : limitsOf(authority, config.authorities ?? {}, baseDirectory)];
    }),
  );
}

function limitsOf(
  name: string,
  authorities: NonNullable<Config['authorities']>,
  baseDirectory: string,
): AuthorityLimits | undefined {
  const own = Object.hasOwn(authorities, name) ? authorities[name] : undefined;
  if (own === undefined) return undefined; // told by authority-config.ts, as what is tried in vain below
  return {
    name,
    validity: knownDuration(own.create?.validity),
    claims: tried(() => claimsOf(own, baseDirectory)) ?? {},
    constraints: [name, ...ancestors(name, authorities)].flatMap((each) => constraintsOf(each, authorities[each])),
  };
}

function claimsOf({ caConfig }: AuthorityConfig, baseDirectory: string): CaConfigClaims['claims'] {
  return caConfig === undefined || isToken(caConfig) ? {} : readCaConfig(caConfig, baseDirectory).claims;
}

function constraintsOf(authority: string, config: AuthorityConfig | undefined): readonly NamedConstraints[] {
  const { permitted = [], excluded = [] } = config?.create?.nameConstraints ?? {};
  const bases = (texts: readonly string[]) => texts.flatMap((text) => constraintBase(text) ?? []);
  // Beside one that is not known yet nothing is outside of what is permitted.
  const found = { authority, permitted: isToken(permitted) ? [] : bases(permitted), excluded: bases(excluded) };
  return found.permitted.length + found.excluded.length === 0 ? [] : [found];
}

/** All that is wrong with what profiles may have issued. */
export function checkIssuance({ profiles }: Config, limits: ReturnType<typeof authorityLimits>): readonly Problem[] {
  return Object.entries(profiles).flatMap(([name, profile]) => [
    ...checkAllowed(name, profile),
    ...checkIssuer(name, profile),
    ...durationProblems(knownDuration(profile.issue?.duration), limits.get(name)).map((message) => ({
      path: configPath('profiles', name, 'issue', 'duration'),
      message,
    })),
  ]);
}

function checkAllowed(name: string, { issue }: ProfileConfig): readonly Problem[] {
  if (issue === undefined || isToken(issue)) return [];
  const { allow } = issue;
  return allow.flatMap((text, index) =>
    isTokenInList(text) || unknownBases([text]).length === 0
      ? []
      : [
          {
            path: configPath('profiles', name, 'issue', 'allow', index),
            message:
              'not a name of its kind; expected dns:example.com, email:example.com, uri:.example.com, ip:10.0.0.0/8 or cn:<text>',
          },
        ],
  );
}

function checkIssuer(name: string, { ca, issue }: ProfileConfig): readonly Problem[] {
  if (issue === undefined || isToken(ca) || issues(ca)) return [];
  const message =
    'its CA, as it is configured, renews and does not issue: take an authority of this stack, or a step-ca with "provisioner"';
  return [{ path: configPath('profiles', name, 'issue'), message }];
}

/** Why an own authority would not issue for so long. */
export function durationProblems(duration: number | undefined, limits: AuthorityLimits | undefined): readonly string[] {
  if (duration === undefined || limits === undefined) return [];
  const { name, validity, claims } = limits;
  const { minDuration: least = 0, maxDuration: most = duration } = claims;
  return [
    ...(validity !== undefined && duration > validity
      ? [
          `longer than the authority ${name} itself is valid, ${formatDuration(validity)}, and no certificate outlives it`,
        ]
      : []),
    ...(duration > most
      ? [`more than maxTLSCertDuration in the caConfig of the authority ${name}, ${formatDuration(most)}`]
      : []),
    ...(duration < least
      ? [`less than minTLSCertDuration in the caConfig of the authority ${name}, ${formatDuration(least)}`]
      : []),
  ];
}

/** Milliseconds; undefined for none, for a token and for what is no duration. */
export function knownDuration(text: string | undefined): number | undefined {
  return text === undefined || isToken(text) ? undefined : tried(() => parseDuration(text, '', 'InvalidRequest'));
}

function tried<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
