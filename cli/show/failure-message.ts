/** Finds the message of a noted failure in the log of the renew function. Pure. */
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { InventoryFailure } from '../../lambdas/inventory/row.ts';
import type { LogLine, LogSpan } from '../aws/observe.ts';

/** A worker writes the line first. It notes the time after it has sent the event, within the time limit of its function. */
const before = 120_000;
/** The tag has whole seconds. */
const after = 2_000;
/** Lambda may pass a line on only at the end of the invocation. */
const late = 120_000;

/** Returns the part of the log to search for a failure at this time. */
export function spanAround(at: Instant): LogSpan {
  return { from: at - before, to: at + late };
}

/**
 * Returns the message of the failure: of the last line about this secret and with this code, at or before the noted time. Undefined
 * if there is no such line. Lines that are not the worker's are ignored.
 */
export function failureMessage(
  lines: readonly LogLine[],
  secretArn: string,
  { code, at }: Pick<InventoryFailure, 'code' | 'at'>,
): string | undefined {
  if (at === undefined) return undefined;
  const span = { from: at - before, to: at + after };
  const found = lines
    .map(readLine)
    .filter((line) => line?.secretArn === secretArn && line.code === code && isWithin(line.at, span));
  return found.reduce<WorkerLine | undefined>(
    (last, line) => (last && line && line.at < last.at ? last : line),
    undefined,
  )?.message;
}

const isWithin = (at: Instant, { from, to }: LogSpan): boolean => at >= from && at <= to;

interface WorkerLine {
  readonly at: Instant;
  readonly secretArn: string;
  readonly code: string;
  readonly message: string;
}

/** Reads a line of lambdas/aws/journal.ts about a failed try. A line with `step` is about the note of a failure, not the failure. */
function readLine({ at, text }: LogLine): WorkerLine | undefined {
  const line = parsed(text);
  const { secretArn, reason, step, timestamp } = line;
  const { code, message } = Object(reason);
  if (typeof secretArn !== 'string' || typeof code !== 'string' || typeof message !== 'string') return undefined;
  if (step !== undefined || !('retryable' in line)) return undefined;
  const written = Date.parse(String(timestamp));
  return { at: Number.isNaN(written) ? at : written, secretArn, code, message };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {}; // a line of Lambda's own
  }
}
