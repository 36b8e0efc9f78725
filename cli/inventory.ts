/** The certificates of the stack, page by page as AWS lists them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Warning } from '../lambdas/domain/decision.ts';
import { RenewalError } from '../lambdas/domain/errors.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import { tags } from '../lambdas/domain/tags.ts';
import { type InventoryRow, inventoryRow } from '../lambdas/inventory/row.ts';
import { type Candidate, profileNameOf } from '../lambdas/policy/enrolment.ts';
import { candidates, profilesOf } from '../lambdas/renewal/scan/candidates.ts';
import { findAuthorities } from '../lambdas/renewal/scan/scan-authorities.ts';
import { explain } from './exit.ts';
import { requireProfileOrAuthority, type Session } from './session.ts';
import { printable, type Terminal } from './terminal.ts';
import { warningsOf } from './warnings.ts';

/** Which certificates: the named ones, those of a profile, or all. */
export interface Selection {
  readonly names: readonly string[];
  readonly profile?: string | undefined;
}

/** A named secret without a row. */
export interface Untold {
  readonly secretId: string;
  readonly error: { readonly errorType: string; readonly message: string };
}

export interface InventoryPage {
  readonly rows: readonly InventoryRow[];
  readonly untold: readonly Untold[];
}

type Source = Awaited<ReturnType<typeof sourceOf>>;

/** Is told of an authority that can't be read. */
export type LeftOut = (authority: string, error: unknown) => void;

/** The inventory of a command. An authority that can't be read gives a note only. */
export function inventory(session: Session, terminal: Terminal, selection: Selection): AsyncGenerator<InventoryPage> {
  return inventoryOf(session, selection, noting(terminal));
}

const noting =
  (terminal: Terminal): LeftOut =>
  (authority, error) => {
    const { errorType, message } = explain(error);
    terminal.note(printable(`The authority ${authority} is left out: ${errorType}: ${message}`));
  };

/**
 * Yields pages in the order in which AWS lists the secrets. Throws AccessDenied, Throttled, UnknownProfile, NoStack.
 */
export async function* inventoryOf(
  session: Session,
  selection: Selection,
  leftOut: LeftOut,
): AsyncGenerator<InventoryPage> {
  const source = await sourceOf(session, leftOut);
  for await (const { found, untold } of selected(source, session, selection)) {
    yield { rows: await rowsOf(source, session, found), untold };
  }
}

/** Yields the warnings about the windows of the same certificates, by the ARN of the secret. Throws as `inventory` does. */
export async function* inventoryWarnings(
  session: Session,
  terminal: Terminal,
  selection: Selection,
): AsyncGenerator<ReadonlyMap<string, readonly Warning[]>> {
  const source = await sourceOf(session, noting(terminal));
  const deployment = await session.deployment();
  for await (const { found } of selected(source, session, selection)) {
    const profileOf = await profilesOf(source, found);
    const now = session.clock.now();
    yield new Map(found.map((each) => [each.secret.arn, warningsOf(each, profileOf(each), deployment, now)] as const));
  }
}

interface Selected {
  readonly found: readonly Candidate[];
  readonly untold: readonly Untold[];
}

async function* selected(source: Source, session: Session, { names, profile }: Selection): AsyncGenerator<Selected> {
  // With a misspelt profile a cron job would report success for ever.
  if (profile !== undefined) await requireProfileOrAuthority(session, profile);
  if (names.length > 0) {
    yield await named(source, session, names, profile);
    return;
  }
  for await (const page of candidates(source)) {
    yield {
      found: page.filter((candidate) => profile === undefined || profileNameOf(candidate) === profile),
      untold: [],
    };
  }
}

async function sourceOf(session: Session, leftOut: LeftOut) {
  const { profiles, authorities, rotationFunctionArn, step } = await session.deployment();
  const failure = ({ error, authority }: { error: unknown; authority?: unknown }) => leftOut(String(authority), error);
  const quiet = () => undefined;
  const journal = { decision: quiet, count: quiet, measure: quiet, failure };
  return { store: session.store, profiles, authorities, rotationFunctionArn, step, journal };
}

async function rowsOf(source: Source, { clock }: Session, found: readonly Candidate[]): Promise<InventoryRow[]> {
  const now = clock.now();
  const terms = { now, step: source.step(now), rotationFunctionArn: source.rotationFunctionArn };
  const profileOf = await profilesOf(source, found);
  return found.map((candidate) => inventoryRow(candidate, profileOf(candidate), terms));
}

async function named(
  source: Source,
  session: Session,
  names: readonly string[],
  profile: string | undefined,
): Promise<Selected> {
  const authorities = await findAuthorities(source);
  const untold: Untold[] = [];
  const found: Candidate[] = [];
  for (const secretId of new Set(names)) {
    try {
      const candidate = await candidateNamed(session, authorities, secretId);
      if (profile === undefined || profileNameOf(candidate) === profile) found.push(candidate);
    } catch (thrown) {
      untold.push({ secretId, error: explain(thrown) });
    }
  }
  return { found, untold };
}

async function candidateNamed(
  { store }: Session,
  authorities: readonly Candidate[],
  secretId: string,
): Promise<Candidate> {
  const secret = await store.describe(secretId);
  const authority = authorities.find((each) => each.secret.arn === secret.arn);
  if (authority) return authority;
  requireEnrolled(secret);
  return { secret };
}

/** One certificate: its row, and what the row comes from. */
export interface FoundCertificate {
  readonly row: InventoryRow;
  readonly candidate: Candidate;
  /** Undefined if the stack has no profile of this name. */
  readonly profile: Profile | undefined;
  readonly rotationFunctionArn: string | undefined;
}

/**
 * Finds one certificate by the name or ARN of its secret. Returns an error of that secret. Throws AccessDenied, Throttled,
 * NoStack.
 */
export async function findCertificate(
  session: Session,
  terminal: Terminal,
  secretId: string,
): Promise<FoundCertificate | Untold> {
  const source = await sourceOf(session, noting(terminal));
  const authorities = await findAuthorities(source);
  try {
    const candidate = await candidateNamed(session, authorities, secretId);
    const profile = (await profilesOf(source, [candidate]))(candidate);
    const now = session.clock.now();
    const { rotationFunctionArn } = source;
    const row = inventoryRow(candidate, profile, { now, step: source.step(now), rotationFunctionArn });
    return { row, candidate, profile, rotationFunctionArn };
  } catch (thrown) {
    return { secretId, error: explain(thrown) };
  }
}

/** Throws SecretNotEnrolled. */
export function requireEnrolled(secret: Candidate['secret']): void {
  if (secret.tags.has(tags.profile)) return;
  throw new RenewalError(
    'SecretNotEnrolled',
    `The secret ${secret.name} has no tag ${tags.profile}: cert-renewer enrol ${secret.name} --profile <name> enrols it.`,
  );
}

/**
 * Groups pages into batches. A batch contains all items that arrive within `milliseconds` of its first one. So a short list is one
 * batch, which can be sorted, and a long list appears as it arrives.
 */
export async function* inBatches<T>(pages: AsyncIterable<readonly T[]>, milliseconds: number): AsyncGenerator<T[]> {
  const iterator = pages[Symbol.asyncIterator]();
  const over = new AbortController();
  let held: T[] = [];
  let timer: Promise<'time'> | undefined;
  try {
    for (let next = iterator.next(); ; ) {
      const came = await (timer ? Promise.race([next, timer]) : next);
      if (came === 'time') {
        yield held;
        held = [];
        timer = undefined;
        continue;
      }
      if (came.done) break;
      held.push(...came.value);
      if (held.length > 0) timer ??= pause(milliseconds, 'time' as const, { signal: over.signal });
      timer?.catch(() => undefined); // ended below
      next = iterator.next();
    }
    if (held.length > 0) yield held;
  } finally {
    over.abort();
  }
}
