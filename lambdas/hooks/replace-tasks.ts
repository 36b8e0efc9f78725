/**
 * The hook `ecs`: has a service of ECS replace its tasks, so that new ones read the new certificate. ECS reports the end of each
 * deployment by an event.
 */
import { RenewalError } from '../domain/errors.ts';
import type { EcsDeployer, EcsService } from '../domain/hook.ts';
import { quote } from '../domain/quote.ts';
import { field, type Hook, renewedSecret, secretName, textOf } from './renewed-event.ts';
import { type ReportWorld, report, runHook } from './report.ts';

export interface EcsHook extends Hook<'ecs'> {
  /** `<cluster>/<service>` by the secrets' names. */
  readonly services: ReadonlyMap<string, string>;
}

export interface EcsWorld extends ReportWorld {
  readonly deployer: EcsDeployer;
}

/**
 * Begins a deployment of the secret's service. Does nothing for a secret that the hook does not name. Throws errors that are worth
 * another try: Throttled, AccessDenied.
 */
export async function replaceTasks(world: EcsWorld, hook: EcsHook, event: unknown): Promise<void> {
  await runHook(world, hook, event, async () => {
    const { secretArn } = renewedSecret(event, hook.profile);
    const place = hook.services.get(secretName(secretArn));
    if (place === undefined) return;
    const id = await world.deployer.deploy(serviceOf(place));
    const message = `The service ${place} began the deployment ${id ?? '(without an id)'}.`;
    world.journal.decision({ secretArn, reason: { code: 'Requested', message }, profile: hook.profile });
  });
}

function serviceOf(place: string): EcsService {
  const [cluster = '', name = ''] = place.split('/');
  return { cluster, name };
}

// ---- The end of a deployment --------------------------------------------------------------------------------------

/** Returns whether the input is an event of ECS. Only AWS can put events of `aws.ecs` on a bus. */
export function isDeploymentState(input: unknown): boolean {
  return field(input, 'source') === 'aws.ecs';
}

/**
 * Reports a deployment that failed, and logs one that is complete. Such an event does not say who began the deployment, so it may be
 * anyone's. Throws the errors of publishing, and InvalidRequest for a service that the hook does not name.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
 */
export async function reportDeployment(world: ReportWorld, hook: EcsHook, event: unknown): Promise<void> {
  const { profile, type } = hook;
  const { place, secrets } = namedService(hook, event);
  const detail = field(event, 'detail');
  const id = quote(textOf(detail, 'deploymentId') ?? 'unknown');
  const state = textOf(detail, 'eventName');
  if (state === 'SERVICE_DEPLOYMENT_COMPLETED') {
    // After a rollback it is an earlier deployment, whose tasks may be older than the certificate.
    const message = `The service ${place} (${secrets.join(', ')}) runs only tasks of the deployment ${id}.`;
    world.journal.decision({ secretArn: '', reason: { code: 'Requested', message }, profile, hook: type });
  }
  if (state !== 'SERVICE_DEPLOYMENT_FAILED') return;
  await report(world, {
    ...{ profile, hook: type },
    // The names are known, but not the random ends of the ARNs.
    ...{ secretArn: null, versionId: null },
    code: 'Internal',
    message: `The deployment ${id} of the service ${place} failed (${quote(textOf(detail, 'reason') ?? 'no reason')}), so its tasks may use an older certificate of ${secrets.join(', ')}: see the events of the service and its stopped tasks, and deploy it again.`,
  });
}

/** Returns the service of an event, and the names of its secrets. Throws InvalidRequest. */
function namedService({ services, profile }: EcsHook, event: unknown): { place: string; secrets: string[] } {
  const resources = field(event, 'resources');
  const arn: unknown = Array.isArray(resources) ? resources[0] : undefined;
  const [, place] = (typeof arn === 'string' && /^arn:[^:]+:ecs:[^:]+:\d{12}:service\/(.+)$/.exec(arn)) || [];
  const secrets = [...services].filter(([, each]) => each === place).map(([name]) => name);
  if (place !== undefined && secrets.length > 0) return { place, secrets };
  throw new RenewalError(
    'InvalidRequest',
    `The service ${quote(String(arn))} is not one of this ecs hook of the profile ${profile}: only the stack's own rule may send events of ECS.`,
  );
}
