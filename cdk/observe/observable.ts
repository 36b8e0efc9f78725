import { Duration } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { type IEventBus, type OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { type ProfileMetric, profileMetric } from './monitoring.ts';

/** What can be seen of a CertRenewer: its events and its metrics. */
export abstract class Observable extends Construct {
  abstract readonly eventBus: IEventBus;

  /** After each renewal; the event's detail is the answer of the renew function. */
  onRenewed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewed', options);
  }

  onFailed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewal Failed', options);
  }

  onOverdue(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewal Overdue', options);
  }

  /** A command that failed on an instance, too; the event's detail names the hook. */
  onHookFailed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Hook Failed', options);
  }

  /** A metric of namespace CertRenewer. @default the sum over five minutes */
  metric(name: ProfileMetric, profile: string, options: MetricOptions = {}): Metric {
    return profileMetric(name, profile, 'Sum', Duration.minutes(5)).with(options);
  }

  metricRenewed(profile: string, options?: MetricOptions): Metric {
    return this.metric('Renewed', profile, options);
  }

  metricFailed(profile: string, options?: MetricOptions): Metric {
    return this.metric('Failed', profile, options);
  }

  metricHookFailed(profile: string, options?: MetricOptions): Metric {
    return this.metric('HookFailed', profile, options);
  }

  metricOverdue(profile: string, options?: MetricOptions): Metric {
    return this.metric('Overdue', profile, { statistic: 'Maximum', ...options });
  }

  metricManaged(profile: string, options?: MetricOptions): Metric {
    return this.metric('Managed', profile, { statistic: 'Maximum', ...options });
  }

  /** The least time that is left to any certificate of the profile. */
  metricSecondsToExpiry(profile: string, options?: MetricOptions): Metric {
    return this.metric('SecondsToExpiry', profile, { statistic: 'Minimum', ...options });
  }

  /** Milliseconds. */
  metricRenewalDuration(profile: string, options?: MetricOptions): Metric {
    return this.metric('RenewalDuration', profile, { statistic: 'Average', ...options });
  }

  private onEvent(id: string, type: RenewalEvent['type'], { target, eventPattern, ...options }: OnEventOptions): Rule {
    const rule = new Rule(this, id, {
      ...options,
      eventBus: this.eventBus,
      eventPattern: { ...eventPattern, source: ['cert-renewer'], detailType: [type] },
    });
    if (target) rule.addTarget(target);
    return rule;
  }
}
