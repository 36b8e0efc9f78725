/** What runs after a renewal. */
import type { ErrorCode } from './errors.ts';

export const hookTypes = ['exec', 'signal', 'lambda', 'sns', 'acm'] as const;
export type HookType = (typeof hookTypes)[number];

/**
 * All that a command on an instance is told. The patterns are the SSM document's allowedPattern, too: nothing passes them
 * that means anything to a shell.
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
  /** Null where AWS does not say (any more) for which secret a command ran. */
  readonly secretArn: string | null;
  readonly versionId: string | null;
  readonly code: ErrorCode;
  readonly message: string;
  /** Of Run Command, for what failed on an instance. */
  readonly commandId?: string;
  readonly instanceId?: string;
}

/** SSM Run Command. Throws AccessDenied, Throttled, Internal. */
export interface CommandRunner {
  /** Runs a document on all instances with the tag. Gives the command's id; whether it worked is told by events. */
  send(documentName: string, target: TargetTag, parameters: CommandParameters): Promise<string>;
  /** Undefined for a command that is not known (any more): AWS keeps them for 30 days. */
  find(commandId: string): Promise<SentCommand | undefined>;
}

export interface SentCommand {
  readonly parameters: Partial<CommandParameters>;
  /** Instances on which it failed or timed out, or that it did not reach. */
  readonly failedOn: number;
}

/** Lambda. Throws InvalidRequest for a function that is not there, AccessDenied, Throttled, Internal. */
export interface FunctionCaller {
  /** Calls a function with this event and waits for its end; `failed` says that it threw or was ended. */
  call(functionArn: string, event: unknown): Promise<{ readonly failed: boolean }>;
}

/** ACM. Throws AccessDenied, Throttled, InvalidRequest. */
export interface CertificateImporter {
  /** Replaces what the certificate with this ARN holds. All PEM; the chain is without the root, and may be empty. */
  import(certificateArn: string, content: ImportedContent): Promise<void>;
}

export interface ImportedContent {
  readonly certificate: string;
  readonly privateKey: string;
  readonly chain: string;
}
