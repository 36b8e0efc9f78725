/** Log lines and metrics through Powertools: JSON to standard output, metrics as EMF. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { toRenewalError } from '../domain/errors.ts';
import type { Journal } from '../domain/ports.ts';

export interface PowertoolsJournal extends Journal {
  /** From now on every line carries this invocation's id, which error messages ask people to report. */
  begin(requestId: string): void;
}

type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];
const units = { SecondsToExpiry: MetricUnit.Seconds, RenewalDuration: MetricUnit.Milliseconds } as const;

/**
 * A Journal. Each metric is a line of its own and out at once, so that a Lambda that is stopped loses none; callers
 * that count many secrets add them up first, and take the least of SecondsToExpiry. RenewalDuration is in milliseconds.
 */
export function powertoolsJournal(): PowertoolsJournal {
  const logger = new Logger({ serviceName: 'cert-renewer' });
  const metrics = new Metrics({ namespace: 'CertRenewer', serviceName: 'cert-renewer' });
  // Powertools adds a dimension `service`; ours is `Profile`, alone, and a metric's dimensions are part of its name.
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

/** An Error among the fields would be written whole by the logger, its message included. */
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
 * What may be told of an error that is not ours: its class, its code, where it was thrown and AWS's request id. Not its
 * message, nor that of its own cause: a parser's message quotes what it could not parse, and that may be a key.
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

/** `at <function> (<file>:<line>:<column>)` and nothing else: the stack's head is the message, which may have many lines. */
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
