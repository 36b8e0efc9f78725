/** The function that looks whether servers present the new certificates, and its schedule. */
import { Duration } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { Authorities } from '../authorities/authorities.ts';
import type { Profiles } from '../config/profiles.ts';
import { FunctionSchedule } from '../functions/function-schedule.ts';
import { NodeFunction, type NodeFunctionProps } from '../functions/node-function.ts';
import { allowParameters, allowProbe } from '../functions/permissions.ts';

export interface ProbeProps extends Pick<NodeFunctionProps, 'logRetention' | 'placement'> {
  /** Environment of all functions: what the probe has no use for is left out. */
  readonly environment: Readonly<Record<(typeof needed)[number], string>>;
  readonly renewFunctionArn: string;
  readonly eventBus: IEventBus;
  readonly profiles: Profiles;
  readonly profileNames: readonly string[];
  /** Undefined in a stack without authorities. */
  readonly authorities: Authorities | undefined;
}

const needed = ['PROFILE_PREFIX', 'EVENT_BUS_NAME', 'CONFIG_HASH', 'CERT_RENEWER_VERSION'] as const;

/**
 * The probe's function, in the network of the workers. Its role can read no secret, and write nothing but one tag. A paused stack keeps
 * probing: the probe changes no certificate, and servers still present theirs.
 */
export class Probe extends NodeFunction {
  constructor(
    scope: Construct,
    id: string,
    { environment, renewFunctionArn, eventBus, profiles, profileNames, authorities, ...shared }: ProbeProps,
  ) {
    super(scope, id, {
      ...shared,
      entry: 'probe.ts',
      description: 'Looks whether servers present the new certificates',
      // The next runs probe what this one has no time for (lambdas/probes/run.ts).
      timeout: Duration.minutes(3),
      // Most runs only list. A run after many renewals waits for servers, with a few milliseconds of CPU for each handshake.
      memorySize: 512,
      environment: {
        ...Object.fromEntries(needed.map((name) => [name, environment[name]])),
        ...authorities?.environment,
        RENEW_FUNCTION_ARN: renewFunctionArn,
        // getaddrinfo blocks a thread for each look-up, and by default two look up at once: a few dead DNS servers would stop all others
        // (https://nodejs.org/api/dns.html#implementation-considerations). Half of the threads look up (lambdas/net/tls-handshake.ts).
        UV_THREADPOOL_SIZE: '128',
      },
    });
    allowProbe(this.role, profileNames);
    allowParameters(this.role, 'Profiles', profiles.prefix);
    authorities?.allowProbe(this);
    eventBus.grantPutEventsTo(this.role);
    this.function.node.addDependency(...profiles.parameters, ...(authorities?.parameters ?? []));
    // The next run makes up for one that is missing or fails. So nothing is tried again, and nothing is kept as a dead letter: a probe
    // that can't run would leave more than a thousand a day.
    const onlyOnce = { retryAttempts: 0, maxEventAge: Duration.minutes(1) };
    this.function.configureAsyncInvoke(onlyOnce);
    new FunctionSchedule(this, 'Schedule', {
      what: 'the probe',
      expression: 'rate(1 minute)',
      paused: false,
      target: this.function,
      input: JSON.stringify({ due: true }),
      retries: onlyOnce.retryAttempts,
      maxEventAge: onlyOnce.maxEventAge.toSeconds(),
    });
  }
}
