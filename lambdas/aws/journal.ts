/** Writes log lines and metrics with Powertools: JSON to standard output, metrics as EMF. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { toRenewalError } from '../domain/errors.ts';
import type { Journal } from '../domain/ports.ts';

export interface PowertoolsJournal extends Journal {
  /** Adds the invocation's id to every following line. Error messages ask users to report it. */
  begin(requestId: string): void;
}

type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];
const units = { SecondsToExpiry: MetricUnit.Seconds, RenewalDuration: MetricUnit.Milliseconds } as const;

/**
 * Returns a Journal. Each metric is a line of its own, written at once, so that a Lambda that is stopped loses none. Callers that count
 * many secrets add them up first, and take the minimum of SecondsToExpiry. RenewalDuration is in milliseconds.
 */
export function powertoolsJournal(): PowertoolsJournal {
  const logger = new Logger({ serviceName: 'cert-renewer' });
  const metrics = new Metrics({ namespace: 'CertRenewer', serviceName: 'cert-renewer' });
  // Powertools adds a dimension `service`. The metrics have only `Profile`, because dimensions are part of a metric's identity.
  metrics.clearDefaultDimensions();

  const emit = (name: string, unit: Unit, profile: string, value: number) => {
    metrics.addDimension('Profile', profile);
    metrics.addMetric(name, unit, value);
    metrics.publishStoredMetrics();
  };

  return {
    begin(requestId) {
      logger.resetKeys();
      logger.appendKeys({ requestId });
    },
    decision({ reason, ...fields }) {
      logger.info(reason.message, { ...loggable(fields), reason });
    },
    failure({ error, ...fields }) {
      const { code, message, retryable, cause } = toRenewalError(error);
      const reason = { code, message };
      const known = {
        ...loggable(fields),
        reason,
        retryable,
        ...(cause === undefined ? {} : { cause: describe(cause) }),
      };
      if (retryable) logger.warn(message, known);
      else logger.error(message, known);
    },
    count: (metric, profile, value) => emit(metric, MetricUnit.Count, profile, value),
    measure: (metric, profile, value) => emit(metric, units[metric], profile, value),
  };
}

/** Replaces errors among the fields: the logger would write them completely, with their messages. */
function loggable(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describe(value) : value]),
  );
}

interface Described {
  readonly name: string;
  readonly code?: string;
  readonly stack?: readonly string[];
  readonly aws?: { readonly requestId?: string; readonly httpStatusCode?: number };
}

/**
 * Describes a foreign error for the log: its class, its code, its stack and AWS's request id. Not its message, nor that of its cause: a
 * parser's message quotes its input, which may be a key.
 */
export function describe(thrown: unknown): Described {
  if (!(thrown instanceof Error)) return { name: typeof thrown };
  const { code, $metadata } = thrown as Error & {
    code?: unknown;
    $metadata?: { requestId?: string; httpStatusCode?: number };
  };
  return {
    name: identifier(thrown.name) ?? 'Error',
    ...(identifier(code) === undefined ? {} : { code: identifier(code) ?? '' }),
    ...(thrown.stack === undefined ? {} : { stack: frames(thrown) }),
    ...($metadata === undefined ? {} : { aws: awsFacts($metadata) }),
  };
}

function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.]{1,80}$/.test(value) ? value : undefined;
}

function awsFacts({ requestId, httpStatusCode }: { requestId?: string; httpStatusCode?: number }) {
  const id = typeof requestId === 'string' && /^[\w-]{1,100}$/.test(requestId) ? { requestId } : {};
  return { ...id, ...(typeof httpStatusCode === 'number' ? { httpStatusCode } : {}) };
}

/** Matches `at <function> (<file>:<line>:<column>)` and nothing else: a stack begins with the message, which may have many lines. */
const frame = /^ {4}at (?:async )?(?:[\w$.<># [\]]{1,120} \()?(?:file:\/\/|node:|\/)[^()\s]{1,300}:\d{1,7}:\d{1,7}\)?$/;

function frames(error: Error): string[] {
  const stack = error.stack ?? '';
  const head = stack.indexOf(error.message);
  const afterMessage = head < 0 ? stack : stack.slice(head + error.message.length);
  return afterMessage
    .split('\n')
    .filter((line) => line.length < 600 && frame.test(line))
    .slice(0, 12)
    .map((line) => line.trim());
}
