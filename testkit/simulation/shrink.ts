/** Finds the shortest story that breaks the same guarantee, by removing parts of the plan. */
import { type EpisodeOptions, playEpisode, type Report } from './episode.ts';
import type { Violation } from './ledger.ts';
import { type Deed, minute, type Plan, type SecretPlan, start, withEnd } from './plan.ts';

/** Limits of the search, in episodes and in milliseconds, because a long story is better than none. */
const mostTries = 150;
const longest = 60_000;

export async function shrink(plan: Plan, { rule, secret }: Violation, options: EpisodeOptions = {}): Promise<Plan> {
  let best = plan;
  let tries = 0;
  const until = performance.now() + longest;
  const isStillBroken = async (candidate: Plan): Promise<boolean> => {
    if (++tries > mostTries || performance.now() > until) return false;
    const report = await playEpisode(candidate, options).catch(() => undefined);
    if (!report?.violations.some((each) => each.rule === rule && each.secret === secret)) return false;
    best = candidate;
    return true;
  };
  await isStillBroken(onlyWith(best, secret));
  await leaveOut((keep) => isStillBroken({ ...best, faults: keep }), best.faults);
  await leaveOut((keep) => isStillBroken({ ...best, deeds: keep }), best.deeds);
  await leaveOut((keep) => isStillBroken({ ...best, secrets: keep }), best.secrets);
  for (const simpler of simplerSecrets(best, secret)) await isStillBroken({ ...best, secrets: simpler });
  await shorten(best, isStillBroken);
  return best;
}

/** Returns the secret and those that its requests name. */
function onlyWith(plan: Plan, secret: string): Plan {
  const own = plan.deeds.filter((deed) => namesOf(deed).includes(secret) || namesOf(deed).length === 0);
  const names = new Set([secret, ...own.flatMap(namesOf)]);
  const { serving } = plan;
  return {
    ...plan,
    ...(serving && {
      serving: { ...serving, servers: serving.servers.filter((server) => names.has(server.secret)) },
    }),
    secrets: plan.secrets.filter(({ name }) => names.has(name)),
    deeds: plan.deeds.filter((deed) => namesOf(deed).every((name) => names.has(name) || name.startsWith('pki/'))),
    faults: plan.faults.filter((fault) => fault.secret === undefined || names.has(fault.secret)),
  };
}

function namesOf(deed: Deed): string[] {
  if (deed.kind === 'deploy') return Object.keys(deed.certificates);
  const own = 'secret' in deed && deed.secret !== undefined ? [deed.secret] : [];
  if (deed.kind !== 'ask') return own;
  return [...own, ...[...JSON.stringify(deed.request).matchAll(/"secretId":"([^"]+)"/g)].map(([, name = '']) => name)];
}

/** Removes halves, quarters, … and single items, as long as `isEnough` accepts the rest. */
async function leaveOut<T>(isEnough: (keep: readonly T[]) => Promise<boolean>, all: readonly T[]): Promise<void> {
  let kept = all;
  if (kept.length > 0 && (await isEnough([]))) return;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (await isEnough(without)) kept = without;
      else from += size;
    }
  }
}

function simplerSecrets({ secrets }: Plan, secret: string): SecretPlan[][] {
  const change = (with_: (each: SecretPlan) => SecretPlan): SecretPlan[] =>
    secrets.map((each) => (each.name === secret ? with_(each) : each));
  return [
    change(({ rotation: _, ...rest }) => rest),
    change((each) => ({ ...each, tags: {} })),
    change((each) => ({ ...each, ownTags: 0 })),
    change((each) => ({ ...each, key: 'P-256', shape: 'camel', inKms: false })),
  ];
}

async function shorten(plan: Plan, isStillBroken: (candidate: Plan) => Promise<boolean>): Promise<void> {
  const last = Math.max(0, ...plan.deeds.map(({ at }) => at), ...plan.faults.map(({ at }) => at));
  for (const quietFrom of [last + minute, last + plan.period, last + 10 * plan.period]) {
    if (quietFrom < plan.quietFrom && (await isStillBroken(withEnd(plan, quietFrom)))) return;
  }
}

/** Returns the report of a plan that breaks a guarantee. */
export async function storyOf(plan: Plan, violation: Violation, options: EpisodeOptions = {}): Promise<string> {
  const report = await playEpisode(plan, { ...options, keepsStory: true });
  const found = report.violations.find((each) => each.rule === violation.rule && each.secret === violation.secret);
  return [
    `seed ${plan.seed}: ${violation.rule}: ${violation.secret}: ${(found ?? violation).text}`,
    `  a scan every ${plan.period / minute} minutes; quiet from ${time(plan.quietFrom)}, the end at ${time(plan.end)}`,
    ...plan.secrets.map((secret) => `  secret ${JSON.stringify(secret)}`),
    ...(plan.serving?.servers ?? []).map((server) => `  server ${JSON.stringify(server)}`),
    ...plan.deeds.map(({ id: _, at, ...deed }) => `  ${time(at)} somebody: ${JSON.stringify(deed)}`),
    ...plan.faults.map(({ id, at, until, times, ...fault }) => {
      const what = `${fault.call} ${fault.kind}${fault.secret ? ` of ${fault.secret}` : ''}`;
      return `  ${time(at)} to ${time(until)}: ${what}, ${times === Number.POSITIVE_INFINITY ? 'always' : `${times} times`}, met ${report.met.get(id) ?? 0} times`;
    }),
    ...events(report, found ?? violation),
  ].join('\n');
}

const dull =
  /^(?:profile|authority|key|sign) ok$|^describe ok$|^read ok$|^list ok$|^pause ok$|^resolve ok$|^handshake ok$/;
const [beginning, ending] = [25, 35];

function events({ lines = [] }: Report, { secret, since = 0 }: Violation): string[] {
  const from = since - start - 10 * minute;
  const own = lines.filter(({ at, about, what }) => at >= from && about.includes(secret) && !dull.test(what));
  const told = own.map(({ at, who, what }) => `    ${time(at)} ${who}: ${what}`);
  if (told.length <= beginning + ending) return told;
  const left = told.length - beginning - ending;
  return [...told.slice(0, beginning), `    … ${left} more …`, ...told.slice(-ending)];
}

function time(elapsed: number): string {
  const seconds = Math.floor(elapsed / 1000);
  const two = (number: number): string => String(Math.floor(number)).padStart(2, '0');
  return `day ${Math.floor(seconds / 86_400)} ${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}
