/** Checks `issue` of the profiles, also by the claims and name constraints of the stack's authorities. */
import { formatDuration, parseDuration } from '../../lambdas/domain/duration.ts';
import type { KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { CaConfigClaims } from '../../lambdas/policy/authority.ts';
import { unknownBases } from '../../lambdas/policy/issuance.ts';
import { readKeySpec } from '../../lambdas/policy/vocabulary.ts';
import { issues, needsOf, refusalsOf } from '../../lambdas/providers/index.ts';
import { constraintBase } from '../../lambdas/x509/extension-values.ts';
import { ancestors, readCaConfig } from './authority-config.ts';
import type { Problem } from './config-error.ts';
import type { AuthorityConfig, ConfigDocument, ProfileConfig } from './config-schema.ts';
import { configPath } from './explain.ts';
import { isToken, isTokenInList } from './token.ts';

type Config = Pick<ConfigDocument, 'profiles' | 'authorities'>;

/** The limits of an authority of the stack. */
export interface AuthorityLimits {
  readonly name: string;
  /** Validity of its first certificate in milliseconds. Undefined if it exists already, or is not known at synthesis. */
  readonly validity: number | undefined;
  /** The claims of its `caConfig`. */
  readonly claims: CaConfigClaims['claims'];
  /** The name constraints of the authority and of its parents. */
  readonly constraints: readonly NamedConstraints[];
}

/** The bases of an authority's subtrees, each the DER of a GeneralName. */
interface NamedConstraints {
  readonly authority: string;
  readonly permitted: readonly Uint8Array[];
  readonly excluded: readonly Uint8Array[];
}

/** Returns the limits of each profile's authority, by the profile's name. Undefined if its CA is not an authority of the stack. */
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
  if (own === undefined) return undefined; // authority-config.ts reports it, and the errors that `tried` drops below
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
  // If a permitted name is a token, any name may be permitted.
  const found = { authority, permitted: isToken(permitted) ? [] : bases(permitted), excluded: bases(excluded) };
  return found.permitted.length + found.excluded.length === 0 ? [] : [found];
}

/** Checks `issue` of each profile. */
export function checkIssuance({ profiles }: Config, limits: ReturnType<typeof authorityLimits>): readonly Problem[] {
  return Object.entries(profiles).flatMap(([name, profile]) => [
    ...checkAllowed(name, profile),
    ...checkIssuer(name, profile),
    ...checkRefusals(name, profile),
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
              'the text is not valid for its kind; expected dns:example.com, email:example.com, uri:.example.com, ip:10.0.0.0/8 or cn:<text>',
          },
        ],
  );
}

function checkIssuer(name: string, { ca, issue }: ProfileConfig): readonly Problem[] {
  if (issue === undefined || isToken(ca) || issues(ca)) return [];
  const message =
    'the CA of this profile, as configured, renews but does not issue; expected an authority of this stack, a step-ca with "provisioner", or an acme CA';
  return [{ path: configPath('profiles', name, 'issue'), message }];
}

/** Checks the profile's own duration and key by what its CA does not certify. */
function checkRefusals(name: string, { ca, issue, kty, curve, size }: ProfileConfig): readonly Problem[] {
  if (isToken(ca)) return [];
  const at = (...path: string[]) => configPath('profiles', name, ...path);
  const duration = issue?.duration === undefined ? undefined : refusalsOf(ca).duration(ca);
  const key = knownKey({ kty, curve, size });
  const ofKey = key && refusalsOf(ca).key(ca, key);
  return [
    ...(duration === undefined ? [] : [{ path: at('issue', 'duration'), message: duration }]),
    ...(key && ofKey !== undefined ? [{ path: at(keyField(key)), message: ofKey }] : []),
  ];
}

type KeyTexts = Pick<ProfileConfig, 'kty' | 'curve' | 'size'>;

/** Returns undefined without a type of key, for tokens, and for fields that contradict each other. */
function knownKey(texts: KeyTexts): KeySpec | undefined {
  if (Object.values(texts).some(isToken)) return undefined;
  return tried(() => readKeySpec(texts, (field) => field, 'InvalidRequest'));
}

/** The field that tells this key from others of its type. */
export const keyField = ({ kty }: KeySpec): keyof KeyTexts =>
  (({ EC: 'curve', RSA: 'size', OKP: 'kty' }) as const)[kty];

/** Lists the reasons why an authority does not issue for this duration (milliseconds). */
export function durationProblems(duration: number | undefined, limits: AuthorityLimits | undefined): readonly string[] {
  if (duration === undefined || limits === undefined) return [];
  const { name, validity, claims } = limits;
  const { minDuration: least = 0, maxDuration: most = duration } = claims;
  return [
    ...(validity !== undefined && duration > validity
      ? [`longer than the validity of the authority ${name}, ${formatDuration(validity)}; expected at most that`]
      : []),
    ...(duration > most
      ? [
          `more than maxTLSCertDuration in the caConfig of the authority ${name}; expected at most ${formatDuration(most)}`,
        ]
      : []),
    ...(duration < least
      ? [
          `less than minTLSCertDuration in the caConfig of the authority ${name}; expected at least ${formatDuration(least)}`,
        ]
      : []),
  ];
}

/** Returns milliseconds; undefined without a text, for a token, and for a text that is not a duration. */
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
