/** The line of `status <name> --json`: the row's fields as in the list, and everything else that is known. */
import { formatDuration } from '../../lambdas/domain/duration.ts';
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { Cause, Next } from '../../lambdas/inventory/cause.ts';
import { shownOrder } from '../../lambdas/policy/shown-order.ts';
import { recordOf } from '../row.ts';
import type { Facts } from './facts.ts';
import { foundNow, windowOf } from './outlook.ts';
import { versionsIn } from './versions.ts';

const time = (instant: Instant | undefined) => (instant === undefined ? null : formatInstant(instant));
const length = (milliseconds: number | undefined) => (milliseconds === undefined ? null : formatDuration(milliseconds));

/** Times are RFC 3339, durations are Go's (`8h30m`). Null: not known, or not applicable. */
export function fullRecord(facts: Facts, cause: Cause | undefined, next: Next | undefined) {
  const { now, row, shown, settings, secret, message, notShown } = facts;
  const { failure, ...rest } = recordOf(row);
  const window = windowOf(facts);
  return {
    ...rest,
    failure: failure && { ...failure, message: message ?? null },
    now: foundNow(facts) ?? null,
    cause: cause ?? null,
    certificate: shown?.certificate ?? null,
    mode: settings ? { set: settings.mode, source: settings.modeSource } : null,
    window: window
      ? {
          ...{ kind: window.kind, set: window.set, source: window.source },
          ...{ length: length(window.length), jitter: length(window.jitter), renewAt: time(window.renewAt) },
        }
      : null,
    warnings: window?.warnings ?? [],
    decision: shown?.decision ?? null,
    declaration: shown?.declaration ?? null,
    versions: versionsIn(facts).map(({ versionId, stages, dates }) => ({
      ...{ versionId, stages },
      ...{ createdAt: time(dates?.createdAt), lastReadOn: time(dates?.lastReadOn)?.slice(0, 10) ?? null },
    })),
    order: shownOrder(secret, now),
    endpoints: secret.tags.get(tags.endpoints) ?? null,
    next: next ?? null,
    notShown,
  };
}
