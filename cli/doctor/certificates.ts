/**
 * The certificates and their CAs: one finding for each cause. A certificate is in one finding only. A CA that fails now is the cause of
 * the certificates that failed with the same code.
 */
import { count } from '../../lambdas/domain/count.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { isNotTried } from '../../lambdas/inventory/advice.ts';
import { type CauseGroup, causeGroups, causeOf, nextFor, stateCounts } from '../../lambdas/inventory/cause.ts';
import { type InventoryRow, isOfOthers } from '../../lambdas/inventory/row.ts';
import { isProblem, rankOf } from '../../lambdas/inventory/states.ts';
import { span } from '../../lambdas/inventory/words.ts';
import { authorityProfileName } from '../../lambdas/policy/authority-profile.ts';
import { adviceOf } from '../../lambdas/providers/index.ts';
import type { CaAdvice } from '../../lambdas/providers/kind.ts';
import { profileNamed } from '../../lambdas/renewal/entry/ask-ca.ts';
import { targetWords } from '../hints.ts';
import { inventoryOf } from '../inventory.ts';
import type { Session } from '../session.ts';
import { askCa, type CaAnswer, failingCas, findingOfCa, otherAnswers } from './ca.ts';
import { type Finding, fault, impossible, namesOf, note } from './finding.ts';
import { listed } from './words.ts';

type Advices = ReadonlyMap<string, CaAdvice>;

export async function certificates(session: Session): Promise<readonly Finding[]> {
  const { authorities } = await session.deployment();
  const now = session.clock.now();
  const { rows, leftOut } = await look(session);
  const ours = rows.filter((row) => !isOfOthers(row));
  // An authority is asked even if its secret can't be read here.
  const own = (authorities?.names ?? []).map(authorityProfileName);
  const profiles = [...new Set([...ours.map(({ profile }) => profile), ...own])];
  if (profiles.length === 0) return [nothingEnrolled];
  const [answers, advices] = await Promise.all([
    Promise.all(profiles.map((profile) => askCa(session, profile))),
    advicesOf(session, profiles),
  ]);
  const failing = new Set(answers.flatMap(({ profile, kind }) => (kind === 'fails' ? profile : [])));
  const unread = [...leftOut].filter(([authority]) => !failing.has(authorityProfileName(authority)));
  return [
    ...problems(ours, answers, advices, targetWords(session.target)),
    ...unread.map(([, finding]) => finding),
    ...[
      ...unissued(ours),
      ...ordered(ours, now),
      ...resting(ours),
      ...otherAnswers(answers.filter((answer) => !isDoubtful(answer, ours))),
    ],
  ];
}

/** Whether certificates of the profile fail because of the key. A worker that keeps its public half asks KMS for nothing. */
const isDoubtful = ({ kind, profile }: CaAnswer, rows: readonly InventoryRow[]): boolean =>
  kind === 'answers' && rows.some((row) => row.profile === profile && causeOf(row)?.code === 'KmsDenied');

const nothingEnrolled = note('No secret is enrolled.', {
  fix: 'Enrol one with cert-renewer enrol <name> --profile <profile>, or declare one in "certificates" of the configuration.',
  link: docs('operations.md', 'the-first-certificate'),
});

async function look(session: Session) {
  const rows: InventoryRow[] = [];
  const leftOut = new Map<string, Finding>();
  const onLeftOut = (authority: string, thrown: unknown) => {
    const finding = impossible(thrown, docs('cli.md', 'doctor'));
    leftOut.set(authority, { ...finding, says: `The authority ${authority} is left out. ${finding.says}` });
  };
  for await (const page of inventoryOf(session, { names: [] }, onLeftOut)) rows.push(...page.rows);
  return { rows, leftOut };
}

async function advicesOf(session: Session, profiles: readonly string[]): Promise<Advices> {
  const deployment = await session.deployment();
  const found = await Promise.all(
    profiles.map(async (name): Promise<[string, CaAdvice]> => {
      const profile = await profileNamed(deployment, name);
      return [name, profile ? adviceOf(profile.ca) : {}];
    }),
  );
  return new Map(found);
}

/** The causes, the most urgent first: by the worst state of their certificates, then by their number. */
function problems(
  rows: readonly InventoryRow[],
  answers: readonly CaAnswer[],
  advices: Advices,
  options: string,
): readonly Finding[] {
  const adviceAt = (profile = ''): CaAdvice => advices.get(profile) ?? {};
  const cas = failingCas(answers, rows, (row) => causeOf(row)?.code);
  const taken = new Set(cas.flatMap((failing) => failing.rows));
  const others = causeGroups(
    rows.filter((row) => !taken.has(row)),
    ({ profile }) => adviceAt(profile),
  );
  const answering = new Set(answers.flatMap(({ profile, kind }) => (kind === 'answers' ? profile : [])));
  const found = [
    ...cas.map((failing) => ({ rows: failing.rows, finding: findingOfCa(failing, adviceAt(failing.profiles[0])) })),
    ...others.map((group) => ({ rows: group.rows, finding: findingOf(group, answering, options) })),
  ];
  const worst = ({ rows: some }: { rows: readonly InventoryRow[] }) =>
    Math.min(rankOf('failing'), ...some.map(({ state }) => rankOf(state)));
  return found
    .toSorted((left, right) => worst(left) - worst(right) || right.rows.length - left.rows.length)
    .map(({ finding }) => finding);
}

function findingOf({ cause, rows }: CauseGroup, answering: ReadonlySet<string>, options: string): Finding {
  const { code, means, fix, link } = cause;
  const profiles = [...new Set(rows.map(({ profile }) => profile))];
  const [only] = rows;
  // The tags have the message of no other failure.
  const message =
    rows.length === 1 && only?.reason.code === code && code === 'InvalidTag' ? only.reason.message : undefined;
  const says = `${number(rows)} of ${listed(profiles)}: ${code}, ${message ?? `${means}.`}`;
  const passed = code === 'CaUnavailable' && profiles.every((profile) => answering.has(profile));
  const other = passed ? 'The CA answers again, so the schedule succeeds with the next tries.' : undefined;
  const todo = other ?? (isNotTried(code) ? whatRuns : fix);
  return { ...fault(says, { fix: todo, link }, namesOf(rows)), ...nextOf(rows, options) };
}

/** The advice elsewhere is to run doctor. */
const whatRuns =
  'Something does not run: see the lines about the schedule, the last scan, the queue and the functions. If all are ok, read the log of the renew function, and check that its event source mapping is enabled.';

/** Formats `115 overdue certificates`, or `16 certificates (1 expired, 15 failing)`. */
function number(rows: readonly InventoryRow[]): string {
  const states = [...stateCounts(rows)];
  const [[state] = ['']] = states;
  if (states.length === 1) return count(rows.length, `${state} certificate`);
  return `${count(rows.length, 'certificate')} (${states.map(([each, some]) => `${some} ${each}`).join(', ')})`;
}

/** The command for the first one. Undefined if it is this one. */
function nextOf([first]: readonly InventoryRow[], options: string): Pick<Finding, 'next'> {
  const next = first && nextFor(first, options);
  if (!next || next.command.startsWith('cert-renewer doctor')) return {};
  // The cause comes first, and it is in the message, which only the worker's log has.
  const lacksMessage = first.failure !== undefined && next.command.startsWith('cert-renewer renew ');
  return { next: lacksMessage ? next.command.replace('cert-renewer renew ', 'cert-renewer status ') : next.command };
}

/** Neither failed nor overdue, nor ordered: the next scan may issue it. */
function unissued(rows: readonly InventoryRow[]): readonly Finding[] {
  const found = rows.filter(({ state, wait }) => (state === 'missing' || state === 'changed') && wait === undefined);
  if (found.length === 0) return [];
  return [
    note(
      `${count(found.length, 'declared certificate')} missing or changed, and not issued yet.`,
      {
        fix: 'The next scan has them issued. cert-renewer renew <name> does it now.',
        link: docs('declared.md', 'when-it-is-not-there'),
      },
      namesOf(found),
    ),
  ];
}

/** Milliseconds. Most CAs finish within minutes. After a day the order is given up, which is a failure. */
const longWait = 6 * 3_600_000;

/** They wait for their CA for hours, and are no problem yet. */
function ordered(rows: readonly InventoryRow[], now: Instant): readonly Finding[] {
  const found = rows.filter(({ state, wait }) => wait && !isProblem(state) && now - wait.since >= longWait);
  if (found.length === 0) return [];
  const says = `${count(found.length, 'certificate waits', 'certificates wait')} for the CA for more than ${span(longWait)}.`;
  const fix = 'cert-renewer status <name> shows the order, and the log of the renew function what the CA does.';
  const link = docs('operations.md', 'an-order-that-waits');
  return [note(says, { fix, link }, namesOf(found))];
}

/** Paused, and their clock has time left. */
function resting(rows: readonly InventoryRow[]): readonly Finding[] {
  const found = rows.filter(({ state, reason }) => state === 'paused' && reason.code === 'Paused');
  if (found.length === 0) return [];
  const says = `${count(found.length, 'certificate is', 'certificates are')} paused: the schedule does not renew ${found.length === 1 ? 'it' : 'them'}.`;
  const fix = 'cert-renewer resume <name> ends a pause. A paused profile is resumed in the configuration.';
  return [note(says, { fix, link: docs('options/paused.md') }, namesOf(found))];
}
