import { Duration } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { type IEventBus, type OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { type ProfileMetric, profileMetric } from './profile-metric.ts';

/** The events and metrics of a CertRenewer. */
export abstract class Observable extends Construct {
  /** The bus that receives the events. */
  abstract readonly eventBus: IEventBus;

  /** Adds a rule for `Certificate Renewed`, sent after each renewal. Its detail is the answer of the renew function. */
  onRenewed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewed', options);
  }

  /** Adds a rule for `Certificate Renewal Failed`. Its detail has the error's `code` and `message`. */
  onFailed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewal Failed', options);
  }

  /**
   * Adds a rule for `Certificate Renewal Overdue`: a certificate is past its renewal time by a fifth of the window, or has expired, or a
   * declared certificate is missing an hour after its declaration.
   */
  onOverdue(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewal Overdue', options);
  }

  /** Adds a rule for `Certificate Hook Failed`: a hook failed, or its command failed on an instance. Its detail names the hook. */
  onHookFailed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Hook Failed', options);
  }

  /**
   * Adds a rule for `Certificate Served`: for the first time, all endpoints of a certificate present the new one. Only with `probe`. Its
   * detail has a result for each endpoint.
   */
  onServed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Served', options);
  }

  /**
   * Adds a rule for `Certificate Not Served`: `probe.within` after a renewal an endpoint does not present the new certificate; and once a
   * day until it does. Only with `probe`. Its detail has a result for each endpoint.
   */
  onNotServed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Not Served', options);
  }

  /**
   * Returns a metric of the namespace CertRenewer for a profile. For an authority, `profile` is `authority:<name>`.
   * @default the sum over five minutes
   */
  metric(name: ProfileMetric, profile: string, options: MetricOptions = {}): Metric {
    return profileMetric(name, profile, 'Sum', Duration.minutes(5)).with(options);
  }

  /**
   * Returns the number of certificates that were issued, renewed or rekeyed.
   * @default the sum over five minutes
   */
  metricRenewed(profile: string, options?: MetricOptions): Metric {
    return this.metric('Renewed', profile, options);
  }

  /**
   * Returns the number of failed attempts to renew a certificate.
   * @default the sum over five minutes
   */
  metricFailed(profile: string, options?: MetricOptions): Metric {
    return this.metric('Failed', profile, options);
  }

  /**
   * Returns the number of hooks that failed after a renewal.
   * @default the sum over five minutes
   */
  metricHookFailed(profile: string, options?: MetricOptions): Metric {
    return this.metric('HookFailed', profile, options);
  }

  /**
   * Returns the number of overdue and expired certificates, counted at each scan.
   * @default the maximum over five minutes
   */
  metricOverdue(profile: string, options?: MetricOptions): Metric {
    return this.metric('Overdue', profile, { statistic: 'Maximum', ...options });
  }

  /**
   * Returns the number of certificates that an endpoint does not present, counted at each probe. Only with `probe`.
   * @default the maximum over five minutes
   */
  metricNotServed(profile: string, options?: MetricOptions): Metric {
    return this.metric('NotServed', profile, { statistic: 'Maximum', ...options });
  }

  /**
   * Returns the number of enrolled secrets, counted at each scan.
   * @default the maximum over five minutes
   */
  metricManaged(profile: string, options?: MetricOptions): Metric {
    return this.metric('Managed', profile, { statistic: 'Maximum', ...options });
  }

  /**
   * Returns the seconds until the profile's next certificate expires, measured at each scan.
   * @default the minimum over five minutes
   */
  metricSecondsToExpiry(profile: string, options?: MetricOptions): Metric {
    return this.metric('SecondsToExpiry', profile, { statistic: 'Minimum', ...options });
  }

  /**
   * Returns the duration of renewals in milliseconds.
   * @default the average over five minutes
   */
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
