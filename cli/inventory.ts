/** The certificates of the stack, page by page as AWS lists them. */
import { setTimeout as pause } from 'node:timers/promises';
import { RenewalError } from '../lambdas/domain/errors.ts';
import { tags } from '../lambdas/domain/tags.ts';
import { type InventoryRow, inventoryRow } from '../lambdas/inventory/row.ts';
import { authorityProfileName } from '../lambdas/policy/authority-profile.ts';
import { type Candidate, profileNameOf } from '../lambdas/policy/enrolment.ts';
import { candidates, profilesOf } from '../lambdas/renewal/scan/candidates.ts';
import { findAuthorities } from '../lambdas/renewal/scan/scan-authorities.ts';
import { explain } from './exit.ts';
import { requireProfile, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

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

/**
 * Yields pages in the order in which AWS lists the secrets. An authority that can't be read gives a note only.
 * Throws AccessDenied, Throttled, UnknownProfile, and Internal if there is no stack.
 */
export async function* inventory(
  session: Session,
  terminal: Terminal,
  { names, profile }: Selection,
): AsyncGenerator<InventoryPage> {
  const source = await sourceOf(session, terminal);
  // With a misspelt profile a cron job would report success for ever.
  const isAuthority = source.authorities?.names.some((name) => authorityProfileName(name) === profile);
  if (profile !== undefined && !isAuthority) await requireProfile(session, profile);
  if (names.length > 0) {
    yield await named(source, session, names, profile);
    return;
  }
  for await (const page of candidates(source)) {
    const wanted = page.filter((candidate) => profile === undefined || profileNameOf(candidate) === profile);
    yield { rows: await rowsOf(source, session, wanted), untold: [] };
  }
}

async function sourceOf(session: Session, terminal: Terminal) {
  const { profiles, authorities, rotationFunctionArn, step } = await session.deployment();
  const failure = ({ error, authority }: { error: unknown; authority?: unknown }) => {
    const { errorType, message } = explain(error);
    terminal.note(`The authority ${String(authority)} is left out: ${errorType}: ${message}`);
  };
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
): Promise<InventoryPage> {
  const authorities = await findAuthorities(source);
  const untold: Untold[] = [];
  const found: Candidate[] = [];
  for (const secretId of new Set(names)) {
    try {
      const secret = await session.store.describe(secretId);
      const candidate = authorities.find((each) => each.secret.arn === secret.arn) ?? { secret };
      if (!('authority' in candidate)) requireEnrolled(secret);
      if (profile === undefined || profileNameOf(candidate) === profile) found.push(candidate);
    } catch (thrown) {
      untold.push({ secretId, error: explain(thrown) });
    }
  }
  return { rows: await rowsOf(source, session, found), untold };
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
