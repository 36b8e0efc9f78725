/** The surroundings of a group of behaviours: account and Region, unique names, time limits, and the deletion of resources. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '@aws-sdk/client-sts';
import { Trail } from './trail.ts';

export interface Account {
  readonly id: string;
  readonly region: string;
  /** Another Region of the same partition, or undefined if this script knows none. */
  readonly secondRegion: string | undefined;
  /** `aws`, `aws-cn`, `aws-us-gov` */
  readonly partition: string;
  /** ARN of the caller. */
  readonly caller: string;
}

export interface Options {
  /** An e-mail address whose reader answers questions. */
  readonly email: string | undefined;
  /** The tag of instances on which the script may run the command `true`. */
  readonly instanceTag: { readonly key: string; readonly value: string } | undefined;
  /** The factor of all time limits. */
  readonly patience: number;
}

/** Asks the user at the terminal. Returns the answer without its line end. */
export type Ask = (question: string) => Promise<string>;

export type Kind = keyof typeof costs;

/** The cost of each kind of resource, in US dollars: estimates from AWS's price lists for us-east-1. */
export const costs = {
  secret: '0.40 a month, by the hour; 0.05 for 10,000 calls',
  'KMS key': '1.00 a month, by the hour, until its deletion is asked for',
  queue: '0.40 for a million calls',
  topic: '0.50 for a million calls; e-mails 2.00 for 100,000',
  'event bus': '1.00 for a million events',
  rule: 'nothing',
  role: 'nothing',
  function: '0.20 for a million calls; here some ten of 5 seconds each with 128 MB',
  'log group': '0.50 for a gigabyte; here some lines',
  stack: 'nothing but what is in it',
  alarm: '0.10 a month and metric, by the hour',
  dashboard: '3.00 a month beyond the first three of the account, by the hour',
} as const;

/** A resource that a group creates: its kind, and the last part of its name. */
export interface Made {
  readonly kind: Kind;
  readonly part: string;
}

interface ClientConfiguration {
  readonly region: string;
  readonly maxAttempts: number;
  readonly credentials?: SessionCredentials;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface RoomProps {
  readonly account: Account;
  readonly options: Options;
  /** `cert-renewer-check-<8 hex>`: the prefix of every name. */
  readonly prefix: string;
  /** The announced resources. Only these may be created. */
  readonly makes: readonly Made[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly ask: Ask;
}

/** The surroundings of one group. The groups run side by side. */
export class Room {
  readonly account: Account;
  readonly options: Options;
  readonly ask: Ask;
  readonly trail = new Trail();
  private readonly props: RoomProps;

  constructor(props: RoomProps) {
    this.props = props;
    this.account = props.account;
    this.options = props.options;
    this.ask = props.ask;
  }

  /** Returns the name of the resource that was announced as `part`. */
  name(part: string): string {
    return `${this.props.prefix}-${part}`;
  }

  /** Returns `arn:<partition>:<service>:<region>:<account>:<rest>`. ARNs of IAM and STS have no Region. */
  arn(service: string, rest: string): string {
    const { partition, region, id } = this.account;
    return `arn:${partition}:${service}:${['iam', 'sts'].includes(service) ? '' : region}:${id}:${rest}`;
  }

  /** Returns a client of the SDK for the caller, or for a role's credentials. The SDK finds the caller's credentials and the endpoint. */
  client<T>(
    Client: new (configuration: ClientConfiguration) => T,
    { credentials, region = this.account.region }: { credentials?: SessionCredentials; region?: string } = {},
  ): T {
    return new Client({ region, maxAttempts: 5, ...(credentials && { credentials }) });
  }

  /**
   * Creates a resource under its own name. It records the deletion first: `undo` gets the name, and the result of `create` if there is
   * one. Throws if the resource was not announced, and after Ctrl-C.
   */
  async make<T>(
    kind: Kind,
    part: string,
    create: (name: string) => Promise<T>,
    undo: (name: string, made: T | undefined) => Promise<unknown>,
  ): Promise<T> {
    if (!this.props.makes.some((made) => made.kind === kind && made.part === part)) {
      throw new Error(`the ${kind} ${part} was not announced: add it to the group's list`);
    }
    this.props.signal.throwIfAborted();
    const name = this.name(part);
    let creation: Promise<T> | undefined;
    // If another resource of the group has failed, this one may still be in creation.
    this.trail.add(`${kind} ${name}`, async () => undo(name, await creation?.catch(() => undefined)));
    creation = create(name);
    return creation;
  }

  /** Converts seconds to milliseconds, times `--patience`. */
  limit(seconds: number): number {
    return seconds * 1000 * this.options.patience;
  }

  /** Throws after Ctrl-C. */
  async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.props.signal });
  }

  /** Calls `ask` until it returns a value. Returns undefined after so many seconds. Throws after Ctrl-C, and what `ask` throws. */
  async until<T>(seconds: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const end = Date.now() + this.limit(seconds);
    for (;;) {
      const answer = await ask();
      if (answer !== undefined || Date.now() > end) return answer;
      await this.pause(Math.min(1000, this.limit(1)));
    }
  }

  /** Repeats a call that AWS refuses until a new role or policy is in effect. Throws the last refusal. */
  async untilTaken<T>(call: () => Promise<T>, isTooEarly: (thrown: unknown) => boolean, seconds = 60): Promise<T> {
    const end = Date.now() + this.limit(seconds);
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isTooEarly(error) || Date.now() > end) throw error;
        await this.pause(Math.min(2000, this.limit(2)));
      }
    }
  }
}

/** Returns the credentials of AssumeRole's answer. */
export function sessionOf({ AccessKeyId, SecretAccessKey, SessionToken }: Partial<Credentials>): SessionCredentials {
  return { accessKeyId: AccessKeyId ?? '', secretAccessKey: SecretAccessKey ?? '', sessionToken: SessionToken ?? '' };
}
