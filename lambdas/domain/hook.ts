/** Hooks: what runs after a renewal. */
import type { ErrorCode } from './errors.ts';

export const hookTypes = ['exec', 'signal', 'lambda', 'sns', 'acm', 'ecs'] as const;
export type HookType = (typeof hookTypes)[number];

/**
 * The only parameters of a command on an instance. The patterns are also the SSM document's allowedPattern: they allow no
 * character that a shell interprets.
 */
export const commandParameters = {
  secretArn: '^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}$',
  versionId: '^[A-Za-z0-9_.-]{32,64}$',
} as const;

export type CommandParameters = Readonly<Record<keyof typeof commandParameters, string>>;

/** A tag of EC2 instances or managed nodes. */
export interface TargetTag {
  readonly key: string;
  readonly value: string;
}

/** The detail of `Certificate Hook Failed`. */
export interface HookFailure {
  readonly profile: string;
  readonly hook: HookType;
  /** Null if AWS does not know (any more) for which secret a command ran, or for which one a deployment of ECS began. */
  readonly secretArn: string | null;
  readonly versionId: string | null;
  readonly code: ErrorCode;
  readonly message: string;
  /** Run Command's id of a command that failed on an instance. */
  readonly commandId?: string;
  readonly instanceId?: string;
}

/** SSM Run Command. Throws AccessDenied, Throttled, Internal. */
export interface CommandRunner {
  /** Runs a document on all instances with the tag. Returns the command's id. Events report the outcome. */
  send(documentName: string, target: TargetTag, parameters: CommandParameters): Promise<string>;
  /** Returns undefined for an unknown command. AWS keeps commands for 30 days. */
  find(commandId: string): Promise<SentCommand | undefined>;
}

export interface SentCommand {
  readonly parameters: Partial<CommandParameters>;
  /** Number of instances on which it failed, timed out, or was not delivered. */
  readonly failedOn: number;
}

/** Lambda. Throws InvalidRequest for a function that does not exist, AccessDenied, Throttled, Internal. */
export interface FunctionCaller {
  /** Invokes a function with this event and waits for the answer. `failed`: it threw, or Lambda stopped it. */
  call(functionArn: string, event: unknown): Promise<{ readonly failed: boolean }>;
}

/** ACM. Throws AccessDenied, Throttled, InvalidRequest. */
export interface CertificateImporter {
  /** Imports new content under an existing ARN. All fields are PEM. The chain is without the root and may be empty. */
  import(certificateArn: string, content: ImportedContent): Promise<void>;
}

/** A service of ECS. Its ARN ends with `service/<cluster>/<name>`. */
export interface EcsService {
  readonly cluster: string;
  readonly name: string;
}

/** ECS. Throws InvalidRequest for a service that can't be deployed again, AccessDenied, Throttled, Internal. */
export interface EcsDeployer {
  /** Has the service replace its tasks by new ones. Returns the id of the deployment, if ECS tells it. Events report the outcome. */
  deploy(service: EcsService): Promise<string | undefined>;
}

export interface ImportedContent {
  readonly certificate: string;
  readonly privateKey: string;
  readonly chain: string;
}
