/** A row of the inventory for a test of one of its fields. */
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';

const hour = 3_600_000;

/** Returns a healthy certificate of a day with other fields. Without `states` its only state is `state`. */
export function rowWith(now: Instant, fields: Partial<InventoryRow>): InventoryRow {
  const { name = 'web/tls', state = 'ok' } = fields;
  return {
    name,
    secretArn: `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`,
    profile: 'internal',
    state,
    states: [state],
    reason: { code: 'NotDue', message: 'Not due.' },
    notBefore: now - 8 * hour,
    notAfter: now + 16 * hour,
    renewAt: now + 8 * hour,
    overdue: false,
    declared: false,
    wanting: undefined,
    failure: undefined,
    ...fields,
  };
}
