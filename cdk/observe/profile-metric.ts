import type { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

/** The names of the metrics with the dimension Profile. */
export type ProfileMetric =
  | 'Renewed'
  | 'Failed'
  | 'Overdue'
  | 'Managed'
  | 'HookFailed'
  | 'NotServed'
  | 'SecondsToExpiry'
  | 'RenewalDuration';

/** Returns a metric of the namespace CertRenewer for a profile. */
export function profileMetric(name: ProfileMetric, profile: string, statistic: string, period: Duration): Metric {
  return new Metric({
    namespace: 'CertRenewer',
    metricName: name,
    dimensionsMap: { Profile: profile },
    statistic,
    period,
  });
}
