/** Calculates the right decision from tags and certificate, in a simple way and without code of the product. */
import { tags } from '../../lambdas/domain/tags.ts';
import { type Content as Declared, isAllowed } from './declarations.ts';
import type { SecretRecord } from './ledger.ts';
import { hour, importedPassword, minute, type ProfileName, passwordSecret, profileNames } from './plan.ts';
import type { Simulation } from './simulation.ts';
import type { Content } from './values.ts';

export type Pair = Extract<Content, { kind: 'pair' }>;

export const authoritySecrets: ReadonlySet<string> = new Set(['pki/root', 'pki/issuing', 'pki/imported']);

/** AWS's limit of tags, and the number of ours. */
export const mostTags = 50;
export const statusTags: ReadonlySet<string> = new Set([
  ...[tags.versionId, tags.notBefore, tags.notAfter, tags.failure, tags.issued, tags.fingerprint],
]);
/** Left out without room. */
const optionalTags: ReadonlySet<string> = new Set([tags.order, tags.renewAt, tags.served]);

/** Parses a duration of the plan into milliseconds. */
const milliseconds = (text: string): number => Number.parseFloat(text) * minute;

/** Returns the earliest and the latest time at which a certificate may become due. Jitter is up to a twentieth of the window. */
export function dueBetween(
  found: Readonly<Record<string, string>>,
  pair: Pair,
  end: number,
): [earliest: number, latest: number] {
  const length = end - pair.notBefore;
  const third = length / 3;
  const asked = found[tags.expiresIn];
  const period = found[tags.rekeyPeriod];
  if (period !== undefined && milliseconds(period) < length) {
    const wanted = milliseconds(period);
    return [pair.notBefore + wanted * 0.95, pair.notBefore + wanted];
  }
  const wanted =
    asked === undefined
      ? third
      : asked.endsWith('pct')
        ? (length * Number.parseFloat(asked)) / 100
        : milliseconds(asked);
  // A window of nearly the whole validity may be limited with its jitter but not without. Then both results are right.
  const least = wanted * 1.05 >= length ? third : wanted;
  const most = wanted >= length ? third : wanted;
  return [end - Math.max(least, most) * 1.05, end - Math.min(least, most)];
}

/** The same, with what the public CA suggests. */
export function dueOf(
  { cas }: Simulation,
  found: Readonly<Record<string, string>>,
  pair: Pair,
): [earliest: number, latest: number] {
  const [earliest, latest] = dueBetween(found, pair, endOf(pair));
  const window = found[tags.profile] === 'public' ? cas.public?.windowFor(pair.notBefore, pair.notAfter) : undefined;
  return window === undefined ? [earliest, latest] : [Math.min(earliest, window.start), latest];
}

/** Returns the earliest notAfter of the path. */
export function endOf(pair: Pair): number {
  return Math.min(pair.notAfter, ...pair.chain.map(({ validTo }) => Date.parse(validTo)));
}

export function hasBadTags(found: Readonly<Record<string, string>>): boolean {
  const { [tags.mode]: mode, [tags.expiresIn]: window, [tags.rekeyPeriod]: period } = found;
  const { [tags.kty]: kty, [tags.curve]: curve, [tags.paused]: paused } = found;
  return (
    (mode !== undefined && mode !== 'renew' && mode !== 'rekey') ||
    (window !== undefined && !/^[\d.]+(?:m|pct)$/.test(window)) ||
    (period !== undefined && !/^\d+m$/.test(period)) ||
    (window !== undefined && period !== undefined) ||
    (curve !== undefined && kty !== 'EC') ||
    (paused !== undefined && paused !== 'true' && paused !== 'false') ||
    !areEndpoints(found[tags.endpoints])
  );
}

/** In an episode with endpoints, each is of a name below svc.example, or in 10.0.0.0/8. */
function areEndpoints(text: string | undefined): boolean {
  const all = text?.split(' ').filter((each) => each !== '') ?? [];
  const isGood = all.every((each) => /^(?:[a-z0-9-]+\.svc\.example|10(?:\.\d+){3}):443$/.test(each));
  return text === undefined || (isGood && all.length > 0 && all.length <= 5);
}

/**
 * `left`: the schedule rightly leaves it alone. `failing`: its owner must remove an obstacle.
 * With `unreadable` every inspection fails, else only a renewal fails.
 */
export type Health =
  | {
      readonly state: 'fine';
      readonly pair: Pair;
      readonly earliest: number;
      readonly latest: number;
      readonly end: number;
    }
  /** The declared certificate differs from the present one, and can be issued. */
  | { readonly state: 'wanting' }
  | { readonly state: 'left'; readonly why: string }
  | { readonly state: 'failing'; readonly why: string; readonly isUnreadable: boolean };

const left = (why: string): Health => ({ state: 'left', why });
const failing = (why: string, isUnreadable = true): Health => ({ state: 'failing', why, isUnreadable });

export function healthOf(simulation: Simulation, record: SecretRecord): Health {
  const { store, timeline } = simulation;
  const summary = store.summary(record.arn);
  const found = store.tagsOf(record.arn);
  const profile = profileNames.find((name) => name === found[tags.profile]);
  const isAuthority = authoritySecrets.has(record.name);
  if (profile === undefined && !isAuthority) return left('it is not enrolled');
  if (summary.deletedAt !== undefined) return left('it is being deleted');
  if (summary.currentVersionId === undefined) return left('it has no value');
  if (hasBadTags(found)) return failing('its tags are bad');
  if (found[tags.paused] === 'true') return left('it is paused');
  const own = Object.keys(found).filter((tag) => !statusTags.has(tag) && !optionalTags.has(tag)).length;
  const unneeded = [tags.declared, tags.endpoints].filter((tag) => found[tag] === undefined).length;
  const ours = statusTags.size - unneeded;
  if (own + ours > mostTags) return left('there is no room for tags');
  const pair = record.contents.get(summary.currentVersionId);
  const wanted = found[tags.declared] === undefined ? undefined : simulation.declarations.of(record.name);
  if (wanted !== undefined) {
    const declared = declaredHealth(simulation, record, profile, wanted, pair);
    if (declared !== undefined) return declared;
  }
  if (pair === undefined || pair.kind === 'bad') return failing('its value is no certificate');
  const problem = isAuthority
    ? authorityProblem(simulation, record.name, found)
    : problemOf(simulation, profile, pair, found);
  if (problem) return problem;
  const end = endOf(pair);
  if (profile === 'public' && wanted === undefined) return failing('nothing is declared', false);
  const [earliest, latest] = dueOf(simulation, found, pair);
  if (wanted === undefined && profile !== 'lenient' && !isAuthority && timeline.now() > pair.notAfter)
    return failing('it has expired', false);
  const isStep = profile === 'strict' || profile === 'lenient';
  if (wanted === undefined && isStep && !isClient(pair)) return failing('it is no client certificate', false);
  return { state: 'fine', pair, earliest, latest, end };
}

/** Returns undefined if the certificate is the declared one, which is then renewed like any other. */
function declaredHealth(
  simulation: Simulation,
  record: SecretRecord,
  profile: ProfileName | undefined,
  wanted: Declared,
  pair: Content | undefined,
): Health | undefined {
  const isEmpty = pair?.kind === 'bad' && pair.why === 'empty';
  if (pair === undefined || (pair.kind === 'bad' && !isEmpty)) return failing('its value is no certificate');
  const why = unavailable(simulation, profile, pair);
  if (why !== undefined) return why;
  const isPair = pair.kind === 'pair' && simulation.keyOf(pair) === 'own';
  const isThere = isPair && simulation.declarations.isDeclared(record, pair);
  const canBeRenewed =
    isPair && (profile === 'lenient' || simulation.timeline.now() <= pair.notAfter) && isClient(pair);
  const isCopied = canBeRenewed || profile === 'offline';
  if (isThere && (profile === 'public' ? isAllowed(wanted) : isCopied)) return undefined;
  if (wanted.profile !== profile || !isAllowed(wanted))
    return failing('what is declared is not allowed', isThere === false);
  return isThere && simulation.timeline.now() <= pair.notAfter ? undefined : { state: 'wanting' };
}

/** The preconditions of an issuance. */
function unavailable({ store }: Simulation, profile: ProfileName | undefined, pair: Content): Health | undefined {
  const isGone = (name: string): boolean => store.summary(name).deletedAt !== undefined;
  const isEncrypted = pair.kind === 'pair' && pair.isEncrypted;
  if ((profile === 'lenient' || isEncrypted) && isGone(passwordSecret))
    return failing('its password is gone', isEncrypted);
  return profile === 'offline' && isGone('pki/issuing') ? failing('its authority is gone') : undefined;
}

/** The condition under which step-ca renews a certificate. */
export const isClient = ({ leaf }: Pair): boolean =>
  leaf.keyUsage === undefined || leaf.keyUsage.includes('1.3.6.1.5.5.7.3.2');

function problemOf(
  simulation: Simulation,
  profile: ProfileName | undefined,
  pair: Pair,
  found: Readonly<Record<string, string>>,
): Health | undefined {
  const isGone = (name: string): boolean => simulation.store.summary(name).deletedAt !== undefined;
  if (simulation.keyOf(pair) === 'other') return failing('the key is another one');
  if (pair.isEncrypted && isGone(passwordSecret)) return failing('its password is gone');
  if (pair.kmsKeyId !== undefined && found[tags.mode] === 'rekey')
    return failing('a key in KMS can not be exchanged', false);
  if (pair.kmsKeyId !== undefined && !simulation.isEnabled(pair.kmsKeyId)) return failing('its key is disabled', false);
  if (profile === 'offline' && isGone('pki/issuing')) return failing('its authority is gone');
  if (profile === 'imported') {
    if (isGone('pki/imported')) return failing('its authority is gone');
    if (isGone(importedPassword)) return failing("its authority's password is gone");
    if (simulation.plan.weakAuthority) return failing("its authority's key is too weak", false);
  }
  return undefined;
}

function authorityProblem(
  { plan, store }: Simulation,
  name: string,
  found: Readonly<Record<string, string>>,
): Health | undefined {
  if (found[tags.mode] === 'rekey') return failing('an authority keeps its key');
  if (name !== 'pki/imported') return undefined;
  if (store.summary(importedPassword).deletedAt !== undefined) return failing('its password is gone');
  return plan.weakAuthority ? failing('its key is too weak', false) : undefined;
}

/** Returns the back-off of the schedule after a failure, by the documentation. */
export function backsOffUntil(failure: string | undefined): number {
  const [count = '1', at = '', code = ''] = failure?.split(' ') ?? [];
  const passes = ['CaUnavailable', 'KmsUnavailable', 'Throttled', 'SecretChanged'].includes(code);
  const doublings = 2 ** Math.min(Number(count) - 1, 16);
  return Date.parse(at) + (passes ? Math.min(5 * minute * doublings, hour) : Math.min(hour * doublings, 32 * hour));
}

export function isWell(simulation: Simulation, record: SecretRecord): boolean {
  return healthOf(simulation, record).state === 'fine';
}
